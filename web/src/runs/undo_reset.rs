//! The offer to restore a run that was reset: keys are easily pressed by mistake, and long runs lost in front of a class.

use leptos::prelude::*;

use crate::runs::record::Record;
use crate::runs::store::RunStore;

/// Says that the run was reset, and offers to restore it.
#[component]
pub(crate) fn UndoReset() -> impl IntoView {
    let runs = expect_context::<RunStore>();
    let is_trained = Memo::new(move |_| runs.record.with(Record::is_trained));
    let epoch = Memo::new(move |_| runs.undo.with(|undo| Some(undo.as_ref()?.record.progress.epoch)));
    let sentence = move || epoch.get().map(|epoch| format!("The run was reset at epoch {epoch:.2}."));
    view! {
        <Show when=move || !is_trained.get() && epoch.get().is_some()>
            <div class="toast">
                <span role="status">{sentence}</span>
                <button on:click=move |_| runs.undo_reset()>"Undo"</button>
                <button on:click=move |_| runs.undo.set(None)>"Dismiss"</button>
            </div>
        </Show>
    }
}
