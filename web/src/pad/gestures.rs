//! Drawing with a pointer and with the keyboard.

use leptos::prelude::*;
use wasm_bindgen::prelude::*;
use web_sys::{FocusOptions, HtmlCanvasElement, HtmlElement, KeyboardEvent, PointerEvent};

use crate::pad::drawing::{Drawing, SIDE};
use crate::pad::pointers::{Kind, Outcome, Press};
use crate::pad::store::{PadStore, Pen};

/// How far an arrow key moves the pen.
const KEY_STEP: f64 = SIDE / 20.0;
/// The bit of the left mouse button, and of a finger or a pen that touches, among the buttons that are pressed.
const PRIMARY: u16 = 1;
/// The number of that button in the event of its press.
const PRIMARY_CHANGES: i16 = 0;

#[wasm_bindgen]
extern "C" {
    /// A pointer event with what some browsers lack, or what `web_sys` rounds.
    #[wasm_bindgen(extends = PointerEvent)]
    type FinePointerEvent;

    /// The points of a frame, which come as one event. Safari lacked it until version 18.2, and pages from plain http hosts
    /// have it in no browser.
    #[wasm_bindgen(method, catch, js_name = getCoalescedEvents)]
    fn coalesced_events(this: &FinePointerEvent) -> Result<js_sys::Array, JsValue>;

    #[wasm_bindgen(method, getter, js_name = clientX)]
    fn x(this: &FinePointerEvent) -> f64;

    #[wasm_bindgen(method, getter, js_name = clientY)]
    fn y(this: &FinePointerEvent) -> f64;
}

/// Where a pointer is in the window, in CSS pixels and parts of them.
pub(super) fn place_of(ev: &PointerEvent) -> (f64, f64) {
    let ev: &FinePointerEvent = ev.unchecked_ref();
    (ev.x(), ev.y())
}

/// A pointer presses the pad: a stroke begins, unless another pointer draws one.
pub(super) fn on_pointer_down(pad: PadStore, canvas: &HtmlCanvasElement, ev: &PointerEvent) {
    let Some(&at) = points(canvas, ev).last().filter(|_| ev.button() == PRIMARY_CHANGES) else { return };
    let kind = match ev.pointer_type().as_str() {
        "touch" => Kind::Touch,
        "pen" => Kind::Pen,
        _ => Kind::Mouse,
    };
    let press = Press { id: ev.pointer_id(), kind, is_primary: ev.is_primary(), time: ev.time_stamp() };
    let outcome = pad.pointers.try_update_value(|pointers| {
        let is_kept = pad
            .is_captured
            .get_value()
            .then(|| pointers.active().is_some_and(|id| canvas.has_pointer_capture(id)));
        pointers.press(press, at, is_kept)
    });
    let outcome = outcome.unwrap_or(Outcome::Ignored);
    follow(pad, outcome, &[at]);
    if matches!(outcome, Outcome::Begins | Outcome::Replaces) {
        let _ = canvas.set_pointer_capture(ev.pointer_id());
        pad.is_captured.set_value(canvas.has_pointer_capture(ev.pointer_id()));
        pad.pen.update(|pen| (pen.down, pen.shown) = (false, false));
        // The pad does not take the focus: single keys train, also right after a stroke.
        if let Some(paper) = canvas.parent_element().and_then(|paper| paper.dyn_into::<HtmlElement>().ok()) {
            let options = FocusOptions::new();
            options.set_prevent_scroll(true);
            let _ = paper.focus_with_options(&options);
        }
    }
}

/// A pointer moves: its stroke grows, or ends if the pointer is not pressed any more.
pub(super) fn on_pointer_move(pad: PadStore, canvas: &HtmlCanvasElement, ev: &PointerEvent) {
    let (id, time) = (ev.pointer_id(), ev.time_stamp());
    let is_down = ev.buttons() & PRIMARY != 0;
    if pad.pointers.with_value(|pointers| pointers.active()) != Some(id) {
        // While another button is held, the press of this one comes as a move.
        if is_down && ev.button() == PRIMARY_CHANGES {
            on_pointer_down(pad, canvas, ev);
        }
        return;
    }
    let points = points(canvas, ev);
    let outcome = pad.pointers.try_update_value(|pointers| {
        points.iter().fold(Outcome::Ignored, |_, &at| pointers.advance(id, is_down, at, time))
    });
    follow(pad, outcome.unwrap_or(Outcome::Ignored), &points);
}

/// A pointer is lifted, or the browser stops to tell of it: its stroke ends.
pub(super) fn on_pointer_up(pad: PadStore, ev: &PointerEvent) {
    let _ = pad.pointers.try_update_value(|pointers| pointers.lift(ev.pointer_id()));
}

/// The browser takes a pointer for itself.
pub(super) fn on_pointer_cancel(pad: PadStore, ev: &PointerEvent) {
    let outcome = pad.pointers.try_update_value(|pointers| pointers.cancel(ev.pointer_id()));
    follow(pad, outcome.unwrap_or(Outcome::Ignored), &[]);
}

/// Changes the drawing as the pointer does.
fn follow(pad: PadStore, outcome: Outcome, points: &[(f64, f64)]) {
    match outcome {
        Outcome::Ignored | Outcome::Ends => {}
        Outcome::Begins | Outcome::Replaces => pad.drawing.update(|drawing| {
            if outcome == Outcome::Replaces {
                drawing.discard_stroke();
            }
            points.iter().for_each(|&at| drawing.begin(at));
        }),
        Outcome::Extends => {
            pad.drawing.update(|drawing| points.iter().for_each(|&at| drawing.extend(at)));
        }
        Outcome::Discarded => pad.drawing.update(Drawing::discard_stroke),
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

/// The points of a pointer event, in pixels of the pad; none while the pad is not laid out.
fn points(canvas: &HtmlCanvasElement, ev: &PointerEvent) -> Vec<(f64, f64)> {
    let rect = canvas.get_bounding_client_rect();
    let scaled = |event: &FinePointerEvent| {
        ((event.x() - rect.left()) / rect.width() * SIDE, (event.y() - rect.top()) / rect.height() * SIDE)
    };
    let ev: &FinePointerEvent = ev.unchecked_ref();
    let all = ev.coalesced_events().unwrap_or_default();
    let mut points: Vec<_> = all.iter().map(|event| scaled(event.unchecked_ref())).collect();
    if points.is_empty() {
        points.push(scaled(ev));
    }
    points.retain(|(x, y)| x.is_finite() && y.is_finite());
    points
}
