//! The link of the page as a QR code: a lecture hall opens it with its phones.

use std::fmt::Write;

use leptos::prelude::*;
use qrcodegen::{QrCode, QrCodeEcc};

use crate::link::address::LinkedStores;
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
pub(crate) fn JoinButton(shown: RwSignal<bool>) -> impl IntoView {
    view! {
        <button on:click=move |_| shown.set(true) title="The link as a QR code, for phones (J)">"QR code"</button>
    }
}

/// The dialog with the code.
#[component]
pub(crate) fn JoinDialog(shown: RwSignal<bool>) -> impl IntoView {
    let stores = LinkedStores::from_context();
    // It is made when it is opened: the page may be busy.
    let address = Memo::new(move |_| if shown.get() { untrack(|| stores.address()) } else { String::new() });
    let code = move || {
        let code = address.with(|address| Code::of(address));
        match code {
            Some(Code { side, path }) => view! {
                <svg class="code" viewBox=format!("0 0 {side} {side}") role="img" aria-label="QR code of the link" shape-rendering="crispEdges">
                    <rect width=side height=side fill="#fff"></rect>
                    <path d=path fill="#000"></path>
                </svg>
            }
            .into_any(),
            None => view! { <p>"This link is too long for a QR code: a drawing of fewer strokes, or fewer settings that are changed, make it shorter."</p> }
                .into_any(),
        }
    };
    let is_own = move || {
        let host = address.with(|_| window().location().hostname().unwrap_or_default());
        is_own_computer(&host).then_some(
            "This address leads to this computer only: others need the page on a host that they can reach.",
        )
    };
    view! {
        <Dialog id="join-title" title="Join" shown>
            <Show when=move || shown.get()>
                {code}
                <p class="address" translate="no">{move || address.get()}</p>
                <p class="hint">{is_own}</p>
            </Show>
        </Dialog>
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
