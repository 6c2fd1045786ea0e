//! Test images, one after the other, for those who would rather not draw. The link names the one that is on the pad.

use leptos::prelude::*;
use trainer::messages::Split;

use crate::client::Client;
use crate::client::mnist::MnistCache;
use crate::pad::store::PadStore;

/// The test image that lies on an empty pad when the page opens: a network that answers shows more than ten empty bars.
const OPENING: u32 = 0;

/// Puts the next test image on the pad, beginning with the first that is not there. Does nothing before the first one is downloaded.
pub(crate) fn next(pad: PadStore, client: Client) {
    let downloaded = client.download.with_untracked(|download| download.test_images) as u32;
    let opening = || pad.drawing.with_untracked(|drawing| drawing.opening().map(|sample| sample.index));
    let last = pad.example.get_untracked().or(pad.last_example.get_value()).or_else(opening);
    if downloaded > 0 {
        let index = last.map_or(0, |last| (last + 1) % downloaded);
        pad.last_example.set_value(Some(index));
        pad.example.set(Some(index));
    }
}

/// The test image that somebody has put on the pad, with nothing drawn on it.
fn on_pad(pad: PadStore) -> Option<u32> {
    pad.drawing.with(|drawing| {
        let sample = drawing.untouched().filter(|_| drawing.opening().is_none())?;
        (sample.split == Split::Test).then_some(sample.index)
    })
}

/// Keeps the example and the drawing the same: the drawing follows the example, and the example the drawing. If there is neither
/// when the page opens, the pad opens with an image.
pub(crate) fn sync(pad: PadStore, client: Client, mnist: MnistCache) {
    let drawn = Memo::new(move |_| (on_pad(pad), pad.drawing.with(|drawing| drawing.is_empty())));
    Effect::new(move |before: Option<()>| {
        let (example, _) = drawn.get();
        // The pad is empty at first, whatever example the link names.
        if before.is_some() && pad.example.get_untracked() != example {
            pad.example.set(example);
        }
    });
    let has = move |index: u32| client.download.with(|download| download.test_images > index as usize);
    let awaited = Memo::new(move |_| pad.example.get().filter(|index| has(*index)));
    Effect::new(move |_| {
        let wanted = awaited.get().filter(|index| untrack(|| on_pad(pad)) != Some(*index));
        if let Some(sample) = wanted.and_then(|index| mnist.sample_or_ask(client, Split::Test, index)) {
            pad.drawing.update(|drawing| drawing.place(sample));
        }
    });
    let is_untouched = Memo::new(move |_| {
        pad.example.get().is_none() && pad.drawing.with(|drawing| drawing.is_empty() && !drawing.can_undo())
    });
    let can_open = Memo::new(move |_| has(OPENING));
    Effect::new(move |is_over: Option<bool>| {
        if is_over == Some(true) || !is_untouched.get() {
            return true;
        }
        let asked = can_open.get().then(|| mnist.sample_or_ask(client, Split::Test, OPENING));
        let Some(sample) = asked.flatten() else { return false };
        pad.drawing.update(|drawing| drawing.open_with(sample));
        true
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
