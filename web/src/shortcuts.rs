//! Keys that work wherever the focus is, and the dialog that lists them.

use leptos::ev;
use leptos::prelude::*;
use trainer::messages::Command;
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlInputElement, KeyboardEvent};

use crate::client::Client;
use crate::controls::view_state::ControlsView;
use crate::explore::link::Tab;
use crate::explore::view_state::ExploreView;
use crate::network::view_state::NetworkView;
use crate::pad::example;
use crate::pad::store::PadStore;
use crate::runs::store::RunStore;
use crate::settings::store::Settings;
use crate::ui::dialog::Dialog;
use crate::ui::focus::{CHARTS, NETWORK, PAD, RUNS, go_to};
use crate::ui::keyboard::key_name;
use crate::ui::sections;

/// The stores on which shortcuts act.
#[derive(Clone, Copy)]
struct Stores {
    client: Client,
    settings: Settings,
    runs: RunStore,
    network: NetworkView,
    controls: ControlsView,
    pad: PadStore,
    explore: ExploreView,
    dialogs: Dialogs,
}

/// Which dialogs are open.
#[derive(Clone, Copy, Default)]
pub(crate) struct Dialogs {
    /// The list of keys.
    pub(crate) keys: RwSignal<bool>,
    /// The link, and its QR code.
    pub(crate) share: RwSignal<bool>,
}

impl Dialogs {
    fn is_open(self) -> bool {
        self.keys.get_untracked() || self.share.get_untracked()
    }
}

/// A single key with an action.
struct Shortcut {
    /// The key's name, as [`key_name`] gives it.
    key: &'static str,
    /// The key's name in the dialog.
    label: &'static str,
    description: &'static str,
    act: fn(&Stores),
}

const SHORTCUTS: [Shortcut; 15] = [
    Shortcut {
        key: " ",
        label: "Space",
        description: "Train, pause",
        act: |stores| stores.client.toggle_training(),
    },
    Shortcut {
        key: "ArrowRight",
        label: "→",
        description: "Train on one batch",
        act: |stores| stores.client.send(Command::Step),
    },
    Shortcut {
        key: "r",
        label: "R",
        description: "Reset to untrained weights; can be undone",
        act: |stores| stores.runs.reset(),
    },
    Shortcut {
        key: ",",
        label: ",",
        description: "Back to the checkpoint before",
        act: |stores| stores.runs.time.go_by(-1),
    },
    Shortcut {
        key: ".",
        label: ".",
        description: "On to the next checkpoint, and to now",
        act: |stores| stores.runs.time.go_by(1),
    },
    Shortcut { key: "d", label: "D", description: "To the drawing pad", act: |_| go_to(PAD) },
    Shortcut {
        key: "e",
        label: "E",
        description: "The next test image on the pad",
        act: |stores| example::next(stores.pad, stores.client),
    },
    Shortcut {
        key: "s",
        label: "S",
        description: "To the settings",
        act: |stores| stores.controls.go_to(stores.settings),
    },
    Shortcut {
        key: "m",
        label: "M",
        description: "Mistakes of the network",
        act: |stores| stores.explore.toggle(Tab::Mistakes),
    },
    Shortcut {
        key: "p",
        label: "P",
        description: "Large type, for a projector",
        act: |stores| stores.settings.presentation.update(|p| p.large = !p.large),
    },
    Shortcut { key: "n", label: "N", description: "To the network", act: |_| go_to(NETWORK) },
    Shortcut { key: "c", label: "C", description: "To the curves", act: |_| go_to(CHARTS) },
    Shortcut { key: "u", label: "U", description: "To the runs", act: |_| go_to(RUNS) },
    Shortcut {
        key: "j",
        label: "J",
        description: "The link of the page, and its QR code",
        act: |stores| stores.dialogs.share.set(true),
    },
    Shortcut { key: "?", label: "?", description: "This list", act: |stores| stores.dialogs.keys.set(true) },
];

/// Keys with modifiers, and keys that work in a part of the page only: their labels and descriptions.
const OTHER_KEYS: [(&str, &str); 11] = [
    ("PageDown, PageUp", "To the next section, or the one before; with a layer open, to the next layer"),
    ("Ctrl Z, Ctrl Y", "Take back a stroke of the drawing, draw it again"),
    ("Arrows", "On the drawing pad: move the pen"),
    ("Space", "On the drawing pad, after D: put the pen down, lift it"),
    ("Arrows, Enter", "On maps: walk from pixel to pixel, open their layer"),
    ("Arrows, Home, End", "On an open layer: move its window"),
    ("Arrows, Enter", "On the confusion matrix and images: walk, show"),
    ("← →", "On a chart: read the curves at another epoch"),
    ("+ − 0", "On a chart: zoom in, zoom out, all epochs"),
    ("Escape", "Close what is open, let go of the pixel"),
    ("Alt ↑ ↓, Del", "On a layer: move it, remove it"),
];

/// Listens to keys from now on.
pub(crate) fn listen(dialogs: Dialogs) {
    let stores = Stores {
        client: expect_context(),
        settings: expect_context(),
        runs: expect_context(),
        network: expect_context(),
        controls: expect_context(),
        pad: expect_context(),
        explore: expect_context(),
        dialogs,
    };
    let _ = window_event_listener(ev::keydown, move |ev| {
        let name = key_name(&ev);
        undo_or_redo(&stores, &ev, &name);
        if name == "Escape" && !dialogs.is_open() && !stores.controls.close_drawer() {
            stores.network.escape();
        }
        press(&stores, &ev, &name);
    });
}

