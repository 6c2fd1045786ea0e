//! The images of a step, the largest loss first.

use data::mnist::SIDE;
use leptos::html;
use leptos::prelude::*;
use trainer::messages::Split;

use crate::batch::store::BatchStore;
use crate::pad::store::PadStore;
use crate::ui::canvas::put_image;
use crate::ui::focus::walk_list;
use crate::ui::format::{format_number, percent, thousands};

/// The images in a row that scrolls. A press puts one on the pad.
#[component]
pub(super) fn Samples() -> impl IntoView {
    let report = expect_context::<BatchStore>().report;
    let shown = Memo::new(move |_| report.with(|report| report.as_ref().map_or(0, |r| r.samples.len())));
    let all = Memo::new(move |_| report.with(|report| report.as_ref().map_or(0, |r| r.images)));
    let label = move || {
        if shown.get() < all.get() {
            format!("The {} images with the largest losses", shown.get())
        } else {
            "The images, the largest loss first".to_owned()
        }
    };
    let rest = move || {
        let rest = all.get() - shown.get();
        (rest > 0).then(|| format!("and {} with smaller losses", thousands(rest)))
    };
    view! {
        <ol class="samples scrolls" aria-label=label on:keydown=walk_list>
            <For each=move || 0..shown.get() key=|at| *at let:at><Tile at /></For>
            {move || rest().map(|rest| view! { <li class="rest">{rest}</li> })}
        </ol>
    }
}

/// An image as the network got it, with its label, what the network read, and its loss.
#[component]
fn Tile(at: usize) -> impl IntoView {
    let store = expect_context::<BatchStore>();
    let pad = expect_context::<PadStore>();
    let canvas = NodeRef::<html::Canvas>::new();
    let sample = Memo::new(move |_| store.sample(at));
    Effect::new(move |_| {
        if let Some((canvas, (_, pixels))) = canvas.get().zip(sample.get()) {
            put_image(&canvas, &pixels);
        }
    });
    let is_misread = move || sample.with(|s| s.is_some_and(|(s, _)| s.score.class != s.label));
    let words = move || {
        let (sample, _) = sample.get()?;
        let (loss, share) = (format_number(sample.score.loss), percent(sample.score.confidence, 1));
        Some(format!(
            "Labelled {}, read as {} with {share}, loss {loss}: training image {}",
            sample.label, sample.score.class, sample.index
        ))
    };
    // With the words that only screen readers get, the tile is one sentence.
    let spoken = |words: &'static str| view! { <span class="visually-hidden">{words}</span> };
    let reading = move || {
        let (sample, _) = sample.get()?;
        let (label, class) = (sample.label, sample.score.class);
        Some(if label == class {
            view! { {label}{spoken(", read right")} }.into_any()
        } else {
            view! { {label}<span class="arrow" aria-hidden="true">"→"</span>{spoken(" read as ")}{class} }
                .into_any()
        })
    };
    let place = move |_| {
        if let Some((sample, _)) = sample.get_untracked() {
            store.put_on_pad(sample.index);
        }
    };
    let is_on_pad = Memo::new(move |_| {
        let index = sample.with(|sample| sample.map(|(sample, _)| sample.index));
        pad.drawing.with(|drawing| {
            drawing.sample().is_some_and(|s| s.split == Split::Train && Some(s.index) == index)
        })
    });
    view! {
        <li>
            <button class:misread=is_misread title=words
                aria-current=move || is_on_pad.get().then_some("true") on:click=place>
                <canvas node_ref=canvas width=SIDE height=SIDE aria-hidden="true"></canvas>
                <b>{spoken("Labelled ")}{reading}</b>
                <span class="loss">
                    {spoken("with a loss of ")}{move || sample.with(|s| s.map(|(s, _)| format_number(s.score.loss)))}
                </span>
            </button>
        </li>
    }
}
