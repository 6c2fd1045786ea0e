//! A filter made by hand, and what it finds in the drawing.

pub(crate) mod kernel;

use leptos::ev::{KeyboardEvent, PointerEvent};
use leptos::prelude::*;
use wasm_bindgen::JsCast;

use crate::link::parts::Scene;
use crate::network::feature_maps::Maps;
use crate::network::filter::kernel::{Kernel, SIDES, presets};
use crate::network::grid::Grid;
use crate::network::inspector::Look;
use crate::ui::colormap;
use crate::ui::focus::focus;

/// CSS pixels for each pixel of the maps.
const SCALE: usize = 8;
/// What can be painted.
const PENS: [f32; 5] = [-1.0, -0.5, 0.0, 0.5, 1.0];

/// The kernel with its presets, and its map of the drawing.
#[component]
pub(crate) fn FilterView() -> impl IntoView {
    let look = expect_context::<Look>();
    let scene = look.state.scene;
    let kernel = Memo::new(move |_| scene.with(|scene| scene.filter.clone()));
    let put = move |filter: Kernel| scene.update(|scene| scene.filter = filter);
    let pen = RwSignal::new(1.0f32);
    let image = Signal::derive(move || look.values(0));
    let map = Memo::new(move |_| image.with(|i| i.as_ref().map(|i| kernel.with(|k| k.map(i)))));
    let positive =
        Signal::derive(move || map.get().map(|map| map.into_iter().map(|v| v.max(0.0)).collect::<Vec<_>>()));
    let grid = Grid::new(1, 28, 28);
    view! {
        <section class="panel layer try" aria-labelledby="filter-title">
            <div class="title">
                <h2 id="filter-title" tabindex="-1">"Try a filter"</h2>
                <span class="source">"Paint weights, or take a preset: what does it find in your digit?"</span>
                <button class="close" on:click=move |_| look.state.close() title="Escape">"Close"</button>
            </div>
            <div class="knobs" role="group" aria-label="Presets">
                {presets().map(|(_, name, preset)| {
                    let chosen = preset.clone();
                    view! {
                        <button aria-pressed=move || (kernel.get() == chosen).to_string() on:click=move |_| put(preset.clone())>{name}</button>
                    }
                }).collect_view()}
            </div>
                    <div class="knobs">
                        <label>"Pen"
                            <select on:change=move |ev| if let Ok(v) = event_target_value(&ev).parse() { pen.set(v) }>
                                {PENS.map(|v| view! { <option value=v.to_string() selected={v == 1.0}>{short(v)}</option> }).collect_view()}
                            </select>
                        </label>
                        <label>"Size"
                            <select prop:value=move || kernel.with(|k| k.side.to_string())
                                on:change=move |ev| if let Ok(side) = event_target_value(&ev).parse() { put(Kernel::zeros(side)) }>
                                {SIDES.map(|n| view! { <option value=n.to_string() selected={n == kernel.with_untracked(|k| k.side)}>{format!("{n}×{n}")}</option> }).collect_view()}
                            </select>
                        </label>
                        <button on:click=move |_| put(Kernel::zeros(kernel.with_untracked(|k| k.side)))>"Empty"</button>
                    </div>
            <div class="trial">
                <div>
                    {move || {
                        let side = kernel.with(|k| k.side);
                        view! { <Cells side scene pen /> }
                    }}
                </div>
                <figure>
                    <Maps grid scale=SCALE label="Feature map of the filter" diverging=true values=map.into() />
                    <figcaption>"what it answers, negative to positive"</figcaption>
                </figure>
                <figure>
                    <Maps grid scale=SCALE label="Feature map after ReLU" diverging=false values=positive />
                    <figcaption>"after ReLU"</figcaption>
                </figure>
            </div>
        </section>
    }
}

/// The weights, to be painted with the pointer, or with arrow keys, space, plus and minus.
#[component]
fn Cells(side: usize, scene: RwSignal<Scene>, pen: RwSignal<f32>) -> impl IntoView {
    let current = RwSignal::new(0usize);
    let set = move |at: usize, change: &dyn Fn(f32) -> f32| {
        scene.update(|scene| {
            if let Some(weight) = scene.filter.weights.get_mut(at) {
                *weight = change(*weight);
            }
        });
    };
    let key = move |ev: KeyboardEvent| {
        let at = current.get_untracked();
        let (row, column) = (at / side, at % side);
        let to = match ev.key().as_str() {
            "ArrowLeft" if column > 0 => at - 1,
            "ArrowRight" if column + 1 < side => at + 1,
            "ArrowUp" if row > 0 => at - side,
            "ArrowDown" if row + 1 < side => at + side,
            "ArrowLeft" | "ArrowRight" | "ArrowUp" | "ArrowDown" => at,
            "+" => return set(at, &|w| w + 0.5),
            "-" => return set(at, &|w| w - 0.5),
            _ => return,
        };
        ev.prevent_default();
        current.set(to);
        let cells =
            ev.current_target().and_then(|t| t.dyn_into::<web_sys::Element>().ok()).map(|e| e.children());
        let cell = cells.and_then(|cells| cells.item(to as u32));
        focus(cell);
    };
    let paint = move |at: usize| set(at, &|_| pen.get_untracked());
    view! {
        <div class="cells" role="group" aria-label=format!("Filter, {side} by {side}: arrow keys move, space paints, plus and minus change")
            style=format!("--side:{side}") on:keydown=key>
            {(0..side * side).map(|at| {
                let weight = move || scene.with(|scene| scene.filter.weights.get(at).copied().unwrap_or(0.0));
                let style = move || {
                    let largest = scene.with(|scene| scene.filter.weights.iter().fold(1.0f32, |m, w| m.max(w.abs())));
                    let [r, g, b] = colormap::weight(weight() / largest);
                    let ink = if u32::from(r) * 3 + u32::from(g) * 6 + u32::from(b) > 1300 { "#000" } else { "#fff" };
                    format!("background:rgb({r} {g} {b});color:{ink}")
                };
                view! {
                    <button style=style tabindex=move || if current.get() == at { "0" } else { "-1" }
                        aria-label=move || format!("Row {}, column {}: {}", at / side + 1, at % side + 1, short(weight()))
                        on:focus=move |_| current.set(at)
                        on:pointerdown=move |ev: PointerEvent| {
                            // A finger that goes on to other cells paints these, too.
                            if let Some(cell) = ev.target().and_then(|t| t.dyn_into::<web_sys::Element>().ok()) {
                                let _ = cell.release_pointer_capture(ev.pointer_id());
                            }
                            paint(at);
                        }
                        on:pointerenter=move |ev: PointerEvent| if ev.buttons() & 1 == 1 { paint(at) }
                        on:click=move |_| paint(at)>
                        {move || short(weight())}
                    </button>
                }
            }).collect_view()}
        </div>
    }
}

/// A weight in as few characters as a cell has room for.
fn short(weight: f32) -> String {
    let text = format!("{:.2}", weight.abs());
    let text = text.trim_end_matches('0').trim_end_matches('.').to_owned();
    if weight < 0.0 { format!("−{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_short() {
        assert_eq!([0.0, -1.0, 0.5, 0.04].map(short), ["0", "−1", "0.5", "0.04"]);
    }
}
