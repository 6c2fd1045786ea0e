//! The sections of the page, one after the other.

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{Element, FocusOptions, HtmlElement, ScrollIntoViewOptions, ScrollLogicalPosition};

/// What follows each other from top to bottom. The drawing pad and the settings stand beside it.
const SECTIONS: &str = ".picture, .middle > .panel";

/// Whether the section that is read matches `selector`.
pub(crate) fn is_read(selector: &str) -> bool {
    let sections = sections();
    read(&sections).is_some_and(|at| sections[at].matches(selector).unwrap_or(false))
}

/// Goes to the next section, or to the one before: brings it to the top of the window, and moves the focus to it. Returns whether it
/// did: from the ends of the page, and to what begins more than a window away, the browser scrolls as ever, so that nothing is left out.
pub(crate) fn go_by(places: isize) -> bool {
    let sections = sections();
    let target = match read(&sections) {
        // First to the beginning of what is read.
        Some(at) if places < 0 && top(&sections[at]) < 0.0 => Some(at),
        Some(at) => at.checked_add_signed(places),
        None => (places > 0).then_some(0),
    };
    let Some(section) = target.and_then(|at| sections.get(at)) else { return false };
    let is_near = top(section).abs() <= window_height();
    if is_near {
        bring(section);
    }
    is_near
}

/// Brings the section that matches `selector` to the top of the window, and moves the focus to it.
pub(crate) fn go_to(selector: &str) {
    if let Ok(Some(section)) = document().query_selector(selector) {
        bring(&section);
    }
}

fn bring(section: &Element) {
    focus(section);
    let options = ScrollIntoViewOptions::new();
    options.set_block(ScrollLogicalPosition::Start);
    section.scroll_into_view_with_scroll_into_view_options(&options);
}

/// Whether an element, or one around it, scrolls by itself.
pub(crate) fn scrolls(element: &Element) -> bool {
    let mut around = Some(element.clone());
    while let Some(element) = around.filter(|element| element.tag_name() != "BODY") {
        let overflow = (window().get_computed_style(&element).ok().flatten())
            .and_then(|style| style.get_property_value("overflow-y").ok());
        if element.scroll_height() > element.client_height()
            && matches!(overflow.as_deref(), Some("auto" | "scroll"))
        {
            return true;
        }
        around = element.parent_element();
    }
    false
}

fn sections() -> Vec<Element> {
    let Ok(found) = document().query_selector_all(SECTIONS) else { return Vec::new() };
    (0..found.length()).filter_map(|at| found.get(at)?.dyn_into().ok()).collect()
}

/// The section that is read: the one that has the focus, if it is in sight, else the last one that begins in the upper half of the
/// window.
fn read(sections: &[Element]) -> Option<usize> {
    let focused = document().active_element();
    let is_focused = |section: &Element| section.contains(focused.as_ref().map(AsRef::as_ref));
    let height = window_height();
    let in_sight = |section: &Element| {
        let rect = section.get_bounding_client_rect();
        rect.bottom() > 0.0 && rect.top() < height
    };
    (sections.iter().position(|section| is_focused(section) && in_sight(section)))
        .or_else(|| sections.iter().rposition(|section| top(section) <= height / 2.0))
}

fn top(section: &Element) -> f64 {
    section.get_bounding_client_rect().top()
}

fn window_height() -> f64 {
    window().inner_height().ok().and_then(|height| height.as_f64()).unwrap_or_default()
}

/// The section itself gets the focus, no button in it: the space bar goes on to train.
fn focus(section: &Element) {
    let region = if section.tag_name() == "SECTION" {
        Some(section.clone())
    } else {
        section.query_selector("section").ok().flatten()
    };
    if let Some(region) = region.and_then(|region| region.dyn_into::<HtmlElement>().ok()) {
        region.set_tab_index(-1);
        let options = FocusOptions::new();
        options.set_prevent_scroll(true);
        let _ = region.focus_with_options(&options);
    }
}
