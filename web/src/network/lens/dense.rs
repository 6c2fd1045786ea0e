//! The Lens on a dense layer: its inputs, the weights of one unit as a picture, their products, and all units.

use leptos::prelude::*;
use nn::summary::LayerSummary;

use crate::network::explanation::Explanation;
use crate::network::feature_maps::{FramedMaps, Maps};
use crate::network::grid::Grid;
use crate::network::inspector::{ANNOUNCE_AFTER, Inspector};
use crate::network::lens::controls::NumberMenu;
use crate::network::pixel_picker::value_under;
use crate::network::stages::Stage;
use crate::settings::layers::OUTPUT;
use crate::ui::debounce::debounce_changes;
use crate::ui::format::format_number;
use crate::ui::signal::set_if_changed;

/// A unit of a stage's dense layer.
#[component]
pub(super) fn DenseView(column: usize, stage: Stage, layer: LayerSummary) -> impl IntoView {
    let inspector = expect_context::<Inspector>();
    let (at, before, units) = (stage.layer, stage.before, stage.shape.channels);
    let chosen = inspector.view.map;
    let unit = Memo::new(move |_| chosen.get().min(units - 1));
    let explanation = Memo::new(move |_| {
        let input = inspector.values(column - 1)?;
        let place = (unit.get(), 0, 0);
        inspector.with_detail(at, |detail| Explanation::under(&layer, None, (before, &input), detail, place))
    });
    let of = move |read: fn(&Explanation) -> Vec<f32>| {
        Signal::derive(move || explanation.with(|explanation| explanation.as_ref().map(read)))
    };
    let is_output = stage.name == OUTPUT;
    let first = usize::from(!is_output);
    let number = if is_output { "Digit" } else { "Unit" };
    let grid = Explanation::grid(before);
    let (width, height) = grid.size();
    let before_name = inspector.name(column - 1);
    let inputs = format!(" {}", before.to_string().replace('x', "×"));
    let label = move || format!("{number} {}", unit.get() + first);
    let arithmetic = Memo::new(move |_| {
        let sum = explanation.with(|explanation| explanation.as_ref().map(Explanation::words));
        let after = inspector.arithmetic_after(&stage, unit.get());
        sum.into_iter().chain(after).collect::<Vec<_>>()
    });
    // A unit that is inspected in the maps of the layer is looked at here, too.
    Effect::new(move |_| {
        let pixel = inspector.view.pixel.get().filter(|pixel| pixel.column == column && pixel.at < units);
        if let Some(pixel) = pixel {
            set_if_changed(chosen, pixel.at);
        }
    });
    debounce_changes(
        ANNOUNCE_AFTER,
        move || unit.get(),
        move |_| {
            let value = explanation.with_untracked(|e| e.as_ref().map(|e| format_number(e.value())));
            inspector.announced.set(format!("{}: {}", untrack(label), value.unwrap_or_default()));
        },
    );
    let board = format!("--w:{width};--h:{height}");
    let step = move |by: usize| move |_| chosen.set((unit.get_untracked() + by) % units);
    view! {
        <div class="lens dense">
            <figure class="board" prop:style=board.clone()>
                <figcaption><b>{before_name}</b>{inputs}</figcaption>
                <Maps grid label="Inputs of the unit" diverging=false values=of(|e| e.inputs.clone()) />
            </figure>
            <span class="times" aria-hidden="true">"×"</span>
            <figure class="board" prop:style=board.clone()>
                <figcaption><b>{label}</b>": its weights"</figcaption>
                <Maps grid label="Weights of the unit" diverging=true values=of(|e| e.weights.clone()) />
            </figure>
            <span class="times" aria-hidden="true">"="</span>
            <figure class="board" prop:style=board>
                <figcaption><b>"Products"</b>", which are added"</figcaption>
                <Maps grid label="Inputs times weights" diverging=true values=of(Explanation::products) />
            </figure>
            <Units layer=at units unit />
        </div>
        <output class="arithmetic" aria-label="Arithmetic" aria-live="off" tabindex="0">
            {move || arithmetic.get().into_iter().map(|line| view! { <span>{line}</span> }).collect_view()}
        </output>
        <div class="knobs">
            <button on:click=step(units - 1)>"Back"</button>
            <button on:click=step(1)>"Next"</button>
            <NumberMenu name=number numbers=(0..units).collect() first now=unit choose=move |n| chosen.set(n) />
        </div>
    }
}

/// The sums of all units. One is chosen by a press.
#[component]
fn Units(layer: usize, units: usize, unit: Memo<usize>) -> impl IntoView {
    let inspector = expect_context::<Inspector>();
    let grid = Grid::new(units, 1, 1);
    let (width, height) = grid.size();
    let values = Signal::derive(move || inspector.output(layer));
    let path = Memo::new(move |_| grid.frames(std::iter::once(unit.get())));
    let host = NodeRef::<leptos::html::Div>::new();
    let press = move |ev: web_sys::PointerEvent| {
        if let Some(at) = host.get_untracked().and_then(|host| value_under(&host, grid, &ev)) {
            inspector.view.map.set(at);
        }
    };
    let key = move |ev: leptos::ev::KeyboardEvent| {
        let (dx, dy) = match ev.key().as_str() {
            "ArrowLeft" => (-1, 0),
            "ArrowRight" => (1, 0),
            "ArrowUp" => (0, -1),
            "ArrowDown" => (0, 1),
            _ => return,
        };
        if ev.alt_key() || ev.ctrl_key() || ev.meta_key() {
            return;
        }
        ev.prevent_default();
        inspector.view.map.set(grid.beside(unit.get_untracked(), dx, dy));
    };
    view! {
        <figure class="board units" prop:style=format!("--w:{width};--h:{height}")>
            <figcaption><b>"Sums"</b></figcaption>
            <div node_ref=host class="touchable" tabindex="0" role="application" aria-label="Units: arrow keys walk"
                on:pointerdown=press on:keydown=key>
                <FramedMaps grid label="Sums of all units" diverging=true values path />
            </div>
        </figure>
    }
}
