//! A stage opened: its filters, its maps on every way through it, what its numbers are like.

pub(crate) mod convolve;
pub(crate) mod softmax;

use leptos::prelude::*;
use nn::inspect::histogram::Histogram;
use nn::spec::{LayerSpec, Shape};
use trainer::messages::LayerDetail;

use crate::network::explanation::number;
use crate::network::feature_maps::{Maps, Touchable};
use crate::network::grid::Grid;
use crate::network::inspector::Look;
use crate::network::layer::convolve::Slide;
use crate::network::layer::softmax::SoftmaxView;
use crate::network::sliding_window::Windows;
use crate::network::stages::Stage;
use crate::settings::layers::OUTPUT;
use crate::ui::format::thousands;
use crate::ui::histogram::HistogramView;

/// CSS pixels that pictures may be wide in this panel.
const ROOM: usize = 720;

/// All of a stage.
#[component]
pub(crate) fn LayerView(column: usize, stage: Stage) -> impl IntoView {
    let look = expect_context::<Look>();
    let state = look.state;
    let Some(layer) = look.layer(stage.layer) else { return ().into_any() };
    let (shown, shape) = (stage.shown, stage.shape);
    let softmax = if stage.name == OUTPUT { " and softmax" } else { "" };
    let title = format!("{}: {}{softmax}", stage.name, layer.spec.kind());
    let facts = format!(
        "{} in, {} out, {} parameters",
        stage.before.to_string().replace('x', "×"),
        stage.shape.to_string().replace('x', "×"),
        thousands(stage.parameters)
    );
    // What does not slide over something is no filter.
    let weights_name = if matches!(layer.spec, LayerSpec::Conv2d { .. }) { "Filters" } else { "Weights" };
    let weights_label = format!("All {} of {}", weights_name.to_lowercase(), stage.name);
    let own = stage.layer;
    let drawn = Signal::derive(move || {
        look.with_detail(own, |detail| match layer.spec {
            LayerSpec::Conv2d { out_channels, kernel_size, .. } => {
                detail.map(|d| by_input(&d.weights, out_channels, kernel_size * kernel_size))
            }
            _ => detail.map(|d| d.weights.clone()),
        })
    });
    let histogram = move |of: fn(&LayerDetail) -> Histogram| {
        Signal::derive(move || look.with_detail(own, |detail| detail.map(of).unwrap_or_default()))
    };
    let is_weighted = matches!(layer.spec, LayerSpec::Conv2d { .. } | LayerSpec::Linear { .. });
    let is_pool = matches!(layer.spec, LayerSpec::MaxPool2d { .. });
    let dropout = stage.layers().find_map(|at| match look.layer(at)?.spec {
        LayerSpec::Dropout { p } => {
            let words = format!(
                "Dropout: each training step strikes out {:.0} % of these values, crossed out while training; none when your drawing is read.",
 100.0 * p
            );
            Some(view! { <p class="hint">{words}</p> })
        }
        _ => None,
    });
    let following: Vec<(usize, LayerSpec)> = (stage.layers())
        .filter_map(|at| look.layer(at).map(|l| (at, l.spec)))
        .filter(|(_, spec)| !matches!(spec, LayerSpec::Dropout { .. } | LayerSpec::Flatten))
        .collect();
    let last = following.last().map_or(own, |(at, _)| *at);
    let before = look.name(column - 1);
    view! {
        <section class="panel layer" aria-labelledby="layer-title">
            <div class="title">
                <h2 id="layer-title" tabindex="-1">{title}</h2>
                <span class="source">{facts}</span>
                <button class="close" on:click=move |_| state.close() title="Escape">"Close"</button>
            </div>
            <div class="parts">
                {is_weighted.then(|| {
                    let (grid, scale, words) = kernels(layer.spec, stage.before, layer.input);
                    view! {
                        <figure class="part">
                            <figcaption><b>{weights_name}</b>{format!(" {words} {before}")}</figcaption>
                            <Maps grid scale label=weights_label diverging=true values=drawn />
                        </figure>
                        <div class="part histograms">
                            <HistogramView title="Histogram of weights" values=histogram(|d| Histogram::of(&d.weights)) />
                            <HistogramView title="Histogram of gradients, last step" values=histogram(|d| d.gradients.clone()) />
                        </div>
                    }
                })}
                {is_pool.then(|| view! { <Winners column shape=layer.input own /> })}
                {following.iter().map(|&(at, spec)| {
                    let words = match spec {
                        _ if at == own && own != shown => format!("After {}, before activation", spec.kind()),
                        _ => format!("After {}", spec.kind()),
                    };
                    let batch_norm = (spec == LayerSpec::BatchNorm).then(|| view! { <Normalized layer=at /> });
                    view! {
                        <Stack column shape layer=at words diverging=diverges(spec) inner=at != last />
                        {batch_norm}
                    }
                }).collect_view()}
                {(stage.name == OUTPUT).then(|| view! { <SoftmaxView layer=shown /> })}
            </div>
            {dropout}
            <Slide column stage />
        </section>
    }
    .into_any()
}

/// Whether a layer gives values of both signs.
fn diverges(spec: LayerSpec) -> bool {
    !matches!(
        spec,
        LayerSpec::Relu | LayerSpec::Sigmoid | LayerSpec::MaxPool2d { .. } | LayerSpec::AvgPool2d { .. }
    )
}

