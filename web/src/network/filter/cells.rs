//! The weights of a filter as cells to paint.

use leptos::ev::{KeyboardEvent, PointerEvent};
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::Element;

use crate::network::filter::kernel::{Kernel, MAX_WEIGHT};
use crate::ui::colormap;
use crate::ui::focus::focus;

/// The weights of a filter. They are painted with the pointer, or with arrow keys, space, plus and minus.
#[component]
pub(super) fn KernelCells(side: usize, filter: RwSignal<Kernel>, pen: RwSignal<f32>) -> impl IntoView {
    // The cell that has the focus, or will get it by Tab.
    let current = RwSignal::new(0usize);
    let key = move |ev: KeyboardEvent| {
        let at = current.get_untracked();
        let (row, column) = (at / side, at % side);
        let to = match ev.key().as_str() {
            "ArrowLeft" if column > 0 => at - 1,
            "ArrowRight" if column + 1 < side => at + 1,
            "ArrowUp" if row > 0 => at - side,
            "ArrowDown" if row + 1 < side => at + side,
            "ArrowLeft" | "ArrowRight" | "ArrowUp" | "ArrowDown" => at,
            "+" => return change_weight(filter, at, |weight| weight + 0.5),
            "-" => return change_weight(filter, at, |weight| weight - 0.5),
            _ => return,
        };
        ev.prevent_default();
        current.set(to);
        let cells = ev.current_target().and_then(|t| t.dyn_into::<Element>().ok()).map(|e| e.children());
        focus(cells.and_then(|cells| cells.item(to as u32)));
    };
    view! {
        <div class="cells" role="group" aria-label=format!("Filter, {side} by {side}: arrow keys move, space paints, plus and minus change")
            prop:style=format!("--side:{side}") on:keydown=key>
            {(0..side * side).map(|at| view! { <KernelCell at side filter pen current /> }).collect_view()}
        </div>
    }
}

fn change_weight(filter: RwSignal<Kernel>, at: usize, change: impl Fn(f32) -> f32) {
    filter.update(|filter| {
        if let Some(weight) = filter.weights.get_mut(at) {
            *weight = change(*weight).clamp(-MAX_WEIGHT, MAX_WEIGHT);
        }
    });
}

/// One weight.
#[component]
fn KernelCell(
    at: usize,
    side: usize,
    filter: RwSignal<Kernel>,
    pen: RwSignal<f32>,
    current: RwSignal<usize>,
) -> impl IntoView {
    let weight = move || filter.with(|filter| filter.weights.get(at).copied().unwrap_or(0.0));
    let style = move || {
        let largest = filter.with(|filter| filter.weights.iter().fold(1.0f32, |m, w| m.max(w.abs())));
        let [r, g, b] = colormap::weight(weight() / largest);
        let ink = if u32::from(r) * 3 + u32::from(g) * 6 + u32::from(b) > 1300 { "#000" } else { "#fff" };
        format!("background:rgb({r} {g} {b});color:{ink}")
    };
    let paint = move || change_weight(filter, at, |_| pen.get_untracked());
    let press = move |ev: PointerEvent| {
        // Without capture, a finger paints the other cells over which it moves, too.
        if let Some(cell) = ev.target().and_then(|t| t.dyn_into::<Element>().ok()) {
            let _ = cell.release_pointer_capture(ev.pointer_id());
        }
        paint();
    };
    view! {
        <button prop:style=style tabindex=move || if current.get() == at { "0" } else { "-1" }
            aria-label=move || format!("Row {}, column {}: {}", at / side + 1, at % side + 1, weight_text(weight()))
            on:focus=move |_| current.set(at) on:pointerdown=press
            on:pointerenter=move |ev: PointerEvent| if ev.buttons() & 1 == 1 { paint() }
            on:click=move |_| paint()>
            {move || weight_text(weight())}
        </button>
    }
}

/// A weight in as few characters as a cell has room for.
pub(super) fn weight_text(weight: f32) -> String {
    let text = format!("{:.2}", weight.abs());
    let text = text.trim_end_matches('0').trim_end_matches('.').to_owned();
    // A small negative weight is not written as minus zero.
    if weight < 0.0 && text != "0" { format!("−{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_short() {
        assert_eq!(
            [0.0, -1.0, 0.5, 0.04, 100.0, -0.001].map(weight_text),
            ["0", "−1", "0.5", "0.04", "100", "0"]
        );
    }
}
