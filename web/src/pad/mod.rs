//! The drawing pad.

pub(crate) mod drawing;
pub(crate) mod example;
mod gestures;
pub(crate) mod link;
mod paint;
mod pointers;
mod pose;
mod prediction;
pub(crate) mod store;
mod strokes;
mod why;

use leptos::html;
use leptos::prelude::*;
use web_sys::{MouseEvent, PointerEvent};

use crate::pad::drawing::{Drawing, SIDE};
use crate::pad::example::ExampleButton;
use crate::pad::gestures::{on_key, on_pointer_cancel, on_pointer_down, on_pointer_move, on_pointer_up};
use crate::pad::paint::paint_changes;
use crate::pad::pose::MoveAndTurn;
use crate::pad::prediction::Prediction;
use crate::pad::store::{PadStore, Pen};
use crate::pad::why::panel::WhyThisAnswer;

/// The panel with the pad, its buttons and the prediction.
#[component]
pub(crate) fn PadPanel() -> impl IntoView {
    let pad = expect_context::<PadStore>();
    let is_empty = Memo::new(move |_| pad.drawing.with(Drawing::is_empty));
    let can_undo = Memo::new(move |_| pad.drawing.with(Drawing::can_undo));
    let can_redo = Memo::new(move |_| pad.drawing.with(Drawing::can_redo));
    view! {
        <section class="panel pad" aria-labelledby="pad-title">
            <div class="title"><h2 id="pad-title">"Draw a digit"</h2></div>
            <Paper is_empty />
            <p id="pad-help" class="visually-hidden">
                "Draw with mouse, pen or finger. With the keyboard: arrows move the pen, space puts it down and lifts it, Control Z takes a stroke back, Control Y draws it again."
            </p>
            <div class="buttons">
                <button on:click=move |_| pad.undo() disabled=move || !can_undo.get() title="Ctrl+Z">"Undo"</button>
                <button on:click=move |_| pad.redo() disabled=move || !can_redo.get() title="Ctrl+Y">"Redo"</button>
                <button on:click=move |_| pad.clear() disabled=is_empty>"Clear"</button>
                <ExampleButton />
            </div>
            <Prediction><MoveAndTurn /></Prediction>
            <WhyThisAnswer />
        </section>
    }
}

/// The canvas that is drawn on, with the keyboard's pen.
#[component]
fn Paper(is_empty: Memo<bool>) -> impl IntoView {
    let pad = expect_context::<PadStore>();
    let canvas = NodeRef::<html::Canvas>::new();
    paint_changes(pad, canvas);
    let down = move |ev: PointerEvent| {
        if let Some(canvas) = canvas.get_untracked() {
            on_pointer_down(pad, &canvas, &ev);
        }
    };
    let moved = move |ev: PointerEvent| {
        if let Some(canvas) = canvas.get_untracked() {
            on_pointer_move(pad, &canvas, &ev);
        }
    };
    let up = move |ev: PointerEvent| on_pointer_up(pad, &ev);
    let cancel = move |ev: PointerEvent| on_pointer_cancel(pad, &ev);
    // A menu in the middle of a stroke would take the pointer away.
    let menu = move |ev: MouseEvent| {
        if pad.pointers.with_value(|pointers| pointers.active().is_some()) {
            ev.prevent_default();
        }
    };
    let is_opening = Memo::new(move |_| pad.drawing.with(|drawing| drawing.opening().is_some()));
    let position = move || {
        let Pen { x, y, .. } = pad.pen.get();
        format!("left:{:.1}%;top:{:.1}%", 100.0 * x / SIDE, 100.0 * y / SIDE)
    };
    view! {
        <div class="paper" class:blank=is_empty class:opening=is_opening tabindex="-1">
            <canvas node_ref=canvas width=SIDE.to_string() height=SIDE.to_string() tabindex="0" role="application"
                aria-label="Drawing pad" aria-describedby="pad-help"
                on:pointerdown=down on:pointermove=moved on:pointerup=up on:pointercancel=cancel on:lostpointercapture=up
                on:mousedown=move |ev| ev.prevent_default() on:contextmenu=menu
                on:keydown=move |ev| on_key(pad, &ev)></canvas>
            <p class="invite" aria-hidden="true">
                <Show when=move || is_opening.get() fallback=|| view! { <b>"0 – 9"</b>"with mouse, pen or finger" }>
                    "Draw your own here"
                </Show>
            </p>
            <span class="pen" class:shown=move || pad.pen.get().shown class:down=move || pad.pen.get().down prop:style=position
                aria-hidden="true"></span>
        </div>
    }
}
