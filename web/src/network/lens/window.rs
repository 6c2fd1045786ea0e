//! The sliding window of a layer, which walks over its input step by step and leaves an output map behind.

use leptos::prelude::*;
use nn::spec::LayerSpec;
use nn::summary::LayerSummary;

use crate::network::feature_maps::{FramedMaps, largest_of};
use crate::network::grid::Grid;
use crate::network::inspector::Inspector;
use crate::network::layer::slide::Slide;
use crate::network::layer::slide_controls::SlideControls;
use crate::network::sliding_window::SlidingWindow;
use crate::network::stages::Stage;
use crate::ui::format::format_number;

/// The largest side of the input maps, in CSS pixels.
const MAX_INPUT_SIDE: usize = 330;
/// The largest side of the output map.
const MAX_OUTPUT_SIDE: usize = 240;

/// The window of a stage's layer over its input; nothing for layers without a window. Stride and padding can be tried here, the
/// network keeps its own.
#[component]
pub(super) fn SlideWindow(column: usize, stage: Stage, layer: LayerSummary) -> impl IntoView {
    let inspector = expect_context::<Inspector>();
    let Some(own) = SlidingWindow::of(&layer) else { return ().into_any() };
    let is_convolution = matches!(layer.spec, LayerSpec::Conv2d { .. });
    let maps = stage.shape.channels;
    let slide = Slide::new(own);
    let window = slide.window;
    // The network may have fewer maps than when the map was chosen.
    let map = Memo::new(move |_| inspector.view.map.get().min(maps - 1));
    let output = Memo::new(move |_| {
        output(inspector, (column - 1, stage.layer), layer.spec, &window.get(), map.get())
    });
    let status = move || {
        let at = slide.at.get();
        let columns = window.get().output().1.max(1);
        let value = output.with(|output| output.as_ref().and_then(|output| output.get(at).copied()));
        let value = value.map_or("draw a digit first".into(), format_number);
        let (row, column) = (at / columns + 1, at % columns + 1);
        format!("Window {} of {}: row {row}, column {column}: {value}", at + 1, slide.positions())
    };
    view! {
        <section class="slide" aria-labelledby="slide-title">
            <h3 id="slide-title">"Slide the window"</h3>
            <SlideControls slide own is_convolution maps map />
            <p class="formula">
                "(n + 2p − k) / s + 1: "<output aria-label="Output size">{move || formula(&window.get())}</output>
            </p>
            <div class="walk">
                {move || {
                    let window = window.get();
                    let channels = if is_convolution { window.input.channels } else { 1 };
                    let values = Signal::derive(move || inspector.values(column - 1));
                    view! { <SlideInput window channels map at=slide.at values /> }
                }}
                <span class="times" aria-hidden="true">"→"</span>
                {move || {
                    let (rows, columns) = window.get().output();
                    view! { <SlideOutput rows columns at=slide.at diverging=is_convolution values=output /> }
                }}
            </div>
            <output aria-label="Window" aria-live="off">{status}</output>
        </section>
    }
    .into_any()
}

/// A map of the output of `layer` with this window over the values of a column; none while the input or the weights are unknown.
fn output(
    inspector: Inspector,
    (column, layer): (usize, usize),
    spec: LayerSpec,
    window: &SlidingWindow,
    map: usize,
) -> Option<Vec<f32>> {
    let input = inspector.values(column)?;
    if input.len() != window.input.len() {
        return None;
    }
    if matches!(spec, LayerSpec::Conv2d { .. }) {
        return inspector.with_detail(layer, |detail| {
            let detail = detail?;
            let kernel = window.input.channels * window.kernel_size * window.kernel_size;
            let weights = detail.weights.get(map * kernel..(map + 1) * kernel)?;
            Some(window.correlate(&input, weights, *detail.biases.get(map)?))
        });
    }
    let mut pooled = window.pooled(&input, map, matches!(spec, LayerSpec::MaxPool2d { .. }));
    // Sub-sampling has a weight and a bias for each map.
    let learned = inspector
        .with_detail(layer, |detail| detail.and_then(|d| Some((*d.weights.get(map)?, *d.biases.get(map)?))));
    let (weight, bias) = learned.unwrap_or((1.0, 0.0));
    pooled.iter_mut().for_each(|value| *value = *value * weight + bias);
    Some(pooled)
}

