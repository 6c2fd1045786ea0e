//! Images of MNIST, page by page; one press puts one on the pad.

use leptos::ev::KeyboardEvent;
use leptos::html;
use leptos::prelude::*;
use trainer::messages::{Command, Split};
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement};

use crate::header::thousands;
use crate::maps::put_ink;
use crate::mnist::name;
use crate::state::State;

/// The images with these numbers, so many on a page.
#[component]
pub(crate) fn Gallery(
    /// What they are, for those who do not see it.
    #[prop(into)]
    label: Signal<String>,
    split: Signal<Split>,
    indices: Memo<Vec<u32>>,
    page: RwSignal<usize>,
    size: usize,
    /// One that is looked for.
    #[prop(optional, into)]
    sought: Signal<Option<u32>>,
) -> impl IntoView {
    let state = expect_context::<State>();
    // The list may have become shorter.
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
            state.send(Command::Images { split, indices });
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
        <div class="gallery" style=format!("--size:{size}")>
            <ol aria-label=label on:keydown=walk>
                // Places, not images: whoever is in one stays there when other images come.
                <For each=move || 0..count.get() key=|at| *at let:at>
                    <Tile split index=Signal::derive(move || shown.with(|shown| shown.get(at).copied())) sought />
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

/// Arrow keys go from image to image.
fn walk(ev: KeyboardEvent) {
    let step = match ev.key().as_str() {
        "ArrowLeft" | "ArrowUp" => Element::previous_element_sibling,
        "ArrowRight" | "ArrowDown" => Element::next_element_sibling,
        _ => return,
    };
    ev.prevent_default();
    let tile = ev.target().and_then(|target| target.dyn_into::<Element>().ok());
    let beside = tile.and_then(|tile| step(&tile.closest("li").ok()??)?.first_element_child());
    if let Some(beside) = beside.and_then(|beside| beside.dyn_into::<HtmlElement>().ok()) {
        let _ = beside.focus();
    }
}

/// One image, its label, and what it is taken for.
#[component]
fn Tile(split: Signal<Split>, index: Signal<Option<u32>>, sought: Signal<Option<u32>>) -> impl IntoView {
    let state = expect_context::<State>();
    let mnist = state.mnist;
    let canvas = NodeRef::<html::Canvas>::new();
    let pixels = Memo::new(move |_| index.get().and_then(|index| mnist.pixels(split.get(), index)));
    Effect::new(move |_| {
        if let Some(canvas) = canvas.get() {
            put_ink(&canvas, &pixels.get().unwrap_or([0; 784]));
        }
    });
    let label = Memo::new(move |_| mnist.labels(split.get()).with(|l| l.get(index.get()? as usize).copied()));
    let answer = Memo::new(move |_| mnist.answer(split.get(), index.get()?));
    let misread = move || answer.get().is_some_and(|(class, _)| Some(class) != label.get());
    let digit = |class: u8| if class < 10 { class.to_string() } else { "?".to_owned() };
    let words = move || {
        let (Some(index), Some(label)) = (index.get(), label.get()) else { return String::new() };
        let name = name(split.get(), index);
        match answer.get() {
            Some((class, sure)) => {
                format!("{name}: labelled {label}, read as {}, {}", digit(class), percent(sure))
            }
            None => format!("{name}: labelled {label}"),
        }
    };
    let reading = move || match (label.get(), answer.get()) {
        (Some(label), Some((class, _))) if class != label => format!("{label} → {}", digit(class)),
        (Some(label), _) => label.to_string(),
        (None, _) => String::new(),
    };
    let sure = move || answer.get().map(|(_, sure)| percent(sure));
    let on_pad = Memo::new(move |_| {
        let here = index.get().map(|index| (split.get(), index));
        state.drawing.with(|drawing| drawing.seen().0.map(|s| (s.split, s.index)) == here && here.is_some())
    });
    let place = move |_| {
        let sample = index.get_untracked().and_then(|index| mnist.sample(split.get_untracked(), index));
        if let Some(sample) = sample {
            state.drawing.update(|drawing| drawing.place(sample));
        }
    };
    let is_sought = move || sought.get().is_some() && sought.get() == index.get();
    view! {
        <li>
            <button class:misread=misread class:sought=is_sought title=words aria-label=words
                aria-current=move || on_pad.get().then_some("true") on:click=place>
                <canvas node_ref=canvas width="28" height="28" aria-hidden="true"></canvas>
                <b>{reading}</b>
                <span>{sure}</span>
            </button>
        </li>
    }
}

fn percent(share: f32) -> String {
    if share.is_nan() { "—".to_owned() } else { format!("{:.1} %", 100.0 * share) }
}
