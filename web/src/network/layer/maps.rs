//! The maps of a stage, large, and the input of its pooling.

use leptos::prelude::*;
use nn::spec::Shape;
use nn::summary::LayerSummary;

use crate::network::feature_maps::{FramedMaps, Maps};
use crate::network::grid::Grid;
use crate::network::inspector::Inspector;
use crate::network::pixel_picker::PixelPicker;
use crate::network::sliding_window::SlidingWindow;

/// The largest width of pictures in the panel, in CSS pixels.
pub(super) const MAX_WIDTH: usize = 720;

/// The grid of the maps of a layer.
fn grid_of(shape: Shape) -> Grid {
    let columns = if shape.channels > 6 { 8 } else { 6 };
    Grid::with_columns(columns, shape.channels, shape.height, shape.width)
}

/// The maps after a layer of a stage.
#[component]
pub(super) fn LayerMaps(
    column: usize,
    shape: Shape,
    layer: usize,
    words: String,
    diverging: bool,
    /// Whether other layers of the stage follow.
    inner: bool,
) -> impl IntoView {
    let inspector = expect_context::<Inspector>();
    let (grid, max_scale) = if shape.is_vector() {
        (Grid::with_columns(40, shape.channels, 1, 1), 18)
    } else {
        (grid_of(shape), 8)
    };
    let scale = (MAX_WIDTH / grid.size().0).clamp(1, max_scale);
    let values = Signal::derive(move || inspector.output(layer));
    view! {
        <figure class="part wide">
            <figcaption><b>{words.clone()}</b></figcaption>
            <PixelPicker column grid inner>
                <Maps grid scale label=words diverging values />
            </PixelPicker>
        </figure>
    }
}

/// The input of max pooling, with frames around the pixels that win their windows.
#[component]
pub(super) fn PoolingInput(column: usize, layer: LayerSummary) -> impl IntoView {
    let inspector = expect_context::<Inspector>();
    let values = Signal::derive(move || inspector.values(column - 1));
    let window = SlidingWindow::of(&layer);
    let grid = grid_of(layer.input);
    let scale = (MAX_WIDTH / grid.size().0).clamp(1, 8);
    let winners = Memo::new(move |_| match (values.get(), window) {
        (Some(values), Some(window)) => grid.frames(window.winners(&values).into_iter()),
        _ => String::new(),
    });
    view! {
        <figure class="part wide">
            <figcaption><b>"Before pooling"</b>" frames: the largest value of each window; among equals none wins"</figcaption>
            <PixelPicker column=column - 1 grid>
                <FramedMaps grid scale label="Before pooling, with the winning pixel of each window framed" diverging=false values path=winners />
            </PixelPicker>
        </figure>
    }
}
