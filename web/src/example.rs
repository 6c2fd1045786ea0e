//! Images of the test set, one after the other, for those who would rather not draw.

use leptos::prelude::*;
use trainer::messages::{Command, Split};

use crate::state::State;

/// Puts the next test image on the pad, from the first one on, as soon as it is here. Nothing while no test image is downloaded.
pub(crate) fn next(state: &State) {
    let here = state.download.with_untracked(|download| download.test_images) as u32;
    if here == 0 {
        return;
    }
    let index = state.example.get_untracked().map_or(0, |last| (last + 1) % here);
    if state.mnist.labels(Split::Test).with_untracked(|labels| labels.len() <= index as usize) {
        state.send(Command::Labels(Split::Test));
    }
    state.send(Command::Images { split: Split::Test, indices: vec![index] });
    state.example.set(Some(index));
}

/// The button for it.
#[component]
pub(crate) fn ExampleButton() -> impl IntoView {
    let state = expect_context::<State>();
    // What was asked for is put there once: its pixels may come again, for somebody else.
    Effect::new(move |placed: Option<Option<u32>>| {
        let wanted = state.example.get();
        if placed == Some(wanted) {
            return wanted;
        }
        match wanted.and_then(|index| state.mnist.sample(Split::Test, index)) {
            Some(sample) => {
                state.drawing.update(|drawing| drawing.place(sample));
                wanted
            }
            None => placed.flatten(),
        }
    });
    let none = move || state.download.with(|download| download.test_images == 0);
    view! {
        <button on:click=move |_| next(&state) disabled=none title="Puts the next test image on the pad (E)">"Example"</button>
    }
}
