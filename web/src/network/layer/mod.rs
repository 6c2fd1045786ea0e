//! The panel of a stage: the Lens on its layer, its weights, and its maps after each layer.

mod maps;
mod softmax;
pub(crate) mod softmax_terms;
mod statistics;
mod weights;

use leptos::prelude::*;
use nn::spec::LayerSpec;
use nn::summary::LayerSummary;

use crate::network::inspector::Inspector;
use crate::network::layer::maps::{LayerMaps, PoolingInput};
use crate::network::layer::softmax::SoftmaxTable;
use crate::network::layer::statistics::BatchNormStatistics;
use crate::network::layer::weights::{WeightsFigure, is_filter};
use crate::network::lens::Lens;
use crate::network::stages::{Stage, has_both_signs};
use crate::network::thinned::ThinnedNetworks;
use crate::settings::layers::OUTPUT;
use crate::ui::format::count;

/// The panel of the stage in a column.
#[component]
pub(crate) fn LayerPanel(column: usize, stage: Stage) -> impl IntoView {
    let inspector = expect_context::<Inspector>();
    let Some(layer) = inspector.layer(stage.layer) else { return ().into_any() };
    let is_weighted = is_filter(layer.spec) || matches!(layer.spec, LayerSpec::Linear { .. });
    let is_max_pool = matches!(layer.spec, LayerSpec::MaxPool2d { .. });
    view! {
        <section class="panel layer" aria-labelledby="layer-title">
            <div class="title">
                <h2 id="layer-title" tabindex="-1">{title(&stage, layer.spec)}</h2>
                <span class="source">{facts(&stage)}</span>
                <button class="close" on:click=move |_| inspector.view.close() title="Escape">"Close"</button>
            </div>
            <Lens column stage=stage.clone() layer=layer.clone() />
            <div class="parts">
                {dropout_rate(inspector, &stage).map(|p| view! { <ThinnedNetworks p /> })}
                {is_weighted.then(|| view! { <WeightsFigure column stage=stage.clone() layer=layer.clone() /> })}
                {is_max_pool.then(|| view! { <PoolingInput column layer=layer.clone() /> })}
                <StageLayers column stage=stage.clone() />
                {(stage.name == OUTPUT).then(|| view! { <SoftmaxTable layer=stage.shown /> })}
            </div>
        </section>
    }
    .into_any()
}

/// The name and the kind of a stage.
fn title(stage: &Stage, spec: LayerSpec) -> String {
    let softmax = if stage.name == OUTPUT { " and softmax" } else { "" };
    format!("{}: {}{softmax}", stage.name, spec.kind())
}

/// The shapes and the number of parameters of a stage.
fn facts(stage: &Stage) -> String {
    format!(
        "{} in, {} out, {}",
        stage.before.to_string().replace('x', "×"),
        stage.shape.to_string().replace('x', "×"),
        count(stage.parameters, "parameter")
    )
}

/// The share of a stage's units that dropout drops; none if it has no dropout that can be shown.
fn dropout_rate(inspector: Inspector, stage: &Stage) -> Option<f32> {
    let kept = stage.layers().filter_map(|at| match inspector.layer(at)?.spec {
        LayerSpec::Dropout { p } => Some(1.0 - p),
        _ => None,
    });
    let kept = kept.reduce(|kept, of_next| kept * of_next).filter(|_| inspector.has_masks())?;
    Some(1.0 - kept)
}

/// The maps after each layer of a stage, except after flattening, which does not change them.
#[component]
fn StageLayers(column: usize, stage: Stage) -> impl IntoView {
    let inspector = expect_context::<Inspector>();
    let layers: Vec<(usize, LayerSummary)> = (stage.layers())
        .filter_map(|at| inspector.layer(at).map(|layer| (at, layer)))
        .filter(|(_, layer)| layer.spec != LayerSpec::Flatten)
        .collect();
    let last = layers.last().map_or(stage.layer, |(at, _)| *at);
    let figure = |(at, layer): (usize, LayerSummary)| {
        let is_before_activation = at == stage.layer && stage.layer != stage.shown;
        let suffix = if is_before_activation { ", before activation" } else { "" };
        let words = format!("After {}{suffix}", layer.spec.kind());
        let statistics =
            (layer.spec == LayerSpec::BatchNorm).then(|| view! { <BatchNormStatistics layer=at /> });
        view! {
            <LayerMaps column shape=stage.shape layer=at words diverging=has_both_signs(layer.spec) inner=at != last />
            {statistics}
        }
    };
    layers.into_iter().map(figure).collect_view()
}
