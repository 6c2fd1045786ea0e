//! Whether an element is on the screen: what is not need not be drawn.

use leptos::ev;
use leptos::html;
use leptos::prelude::*;
use wasm_bindgen::prelude::*;
use web_sys::{IntersectionObserver, IntersectionObserverEntry};

/// Whether a canvas is on the screen; true while the page is printed, and in browsers that cannot tell.
pub(crate) fn in_sight(canvas: NodeRef<html::Canvas>) -> Signal<bool> {
    let (is_seen, is_printing) = (RwSignal::new(true), RwSignal::new(false));
    Effect::new(move |_| {
        let Some(canvas) = canvas.get() else { return };
        let seen = Closure::<dyn FnMut(js_sys::Array)>::new(move |entries: js_sys::Array| {
            // The last entry is the newest.
            let entry: IntersectionObserverEntry = entries.get(entries.length() - 1).unchecked_into();
            is_seen.set(entry.is_intersecting());
        });
        if let Ok(observer) = IntersectionObserver::new(seen.as_ref().unchecked_ref()) {
            observer.observe(&canvas);
            seen.forget();
        }
    });
    for (event, begins) in [("beforeprint", true), ("afterprint", false)] {
        let _ = window_event_listener(ev::Custom::<ev::Event>::new(event), move |_| is_printing.set(begins));
    }
    Memo::new(move |_| is_seen.get() || is_printing.get()).into()
}
