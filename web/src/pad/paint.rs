//! The drawing on the canvas, and the image that the network gets of it.

use data::sketch::Sketch;
use leptos::html;
use leptos::prelude::*;

use crate::pad::drawing::{Drawn, SIDE, STROKE};
use crate::pad::store::PadStore;
use crate::ui::canvas::put_pixels_at;

/// Paints what is new in the drawing whenever it changes, but once a frame at most. The ink is the page's own, not the canvas's:
/// browsers that guard privacy give out the pixels of a canvas with noise, or not at all.
pub(super) fn paint_changes(pad: PadStore, canvas: NodeRef<html::Canvas>) {
    let is_scheduled = StoredValue::new(false);
    let paper = StoredValue::new((Sketch::new(SIDE as usize, STROKE), Drawn::default()));
    Effect::new(move |_| {
        pad.drawing.track();
        if canvas.get().is_none() || is_scheduled.get_value() {
            return;
        }
        is_scheduled.set_value(true);
        request_animation_frame(move || {
            is_scheduled.set_value(false);
            let Some(canvas) = canvas.get_untracked() else { return };
            let painted = paper.try_update_value(|(sketch, drawn)| {
                let area = pad.drawing.with_untracked(|drawing| drawing.draw_on(sketch, drawn));
                if !area.is_empty() {
                    let ink = sketch.ink();
                    let row = |row: usize| &ink.levels()[row * ink.side()..][area.columns.clone()];
                    let gray = |&level: &u8| [level, level, level, 255];
                    let rgba: Vec<u8> = area.rows.clone().flat_map(row).flat_map(gray).collect();
                    let corner = (area.columns.start as f64, area.rows.start as f64);
                    put_pixels_at(&canvas, &rgba, area.columns.len(), corner);
                }
                sketch.to_mnist()
            });
            if let Some(image) = painted
                && pad.centred.get_untracked() != image
            {
                pad.centred.set(image);
            }
        });
    });
}
