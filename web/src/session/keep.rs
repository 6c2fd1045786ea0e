//! What the page shows, which the worker keeps with the session, and the journal of the tab.

use std::rc::Rc;
use std::time::Duration;

use gloo_events::EventListener;
use js_sys::{Date, Reflect};
use leptos::prelude::*;
use trainer::messages::{Command, ViewState};
use wasm_bindgen::JsCast;
use web_sys::StorageManager;

use super::journal;
use crate::link::address::{self, LinkedStores};
use crate::pad::drawing::Drawing;
use crate::runs::record::Record;
use crate::runs::store::RunStore;
use crate::ui::debounce::debounce_changes;

/// Changes come in series.
const AFTER: Duration = Duration::from_millis(250);
/// The longest text of a drawing that is kept, in bytes: some 25,000 points, or 350 images.
const MAX_DRAWING: usize = 1_000_000;

/// Keeps what the page shows from now on, for the session of this name. `is_resuming`: whether a run is being brought back.
pub(super) fn keep_views(
    session: String,
    linked: LinkedStores,
    runs: RunStore,
    is_resuming: StoredValue<bool>,
) {
    let LinkedStores { client, settings, pad, .. } = linked;
    let link = Memo::new(move |_| linked.link());
    let view = move || {
        let text =
            |drawing: &Drawing| serde_json::to_string(drawing).ok().filter(|text| text.len() <= MAX_DRAWING);
        let drawing =
            pad.drawing.with_untracked(|drawing| text(drawing).or_else(|| text(&drawing.visible())));
        let drawing = drawing.unwrap_or_default();
        ViewState { link: untrack(|| link.get()), address: address::fragment(), drawing, time: Date::now() }
    };
    let changed = move || {
        link.track();
        pad.drawing.track();
    };
    debounce_changes(AFTER, changed, move |()| {
        client.send(Command::KeepView { view: Box::new(view()), at_once: false });
    });
    let leave = Rc::new(move || {
        let view = view();
        journal::write_view(&session, view.clone());
        if runs.record.with_untracked(Record::is_trained) {
            runs.keep_record(&untrack(|| settings.trained()));
        }
        client.send(Command::KeepView { view: Box::new(view), at_once: true });
    });
    EventListener::new(&window(), "pagehide", {
        let leave = leave.clone();
        move |_| {
            leave();
            // Whoever leaves before a run is back has seen no crash, unless the worker has stopped.
            if is_resuming.get_value() && !client.has_stopped() {
                journal::write_resuming(false);
            }
        }
    })
    .forget();
    // A phone may stop a hidden page without a further word.
    let hide = move |_: &_| {
        if document().hidden() {
            leave();
        }
    };
    EventListener::new(&document(), "visibilitychange", hide).forget();
}

/// Asks the browser to keep what is stored even when its disk runs full, once there is something to lose.
pub(super) fn ask_to_persist(runs: RunStore) {
    let has_something = Memo::new(move |_| {
        let is_pinned = runs.others.with(|others| others.iter().any(|run| run.pinned));
        is_pinned || runs.record.with(Record::is_trained)
    });
    Effect::new(move |asked: Option<bool>| {
        let ask = has_something.get() && asked != Some(true);
        if ask {
            // Pages on plain http have no such manager. Nothing depends on the answer.
            let manager = Reflect::get(&window().navigator(), &"storage".into()).ok();
            let manager = manager.filter(|manager| manager.is_object());
            if let Some(Ok(promise)) =
                manager.map(|manager| manager.unchecked_into::<StorageManager>().persist())
            {
                wasm_bindgen_futures::spawn_local(async move {
                    let _ = wasm_bindgen_futures::JsFuture::from(promise).await;
                });
            }
        }
        ask || asked == Some(true)
    });
}
