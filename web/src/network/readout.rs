//! How the pixel that is pointed at came about: its inputs and weights as pictures, the sum in words.

use leptos::prelude::*;
use nn::spec::Shape;

use crate::network::explanation::number;
use crate::network::feature_maps::Maps;
use crate::network::grid::Grid;
use crate::network::inspector::Look;

/// CSS pixels that a picture of inputs may be high and wide.
const ROOM: usize = 104;

/// The arithmetic behind a pixel.
#[component]
pub(crate) fn Readout() -> impl IntoView {
    let look = expect_context::<Look>();
    let touched = Memo::new(move |_| look.place().zip(look.value()));
    // The pictures are made anew only where their shape changes; what is in them follows the signals.
    let patch = Memo::new(move |_| look.made.with(|m| m.as_ref().map(|m| (m.patch, m.is_sum()))));
    let lines = Memo::new(move |_| look.lines());
    let hint = move || {
        if look.state.image.with(Option::is_some) {
            "Point at a pixel, or walk there with Tab and the arrow keys, to see what it is made of. A click on a layer’s name opens it."
        } else {
            "Draw a digit or take an example, then point at any pixel to see what it is made of. A click on a layer’s name opens it."
        }
    };
    view! {
        <div class="readout" class:idle=move || touched.with(Option::is_none)>
            <Show when=move || touched.with(Option::is_some) fallback=move || view! { <p class="hint">{hint}</p> }>
                <div class="place">
                    <span>{move || touched.get().map(|t| t.0)}</span>
                    <b>{move || touched.get().map(|t| number(t.1))}</b>
                </div>
                {move || patch.get().map(|(patch, is_sum)| view! { <Patch patch is_sum /> })}
            </Show>
            <output class="arithmetic" aria-label="Arithmetic" aria-live="off">
                {move || lines.get().into_iter().map(|line| view! { <span>{line}</span> }).collect_view()}
            </output>
            <p class="visually-hidden" aria-live="polite">{look.announced}</p>
        </div>
    }
}

/// Inputs, times weights where every input has its own.
#[component]
fn Patch(patch: Shape, is_sum: bool) -> impl IntoView {
    let look = expect_context::<Look>();
    let grid = match patch.channels {
        channels if patch.is_vector() => Grid::with_columns(channels.div_ceil(10), channels, 1, 1),
        channels => Grid::new(channels, patch.height, patch.width),
    };
    let (width, height) = grid.size();
    let scale = (ROOM / width.max(height)).max(1);
    let inputs = Signal::derive(move || look.made.with(|m| m.as_ref().map(|m| m.inputs.clone())));
    let weights = Signal::derive(move || look.made.with(|m| m.as_ref().map(|m| m.weights.clone())));
    let winner = Signal::derive(move || {
        look.made.with(|made| {
            let Some(made) = made else { return Vec::new() };
            let winner = made.winner();
            (0..made.inputs.len()).map(|i| winner.is_none_or(|winner| winner == i)).collect()
        })
    });
    view! {
        <div class="patch">
            <figure>
                <Maps grid scale label="Its inputs" diverging=false values=inputs bright=winner />
                <figcaption>"inputs"</figcaption>
            </figure>
            {is_sum.then(|| view! {
                <span class="times" aria-hidden="true">"×"</span>
                <figure>
                    <Maps grid scale label="Their weights" diverging=true values=weights />
                    <figcaption>"weights"</figcaption>
                </figure>
            })}
        </div>
    }
}
