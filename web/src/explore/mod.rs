//! The panel below the curves: the mistakes of the network, and the data.

pub(crate) mod confusion_matrix;
pub(crate) mod confusion_table;
pub(crate) mod dataset;
pub(crate) mod gallery;
pub(crate) mod mistakes;

use leptos::ev::KeyboardEvent;
use leptos::html;
use leptos::prelude::*;
use trainer::messages::{Command, Split};

use crate::client::State;
use crate::explore::dataset::DataView;
use crate::explore::mistakes::MistakesView;
use crate::link::parts::Tab;
use crate::pad::prediction::best;
use crate::ui::focus::{PAD, go_to, scroll_into_view};

/// A bar with two buttons; below it what they open.
#[component]
pub(crate) fn Explore() -> impl IntoView {
    let state = expect_context::<State>();
    let mnist = state.mnist;
    let panel = NodeRef::<html::Section>::new();
    let heading = NodeRef::<html::H2>::new();
    Effect::new(move |before: Option<Option<Tab>>| {
        let open = mnist.open.get();
        if open.is_some() && before.flatten().is_none() {
            // Once it is laid out.
            request_animation_frame(move || bring(panel, heading));
        }
        open
    });
    // As the images come, so do their labels.
    Effect::new(move |_| {
        let download = state.download.get();
        if mnist.open.get().is_some() {
            for (split, here) in [(Split::Test, download.test_images), (Split::Train, download.train_images)]
            {
                if mnist.labels(split).with_untracked(Vec::len) < here {
                    state.send(Command::Labels(split));
                }
            }
        }
    });
    let key = move |ev: KeyboardEvent| {
        if ev.key() == "Escape" && mnist.open.get_untracked().is_some() {
            // What is open further up stays open.
            ev.stop_propagation();
            mnist.close();
            if let Some(heading) = heading.get_untracked() {
                let _ = heading.focus();
            }
        }
    };
    let button = move |tab: Tab, words: &'static str| {
        let open = move || mnist.open.get() == Some(tab);
        view! {
            <button class="small" aria-expanded=move || open().to_string() on:click=move |_| mnist.toggle(tab)>{words}</button>
        }
    };
    view! {
        <section node_ref=panel class="panel explore" class:open=move || mnist.open.get().is_some()
            aria-labelledby="explore-title" on:keydown=key>
            <div class="title">
                <h2 id="explore-title" tabindex="-1" node_ref=heading>"Mistakes and data"</h2>
                <span class="source">{move || summary(&state)}</span>
                {button(Tab::Mistakes, "Mistakes")}
                {button(Tab::Data, "Browse the data")}
            </div>
            {move || mnist.open.get().map(|tab| view! {
                {match tab {
                    Tab::Mistakes => view! { <MistakesView /> }.into_any(),
                    Tab::Data => view! { <DataView /> }.into_any(),
                }}
                <OnPad />
            })}
        </section>
    }
}

/// Scrolls no more than is needed; whoever opened it from elsewhere goes there.
fn bring(panel: NodeRef<html::Section>, heading: NodeRef<html::H2>) {
    let (Some(panel), Some(heading)) = (panel.get_untracked(), heading.get_untracked()) else { return };
    let focused = document().active_element();
    if !panel.contains(focused.as_ref().map(AsRef::as_ref)) {
        let _ = heading.focus();
    }
    scroll_into_view(&panel);
}

/// Whose answers these are, or why there are none yet.
fn summary(state: &State) -> String {
    let mnist = state.mnist;
    if mnist.open.get().is_none() {
        return "which images are misread, and all of MNIST".to_owned();
    }
    let here = state.download.get().test_images;
    let source = mnist.answers.with(|answers| answers.as_ref().map(|answers| answers.source));
    match source {
        None if here == 0 => "The test images are still to come.".to_owned(),
        None => "The network reads the test images…".to_owned(),
        source => format!("read by: {}", state.whose(source)),
    }
}

/// Which image is on the pad, and the way there: on small screens it is out of sight.
#[component]
fn OnPad() -> impl IntoView {
    let state = expect_context::<State>();
    let probabilities = state.probabilities();
    let words = Memo::new(move |_| {
        let (name, label, untouched) = state.drawing.with(|drawing| {
            let sample = drawing.seen().0?;
            Some((sample.name().to_lowercase(), sample.label, drawing.untouched().is_some()))
        })?;
        let read = probabilities.with(|probabilities| best(probabilities));
        Some(match read {
            Some((digit, sure)) if untouched => {
                format!("On the pad: {name}, labelled {label}, read as {digit} ({:.1} %).", 100.0 * sure)
            }
            _ => format!("On the pad: {name}, labelled {label}."),
        })
    });
    view! {
        <p class="on-pad">
            {move || match words.get() {
                None => view! { <span class="hint">"Press an image: it goes to the pad and through the network."</span> }.into_any(),
                Some(words) => view! { <span>{words}</span><button class="small" on:click=move |_| go_to(PAD)>"Go to the pad"</button> }.into_any(),
            }}
        </p>
    }
}
