//! The drawing on the canvas, and the image that is read from there.

use js_sys::{Object, Reflect};
use leptos::html;
use leptos::prelude::*;
use wasm_bindgen::prelude::*;
use web_sys::{CanvasRenderingContext2d, HtmlCanvasElement};

use crate::pad::drawing::{BLOCK, Drawing, SIDE, STROKE};
use crate::pad::store::PadStore;

/// Paints the drawing whenever it changes, but once a frame at most, and reads the network's image from the canvas.
pub(super) fn paint_changes(pad: PadStore, canvas: NodeRef<html::Canvas>) {
    let is_scheduled = StoredValue::new(false);
    Effect::new(move |_| {
        pad.drawing.track();
        if canvas.get().is_none() || is_scheduled.get_value() {
            return;
        }
        is_scheduled.set_value(true);
        request_animation_frame(move || {
            is_scheduled.set_value(false);
            let Some(canvas) = canvas.get_untracked() else { return };
            if let Ok(ink) = pad.drawing.with_untracked(|drawing| paint(&canvas, drawing)) {
                let image = pad.drawing.with_untracked(|drawing| drawing.image(&ink));
                if pad.image.get_untracked() != image {
                    pad.image.set(image);
                }
            }
        });
    });
}

/// Paints a drawing, white on black, and returns its grey levels.
fn paint(canvas: &HtmlCanvasElement, drawing: &Drawing) -> Result<Vec<u8>, JsValue> {
    // The canvas is read every frame, which is faster if its pixels are in the CPU's memory.
    let options = Object::new();
    Reflect::set(&options, &"willReadFrequently".into(), &true.into())?;
    let context = canvas.get_context_with_context_options("2d", &options)?.ok_or("no canvas")?;
    let context: CanvasRenderingContext2d = context.unchecked_into();
    context.set_fill_style_str("#000");
    context.fill_rect(0.0, 0.0, SIDE, SIDE);
    let (sample, strokes) = drawing.visible();
    for (at, &level) in sample.iter().flat_map(|sample| &sample.pixels).enumerate() {
        if level > 0 {
            context.set_fill_style_str(&format!("rgb({level} {level} {level})"));
            let (x, y, side) = (at % 28 * BLOCK, at / 28 * BLOCK, BLOCK as f64);
            context.fill_rect(x as f64, y as f64, side, side);
        }
    }
    context.set_stroke_style_str("#fff");
    context.set_line_width(STROKE);
    context.set_line_cap("round");
    context.set_line_join("round");
    for stroke in strokes {
        context.begin_path();
        for (i, (x, y)) in stroke.iter().enumerate() {
            // A stroke of one point is a dot: a line of length 0 with round caps.
            if i == 0 {
                context.move_to(*x, *y);
            }
            context.line_to(*x, *y);
        }
        context.stroke();
    }
    let pixels = context.get_image_data(0.0, 0.0, SIDE, SIDE)?.data();
    Ok(pixels.iter().step_by(4).copied().collect())
}
