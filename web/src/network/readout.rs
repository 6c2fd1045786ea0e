//! The computation of the inspected pixel: its inputs and weights as pictures, and the arithmetic in words.

use leptos::prelude::*;
use nn::spec::Shape;

use crate::network::explanation::Explanation;
use crate::network::feature_maps::{FramedMaps, Maps};
use crate::network::inspector::Inspector;
use crate::pad::store::PadStore;
use crate::ui::format::format_number;

/// The largest side of a picture of inputs, in CSS pixels.
const MAX_SIDE: usize = 104;

/// The computation of the inspected pixel; a hint while none is inspected.
#[component]
pub(crate) fn Readout() -> impl IntoView {
    let inspector = expect_context::<Inspector>();
    let pad = expect_context::<PadStore>();
    let pixel = Memo::new(move |_| inspector.pixel_name().zip(inspector.pixel_value()));
    // The pictures are built anew only where their shape changes. Their content follows the signals.
    let patch = Memo::new(move |_| inspector.explanation.with(|e| e.as_ref().map(|e| (e.patch, e.is_sum()))));
    let lines = Memo::new(move |_| inspector.arithmetic());
    let hint = move || {
        if pad.image.with(Option::is_some) {
            "Point at a pixel, or walk there with Tab and the arrow keys, to see what it is made of. A click on a layer’s name opens it."
        } else {
            "Draw a digit or take an example, then point at any pixel to see what it is made of. A click on a layer’s name opens it."
        }
    };
    view! {
        <div class="readout" class:idle=move || pixel.with(Option::is_none)>
            <Show when=move || pixel.with(Option::is_some) fallback=move || view! { <p class="hint">{hint}</p> }>
                <div class="place">
                    <span>{move || pixel.get().map(|(name, _)| name)}</span>
                    <b>{move || pixel.get().map(|(_, value)| format_number(value))}</b>
                </div>
                {move || patch.get().map(|(patch, is_sum)| view! { <Patch patch is_sum /> })}
            </Show>
            <output class="arithmetic" aria-label="Arithmetic" aria-live="off">
                {move || lines.get().into_iter().map(|line| view! { <span>{line}</span> }).collect_view()}
            </output>
        </div>
    }
}

/// The inputs, times the weights where every input has one.
#[component]
fn Patch(patch: Shape, is_sum: bool) -> impl IntoView {
    let explanation = expect_context::<Inspector>().explanation;
    let grid = Explanation::grid(patch);
    let (width, height) = grid.size();
    let scale = (MAX_SIDE / width.max(height)).max(1);
    let of = move |read: fn(&Explanation) -> &Vec<f32>| {
        Signal::derive(move || explanation.with(|e| e.as_ref().map(|e| read(e).clone())))
    };
    let winner = Memo::new(move |_| {
        let winner = explanation.with(|explanation| explanation.as_ref().and_then(Explanation::winner));
        grid.frames(winner.into_iter())
    });
    view! {
        <div class="patch">
            <figure>
                <FramedMaps grid scale label="Its inputs" diverging=false values=of(|e| &e.inputs) path=winner />
                <figcaption>"inputs"</figcaption>
            </figure>
            {is_sum.then(|| view! {
                <span class="times" aria-hidden="true">"×"</span>
                <figure>
                    <Maps grid scale label="Their weights" diverging=true values=of(|e| &e.weights) />
                    <figcaption>"weights"</figcaption>
                </figure>
            })}
        </div>
    }
}
