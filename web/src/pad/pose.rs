//! The digit as the network gets it, with handles that move and turn it.

use data::mnist::{PIXELS, SIDE};
use data::pose::Pose;
use leptos::ev::KeyboardEvent;
use leptos::html;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{HtmlElement, PointerEvent};

use crate::pad::gestures::place_of;
use crate::pad::link::{MAX_MOVE, MAX_TURN, SCALES};
use crate::pad::store::PadStore;
use crate::ui::canvas::put_image;
use crate::ui::format::{parse_number, shortest};
use crate::ui::signal::set_if_changed;

/// An angle nearer to upright than this, in degrees, is upright.
const UPRIGHT: f64 = 3.0;

/// What a drag changes.
#[derive(Clone, Copy)]
enum Drag {
    /// The digit is moved: where the pointer began, and the pose there.
    Move((f64, f64), Pose),
    /// The knob is turned about the middle.
    Turn,
}

impl PadStore {
    /// Moves, turns and scales the digit, within the limits.
    fn set_pose(self, Pose { right, down, turn, scale }: Pose) {
        let [right, down] = [right, down].map(|pixels| pixels.clamp(-MAX_MOVE, MAX_MOVE));
        let scale = scale.clamp(*SCALES.start(), *SCALES.end());
        let pose = Pose { right, down, turn: turn.clamp(-MAX_TURN, MAX_TURN), scale };
        set_if_changed(self.pose, pose);
    }
}

/// The digit with its handles, and the same as sliders.
#[component]
pub(super) fn MoveAndTurn() -> impl IntoView {
    let pad = expect_context::<PadStore>();
    let straight = Memo::new(move |_| pad.pose.get() == Pose::default());
    let open = RwSignal::new(false);
    // A link or a session that is brought back may have a pose, too.
    Effect::new(move |_| {
        if !straight.get() {
            open.set(true);
        }
    });
    // The event comes later, when the panel may be gone.
    let toggled = move |ev: leptos::ev::Event| {
        open.set(event_target::<web_sys::Element>(&ev).has_attribute("open"));
    };
    view! {
        <details class="pose" open=move || open.get() on:toggle=toggled>
            <summary>"Move and turn"</summary>
            <Handle />
            <p class="hint">"Drag the digit, turn the knob. Below each layer stands how many of its values change by more than a tenth of the largest."</p>
            <div class="sliders" role="group" aria-label="Move and turn the digit">
                <PoseSlider name="Right" min=-f64::from(MAX_MOVE) max=f64::from(MAX_MOVE) step=1.0 unit=" px"
                    get=|pose| f64::from(pose.right) set=|pose, value| pose.right = value as i32 />
                <PoseSlider name="Down" min=-f64::from(MAX_MOVE) max=f64::from(MAX_MOVE) step=1.0 unit=" px"
                    get=|pose| f64::from(pose.down) set=|pose, value| pose.down = value as i32 />
                <PoseSlider name="Turn" min=-f64::from(MAX_TURN) max=f64::from(MAX_TURN) step=1.0 unit="°"
                    get=|pose| f64::from(pose.turn) set=|pose, value| pose.turn = value as f32 />
                <PoseSlider name="Size" min=50.0 max=150.0 step=5.0 unit=" %"
                    get=|pose| f64::from(pose.scale * 100.0).round() set=|pose, value| pose.scale = (value / 100.0) as f32 />
            </div>
            <button class="small" disabled=straight on:click=move |_| pad.set_pose(Pose::default())>"As it was"</button>
        </details>
    }
}