/// Control Z takes back a stroke wherever the focus is, and Control Y or Control Shift Z draws it again, except in a text
/// field, where they concern what is typed.
fn undo_or_redo(stores: &Stores, ev: &KeyboardEvent, name: &str) {
    let undoes = match name {
        "z" => !ev.shift_key(),
        "y" => false,
        _ => return,
    };
    let is_control = (ev.ctrl_key() || ev.meta_key()) && !ev.alt_key();
    if !is_control || ev.default_prevented() || target(ev).is_some_and(|element| is_text_field(&element)) {
        return;
    }
    ev.prevent_default();
    if undoes { stores.pad.undo() } else { stores.pad.redo() }
}

/// Runs the shortcut of a single key, unless single keys are off or the focused element uses the key.
fn press(stores: &Stores, ev: &KeyboardEvent, name: &str) {
    let is_single =
        !(ev.ctrl_key() || ev.meta_key() || ev.alt_key() || ev.repeat() || ev.default_prevented());
    let is_off = stores.settings.presentation.with_untracked(|p| p.no_keys) || stores.dialogs.is_open();
    if !is_single || is_off || target(ev).is_some_and(|element| uses(&element, name)) {
        return;
    }
    let is_done = match name {
        "PageDown" => turn_page(stores, 1),
        "PageUp" => turn_page(stores, -1),
        _ => run(stores, name),
    };
    if is_done {
        ev.prevent_default();
    }
}

/// Runs the shortcut with this key. Returns whether there is one.
fn run(stores: &Stores, name: &str) -> bool {
    let shortcut = SHORTCUTS.iter().find(|shortcut| shortcut.key == name);
    shortcut.inspect(|shortcut| (shortcut.act)(stores)).is_some()
}

/// What presenters' remotes send goes through the page: from section to section, and where a layer is open, from layer to layer.
/// Returns whether there is somewhere to go.
fn turn_page(stores: &Stores, places: isize) -> bool {
    (sections::is_read(".picture") && stores.network.open_beside(places)) || sections::go_by(places)
}

fn target(ev: &KeyboardEvent) -> Option<Element> {
    ev.target().and_then(|target| target.dyn_into().ok())
}

/// Whether the focused element uses the key itself.
fn uses(element: &Element, name: &str) -> bool {
    let is_page = name.starts_with("Page");
    if is_page && sections::scrolls(element) {
        return true;
    }
    match element.tag_name().as_str() {
        "SELECT" => true,
        "BUTTON" | "SUMMARY" | "A" => name == " ",
        "INPUT" if is_checkbox(element) => name == " ",
        "INPUT" if !is_text_field(element) => name == " " || name.starts_with("Arrow") || is_page,
        // The pad and the charts have keys of their own, but no letters.
        "CANVAS" => !is_page && !name.starts_with(|first: char| first.is_lowercase() || first == '?'),
        _ => is_text_field(element),
    }
}

fn is_checkbox(element: &Element) -> bool {
    element.dyn_ref::<HtmlInputElement>().is_some_and(|input| input.type_() == "checkbox")
}

/// Whether the element is a field to type in.
fn is_text_field(element: &Element) -> bool {
    match element.dyn_ref::<HtmlInputElement>() {
        Some(input) => !matches!(input.type_().as_str(), "checkbox" | "radio" | "range" | "button" | "file"),
        None => element.tag_name() == "TEXTAREA" || element.get_attribute("contenteditable").is_some(),
    }
}

/// The first stops of Tab, seen only while they have the focus: they lead past what is not wanted.
#[component]
pub(crate) fn SkipLinks() -> impl IntoView {
    let links = [("drawing pad", PAD), ("network", NETWORK), ("curves", CHARTS), ("runs", RUNS)];
    view! {
        <nav class="skips" aria-label="Skip links">
            {links.map(|(name, place)| view! { <button on:click=move |_| go_to(place)>{format!("Skip to the {name}")}</button> }).collect_view()}
        </nav>
    }
}

/// The button that opens the dialog.
#[component]
pub(crate) fn KeysButton(shown: RwSignal<bool>) -> impl IntoView {
    view! {
        <button class="keys" on:click=move |_| shown.set(true) aria-label="Keys" title="What the keys do">"?"</button>
    }
}

/// The dialog that lists the keys.
#[component]
pub(crate) fn KeysDialog(shown: RwSignal<bool>) -> impl IntoView {
    let presentation = expect_context::<Settings>().presentation;
    let on = move || !presentation.with(|p| p.no_keys);
    let line = |label: &'static str, description: &'static str| {
        view! { <div><dt><kbd>{label}</kbd></dt><dd>{description}</dd></div> }
    };
    view! {
        <Dialog id="keys-title" title="Keys" shown>
            <dl>
                {SHORTCUTS.map(|shortcut| line(shortcut.label, shortcut.description)).collect_view()}
                {OTHER_KEYS.map(|(label, description)| line(label, description)).collect_view()}
            </dl>
            <label class="switch">
                <span>"Single keys work"</span>
                <input type="checkbox" role="switch" prop:checked=on
                    on:change=move |ev| presentation.update(|p| p.no_keys = !event_target_checked(&ev)) />
            </label>
        </Dialog>
    }
}
