//! The drawing pad.

pub(crate) mod drawing;
pub(crate) mod example;
pub(crate) mod prediction;

use js_sys::{Object, Reflect};
use leptos::prelude::*;
use leptos::{ev, html};
use wasm_bindgen::prelude::*;
use web_sys::{CanvasRenderingContext2d, HtmlCanvasElement, KeyboardEvent, PointerEvent};

use crate::client::State;
use crate::pad::drawing::{BLOCK, Drawing, SIDE, STROKE};
use crate::pad::example::ExampleButton;
use crate::pad::prediction::Prediction;

/// How far an arrow key moves the pen.
const KEY_STEP: f64 = SIDE / 20.0;

/// The pen that the keyboard moves.
#[derive(Clone, Copy, PartialEq)]
struct Pen {
    x: f64,
    y: f64,
    down: bool,
    /// Whether it is shown: the keyboard was used after the pointer.
    shown: bool,
}

/// The pad with its buttons, the preview and the ten probabilities.
#[component]
pub(crate) fn Pad() -> impl IntoView {
    let state = expect_context::<State>();
    let canvas = NodeRef::<html::Canvas>::new();
    let drawing = state.drawing;
    let pen = RwSignal::new(Pen { x: SIDE / 2.0, y: SIDE / 4.0, down: false, shown: false });
    // The pointer that draws: a second finger does not.
    let pointer = RwSignal::new(None::<i32>);

    // However many points come, the drawing is painted and read once a frame.
    let scheduled = StoredValue::new(false);
    Effect::new(move |_| {
        drawing.track();
        if canvas.get().is_none() || scheduled.get_value() {
            return;
        }
        scheduled.set_value(true);
        request_animation_frame(move || {
            scheduled.set_value(false);
            let Some(canvas) = canvas.get_untracked() else { return };
            if let Ok(ink) = drawing.with_untracked(|drawing| paint(&canvas, drawing)) {
                let image = drawing.with_untracked(|drawing| drawing.image(&ink));
                if state.image.get_untracked() != image {
                    state.image.set(image);
                }
            }
        });
    });
    let points = move |ev: &PointerEvent| -> Vec<(f64, f64)> {
        let Some(rect) = canvas.get_untracked().map(|c| c.get_bounding_client_rect()) else {
            return Vec::new();
        };
        // A frame's worth of points comes as one event; where the browser tells them apart, none is lost.
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
    };
    let down = move |ev: PointerEvent| {
        if ev.button() != 0 || pointer.get_untracked().is_some() {
            return;
        }
        if let (Some(&at), Some(canvas)) = (points(&ev).last(), canvas.get_untracked()) {
            let _ = canvas.set_pointer_capture(ev.pointer_id());
            pointer.set(Some(ev.pointer_id()));
            pen.update(|pen| (pen.down, pen.shown) = (false, false));
            drawing.update(|d| d.begin(at));
        }
    };
    let moved = move |ev: PointerEvent| {
        if pointer.get_untracked() == Some(ev.pointer_id()) {
            let points = points(&ev);
            drawing.update(|d| points.into_iter().for_each(|at| d.extend(at)));
        }
    };
    let up = move |ev: PointerEvent| {
        if pointer.get_untracked() == Some(ev.pointer_id()) {
            pointer.set(None);
        }
    };
    let lift = move || {
        pointer.set(None);
        pen.update(|pen| pen.down = false);
    };
    let undo = move || {
        lift();
        drawing.update(Drawing::undo);
    };
    let clear = move || {
        lift();
        drawing.update(Drawing::clear);
    };
    let key = move |ev: KeyboardEvent| {
        if ev.ctrl_key() || ev.meta_key() || ev.alt_key() {
            return;
        }
        let Pen { x, y, down, .. } = pen.get_untracked();
        let (dx, dy) = match ev.key().as_str() {
            " " => {
                ev.prevent_default();
                pen.set(Pen { x, y, down: !down, shown: true });
                if !down {
                    drawing.update(|d| d.begin((x, y)));
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
        pen.set(Pen { x, y, down, shown: true });
        if down {
            drawing.update(|d| d.extend((x, y)));
        }
    };
    // Control Z undoes wherever the focus is, except where it undoes typing.
    window_event_listener(ev::keydown, move |ev| {
        let typing = ev.target().is_some_and(|t| t.has_type::<web_sys::HtmlInputElement>());
        if ev.key() == "z" && (ev.ctrl_key() || ev.meta_key()) && !typing {
            ev.prevent_default();
            undo();
        }
    });
    let empty = Memo::new(move |_| drawing.with(Drawing::is_empty));
    let place = move || {
        let Pen { x, y, .. } = pen.get();
        format!("left:{:.1}%;top:{:.1}%", 100.0 * x / SIDE, 100.0 * y / SIDE)
    };
    view! {
        <section class="panel pad" aria-labelledby="pad-title">
            <div class="title"><h2 id="pad-title">"Draw a digit"</h2></div>
            <div class="paper" class:blank=empty>
                <canvas node_ref=canvas width=SIDE.to_string() height=SIDE.to_string() tabindex="0" role="application"
                    aria-label="Drawing pad" aria-describedby="pad-help"
                    on:pointerdown=down on:pointermove=moved on:pointerup=up on:pointercancel=up on:keydown=key></canvas>
                <p class="invite" aria-hidden="true"><b>"0 – 9"</b>"with mouse, pen or finger"</p>
                <span class="pen" class:shown=move || pen.get().shown class:down=move || pen.get().down style=place
                    aria-hidden="true"></span>
            </div>
            <p id="pad-help" class="visually-hidden">
                "Draw with mouse, pen or finger. With the keyboard: arrows move the pen, space puts it down and lifts it, Control Z takes a stroke back."
            </p>
            <div class="buttons">
                <button on:click=move |_| undo() disabled=empty title="Ctrl+Z">"Undo"</button>
                <button on:click=move |_| clear() disabled=empty>"Clear"</button>
                <ExampleButton />
            </div>
            <Prediction />
        </section>
    }
}

/// Draws what is there, white on black, and gives the ink.
fn paint(canvas: &HtmlCanvasElement, drawing: &Drawing) -> Result<Vec<u8>, JsValue> {
    // It is read every frame: a canvas in the CPU's memory is faster for that.
    let options = Object::new();
    Reflect::set(&options, &"willReadFrequently".into(), &true.into())?;
    let context = canvas.get_context_with_context_options("2d", &options)?.ok_or("no canvas")?;
    let context: CanvasRenderingContext2d = context.unchecked_into();
    context.set_fill_style_str("#000");
    context.fill_rect(0.0, 0.0, SIDE, SIDE);
    let (sample, strokes) = drawing.seen();
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
            // A stroke of one point is a dot: the round cap of a line that goes nowhere.
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
