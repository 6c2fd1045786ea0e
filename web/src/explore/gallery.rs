//! Images of MNIST, page by page. A press puts one on the pad.

use data::mnist::{PIXELS, SIDE};
use leptos::html;
use leptos::prelude::*;
use nn::random::noisy_label;
use trainer::messages::{Command, Split};

use crate::client::Client;
use crate::client::mnist::MnistCache;
use crate::explore::view_state::ExploreView;
use crate::pad::store::PadStore;
use crate::settings::store::Settings;
use crate::ui::canvas::put_image;
use crate::ui::focus::walk_list;
use crate::ui::format::{percent, thousands};

/// The images with these indices, page by page.
#[component]
pub(super) fn Gallery(
    /// A description for screen readers.
    #[prop(into)]
    label: Signal<String>,
    split: Signal<Split>,
    indices: Memo<Vec<u32>>,
    /// The images on a page.
    size: usize,
    /// The index of the image that is looked for. If one can be, indices are visible.
    #[prop(optional)]
    sought: Option<RwSignal<Option<u32>>>,
) -> impl IntoView {
    let client = expect_context::<Client>();
    let page = expect_context::<ExploreView>().page;
    // The list may have become shorter since the page was chosen.
    let first = Memo::new(move |_| {
        let last = indices.with(|all| all.len().saturating_sub(1)) / size;
        page.get().min(last) * size
    });
    let shown = Memo::new(move |_| {
        indices.with(|all| all.iter().skip(first.get()).take(size).copied().collect::<Vec<u32>>())
    });
    Effect::new(move |_| {
        let (split, indices) = (split.get(), shown.get());
        if !indices.is_empty() {
            client.send(Command::Images { split, indices });
        }
    });
    let count = Memo::new(move |_| shown.with(Vec::len));
    let all = move || indices.with(Vec::len);
    let range = move || match (first.get(), count.get()) {
        (_, 0) => "no images".to_owned(),
        (first, count) => {
            format!("{}–{} of {}", thousands(first + 1), thousands(first + count), thousands(all()))
        }
    };
    let turn = move |forward: bool| {
        let now = first.get_untracked() / size;
        page.set(if forward { now + 1 } else { now.saturating_sub(1) });
    };
    let one_page = move || all() <= size;
    view! {
        <div class="gallery">
            <ol aria-label=label on:keydown=walk_list>
                // The key is the place, not the image: the focus stays in its place when other images come.
                <For each=move || 0..count.get() key=|at| *at let:at>
                    <Tile split index=Signal::derive(move || shown.with(|shown| shown.get(at).copied())) sought numbered=sought.is_some() />
                </For>
            </ol>
            <div class="pager" class:alone=one_page>
                <button class="small" aria-label="Previous images" disabled=move || first.get() == 0
                    on:click=move |_| turn(false)>"‹"</button>
                <output aria-label="Images shown">{range}</output>
                <button class="small" aria-label="Next images" disabled=move || { first.get() + size >= all() }
                    on:click=move |_| turn(true)>"›"</button>
            </div>
        </div>
    }
}

/// One image with its label and its prediction.
#[component]
fn Tile(
    split: Signal<Split>,
    index: Signal<Option<u32>>,
    sought: Option<RwSignal<Option<u32>>>,
    /// Whether its index is visible, or else the probability of its prediction.
    numbered: bool,
) -> impl IntoView {
    let mnist = expect_context::<MnistCache>();
    let drawing = expect_context::<PadStore>().drawing;
    let training = expect_context::<Settings>().training;
    let canvas = NodeRef::<html::Canvas>::new();
    let pixels = Memo::new(move |_| index.get().and_then(|index| mnist.pixels(split.get(), index)));
    Effect::new(move |_| {
        if let Some(canvas) = canvas.get() {
            put_image(&canvas, &pixels.get().unwrap_or([0; PIXELS]));
        }
    });
    let label = Memo::new(move |_| mnist.labels(split.get()).with(|l| l.get(index.get()? as usize).copied()));
    // The label that training uses, if it is a wrong one.
    let wrong_label = Memo::new(move |_| {
        let (index, label) = (index.get()?, label.get()?);
        let told = training.with(|t| noisy_label(t.seed, t.label_noise, index, label));
        (split.get() == Split::Train && told != label).then_some(told)
    });
    let prediction = Memo::new(move |_| mnist.prediction(split.get(), index.get()?));
    let misread = move || prediction.get().is_some_and(|(class, _)| Some(class) != label.get());
    let class = move || prediction.get().map(|(class, _)| class);
    // With the words that only screen readers get, the tile is one sentence.
    let spoken = |words: String| view! { <span class="visually-hidden">{words}</span> };
    let reading = move || {
        match (label.get(), class()) {
        (Some(label), _) if let Some(told) = wrong_label.get() => {
            view! {
                {label}<span class="arrow" aria-hidden="true">"→"</span>{spoken(" with the wrong label ".into())}{told}
            }
            .into_any()
        }
        (Some(label), Some(class)) if class != label => {
            let class = if class < 10 { class.to_string() } else { "?".to_owned() };
            view! {
                {label}<span class="arrow" aria-hidden="true">"→"</span>{spoken(" read as ".into())}{class}
            }
            .into_any()
        }
        (label, class) => {
            let also = class.map(|class| spoken(format!(" read as {class}")));
            view! { {label}{also} }.into_any()
        }
    }
    };
    let probability = move || prediction.get().map(|(_, probability)| probability_text(probability));
    let image = move || format!(" {} image ", split.get().name());
    let rest = move || {
        if numbered {
            view! { {spoken(image())}{index} }.into_any()
        } else {
            let with = spoken(" with ".into());
            let name = spoken(image() + &index.get().map_or(String::new(), |index| index.to_string()));
            view! { {with}{probability}{name} }.into_any()
        }
    };
    let on_pad = Memo::new(move |_| {
        let here = index.get().map(|index| (split.get(), index));
        drawing.with(|drawing| drawing.sample().map(|s| (s.split, s.index)) == here && here.is_some())
    });
    let place = move |_| {
        let sample = index.get_untracked().and_then(|index| mnist.sample(split.get_untracked(), index));
        if let Some(sample) = sample {
            drawing.update(|drawing| drawing.place(sample));
        }
    };
    let is_sought = move || {
        let sought = sought.and_then(|sought| sought.get());
        sought.is_some() && sought == index.get()
    };
    view! {
        <li>
            <button class:misread=misread class:sought=is_sought
                aria-current=move || on_pad.get().then_some("true") on:click=place>
                <canvas node_ref=canvas width=SIDE height=SIDE aria-hidden="true"></canvas>
                <b>{spoken("Labelled ".into())}{reading}</b>
                <span class="rest">{rest}</span>
            </button>
        </li>
    }
}

/// A probability in as few characters as a small image has room for.
fn probability_text(probability: f32) -> String {
    match probability {
        p if p.is_nan() => "—".to_owned(),
        1.0 => "100 %".to_owned(),
        p => percent(p, 1),
    }
}

#[cfg(test)]
mod tests {
    use super::probability_text;

    #[test]
    fn probabilities_are_short() {
        assert_eq!(
            [1.0, 0.9996, 0.9994, 0.5, f32::NAN].map(probability_text),
            ["100 %", "99.9 %", "99.9 %", "50.0 %", "—"]
        );
    }
}
