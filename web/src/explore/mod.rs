//! The panel below the charts: the mistakes of the network, and the data.

mod confusion_matrix;
mod confusion_table;
mod dataset;
mod gallery;
pub(crate) mod link;
mod mistakes;
pub(crate) mod view_state;

use leptos::ev::KeyboardEvent;
use leptos::html;
use leptos::prelude::*;
use trainer::messages::{Command, Split};

use crate::client::Client;
use crate::client::mnist::MnistCache;
use crate::explore::dataset::DatasetTab;
use crate::explore::link::Tab;
use crate::explore::mistakes::MistakesTab;
use crate::explore::view_state::ExploreView;
use crate::pad::store::PadStore;
use crate::runs::store::RunStore;
use crate::ui::focus::{PAD, go_to, scroll_into_view};
use crate::ui::format::percent;

/// The bar with a button for each tab, and below it the tab that is open.
#[component]
pub(crate) fn ExplorePanel() -> impl IntoView {
    let view = expect_context::<ExploreView>();
    let panel = NodeRef::<html::Section>::new();
    let heading = NodeRef::<html::H2>::new();
    Effect::new(move |before: Option<Option<Tab>>| {
        let tab = view.tab.get();
        if tab.is_some() && before.flatten().is_none() {
            // In the next frame the tab is laid out.
            request_animation_frame(move || show(panel, heading));
        }
        tab
    });
    request_labels(view);
    let key = move |ev: KeyboardEvent| {
        if ev.key() == "Escape" && untrack(|| view.is_open()) {
            // The panel of the network picture stays open.
            ev.stop_propagation();
            view.close();
            if let Some(heading) = heading.get_untracked() {
                let _ = heading.focus();
            }
        }
    };
    let button = move |tab: Tab, words: &'static str| {
        let is_open = move || view.tab.get() == Some(tab);
        view! {
            <button class="small" aria-expanded=move || is_open().to_string() on:click=move |_| view.toggle(tab)>{words}</button>
        }
    };
    view! {
        <section node_ref=panel class="panel explore" class:open=move || view.is_open()
            aria-labelledby="explore-title" on:keydown=key>
            <div class="title">
                <h2 id="explore-title" tabindex="-1" node_ref=heading>"Mistakes and data"</h2>
                <Source />
                {button(Tab::Mistakes, "Mistakes")}
                {button(Tab::Data, "Browse the data")}
            </div>
            {move || view.tab.get().map(|tab| view! {
                {match tab {
                    Tab::Mistakes => view! { <MistakesTab /> }.into_any(),
                    Tab::Data => view! { <DatasetTab /> }.into_any(),
                }}
                <OnPad />
            })}
        </section>
    }
}

/// Requests the labels of newly downloaded images while the panel is open.
fn request_labels(view: ExploreView) {
    let client = expect_context::<Client>();
    let mnist = expect_context::<MnistCache>();
    Effect::new(move |_| {
        let download = client.download.get();
        if view.is_open() {
            let available = [(Split::Test, download.test_images), (Split::Train, download.train_images)];
            for (split, images) in available {
                if mnist.labels(split).with_untracked(Vec::len) < images {
                    client.send(Command::Labels(split));
                }
            }
        }
    });
}

/// Scrolls to the panel, no further than needed. If the focus was elsewhere, it moves to the heading.
fn show(panel: NodeRef<html::Section>, heading: NodeRef<html::H2>) {
    let (Some(panel), Some(heading)) = (panel.get_untracked(), heading.get_untracked()) else { return };
    let focused = document().active_element();
    if !panel.contains(focused.as_ref().map(AsRef::as_ref)) {
        let _ = heading.focus();
    }
    scroll_into_view(&panel);
}

/// The name of the model that made the predictions, or why there are none.
#[component]
fn Source() -> impl IntoView {
    let view = expect_context::<ExploreView>();
    let client = expect_context::<Client>();
    let mnist = expect_context::<MnistCache>();
    let runs = expect_context::<RunStore>();
    let words = move || {
        if !view.is_open() {
            return "which images are misread, and all of MNIST".to_owned();
        }
        let downloaded = client.download.get().test_images;
        let source = mnist.predictions.with(|predictions| predictions.as_ref().map(|p| p.source));
        match source {
            None if downloaded == 0 => "The test images are still to come.".to_owned(),
            None => "The network reads the test images…".to_owned(),
            source => format!("read by: {}", runs.model_label(source)),
        }
    };
    view! { <span class="source">{words}</span> }
}

/// The image of MNIST on the pad, and a button that goes there, as the pad is out of view on small screens.
#[component]
fn OnPad() -> impl IntoView {
    let pad = expect_context::<PadStore>();
    let words = Memo::new(move |_| {
        let (name, label, untouched) = pad.drawing.with(|drawing| {
            let sample = drawing.sample()?;
            Some((sample.name().to_lowercase(), sample.label, drawing.untouched().is_some()))
        })?;
        Some(match pad.prediction.get() {
            Some((digit, probability)) if untouched => {
                let probability = percent(probability, 1);
                format!("On the pad: {name}, labelled {label}, read as {digit} ({probability}).")
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
