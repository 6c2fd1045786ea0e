//! The panel in which a filter is made by hand, with its map of the drawing.

mod cells;
pub(crate) mod kernel;

use data::mnist::SIDE;
use leptos::prelude::*;

use crate::network::feature_maps::Maps;
use crate::network::filter::cells::{KernelCells, weight_text};
use crate::network::filter::kernel::{Kernel, SIDES, presets};
use crate::network::grid::Grid;
use crate::network::inspector::Inspector;

/// CSS pixels for each pixel of the maps.
const SCALE: usize = 8;
/// The weights to paint with.
const PENS: [f32; 5] = [-1.0, -0.5, 0.0, 0.5, 1.0];

/// The filter with its presets, and its map of the drawing.
#[component]
pub(crate) fn FilterPanel() -> impl IntoView {
    let inspector = expect_context::<Inspector>();
    let filter = inspector.view.filter;
    let pen = RwSignal::new(1.0f32);
    let image = Signal::derive(move || inspector.values(0));
    let map = Memo::new(move |_| image.with(|i| i.as_ref().map(|i| filter.with(|filter| filter.map(i)))));
    let rectified =
        Signal::derive(move || map.get().map(|map| map.into_iter().map(|v| v.max(0.0)).collect::<Vec<_>>()));
    let grid = Grid::new(1, SIDE, SIDE);
    // The cells stay while they are painted: one of them may have the focus.
    let side = Memo::new(move |_| filter.with(|filter| filter.side));
    view! {
        <section class="panel layer try" aria-labelledby="filter-title">
            <div class="title">
                <h2 id="filter-title" tabindex="-1">"Try a filter"</h2>
                <span class="source">"Paint weights, or take a preset: what does it find in your digit?"</span>
                <button class="close" on:click=move |_| inspector.view.close() title="Escape">"Close"</button>
            </div>
            <div class="knobs" role="group" aria-label="Presets">
                {presets().map(|(_, name, preset)| {
                    let chosen = preset.clone();
                    view! {
                        <button aria-pressed=move || (filter.get() == chosen).to_string()
                            on:click=move |_| filter.set(preset.clone())>{name}</button>
                    }
                }).collect_view()}
            </div>
            <FilterTools filter pen />
            <div class="trial">
                <div>
                    {move || view! { <KernelCells side=side.get() filter pen /> }}
                </div>
                <figure>
                    <Maps grid scale=SCALE label="Feature map of the filter" diverging=true values=map.into() />
                    <figcaption>"what it answers, negative to positive"</figcaption>
                </figure>
                <figure>
                    <Maps grid scale=SCALE label="Feature map after ReLU" diverging=false values=rectified />
                    <figcaption>"after ReLU"</figcaption>
                </figure>
            </div>
        </section>
    }
}

/// The menus of the pen and the size, and the button that empties the filter.
#[component]
fn FilterTools(filter: RwSignal<Kernel>, pen: RwSignal<f32>) -> impl IntoView {
    let choose_pen = move |ev| {
        if let Ok(weight) = event_target_value(&ev).parse() {
            pen.set(weight);
        }
    };
    let choose_side = move |ev| {
        if let Ok(side) = event_target_value(&ev).parse() {
            filter.set(Kernel::zeros(side));
        }
    };
    let first_side = filter.with_untracked(|filter| filter.side);
    view! {
        <div class="knobs">
            <label>"Pen"
                <select on:change=choose_pen>
                    {PENS.map(|v| view! { <option value=v.to_string() selected={v == 1.0}>{weight_text(v)}</option> }).collect_view()}
                </select>
            </label>
            <label>"Size"
                <select prop:value=move || filter.with(|filter| filter.side.to_string()) on:change=choose_side>
                    {SIDES.map(|n| view! { <option value=n.to_string() selected={n == first_side}>{format!("{n}×{n}")}</option> }).collect_view()}
                </select>
            </label>
            <button on:click=move |_| filter.set(Kernel::zeros(filter.with_untracked(|filter| filter.side)))>"Empty"</button>
        </div>
    }
}
