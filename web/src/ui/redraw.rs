//! When canvases must be drawn again although their data stay the same.

use gloo_events::{EventListener, EventListenerOptions};
use leptos::ev;
use leptos::prelude::*;
use wasm_bindgen::prelude::*;

/// Notifies the effects that draw on canvases when the size of the window, the colours or the size of type change.
#[derive(Clone, Copy)]
pub(crate) struct Redraw(Trigger);

impl Redraw {
    /// Listens to the window and to the system's colour scheme from now on.
    pub(crate) fn new() -> Self {
        let redraw = Self(Trigger::new());
        let _ = window_event_listener(ev::resize, move |_| redraw.request());
        for colors in ["(prefers-color-scheme: dark)", "(forced-colors: active)"] {
            if let Ok(Some(query)) = window().match_media(colors) {
                // Older browsers have no listeners here; they leave the property alone.
                query.set_onchange(Some(
                    Closure::<dyn FnMut()>::new(move || redraw.request()).into_js_value().unchecked_ref(),
                ));
            }
        }
        // A stylesheet may come when the page has begun, and with it the colours. Events of loading do not bubble.
        let options = EventListenerOptions::run_in_capture_phase();
        let loaded = EventListener::new_with_options(&document(), "load", options, move |event| {
            let is_sheet = event.target().is_some_and(|target| target.has_type::<web_sys::HtmlLinkElement>());
            if is_sheet {
                redraw.request();
            }
        });
        loaded.forget();
        redraw.watch_resolution();
        redraw
    }

    /// Listens to the size of the screen's pixels, which changes when the window moves to a projector.
    fn watch_resolution(self) {
        let query = format!("(resolution: {}dppx)", window().device_pixel_ratio());
        if let Ok(Some(same)) = window().match_media(&query) {
            let watched = same.clone();
            let on_change = Closure::once_into_js(move || {
                watched.set_onchange(None);
                self.request();
                self.watch_resolution();
            });
            same.set_onchange(Some(on_change.unchecked_ref()));
        }
    }

    /// Makes the effect that calls it run again with every request.
    pub(crate) fn track(self) {
        self.0.track();
    }

    /// Requests that canvases are drawn again.
    pub(crate) fn request(self) {
        self.0.notify();
    }
}
