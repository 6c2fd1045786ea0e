//! Test images, one after the other, for those who would rather not draw. The link names the one that is on the pad.

use leptos::prelude::*;
use trainer::messages::{Command, Split};

use crate::client::Client;
use crate::client::mnist::MnistCache;
use crate::pad::store::PadStore;

/// Puts the next test image on the pad, beginning with the first. Does nothing before the first one is downloaded.
pub(crate) fn next(pad: PadStore, client: Client) {
    let downloaded = client.download.with_untracked(|download| download.test_images) as u32;
    let last = pad.example.get_untracked().or(pad.last_example.get_value());
    if downloaded > 0 {
        let index = last.map_or(0, |last| (last + 1) % downloaded);
        pad.last_example.set_value(Some(index));
        pad.example.set(Some(index));
    }
}

/// The test image that is on the pad with nothing drawn on it.
fn on_pad(pad: PadStore) -> Option<u32> {
    pad.drawing
        .with(|drawing| drawing.untouched().filter(|sample| sample.split == Split::Test).map(|s| s.index))
}

/// Keeps the example and the drawing the same: the drawing follows the example, and the example the drawing.
pub(crate) fn sync(pad: PadStore, client: Client, mnist: MnistCache) {
    let drawn = Memo::new(move |_| (on_pad(pad), pad.drawing.with(|drawing| drawing.is_empty())));
    Effect::new(move |before: Option<()>| {
        let (example, _) = drawn.get();
        // The pad is empty at first, whatever example the link names.
        if before.is_some() && pad.example.get_untracked() != example {
            pad.example.set(example);
        }
    });
    let available = Memo::new(move |_| {
        let downloaded = client.download.with(|download| download.test_images);
        pad.example.get().filter(|index| (*index as usize) < downloaded)
    });
    Effect::new(move |_| {
        let Some(index) = available.get().filter(|index| untrack(|| on_pad(pad)) != Some(*index)) else {
            return;
        };
        match mnist.sample(Split::Test, index) {
            Some(sample) => pad.drawing.update(|drawing| drawing.place(sample)),
            None => {
                client.send(Command::Labels(Split::Test));
                client.send(Command::Images { split: Split::Test, indices: vec![index] });
            }
        }
    });
}

/// The button that puts the next test image on the pad.
#[component]
pub(crate) fn ExampleButton() -> impl IntoView {
    let pad = expect_context::<PadStore>();
    let client = expect_context::<Client>();
    let none = move || client.download.with(|download| download.test_images == 0);
    view! {
        <button on:click=move |_| next(pad, client) disabled=none title="Puts the next test image on the pad (E)">"Example"</button>
    }
}
