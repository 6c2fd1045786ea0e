//! The page's address: it follows the state of the page, and the page follows it.

use std::time::Duration;

use leptos::ev;
use leptos::prelude::*;
use wasm_bindgen::{JsCast, JsValue};

use crate::charts::view_state::ChartsView;
use crate::client::Client;
use crate::client::problems::Topic;
use crate::controls::view_state::ControlsView;
use crate::explore::view_state::ExploreView;
use crate::link::linked::{self, Linked};
use crate::network::view_state::NetworkView;
use crate::pad::store::PadStore;
use crate::runs::sweep::store::SweepStore;
use crate::settings::presentation::Theme;
use crate::settings::store::Settings;
use crate::ui::debounce::debounce_changes;
use crate::ui::redraw::Redraw;

/// Browsers let a page change its address about three times a second.
const WRITE_AFTER: Duration = Duration::from_millis(350);

/// The stores whose state links carry.
#[derive(Clone, Copy)]
pub(crate) struct LinkedStores {
    pub(crate) client: Client,
    pub(crate) settings: Settings,
    network: NetworkView,
    pub(crate) pad: PadStore,
    explore: ExploreView,
    charts: ChartsView,
    controls: ControlsView,
    sweeps: SweepStore,
}

impl LinkedStores {
    pub(crate) fn from_context() -> Self {
        Self {
            client: expect_context(),
            settings: expect_context(),
            network: expect_context(),
            pad: expect_context(),
            explore: expect_context(),
            charts: expect_context(),
            controls: expect_context(),
            sweeps: expect_context(),
        }
    }

    /// The state of the page as a link.
    pub(crate) fn link(self) -> String {
        self.written(false)
    }

    /// The whole address of the page as it is now, with the drawing.
    pub(super) fn address(self) -> String {
        let here = window().location().href().unwrap_or_default();
        let page = here.split_once('#').map_or(here.as_str(), |(page, _)| page);
        format!("{page}{}", self.written(true))
    }

    fn written(self, with_strokes: bool) -> String {
        linked::write(&Linked {
            setup: self.settings.trained(),
            presentation: self.settings.presentation.get(),
            network: self.network.linked(),
            pad: self.pad.linked(with_strokes),
            explore: self.explore.linked(),
            charts: self.charts.linked(),
            controls: self.controls.linked(),
            runs: self.sweeps.linked(),
        })
    }

    /// Takes over the state of a link, as far as it is understood, and says what is not. If nothing is, nothing changes. Returns whether
    /// anything was.
    pub(crate) fn follow(self, fragment: &str) -> bool {
        let Some(Linked { setup, presentation, network, pad, explore, charts, controls, runs }) =
            read_text(self.client, fragment)
        else {
            return false;
        };
        self.settings.setup.set(setup);
        self.settings.presentation.set(presentation);
        self.network.follow(network);
        self.pad.follow(pad);
        self.explore.follow(explore);
        self.charts.follow(charts);
        self.controls.follow(controls);
        self.sweeps.follow(runs);
        true
    }
}

/// The state that the address names, with which the page opens, as far as it is understood. What is not is shown.
pub(crate) fn read(client: Client) -> Option<Linked> {
    read_text(client, &fragment())
}

/// The state of a fragment; none if nothing of it is understood. Shows what is not.
fn read_text(client: Client, fragment: &str) -> Option<Linked> {
    let reading = linked::read(fragment);
    if let Some(sentence) = reading.complaint() {
        client.report(Topic::Link, sentence);
    }
    reading.state()
}

/// Keeps the address and the state of the page the same.
pub(crate) fn sync() {
    let stores = LinkedStores::from_context();
    let link = Memo::new(move |_| stores.link());
    // A link that was not followed, or not wholly, must not stay in the address: after a reload it would hide what was set here.
    let edits = Trigger::new();
    let settled = move || {
        edits.track();
        link.get()
    };
    // The address of the start stays until something changes, even if it was not understood.
    debounce_changes(WRITE_AFTER, settled, |link| write(&link));
    // But for a drawing, which would be wrong as soon as another one is on the pad.
    if linked::read(&fragment()).linked.pad.strokes.is_some() {
        set_timeout(move || edits.notify(), Duration::ZERO);
    }
    // The user edited the fragment. Our debounced write may already have replaced it, so it is read from the event.
    let _ = window_event_listener(ev::hashchange, move |event| {
        let address = event.new_url();
        let _ = stores.follow(address.split_once('#').map_or("", |(_, fragment)| fragment));
        edits.notify();
    });
}

/// Makes colours and the size of type follow the settings.
pub(crate) fn show_presentation(settings: Settings, redraw: Redraw) {
    Effect::new(move |_| {
        let presentation = settings.presentation.get();
        let Some(root) = document().document_element() else { return };
        let (scheme, dark) = match presentation.theme {
            Theme::Auto => ("light dark", "(prefers-color-scheme: dark)"),
            Theme::Light => ("light", "not all"),
            Theme::Dark => ("dark", "all"),
        };
        if let Some(root) = root.dyn_ref::<web_sys::HtmlElement>() {
            let _ = root.style().set_property("color-scheme", scheme);
        }
        let _ = root.toggle_attribute_with_force("data-large", presentation.large);
        if let Ok(Some(sheet)) = document().query_selector("link[data-dark]") {
            let _ = sheet.set_attribute("media", dark);
        }
        redraw.request();
    });
}

/// The fragment of the page's address.
pub(crate) fn fragment() -> String {
    window().location().hash().unwrap_or_default()
}

/// Writes a link into the page's address.
fn write(link: &str) {
    let location = window().location();
    let address =
        format!("{}{}{link}", location.pathname().unwrap_or_default(), location.search().unwrap_or_default());
    if let Ok(history) = window().history() {
        let _ = history.replace_state_with_url(&JsValue::NULL, "", Some(&address));
    }
}
