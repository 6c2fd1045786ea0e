//! The address follows the settings, and how the page is shown follows the address.

use std::time::Duration;

use leptos::ev;
use leptos::prelude::*;
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::{JsFuture, spawn_local};

use crate::client::State;
use crate::settings::presentation::Theme;
use crate::ui::debounce::debounce_changes;
use crate::ui::redraw::Redraw;

/// Browsers let the address change about three times a second.
const SETTLED: Duration = Duration::from_millis(350);

/// Keeps the address and the page's looks with the state.
pub(crate) fn keep(state: State) {
    let redraw = expect_context::<Redraw>();
    let link = Memo::new(move |_| state.link());
    // What stands there already (a link that was not understood, at the start) goes only when something changes.
    debounce_changes(SETTLED, move || link.get(), |link| write(&link));
    // Somebody put another link into the address of the open page. By now the state may have been written over it there: what the
    // event says counts.
    let _ = window_event_listener(ev::hashchange, move |event| {
        let address = event.new_url();
        state.follow(address.find('#').map_or("", |at| &address[at..]));
    });
    Effect::new(move |_| {
        let presentation = state.presentation.get();
        let Some(root) = document().document_element() else { return };
        let (scheme, dark) = match presentation.theme {
            Theme::Auto => ("light dark", "(prefers-color-scheme: dark)"),
            Theme::Light => ("light", "not all"),
            Theme::Dark => ("dark", "all"),
        };
        let _ = root.set_attribute("style", &format!("color-scheme: {scheme}"));
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

fn write(link: &str) {
    let location = window().location();
    let address =
        format!("{}{}{link}", location.pathname().unwrap_or_default(), location.search().unwrap_or_default());
    if let Ok(history) = window().history() {
        let _ = history.replace_state_with_url(&JsValue::NULL, "", Some(&address));
    }
}

/// The button that copies the link.
#[component]
pub(crate) fn CopyLink() -> impl IntoView {
    let state = expect_context::<State>();
    let copied = RwSignal::new(false);
    let copy = move |_| {
        write(&state.link());
        spawn_local(async move {
            let address = window().location().href().unwrap_or_default();
            // Pages from plain http hosts have no clipboard.
            let done = window().is_secure_context()
                && JsFuture::from(window().navigator().clipboard().write_text(&address)).await.is_ok();
            if done {
                copied.set(true);
                set_timeout(move || copied.set(false), Duration::from_secs(2));
            } else {
                state
                    .problem
                    .set(Some("The link cannot be copied here; it stands in the address bar.".into()));
            }
        });
    };
    view! {
        <button on:click=copy title="The address of this page with all its settings">
            {move || if copied.get() { "Copied" } else { "Copy link" }}
        </button>
        <span class="visually-hidden" aria-live="polite">{move || copied.get().then_some("The link is copied.")}</span>
    }
}
