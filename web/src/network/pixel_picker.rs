//! The layer over maps on which pixels are inspected with pointer and keys.

use leptos::ev::KeyboardEvent;
use leptos::html;
use leptos::prelude::*;
use web_sys::{HtmlElement, PointerEvent};

use crate::network::grid::Grid;
use crate::network::inspector::Inspector;
use crate::network::pixel_name::PixelRef;
use crate::ui::signal::set_if_changed;

/// Lets the pixels of the maps inside be inspected, with the pointer or with arrow keys, and marks the pixels on which the
/// inspected one depends. A click or Enter opens the stage.
#[component]
pub(crate) fn PixelPicker(
    /// The column of the picture: 0 is the input.
    column: usize,
    grid: Grid,
    /// Whether these are values before dropout, of which none is dropped.
    #[prop(optional)]
    inner: bool,
    children: Children,
) -> impl IntoView {
    let inspector = expect_context::<Inspector>();
    let host = NodeRef::<html::Div>::new();
    let is_finger = StoredValue::new(false);
    let point = move |ev: PointerEvent| {
        is_finger.set_value(ev.pointer_type() == "touch");
        let at = host.get_untracked().and_then(|host| value_under(&host, grid, &ev));
        if let Some(at) = at {
            set_if_changed(inspector.view.pixel, Some(PixelRef { column, at }));
        }
    };
    let (width, height) = grid.size();
    let marks = Memo::new(move |_| inspector.marks(column, grid));
    let dropped =
        Memo::new(move |_| if inner { String::new() } else { inspector.dropped_units(column, grid) });
    let name = inspector.name(column);
    let opens = if column > 0 { ", Enter opens the layer" } else { "" };
    view! {
        <div node_ref=host class="touchable" tabindex="0" role="application" prop:style=format!("--pixels:{width}")
            aria-label=format!("Pixels of {name}: arrow keys walk{opens}")
            // A finger can only point by a tap. If that opened the stage, no pixel could be inspected by touch.
            on:click=move |_| if !is_finger.get_value() { inspector.open(column) }
            on:pointerdown=point on:pointermove=point on:keydown=move |ev| on_key(inspector, column, grid, &ev)
            on:focus=move |_| inspector.focus_brightest(column)>
            {children()}
            <svg viewBox=format!("0 0 {width} {height}") preserveAspectRatio="none" aria-hidden="true">
                <path class="struck" d=dropped></path>
                <path class="halo" d=marks></path>
                <path class="mark" d=marks></path>
            </svg>
        </div>
    }
}

/// The index of the value under a pointer; none between maps.
pub(super) fn value_under(host: &HtmlElement, grid: Grid, ev: &PointerEvent) -> Option<usize> {
    let rect = host.get_bounding_client_rect();
    let (width, height) = grid.size();
    let along = |at: i32, from: f64, size: f64, pixels: usize| {
        ((f64::from(at) - from) / size * pixels as f64).clamp(0.0, pixels as f64 - 1.0) as usize
    };
    let x = along(ev.client_x(), rect.left(), rect.width(), width);
    let y = along(ev.client_y(), rect.top(), rect.height(), height);
    grid.value_at(x, y)
}

/// Arrow keys walk from pixel to pixel, and Enter opens the stage.
fn on_key(inspector: Inspector, column: usize, grid: Grid, ev: &KeyboardEvent) {
    let (dx, dy) = match ev.key().as_str() {
        "ArrowLeft" => (-1, 0),
        "ArrowRight" => (1, 0),
        "ArrowUp" => (0, -1),
        "ArrowDown" => (0, 1),
        "Enter" => return inspector.open(column),
        _ => return,
    };
    ev.prevent_default();
    inspector.focus_brightest(column);
    if let Some(pixel) = inspector.view.pixel.get_untracked() {
        inspector.view.pixel.set(Some(PixelRef { column, at: grid.beside(pixel.at, dx, dy) }));
    }
}
