//! Drawing with a pointer and with the keyboard.

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{HtmlCanvasElement, KeyboardEvent, PointerEvent};

use crate::pad::drawing::SIDE;
use crate::pad::store::{PadStore, Pen};

/// How far an arrow key moves the pen.
const KEY_STEP: f64 = SIDE / 20.0;

/// A pointer presses the pad: a stroke begins, unless another pointer draws one.
pub(super) fn on_pointer_down(pad: PadStore, canvas: &HtmlCanvasElement, ev: &PointerEvent) {
    if ev.button() != 0 || pad.pointer.get_untracked().is_some() {
        return;
    }
    if let Some(&at) = points(canvas, ev).last() {
        let _ = canvas.set_pointer_capture(ev.pointer_id());
        pad.pointer.set(Some(ev.pointer_id()));
        pad.pen.update(|pen| (pen.down, pen.shown) = (false, false));
        pad.drawing.update(|drawing| drawing.begin(at));
    }
}

/// A pointer moves: its stroke grows.
pub(super) fn on_pointer_move(pad: PadStore, canvas: &HtmlCanvasElement, ev: &PointerEvent) {
    if pad.pointer.get_untracked() == Some(ev.pointer_id()) {
        let points = points(canvas, ev);
        pad.drawing.update(|drawing| points.into_iter().for_each(|at| drawing.extend(at)));
    }
}

/// A pointer is lifted: its stroke ends.
pub(super) fn on_pointer_up(pad: PadStore, ev: &PointerEvent) {
    if pad.pointer.get_untracked() == Some(ev.pointer_id()) {
        pad.pointer.set(None);
    }
}

/// Space puts the pen down and lifts it, and arrow keys move it.
pub(super) fn on_key(pad: PadStore, ev: &KeyboardEvent) {
    if ev.ctrl_key() || ev.meta_key() || ev.alt_key() {
        return;
    }
    let Pen { x, y, down, .. } = pad.pen.get_untracked();
    let (dx, dy) = match ev.key().as_str() {
        " " => {
            ev.prevent_default();
            pad.pen.set(Pen { x, y, down: !down, shown: true });
            if !down {
                pad.drawing.update(|drawing| drawing.begin((x, y)));
            }
            return;
        }
        "ArrowLeft" => (-KEY_STEP, 0.0),
        "ArrowRight" => (KEY_STEP, 0.0),
        "ArrowUp" => (0.0, -KEY_STEP),
        "ArrowDown" => (0.0, KEY_STEP),
        _ => return,
    };
    ev.prevent_default();
    let (x, y) = ((x + dx).clamp(0.0, SIDE), (y + dy).clamp(0.0, SIDE));
    pad.pen.set(Pen { x, y, down, shown: true });
    if down {
        pad.drawing.update(|drawing| drawing.extend((x, y)));
    }
}

/// The points of a pointer event, in pixels of the pad.
fn points(canvas: &HtmlCanvasElement, ev: &PointerEvent) -> Vec<(f64, f64)> {
    let rect = canvas.get_bounding_client_rect();
    // The points of a frame come as one event. Where the browser lists them, none is lost.
    let mut all: Vec<_> =
        ev.get_coalesced_events().iter().filter_map(|e| e.dyn_into::<PointerEvent>().ok()).collect();
    if all.is_empty() {
        all.push(ev.clone());
    }
    let scaled = |e: &PointerEvent| {
        let x = (f64::from(e.client_x()) - rect.left()) / rect.width() * SIDE;
        let y = (f64::from(e.client_y()) - rect.top()) / rect.height() * SIDE;
        (x, y)
    };
    all.iter().map(scaled).collect()
}
