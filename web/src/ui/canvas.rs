//! Pixels on canvases.

use data::mnist::{PIXELS, SIDE};
use wasm_bindgen::{Clamped, JsCast};
use web_sys::{CanvasRenderingContext2d, HtmlCanvasElement, ImageData};

/// Puts RGBA bytes, `width` pixels a row, on a canvas of that size.
pub(crate) fn put_pixels(canvas: &HtmlCanvasElement, rgba: &[u8], width: usize) {
    put_pixels_at(canvas, rgba, width, (0.0, 0.0));
}

/// Puts RGBA bytes, `width` pixels a row, on a rectangle of a canvas whose upper left corner is at `corner`.
pub(crate) fn put_pixels_at(canvas: &HtmlCanvasElement, rgba: &[u8], width: usize, corner: (f64, f64)) {
    let Some(context) = canvas.get_context("2d").ok().flatten() else { return };
    let context: CanvasRenderingContext2d = context.unchecked_into();
    if let Ok(image) = ImageData::new_with_u8_clamped_array(Clamped(rgba), width as u32) {
        let _ = context.put_image_data(&image, corner.0, corner.1);
    }
}

/// Puts an image of MNIST on a canvas of 28×28 pixels, white on black.
pub(crate) fn put_image(canvas: &HtmlCanvasElement, image: &[u8; PIXELS]) {
    let rgba: Vec<u8> = image.iter().flat_map(|&level| [level, level, level, 255]).collect();
    put_pixels(canvas, &rgba, SIDE);
}
