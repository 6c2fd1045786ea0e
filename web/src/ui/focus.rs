//! The keyboard focus: moved to distant parts of the page, and back when something is closed.

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement, ScrollIntoViewOptions, ScrollLogicalPosition};

/// The drawing pad.
pub(crate) const PAD: &str = "[aria-label='Drawing pad']";
/// The first group of settings.
pub(crate) const SETTINGS: &str = ".controls summary";

/// Focuses the first element that matches `selector`, which scrolls it into view.
pub(crate) fn go_to(selector: &str) {
    focus(document().query_selector(selector).ok().flatten());
}

/// Focuses an element, if it exists and can have the focus.
pub(crate) fn focus(element: Option<Element>) {
    if let Some(element) = element.and_then(|element| element.dyn_into::<HtmlElement>().ok()) {
        let _ = element.focus();
    }
}

/// Moves the focus to the first element that matches `selector` if the focus is lost, because the element that had it was
/// closed. Otherwise keyboards and screen readers would start again at the top of the page.
pub(crate) fn restore_focus(selector: impl AsRef<str> + 'static) {
    // In the next frame the closed element is gone.
    request_animation_frame(move || {
        if document().active_element().is_none_or(|element| element.tag_name() == "BODY") {
            go_to(selector.as_ref());
        }
    });
}

/// Scrolls to an element, no further than needed.
pub(crate) fn scroll_into_view(element: &Element) {
    let options = ScrollIntoViewOptions::new();
    options.set_block(ScrollLogicalPosition::Nearest);
    element.scroll_into_view_with_scroll_into_view_options(&options);
}
