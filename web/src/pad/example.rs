//! Images of the test set, one after the other, for those who would rather not draw. A link tells which one is on the pad.

use leptos::prelude::*;
use trainer::messages::{Command, Split};

use crate::client::State;

/// Puts the next test image on the pad, from the first one on. Nothing while no test image is downloaded.
pub(crate) fn next(state: &State) {
    let here = state.download.with_untracked(|download| download.test_images) as u32;
    let last = state.scene.with_untracked(|scene| scene.image).or(state.last_example.get_value());
    if here > 0 {
        let index = last.map_or(0, |last| (last + 1) % here);
        state.last_example.set_value(Some(index));
        state.scene.update(|scene| scene.image = Some(index));
    }
}

/// The test image that is on the pad, with nothing drawn on it.
fn on_pad(state: &State) -> Option<u32> {
    state
        .drawing
        .with(|d| d.untouched().filter(|sample| sample.split == Split::Test).map(|sample| sample.index))
}

/// Keeps what the scene says of it and what is on the pad the same: the one that changed last counts.
pub(crate) fn keep(state: State) {
    let pad = Memo::new(move |_| (on_pad(&state), state.drawing.with(|drawing| drawing.is_empty())));
    Effect::new(move |before: Option<()>| {
        let (image, _) = pad.get();
        // At first the pad is empty, whatever a link says.
        if before.is_some() && state.scene.with_untracked(|scene| scene.image) != image {
            state.scene.update(|scene| scene.image = image);
        }
    });
    let wanted = Memo::new(move |_| state.scene.with(|scene| scene.image));
    let here = Memo::new(move |_| {
        let here = state.download.with(|download| download.test_images);
        wanted.get().filter(|index| (*index as usize) < here)
    });
    Effect::new(move |_| {
        let Some(index) = here.get().filter(|index| untrack(|| on_pad(&state)) != Some(*index)) else {
            return;
        };
        match state.mnist.sample(Split::Test, index) {
            Some(sample) => state.drawing.update(|drawing| drawing.place(sample)),
            None => {
                state.send(Command::Labels(Split::Test));
                state.send(Command::Images { split: Split::Test, indices: vec![index] });
            }
        }
    });
}

/// The button for it.
#[component]
pub(crate) fn ExampleButton() -> impl IntoView {
    let state = expect_context::<State>();
    let none = move || state.download.with(|download| download.test_images == 0);
    view! {
        <button on:click=move |_| next(&state) disabled=none title="Puts the next test image on the pad (E)">"Example"</button>
    }
}
