//! Where a chart is drawn: the size of its canvas and the colours of the page. They are read once and kept, since the browser lays
//! the page out for a reading: with both charts in each of 17 frames a second, layouts were a seventh of the page's work.

use std::cell::RefCell;
use std::collections::HashMap;

use leptos::prelude::window;
use wasm_bindgen::JsValue;
use web_sys::{CssStyleDeclaration, HtmlCanvasElement};

use crate::charts::frame::Frame;

/// The size and the colours of a canvas.
#[derive(Debug)]
pub(super) struct Surface {
    /// Its size in CSS pixels, before the page is scaled.
    pub(super) frame: Frame,
    /// Width and height in pixels of the screen.
    pub(super) pixels: (u32, u32),
    style: CssStyleDeclaration,
    /// The custom CSS properties that were read so far.
    colors: RefCell<HashMap<String, String>>,
}

impl Surface {
    /// Reads the size of a canvas.
    pub(super) fn of(canvas: &HtmlCanvasElement) -> Result<Self, JsValue> {
        // The rectangle is larger than the element's own size where the page is scaled by large type or by the browser.
        let rect = canvas.get_bounding_client_rect();
        let ratio = window().device_pixel_ratio();
        Ok(Self {
            frame: Frame::of(canvas),
            pixels: ((rect.width() * ratio).round() as u32, (rect.height() * ratio).round() as u32),
            style: window().get_computed_style(canvas)?.ok_or("no style")?,
            colors: RefCell::default(),
        })
    }

    /// The value of a custom CSS property.
    pub(super) fn color(&self, name: &str) -> String {
        if let Some(color) = self.colors.borrow().get(name) {
            return color.clone();
        }
        let color = self.style.get_property_value(name).unwrap_or_default();
        self.colors.borrow_mut().insert(name.to_owned(), color.clone());
        color
    }
}
