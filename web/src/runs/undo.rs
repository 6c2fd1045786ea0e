//! The offers to restore a run whose place another one took: keys are easily pressed by mistake, and long runs lost in front
//! of a class.

use leptos::prelude::*;
use trainer::messages::{Command, Source};

use crate::client::Client;
use crate::runs::record::Record;
use crate::runs::replaced::{EPOCH_STEPS, Replaced};
use crate::runs::store::RunStore;
use crate::ui::toast::Toast;

/// Says what took the place of a run, and offers to restore it.
#[component]
pub(crate) fn UndoReplaced() -> impl IntoView {
    let client = expect_context::<Client>();
    let runs = expect_context::<RunStore>();
    let sentence = Memo::new(move |_| {
        if runs.comparison.with(Option::is_some) {
            return None;
        }
        let progress = runs.record.with(|record| record.progress);
        let is_open = |replaced: &Replaced| progress.step == 0 || progress.step < replaced.until;
        runs.replaced.with(|replaced| Some(replaced.as_ref().filter(|r| is_open(r))?.sentence.clone()))
    });
    view! {
        <Toast sentence>
            <button on:click=move |_| runs.undo()>"Undo"</button>
            <button on:click=move |_| client.send(Command::ForgetReplaced)>"Dismiss"</button>
        </Toast>
    }
}

/// Says that a new network trains in place of the pretrained one, and offers the pretrained one.
#[component]
pub(crate) fn UndoPretrained() -> impl IntoView {
    let client = expect_context::<Client>();
    let runs = expect_context::<RunStore>();
    let is_trained = Memo::new(move |_| runs.record.with(Record::is_trained));
    // The first epoch is enough to see what happened. Of few images, it is over at once.
    let is_young = Memo::new(move |_| {
        runs.record.with(|record| record.progress.epoch < 1.0 || record.progress.step < EPOCH_STEPS)
    });
    let source = Memo::new(move |_| {
        client.snapshot.with(|snapshot| snapshot.as_ref().map(|snapshot| snapshot.source))
    });
    Effect::new(move |before| {
        let source = source.get();
        // It is back. Until the first step is reported, it still is what it was.
        if source == Some(Source::Pretrained) && before != Some(source) {
            runs.took_over.set(false);
        }
        source
    });
    let is_open = Memo::new(move |_| runs.took_over.get() && is_trained.get() && is_young.get());
    let sentence = move || {
        is_open
            .get()
            .then(|| "A new network trains, in place of the pretrained one that read the pad.".to_owned())
    };
    view! {
        <Toast sentence=Signal::derive(sentence)>
            <button aria-label="Undo: the pretrained network reads the pad again" on:click=move |_| runs.reset()>"Undo"</button>
            <button on:click=move |_| runs.took_over.set(false)>"Dismiss"</button>
        </Toast>
    }
}