/// The number of positions along a side, as a formula with its result.
fn formula(window: &SlidingWindow) -> String {
    let SlidingWindow { input, kernel_size, stride, padding } = *window;
    let side = format!("{} + 2·{padding} − {kernel_size}", input.height);
    let Some(room) = (input.height + 2 * padding).checked_sub(kernel_size) else {
        return format!("{side} is less than 0: the window does not fit");
    };
    let steps = if room.is_multiple_of(stride) {
        format!("({side}) / {stride}")
    } else {
        format!("⌊({side}) / {stride}⌋")
    };
    format!("{steps} + 1 = {}", window.positions(input.height))
}

/// The maps under the window, with their padding.
#[component]
fn SlideInput(
    window: SlidingWindow,
    /// The number of maps under the window: all of a convolution's, or the chosen one.
    channels: usize,
    map: Memo<usize>,
    at: RwSignal<usize>,
    values: Signal<Option<Vec<f32>>>,
) -> impl IntoView {
    let SlidingWindow { input, kernel_size, stride, padding } = window;
    let (height, width) = (input.height + 2 * padding, input.width + 2 * padding);
    let grid = Grid::square(channels, height, width);
    let first = move || if channels == input.channels { 0 } else { map.get() };
    let padded = Signal::derive(move || {
        let values = values.get()?;
        // NaN is drawn grey, as the padding is to be.
        let mut padded = vec![f32::NAN; grid.len()];
        for (i, pixel) in padded.iter_mut().enumerate() {
            let (channel, y, x) = (i / (height * width), i / width % height, i % width);
            let inside = y.checked_sub(padding).filter(|y| *y < input.height);
            if let Some((y, x)) = inside.zip(x.checked_sub(padding).filter(|x| *x < input.width)) {
                *pixel = *values.get(((first() + channel) * input.height + y) * input.width + x)?;
            }
        }
        Some(padded)
    });
    let path = Memo::new(move |_| {
        let columns = window.output().1.max(1);
        let (top, left) = (at.get() / columns * stride, at.get() % columns * stride);
        (0..channels)
            .map(|c| grid.frame(c, &(top..top + kernel_size), &(left..left + kernel_size)))
            .map(|[x, y, w, h]| format!("M{x} {y}h{w}v{h}h-{w}z"))
            .collect::<String>()
    });
    let scale = scale_within(MAX_INPUT_SIDE, grid);
    view! { <FramedMaps grid scale label="What the window slides over" diverging=false values=padded path /> }
}

/// The output map up to the position of the window.
#[component]
fn SlideOutput(
    rows: usize,
    columns: usize,
    at: RwSignal<usize>,
    diverging: bool,
    values: Memo<Option<Vec<f32>>>,
) -> impl IntoView {
    let grid = Grid::with_columns(1, 1, rows.max(1), columns.max(1));
    let so_far = Signal::derive(move || {
        let mut values = values.get()?;
        values.iter_mut().skip(at.get() + 1).for_each(|v| *v = f32::NAN);
        Some(values)
    });
    let path = Memo::new(move |_| grid.frames(std::iter::once(at.get())));
    // The colours are those of the finished map from the first window on.
    let largest =
        Signal::derive(move || values.with(|values| largest_of(values.as_deref().unwrap_or_default())));
    let scale = scale_within(MAX_OUTPUT_SIDE, grid);
    view! { <FramedMaps grid scale label="The map so far" diverging values=so_far largest path /> }
}

/// The CSS pixels for each value of a grid with at most this side.
fn scale_within(max_side: usize, grid: Grid) -> usize {
    let (width, height) = grid.size();
    (max_side / width.max(height)).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use nn::spec::Shape;

    #[test]
    fn the_formula_is_written_with_its_result() {
        let written = |side, kernel_size, stride, padding| {
            formula(&SlidingWindow { input: Shape::maps(1, side, side), kernel_size, stride, padding })
        };
        assert_eq!(written(28, 5, 1, 2), "(28 + 2·2 − 5) / 1 + 1 = 28");
        assert_eq!(written(28, 5, 2, 0), "⌊(28 + 2·0 − 5) / 2⌋ + 1 = 12");
        assert_eq!(written(3, 5, 1, 0), "3 + 2·0 − 5 is less than 0: the window does not fit");
    }
}
