//! The weights of a layer as one picture, with their histogram and that of their gradients.

use leptos::prelude::*;
use nn::inspect::histogram::Histogram;
use nn::spec::{LayerSpec, Shape};
use nn::summary::LayerSummary;
use trainer::messages::LayerDetail;

use crate::network::feature_maps::Maps;
use crate::network::grid::Grid;
use crate::network::inspector::Inspector;
use crate::network::layer::maps::MAX_WIDTH;
use crate::network::stages::Stage;
use crate::ui::histogram::HistogramView;

/// Whether a layer slides its weights over its input. Only such weights are called filters.
pub(super) fn is_filter(spec: LayerSpec) -> bool {
    matches!(spec, LayerSpec::Conv2d { .. })
}

/// All weights of a stage's layer, and two histograms.
#[component]
pub(super) fn WeightsFigure(column: usize, stage: Stage, layer: LayerSummary) -> impl IntoView {
    let inspector = expect_context::<Inspector>();
    let name = if is_filter(layer.spec) { "Filters" } else { "Weights" };
    let label = format!("All {} of {}", name.to_lowercase(), stage.name);
    let (grid, scale, words) = layout(layer.spec, stage.before, layer.input);
    let before = inspector.name(column - 1);
    let at = stage.layer;
    let values = Signal::derive(move || {
        inspector.with_detail(at, |detail| match layer.spec {
            LayerSpec::Conv2d { out_channels, kernel_size, .. } => {
                detail.map(|d| by_input(&d.weights, out_channels, kernel_size * kernel_size))
            }
            _ => detail.map(|d| d.weights.clone()),
        })
    });
    let histogram = move |of: fn(&LayerDetail) -> Histogram| {
        Signal::derive(move || inspector.with_detail(at, |detail| detail.map(of).unwrap_or_default()))
    };
    view! {
        <figure class="part">
            <figcaption><b>{name}</b>{format!(" {words} {before}")}</figcaption>
            <Maps grid scale label diverging=true values />
        </figure>
        <div class="part histograms">
            <HistogramView title="Histogram of weights" values=histogram(|d| Histogram::of(&d.weights)) />
            <HistogramView title="Histogram of gradients, last step" values=histogram(|d| d.gradients.clone()) />
        </div>
    }
}

/// The grid of a layer's weights, the pixels for each of them, and what the grid shows in words.
fn layout(spec: LayerSpec, before: Shape, input: Shape) -> (Grid, usize, &'static str) {
    match spec {
        LayerSpec::Conv2d { out_channels, kernel_size, .. } if input.channels == 1 => (
            Grid::with_columns(out_channels.min(10), out_channels, kernel_size, kernel_size),
            8,
            "a kernel for each map, on",
        ),
        LayerSpec::Conv2d { out_channels, kernel_size, .. } => {
            // A kernel for each pair of maps, in the order of `by_input`.
            let grid =
                Grid::with_columns(out_channels, out_channels * input.channels, kernel_size, kernel_size);
            let scale = (MAX_WIDTH * 3 / 5 / grid.size().0).clamp(1, 8);
            (grid, scale, "a column for each map, a row for each map of")
        }
        LayerSpec::Linear { out_features } if !before.is_vector() && before.channels == 1 => {
            let grid = Grid::with_columns(6, out_features, before.height, before.width);
            (grid, 2, "an image of weights for each unit, on")
        }
        LayerSpec::Linear { out_features } => {
            let scale = (MAX_WIDTH / input.len().max(1)).clamp(1, 5);
            (
                Grid { gap: 0, ..Grid::with_columns(1, 1, out_features, input.len()) },
                scale,
                "a row for each unit, a column for each value of",
            )
        }
        _ => (Grid::new(1, 1, 1), 1, ""),
    }
}

/// The kernels of a convolution, `[map][channel][taps]`, as `[channel][map][taps]`: most layers have fewer channels than maps, and
/// pages are wide.
fn by_input(weights: &[f32], maps: usize, taps: usize) -> Vec<f32> {
    let channels = weights.len() / (maps * taps);
    let kernels = (0..channels).flat_map(|c| (0..maps).map(move |m| (m * channels + c) * taps));
    kernels.flat_map(|start| weights[start..start + taps].iter().copied()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kernels_of_one_input_stand_in_one_row() {
        // Two maps of three channels, with kernels of one weight: map * 10 + channel.
        assert_eq!(by_input(&[0., 1., 2., 10., 11., 12.], 2, 1), [0., 10., 1., 11., 2., 12.]);
    }
}
