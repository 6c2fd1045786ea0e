//! Keys that do something wherever the focus is, and the dialog that lists them.

use leptos::prelude::*;
use leptos::{ev, html};
use trainer::messages::Command;
use wasm_bindgen::JsCast;
use web_sys::{Element, KeyboardEvent};

use crate::client::State;
use crate::link::parts::Tab;
use crate::pad::example;
use crate::ui::focus::{PAD, SETTINGS, go_to};

/// A key as events name it, as people do, what it does in words, and what it does.
type Shortcut = (&'static str, &'static str, &'static str, fn(&State));

const SHORTCUTS: [Shortcut; 9] = [
    (" ", "Space", "Train, pause", State::toggle),
    ("ArrowRight", "→", "Train on one batch", |state| state.send(Command::Step)),
    ("r", "R", "Reset to untrained weights; can be undone", State::reset),
    ("d", "D", "To the drawing pad", |_| go_to(PAD)),
    ("e", "E", "The next test image on the pad", example::next),
    ("s", "S", "To the settings", |_| go_to(SETTINGS)),
    ("m", "M", "Mistakes of the network", |state| state.mnist.toggle(Tab::Mistakes)),
    ("p", "P", "Large type, for a projector", |state| state.presentation.update(|p| p.large = !p.large)),
    ("?", "?", "This list", |state| state.keys_shown.set(true)),
];

/// Keys that other parts of the page hear.
const ELSEWHERE: [(&str, &str); 9] = [
    ("Ctrl Z", "Take back a stroke of the drawing"),
    ("Arrows", "On the drawing pad: move the pen"),
    ("Space", "On the drawing pad: put the pen down, lift it"),
    ("Arrows, Enter", "On maps: walk from pixel to pixel, open their layer"),
    ("Arrows, Enter", "On the confusion matrix and images: walk, show"),
    ("← →", "On a chart: read the curves at another epoch"),
    ("+ − 0", "On a chart: zoom in, zoom out, all epochs"),
    ("Escape", "Close what is open, let go of the pixel"),
    ("Alt ↑ ↓, Del", "On a layer: move it, remove it"),
];

/// Hears the keys.
pub(crate) fn listen(state: State) {
    let _ = window_event_listener(ev::keydown, move |ev| {
        let free = !(ev.ctrl_key() || ev.meta_key() || ev.alt_key() || ev.repeat() || ev.default_prevented());
        let off = state.presentation.with_untracked(|p| p.no_keys) || state.keys_shown.get_untracked();
        if !free || off || is_taken(&ev) {
            return;
        }
        if let Some((.., act)) = SHORTCUTS.iter().find(|(key, ..)| *key == ev.key()) {
            ev.prevent_default();
            act(&state);
        }
    });
}

/// Whether the key means something where the focus is.
fn is_taken(ev: &KeyboardEvent) -> bool {
    let Some(element) = ev.target().and_then(|target| target.dyn_into::<Element>().ok()) else {
        return false;
    };
    match element.tag_name().as_str() {
        "INPUT" | "SELECT" | "TEXTAREA" | "CANVAS" => true,
        "BUTTON" | "SUMMARY" | "A" => ev.key() == " ",
        _ => false,
    }
}

/// Opens the list of keys.
#[component]
pub(crate) fn KeysButton() -> impl IntoView {
    let state = expect_context::<State>();
    view! {
        <button class="keys" on:click=move |_| state.keys_shown.set(true) aria-label="Keys" title="What the keys do">"?"</button>
    }
}

/// The list of keys.
#[component]
pub(crate) fn Keys() -> impl IntoView {
    let state = expect_context::<State>();
    let dialog = NodeRef::<html::Dialog>::new();
    Effect::new(move |_| {
        if let Some(dialog) = dialog.get() {
            if state.keys_shown.get() {
                let _ = dialog.show_modal();
            } else {
                dialog.close();
            }
        }
    });
    let on = move || !state.presentation.with(|p| p.no_keys);
    let line = |key: &'static str, words: &'static str| {
        view! { <div><dt><kbd>{key}</kbd></dt><dd>{words}</dd></div> }
    };
    view! {
        <dialog node_ref=dialog aria-labelledby="keys-title" on:close=move |_| state.keys_shown.set(false)>
            <h2 id="keys-title">"Keys"</h2>
            <dl>
                {SHORTCUTS.map(|(_, key, words, _)| line(key, words)).collect_view()}
                {ELSEWHERE.map(|(key, words)| line(key, words)).collect_view()}
            </dl>
            <label class="switch">
                <span>"Single keys work"</span>
                <input type="checkbox" role="switch" prop:checked=on
                    on:change=move |ev| state.presentation.update(|p| p.no_keys = !event_target_checked(&ev)) />
            </label>
            <button class="primary" autofocus on:click=move |_| state.keys_shown.set(false)>"Close"</button>
        </dialog>
    }
}
