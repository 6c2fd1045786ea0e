//! Maps on which the window of the Lens is moved with the pointer and with keys.

use leptos::ev::KeyboardEvent;
use leptos::html;
use leptos::prelude::*;
use web_sys::PointerEvent;

use crate::network::grid::Grid;
use crate::network::lens::slide::Slide;
use crate::network::pixel_picker::value_under;

/// The bit of the left mouse button, and of a finger or a pen that touches, among the buttons that are pressed.
const PRIMARY: u16 = 1;

/// Lets what lies inside be dragged over, and moves the window by arrow keys.
#[component]
pub(super) fn Movable(
    slide: Slide,
    grid: Grid,
    #[prop(into)] label: String,
    /// Takes the index of the value under the pointer.
    at: impl Fn(usize) + Copy + 'static,
    children: Children,
) -> impl IntoView {
    let host = NodeRef::<html::Div>::new();
    let drag = move |ev: PointerEvent| {
        if ev.buttons() & PRIMARY == 0 {
            return;
        }
        if let Some(host) = host.get_untracked() {
            // The pointer may leave the maps while it drags.
            let _ = host.set_pointer_capture(ev.pointer_id());
            if let Some(value) = value_under(&host, grid, &ev) {
                at(value);
            }
        }
    };
    view! {
        <div node_ref=host class="touchable movable" tabindex="0" role="application" aria-label=label
            on:pointerdown=drag on:pointermove=drag on:keydown=move |ev| on_key(slide, &ev)>
            {children()}
        </div>
    }
}

/// Arrow keys move the window by one position, Home and End to the first and the last.
fn on_key(slide: Slide, ev: &KeyboardEvent) {
    match ev.key().as_str() {
        "ArrowLeft" => slide.move_by(0, -1),
        "ArrowRight" => slide.move_by(0, 1),
        "ArrowUp" => slide.move_by(-1, 0),
        "ArrowDown" => slide.move_by(1, 0),
        "Home" => slide.move_to(0, 0),
        "End" => slide.move_to(usize::MAX, usize::MAX),
        _ => return,
    }
    ev.prevent_default();
}
