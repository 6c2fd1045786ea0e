//! The drawing pad, the drawing as the network sees it, and what the network makes of it.

use std::time::Duration;

use js_sys::{Object, Reflect};
use leptos::prelude::*;
use leptos::{ev, html};
use wasm_bindgen::prelude::*;
use web_sys::{CanvasRenderingContext2d, HtmlCanvasElement, KeyboardEvent, PointerEvent};

use crate::maps::put;
use crate::state::State;
use crate::strokes::{SIDE, STROKE, Strokes};

/// How far an arrow key moves the pen.
const KEY_STEP: f64 = SIDE / 20.0;
/// How long a prediction must last until it is read out.
const ANNOUNCE_AFTER: Duration = Duration::from_millis(700);

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
    let strokes = RwSignal::new(Strokes::default());
    let pen = RwSignal::new(Pen { x: SIDE / 2.0, y: SIDE / 4.0, down: false, shown: false });
    // The pointer that draws: a second finger does not.
    let pointer = RwSignal::new(None::<i32>);

    // However many points come, the drawing is painted and read once a frame.
    let scheduled = StoredValue::new(false);
    Effect::new(move |_| {
        strokes.track();
        if canvas.get().is_none() || scheduled.get_value() {
            return;
        }
        scheduled.set_value(true);
        request_animation_frame(move || {
            scheduled.set_value(false);
            let Some(canvas) = canvas.get_untracked() else { return };
            if let Ok(ink) = strokes.with_untracked(|strokes| paint(&canvas, strokes)) {
                let image = data::drawing::to_mnist(&ink, SIDE as usize, SIDE as usize);
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
            strokes.update(|s| s.begin(at));
        }
    };
    let moved = move |ev: PointerEvent| {
        if pointer.get_untracked() == Some(ev.pointer_id()) {
            let points = points(&ev);
            strokes.update(|s| points.into_iter().for_each(|at| s.extend(at)));
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
        strokes.update(Strokes::undo);
    };
    let clear = move || {
        lift();
        strokes.update(Strokes::clear);
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
                    strokes.update(|s| s.begin((x, y)));
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
            strokes.update(|s| s.extend((x, y)));
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
    let empty = Memo::new(move |_| strokes.with(Strokes::is_empty));
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
            </div>
            <Prediction />
        </section>
    }
}

/// Draws the strokes, white on black, and gives the ink.
fn paint(canvas: &HtmlCanvasElement, strokes: &Strokes) -> Result<Vec<u8>, JsValue> {
    // It is read every frame: a canvas in the CPU's memory is faster for that.
    let options = Object::new();
    Reflect::set(&options, &"willReadFrequently".into(), &true.into())?;
    let context = canvas.get_context_with_context_options("2d", &options)?.ok_or("no canvas")?;
    let context: CanvasRenderingContext2d = context.unchecked_into();
    context.set_fill_style_str("#000");
    context.fill_rect(0.0, 0.0, SIDE, SIDE);
    context.set_stroke_style_str("#fff");
    context.set_line_width(STROKE);
    context.set_line_cap("round");
    context.set_line_join("round");
    for stroke in strokes.iter() {
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

/// The digit that is most likely, and how likely each is.
#[component]
fn Prediction() -> impl IntoView {
    let state = expect_context::<State>();
    let preview = NodeRef::<html::Canvas>::new();
    Effect::new(move |_| {
        let image = state.image.get().unwrap_or([0; 784]);
        if let Some(canvas) = preview.get() {
            let rgba: Vec<u8> = image.iter().flat_map(|&v| [v, v, v, 255]).collect();
            put(&canvas, &rgba, 28);
        }
    });
    let probabilities = state.probabilities();
    let best = Memo::new(move |_| probabilities.with(|p| best(p)));
    let digit = Memo::new(move |_| best.get().map(|b| b.0));
    // The output changes with every point that is drawn: only what lasts is read out.
    let announced = RwSignal::new(String::new());
    Effect::new(move |waiting: Option<Option<TimeoutHandle>>| {
        if let Some(Some(waiting)) = waiting {
            waiting.clear();
        }
        let text = digit.get().map_or(String::new(), |digit| format!("Reads as {digit}"));
        set_timeout_with_handle(move || announced.set(text), ANNOUNCE_AFTER).ok()
    });
    view! {
        <div class="verdict">
            <figure>
                <canvas node_ref=preview width="28" height="28" role="img" aria-label="The drawing as the network sees it, 28 by 28 pixels"></canvas>
                <figcaption>"28×28, centred"</figcaption>
            </figure>
            <div>
                <output aria-label="Prediction" aria-live="off">
                    <Show when=move || digit.get().is_some() fallback=|| view! { <span class="none">"—"</span> }>
                        <b>{move || digit.get()}</b>
                        <span class="percent">{move || best.get().map(|b| format!(" {:.1} %", 100.0 * b.1))}</span>
                    </Show>
                </output>
                <p class="source">"by: "{move || state.source()}</p>
                <p class="visually-hidden" aria-live="polite">{announced}</p>
            </div>
        </div>
        <ol class="bars" aria-label="Probabilities">
            {(0..10usize).map(|class| {
                let share = move || probabilities.with(|p| p.get(class).copied());
                view! {
                    <li class:best=move || digit.get() == Some(class)>
                        <span class="digit">{class}</span>
                        <span class="track" aria-hidden="true">
                            <span class="fill" style:background=format!("var(--class-{class})")
                                style:transform=move || format!("scaleX({:.4})", share().unwrap_or(0.0))></span>
                        </span>
                        <span class="value">{move || share().map(|s| format!("{:.1} %", 100.0 * s))}</span>
                    </li>
                }
            }).collect_view()}
        </ol>
    }
}

/// The most likely class and its probability; nothing for a network that has diverged.
fn best(probabilities: &[f32]) -> Option<(usize, f32)> {
    let finite = probabilities.iter().copied().enumerate().filter(|(_, p)| p.is_finite());
    finite.reduce(|best, next| if next.1 > best.1 { next } else { best })
}

#[cfg(test)]
mod tests {
    use super::best;

    #[test]
    fn the_largest_probability_wins() {
        assert_eq!(best(&[0.1, 0.7, 0.2]), Some((1, 0.7)));
        assert_eq!(best(&[]), None);
        assert_eq!(best(&[f32::NAN; 3]), None);
    }
}
