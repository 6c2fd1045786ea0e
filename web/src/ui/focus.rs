//! Where the keyboard is: ways to places that are far off, and back from what was closed.

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::HtmlElement;

/// The drawing pad.
pub(crate) const PAD: &str = "[aria-label='Drawing pad']";
/// The first of the settings.
pub(crate) const SETTINGS: &str = ".controls summary";

/// Puts the focus on the first element of a selector, and that into sight.
pub(crate) fn go_to(selector: &str) {
    let found = document().query_selector(selector).ok().flatten();
    if let Some(element) = found.and_then(|element| element.dyn_into::<HtmlElement>().ok()) {
        let _ = element.focus();
    }
}

/// To be called when somebody closes something: if the focus went with it, it goes to the first element of a selector. Else the
/// keyboard, and whoever hears the page, would begin again at its top.
pub(crate) fn bring_back(selector: impl AsRef<str> + 'static) {
    // Once what was closed is gone.
    request_animation_frame(move || {
        if document().active_element().is_none_or(|element| element.tag_name() == "BODY") {
            go_to(selector.as_ref());
        }
    });
}
