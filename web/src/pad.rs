//! The drawing pad, the drawing as the network sees it, and what the network makes of it.

use leptos::html;
use leptos::prelude::*;
use trainer::messages::{Snapshot, Source};
use wasm_bindgen::JsCast;
use web_sys::{CanvasRenderingContext2d, HtmlCanvasElement, KeyboardEvent, PointerEvent};

use crate::network_view::put;
use crate::state::State;

/// Side of the pad's own pixels; on screen it is as large as there is room.
const SIDE: f64 = 280.0;
/// Width of a stroke: about what MNIST's have once they are scaled.
const STROKE: f64 = 22.0;
/// How far an arrow key moves the pen.
const KEY_STEP: f64 = 14.0;

type Stroke = Vec<(f64, f64)>;

/// The pad with its buttons, the preview and the ten probabilities.
#[component]
pub(crate) fn Pad() -> impl IntoView {
    let state = expect_context::<State>();
    let canvas = NodeRef::<html::Canvas>::new();
    let strokes = RwSignal::<Vec<Stroke>>::new(Vec::new());
    let drawing = RwSignal::new(false);
    // The keyboard's pen: where it is and whether it is down.
    let pen = RwSignal::new(((SIDE / 2.0, SIDE / 4.0), false));

    Effect::new(move |_| {
        let Some(canvas) = canvas.get() else { return };
        strokes.with(|strokes| {
            if let Some(ink) = paint(&canvas, strokes) {
                let image = data::drawing::to_mnist(&ink, SIDE as usize, SIDE as usize);
                if state.image.get_untracked() != image {
                    state.image.set(image);
                }
            }
        });
    });
    let point = move |ev: &PointerEvent| {
        let rect = canvas.get_untracked().map(|c| c.get_bounding_client_rect())?;
        let x = (f64::from(ev.client_x()) - rect.left()) / rect.width() * SIDE;
        let y = (f64::from(ev.client_y()) - rect.top()) / rect.height() * SIDE;
        Some((x, y))
    };
    let down = move |ev: PointerEvent| {
        if ev.button() != 0 {
            return;
        }
        if let (Some(at), Some(canvas)) = (point(&ev), canvas.get_untracked()) {
            let _ = canvas.set_pointer_capture(ev.pointer_id());
            drawing.set(true);
            strokes.update(|s| s.push(vec![at]));
        }
    };
    let moved = move |ev: PointerEvent| {
        if !drawing.get_untracked() {
            return;
        }
        if let Some(at) = point(&ev) {
            strokes.update(|s| {
                if let Some(stroke) = s.last_mut() {
                    stroke.push(at)
                }
            });
        }
    };
    let up = move |_: PointerEvent| drawing.set(false);
    let undo = move || strokes.update(|s| drop(s.pop()));
    let key = move |ev: KeyboardEvent| {
        let ((x, y), is_down) = pen.get_untracked();
        let (dx, dy) = match ev.key().as_str() {
            "z" if ev.ctrl_key() || ev.meta_key() => {
                ev.prevent_default();
                return undo();
            }
            " " => {
                ev.prevent_default();
                pen.set(((x, y), !is_down));
                if !is_down {
                    strokes.update(|s| s.push(vec![(x, y)]));
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
        let at = ((x + dx).clamp(0.0, SIDE), (y + dy).clamp(0.0, SIDE));
        pen.set((at, is_down));
        if is_down {
            strokes.update(|s| {
                if let Some(stroke) = s.last_mut() {
                    stroke.push(at)
                }
            });
        }
    };
    let empty = move || strokes.with(Vec::is_empty);
    view! {
        <section class="panel pad" aria-labelledby="pad-title">
            <div class="title"><h2 id="pad-title">"Draw a digit"</h2></div>
            <div class="paper" class:blank=empty>
                <canvas node_ref=canvas width=SIDE.to_string() height=SIDE.to_string() tabindex="0" role="application"
                    aria-label="Drawing pad" aria-describedby="pad-help"
                    on:pointerdown=down on:pointermove=moved on:pointerup=up on:pointercancel=up on:keydown=key></canvas>
                <p class="invite" aria-hidden="true">"0 – 9"</p>
            </div>
            <p id="pad-help" class="visually-hidden">
                "Draw with mouse, pen or finger. With the keyboard: arrows move the pen, space puts it down and lifts it, Control Z takes a stroke back."
            </p>
            <div class="buttons">
                <button on:click=move |_| undo() disabled=empty>"Undo"</button>
                <button on:click=move |_| strokes.set(Vec::new()) disabled=empty>"Clear"</button>
            </div>
            <Prediction />
        </section>
    }
}

/// Draws the strokes, paper white, and gives the ink.
fn paint(canvas: &HtmlCanvasElement, strokes: &[Stroke]) -> Option<Vec<u8>> {
    let context = canvas.get_context("2d").ok().flatten()?;
    let context: CanvasRenderingContext2d = context.unchecked_into();
    context.set_fill_style_str("#000");
    context.fill_rect(0.0, 0.0, SIDE, SIDE);
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
    let pixels = context.get_image_data(0.0, 0.0, SIDE, SIDE).ok()?.data();
    Some(pixels.iter().step_by(4).copied().collect())
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
    let probabilities = Memo::new(move |_| {
        let has_image = state.image.with(Option::is_some);
        let probabilities = state.snapshot.get().map(|s| s.probabilities).unwrap_or_default();
        if has_image && probabilities.len() == 10 { probabilities } else { Vec::new() }
    });
    let best = move || probabilities.with(|p| best(p));
    let source = move || match state.snapshot.get() {
        Some(Snapshot { source: Source::Session { .. }, .. }) => "says your network",
        _ => "says the network we trained before",
    };
    view! {
        <div class="verdict">
            <canvas node_ref=preview width="28" height="28" class="maps" role="img" aria-label="The drawing as the network sees it, 28 by 28 pixels"></canvas>
            <div>
                <output aria-label="Prediction">
                    <Show when=move || best().is_some() fallback=|| view! { <span class="none">"—"</span> }>
                        <b>{move || best().map(|b| b.0.to_string())}</b>
                        <span class="percent">{move || best().map(|b| format!(" {:.1} %", 100.0 * b.1))}</span>
                    </Show>
                </output>
                <p class="source">{source}</p>
            </div>
        </div>
        <ol class="bars" aria-label="Probabilities">
            {(0..10usize).map(|digit| {
                let share = move || probabilities.with(|p| p.get(digit).copied().unwrap_or(0.0));
                view! {
                    <li class:best=move || best().is_some_and(|b| b.0 == digit)>
                        <span class="digit">{digit}</span>
                        <span class="track" aria-hidden="true">
                            <span class="fill" style:background=format!("var(--class-{digit})")
                                style:transform=move || format!("scaleX({:.4})", share())></span>
                        </span>
                        <span class="value">{move || format!("{:.1} %", 100.0 * share())}</span>
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
