//! Maps on which the window of the Lens is moved with the pointer and with keys.

use leptos::ev::KeyboardEvent;
use leptos::html;
use leptos::prelude::*;
use web_sys::PointerEvent;

use crate::network::grid::Grid;
use crate::network::lens::slide::Slide;
use crate::network::pixel_picker::value_under;

/// The number of the left mouse button, and of a finger or a pen that touches, in the event of its press.
const PRIMARY: i16 = 0;

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
    let drag = move |ev: &PointerEvent| {
        // A drag that began elsewhere is not for the window. This one may leave the maps.
        if let Some(host) = host.get_untracked().filter(|host| host.has_pointer_capture(ev.pointer_id()))
            && let Some(value) = value_under(&host, grid, ev)
        {
            at(value);
        }
    };
    let press = move |ev: PointerEvent| {
        if let Some(host) = host.get_untracked().filter(|_| ev.button() == PRIMARY) {
            let _ = host.set_pointer_capture(ev.pointer_id());
            drag(&ev);
        }
    };
    view! {
        <div node_ref=host class="touchable movable" tabindex="0" role="application" aria-label=label
            on:pointerdown=press on:pointermove=move |ev| drag(&ev) on:keydown=move |ev| on_key(slide, &ev)>
            {children()}
        </div>
    }
}

/// Arrow keys move the window by one position, Home and End to the first and the last.
fn on_key(slide: Slide, ev: &KeyboardEvent) {
    if ev.alt_key() || ev.ctrl_key() || ev.meta_key() {
        return;
    }
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
