//! Resetting the run, and having it back: a key is soon pressed by mistake, and a long run lost in front of a class.

use leptos::prelude::*;
use trainer::messages::{Command, Progress};

use crate::client::State;
use crate::runs::Record;

/// A run that was reset, and can come back as long as nothing was trained or set since.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Undo {
    record: Record,
    /// It was asked for.
    asked: bool,
}

impl State {
    /// Back to untrained weights, or to what was there before a comparison.
    pub(crate) fn reset(&self) {
        let record = self.record.get_untracked();
        if record.progress.step > 0 && self.comparison.with_untracked(Option::is_none) {
            self.undo.set(Some(Undo { record, asked: false }));
        }
        self.send(Command::Reset);
    }

    fn undo_reset(&self) {
        self.undo.update(|undo| undo.iter_mut().for_each(|undo| undo.asked = true));
        self.send(Command::UndoReset);
    }

    /// Hears where training is: if that is where a run came back, its curves come back, too.
    pub(crate) fn came_back(&self, progress: &Progress) {
        let undo = self.undo.get_untracked().filter(|undo| undo.asked && progress.step > 0);
        if let Some(undo) = undo {
            self.undo.set(None);
            self.record.set(undo.record);
        }
    }

    /// Lets go of a run that was reset once something else is trained or set.
    pub(crate) fn forget_undo(&self) {
        let Self { undo, record, setup, .. } = *self;
        let trained = Memo::new(move |_| record.with(|record| record.progress.step > 0));
        Effect::new(move |_| {
            if trained.get() {
                undo.set(None);
            }
        });
        Effect::new(move |first: Option<()>| {
            setup.track();
            if first.is_some() {
                undo.set(None);
            }
        });
    }
}

/// Says that the run was reset, and offers it back.
#[component]
pub(crate) fn UndoReset() -> impl IntoView {
    let state = expect_context::<State>();
    let untrained = Memo::new(move |_| state.record.with(|record| record.progress.step == 0));
    let epoch = Memo::new(move |_| state.undo.with(|undo| Some(undo.as_ref()?.record.progress.epoch)));
    let words = move || epoch.get().map(|epoch| format!("The run was reset at epoch {epoch:.2}."));
    view! {
        <Show when=move || untrained.get() && epoch.get().is_some()>
            <div class="toast">
                <span role="status">{words}</span>
                <button on:click=move |_| state.undo_reset()>"Undo"</button>
                <button on:click=move |_| state.undo.set(None)>"Dismiss"</button>
            </div>
        </Show>
    }
}