/// The digit, which is dragged, and the knob that turns it.
#[component]
fn Handle() -> impl IntoView {
    let pad = expect_context::<PadStore>();
    let canvas = NodeRef::<html::Canvas>::new();
    let host = NodeRef::<html::Div>::new();
    Effect::new(move |_| {
        let image = pad.image.get().unwrap_or([0; PIXELS]);
        if let Some(canvas) = canvas.get() {
            put_image(&canvas, &image);
        }
    });
    // The pointer that drags, and what it changes.
    let drag = StoredValue::new(None::<(i32, Drag)>);
    let begin = move |ev: PointerEvent| {
        let is_first = ev.button() == 0 && drag.get_value().is_none();
        let Some(host) = host.get_untracked().filter(|_| is_first) else { return };
        let target = ev.target().and_then(|target| target.dyn_into::<HtmlElement>().ok());
        let is_knob = target.is_some_and(|target| target.class_list().contains("knob"));
        let at = place_of(&ev);
        let what = if is_knob { Drag::Turn } else { Drag::Move(at, pad.pose.get_untracked()) };
        drag.set_value(Some((ev.pointer_id(), what)));
        let _ = host.set_pointer_capture(ev.pointer_id());
        // Arrow keys go on where the pointer ended.
        let _ = host.focus();
    };
    let go_on = move |ev: PointerEvent| {
        let drag = drag.get_value().filter(|(id, _)| *id == ev.pointer_id());
        let (Some(host), Some((_, drag))) = (host.get_untracked(), drag) else { return };
        let rect = host.get_bounding_client_rect();
        let (x, y) = place_of(&ev);
        let pose = pad.pose.get_untracked();
        pad.set_pose(match drag {
            Drag::Move(from, began) => {
                let pixels = |to: f64, from: f64| ((to - from) / rect.width() * SIDE as f64).round() as i32;
                Pose { right: began.right + pixels(x, from.0), down: began.down + pixels(y, from.1), ..pose }
            }
            Drag::Turn => {
                let middle = (rect.left() + rect.width() / 2.0, rect.top() + rect.height() / 2.0);
                let turn = (x - middle.0).atan2(middle.1 - y).to_degrees().round();
                Pose { turn: if turn.abs() < UPRIGHT { 0.0 } else { turn as f32 }, ..pose }
            }
        });
    };
    let end = move |ev: PointerEvent| {
        if drag.get_value().is_some_and(|(id, _)| id == ev.pointer_id()) {
            drag.set_value(None);
        }
    };
    let key = move |ev: KeyboardEvent| {
        if ev.ctrl_key() || ev.meta_key() || ev.alt_key() {
            return;
        }
        let (right, down) = match ev.key().as_str() {
            "ArrowLeft" => (-1, 0),
            "ArrowRight" => (1, 0),
            "ArrowUp" => (0, -1),
            "ArrowDown" => (0, 1),
            _ => return,
        };
        ev.prevent_default();
        let pose = pad.pose.get_untracked();
        pad.set_pose(Pose { right: pose.right + right, down: pose.down + down, ..pose });
    };
    let now = move || {
        let Pose { right, down, turn, scale } = pad.pose.get();
        let side = if right < 0 { "left" } else { "right" };
        let height = if down < 0 { "up" } else { "down" };
        let (right, down, scale) = (right.abs(), down.abs(), (100.0 * scale).round());
        format!("{right} pixels {side}, {down} {height}, turned by {turn} degrees, {scale} % of its size")
    };
    view! {
        <p class="visually-hidden" id="pose-now">{now}</p>
        <div class="handle" aria-describedby="pose-now" node_ref=host tabindex="0" role="application"
            aria-label="The digit as the network gets it: arrow keys move it"
            on:pointerdown=begin on:pointermove=go_on on:pointerup=end on:pointercancel=end on:lostpointercapture=end
            on:mousedown=move |ev| ev.prevent_default() on:keydown=key>
            <canvas node_ref=canvas width=SIDE height=SIDE aria-hidden="true"></canvas>
            <div class="arm" prop:style=move || format!("transform:rotate({}deg)", pad.pose.get().turn) aria-hidden="true">
                <span class="knob"></span>
            </div>
        </div>
    }
}

/// A slider for a number of the pose.
#[component]
fn PoseSlider(
    name: &'static str,
    min: f64,
    max: f64,
    step: f64,
    unit: &'static str,
    get: fn(&Pose) -> f64,
    set: fn(&mut Pose, f64),
) -> impl IntoView {
    let pad = expect_context::<PadStore>();
    let value = move || pad.pose.with(get);
    let words = move || format!("{}{unit}", shortest(value()).replace('-', "−"));
    let filled = move || format!("--filled:{:.1}%", 100.0 * (value() - min) / (max - min));
    let change = move |ev| {
        if let Some(value) = parse_number(&event_target_value(&ev)) {
            let mut pose = pad.pose.get_untracked();
            set(&mut pose, value);
            pad.set_pose(pose);
        }
    };
    view! {
        <label>
            <span>{name}</span>
            <input type="range" min=shortest(min) max=shortest(max) step=shortest(step) prop:style=filled aria-valuetext=words
                prop:value=move || shortest(value()) on:input=change />
            <span class="value" aria-hidden="true">{words}</span>
        </label>
    }
}
