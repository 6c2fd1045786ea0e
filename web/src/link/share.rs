//! The link of the page, as text and as a QR code: a lecture hall opens it with its phones.

use std::fmt::Write;

use leptos::prelude::*;
use qrcodegen::{QrCode, QrCodeEcc};
use wasm_bindgen_futures::spawn_local;

use crate::link::address::LinkedStores;
use crate::ui::clipboard::copy as copy_text;
use crate::ui::dialog::Dialog;

/// Light modules around the code, which readers need (ISO/IEC 18004).
const QUIET: i32 = 4;

/// A code: modules a side with the quiet zone, and the dark ones as the path of a picture.
#[derive(Clone, Debug, PartialEq)]
struct Code {
    side: i32,
    path: String,
}

impl Code {
    /// The code of a text; none if that is too long for one.
    fn of(text: &str) -> Option<Self> {
        // Projected codes are clean: the lowest level of correction has the largest modules.
        let code = QrCode::encode_text(text, QrCodeEcc::Low).ok()?;
        let mut path = String::new();
        for y in 0..code.size() {
            for x in (0..code.size()).filter(|x| code.get_module(*x, y)) {
                // Writing to a string cannot fail.
                let _ = write!(path, "M{},{}h1v1h-1z", x + QUIET, y + QUIET);
            }
        }
        Some(Self { side: code.size() + 2 * QUIET, path })
    }
}

/// Whether an address of this host leads to nobody but the own computer.
fn is_own_computer(host: &str) -> bool {
    host == "localhost"
        || host.ends_with(".localhost")
        || host.starts_with("127.")
        || host == "[::1]"
        || host.is_empty()
}

/// The button that opens the dialog.
#[component]
pub(crate) fn ShareButton(shown: RwSignal<bool>) -> impl IntoView {
    view! {
        <button on:click=move |_| shown.set(true) title="The link of this page with its settings and the drawing, and its QR code (J)">"Share"</button>
    }
}

/// The dialog with the link.
#[component]
pub(crate) fn ShareDialog(shown: RwSignal<bool>) -> impl IntoView {
    let stores = LinkedStores::from_context();
    // It is made when the dialog is opened: the page may be busy.
    let address = Memo::new(move |_| if shown.get() { untrack(|| stores.address()) } else { String::new() });
    view! {
        <Dialog id="share-title" title="Share" shown>
            <Show when=move || shown.get()>
                <QrPicture address />
                <p class="address" translate="no">{move || address.get()}</p>
                <p class="hint">{move || {
                    let host = address.with(|_| window().location().hostname().unwrap_or_default());
                    is_own_computer(&host).then_some("This address leads to this computer only: others need the page on a host that they can reach.")
                }}</p>
                <p class="hint">{move || untrack(|| stores.pad.left_out())}</p>
                <CopyLink address />
            </Show>
        </Dialog>
    }
}

/// The address as a code.
#[component]
fn QrPicture(address: Memo<String>) -> impl IntoView {
    let code = Memo::new(move |_| address.with(|address| Code::of(address)));
    let picture = |Code { side, path }: Code| {
        view! {
            <svg class="code" viewBox=format!("0 0 {side} {side}") role="img" aria-label="QR code of the link" shape-rendering="crispEdges">
                <rect width=side height=side fill="#fff"></rect>
                <path d=path fill="#000"></path>
            </svg>
        }
    };
    let too_long = || {
        view! { <p class="hint">"This link is too long for a QR code: fewer settings that are changed make it shorter."</p> }
    };
    move || code.get().map_or_else(|| too_long().into_any(), |code| picture(code).into_any())
}

/// The button that copies the address.
#[component]
fn CopyLink(address: Memo<String>) -> impl IntoView {
    let copied = RwSignal::new(None::<bool>);
    let copy = move |_| {
        spawn_local(async move {
            let done = copy_text(&address.get_untracked()).await;
            // The dialog may have been closed.
            copied.try_set(Some(done));
        });
    };
    let words = move || match copied.get() {
        None => "",
        Some(true) => "The link is copied.",
        Some(false) => "This browser does not let the page copy: select the address above.",
    };
    view! {
        <div class="buttons"><button on:click=copy>"Copy link"</button><span role="status">{words}</span></div>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_has_the_modules_of_the_standard() {
        let code = Code::of("https://lenet.example/#v=1&image=7").unwrap();
        // Version 3, 29 modules a side, for up to 53 bytes.
        assert_eq!(code.side, 29 + 2 * QUIET);
        // The corners of the finder patterns are dark, the separator beside them is light.
        let is_dark = |x: i32, y: i32| code.path.contains(&format!("M{},{}h1", x + QUIET, y + QUIET));
        assert!(
            is_dark(0, 0)
                && is_dark(6, 6)
                && is_dark(28, 0)
                && is_dark(0, 28)
                && !is_dark(7, 7)
                && !is_dark(1, 1)
        );
        assert_eq!(Code::of(&"a".repeat(3_000)), None);
    }

    #[test]
    fn some_hosts_are_the_own_computer() {
        for host in ["localhost", "127.0.0.1", "[::1]", "page.localhost", ""] {
            assert!(is_own_computer(host), "{host}");
        }
        for host in ["lenet.example", "192.168.1.20", "localhost.example"] {
            assert!(!is_own_computer(host), "{host}");
        }
    }
}
