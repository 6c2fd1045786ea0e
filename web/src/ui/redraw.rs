//! When canvases must be drawn again although their data stay the same.

use gloo_events::EventListener;
use leptos::ev;
use leptos::prelude::*;

/// Notifies the effects that draw on canvases when the size of the window, the colours or the size of type change.
#[derive(Clone, Copy)]
pub(crate) struct Redraw(Trigger);

impl Redraw {
    /// Listens to the window and to the system's colour scheme from now on.
    pub(crate) fn new() -> Self {
        let redraw = Self(Trigger::new());
        let _ = window_event_listener(ev::resize, move |_| redraw.request());
        if let Ok(Some(dark)) = window().match_media("(prefers-color-scheme: dark)") {
            EventListener::new(&dark, "change", move |_| redraw.request()).forget();
        }
        redraw
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