/// How all weights of a layer lie in one picture, how large each is, and what is what.
fn kernels(spec: LayerSpec, before: Shape, input: Shape) -> (Grid, usize, &'static str) {
    match spec {
        LayerSpec::Conv2d { out_channels, kernel_size, .. } if input.channels == 1 => (
            Grid::with_columns(out_channels.min(10), out_channels, kernel_size, kernel_size),
            8,
            "a kernel for each map, on",
        ),
        LayerSpec::Conv2d { out_channels, kernel_size, .. } => {
            // A kernel for each pair of maps; see `by_input`.
            let grid =
                Grid::with_columns(out_channels, out_channels * input.channels, kernel_size, kernel_size);
            let scale = (ROOM * 3 / 5 / grid.size().0).clamp(1, 8);
            (grid, scale, "a column for each map, a row for each map of")
        }
        LayerSpec::Linear { out_features } if !before.is_vector() && before.channels == 1 => {
            let grid = Grid::with_columns(6, out_features, before.height, before.width);
            (grid, 2, "an image of weights for each unit, on")
        }
        LayerSpec::Linear { out_features } => {
            let scale = (ROOM / input.len().max(1)).clamp(1, 5);
            (
                Grid { gap: 0, ..Grid::with_columns(1, 1, out_features, input.len()) },
                scale,
                "a row for each unit, a column for each value of",
            )
        }
        _ => (Grid::new(1, 1, 1), 1, ""),
    }
}

/// The kernels of a convolution, `[map][channel]`, as `[channel][map]`: there are fewer channels than maps, mostly, and
/// pages are wide.
fn by_input(weights: &[f32], maps: usize, taps: usize) -> Vec<f32> {
    let channels = weights.len() / (maps * taps);
    let kernels = (0..channels).flat_map(|c| (0..maps).map(move |m| (m * channels + c) * taps));
    kernels.flat_map(|start| weights[start..start + taps].iter().copied()).collect()
}

/// The maps of one layer of the stage, large.
#[component]
fn Stack(
    column: usize,
    shape: Shape,
    layer: usize,
    words: String,
    diverging: bool,
    /// Whether other layers of the stage follow.
    inner: bool,
) -> impl IntoView {
    let look = expect_context::<Look>();
    let grid = if shape.is_vector() {
        Grid::with_columns(40, shape.channels, 1, 1)
    } else {
        Grid::with_columns(if shape.channels > 6 { 8 } else { 6 }, shape.channels, shape.height, shape.width)
    };
    let scale = (ROOM / grid.size().0).clamp(1, if shape.is_vector() { 18 } else { 8 });
    let values = Signal::derive(move || look.output(layer));
    view! {
        <figure class="part wide">
            <figcaption><b>{words.clone()}</b></figcaption>
            <Touchable column grid inner>
                <Maps grid scale label=words diverging values />
            </Touchable>
        </figure>
    }
}

/// What is pooled, with the pixel lit that wins in each window.
#[component]
fn Winners(column: usize, shape: Shape, own: usize) -> impl IntoView {
    let look = expect_context::<Look>();
    let values = Signal::derive(move || look.values(column - 1));
    let grid =
        Grid::with_columns(if shape.channels > 6 { 8 } else { 6 }, shape.channels, shape.height, shape.width);
    let scale = (ROOM / grid.size().0).clamp(1, 8);
    let winners =
        Signal::derive(move || match (values.get(), look.layer(own).as_ref().and_then(Windows::of)) {
            (Some(values), Some(windows)) => windows.winners(&values),
            _ => Vec::new(),
        });
    view! {
        <figure class="part wide">
            <figcaption><b>"Before pooling"</b>" the winner of each window in full colour"</figcaption>
            <Touchable column=column - 1 grid>
                <Maps grid scale label="Before pooling, with the winning pixel of each window" diverging=false values bright=winners />
            </Touchable>
        </figure>
    }
}

/// What a batch normalisation does: how values lie before and after it, and the numbers of each channel.
#[component]
fn Normalized(layer: usize) -> impl IntoView {
    let look = expect_context::<Look>();
    let histogram =
        move |layer: usize| Signal::derive(move || Histogram::of(&look.output(layer).unwrap_or_default()));
    let channels = look.layer(layer).map_or(0, |layer| layer.output.channels);
    let row = move |name: &'static str, of: fn(&LayerDetail) -> &Vec<f32>| {
        let values = Memo::new(move |_| {
            look.with_detail(layer, |detail| detail.map(|d| of(d).clone()).unwrap_or_default())
        });
        let cell = move |channel: usize| {
            move || values.with(|values| values.get(channel).map(|value| number(*value)))
        };
        let cells = (0..channels).map(|channel| view! { <td>{cell(channel)}</td> }).collect_view();
        view! { <tr><th scope="row">{name}</th>{cells}</tr> }
    };
    let head = (1..=channels).map(|channel| view! { <th scope="col">{channel}</th> }).collect_view();
    view! {
        <div class="part histograms">
            <HistogramView title="Before batch normalisation" values=histogram(layer - 1) />
            <HistogramView title="After batch normalisation" values=histogram(layer) />
        </div>
        <div class="part scrolls" tabindex="0" role="region" aria-label="Statistics of the batch normalisation">
            <table class="statistics">
                <thead><tr><th scope="col">"Channel"</th>{head}</tr></thead>
                <tbody>
                    {row("Running mean", |d| &d.running_mean)}
                    {row("Running variance", |d| &d.running_variance)}
                    {row("Factor", |d| &d.weights)}
                    {row("Addend", |d| &d.biases)}
                </tbody>
            </table>
        </div>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kernels_of_one_input_stand_in_one_row() {
        // Two maps of three channels, kernels of one weight: the weight is map * 10 + channel.
        assert_eq!(by_input(&[0., 1., 2., 10., 11., 12.], 2, 1), [0., 10., 1., 11., 2., 12.]);
    }
}
