//! What a layer holds, for those who look at it closely.

use crate::messages::LayerDetail;
use nn::inspect::histogram::Histogram;
use nn::network::Network;
use nn::plan::{Parameter, Plan, Role};

/// All that a layer holds; nothing for one that learns nothing.
pub(crate) fn detail(network: &Network, layer: usize, gradients: Histogram) -> Option<LayerDetail> {
    let plan = network.plan();
    let values = |parameter: &Parameter| network.parameters[parameter.range()].to_vec();
    let weights = weights_of(plan, layer).map(values)?;
    let biases = plan.parameters.iter().find(|p| p.layer == layer && p.role == Role::Bias).map(values);
    let (mut running_mean, mut running_variance) = (Vec::new(), Vec::new());
    if let Some(statistics) = plan.statistics.iter().find(|s| s.layer == layer) {
        let (mean, variance) = network.running[statistics.range()].split_at(statistics.channels);
        (running_mean, running_variance) = (mean.to_vec(), variance.to_vec());
    }
    let biases = biases.unwrap_or_default();
    Some(LayerDetail { layer, weights, biases, running_mean, running_variance, gradients })
}

/// The gradients of a layer's weights in a flat vector of all; nothing if the vector is empty.
pub(crate) fn gradient_histogram(plan: &Plan, gradients: &[f32], layer: usize) -> Histogram {
    let weights = weights_of(plan, layer).and_then(|weights| gradients.get(weights.range()));
    Histogram::of(weights.unwrap_or_default())
}

fn weights_of(plan: &Plan, layer: usize) -> Option<&Parameter> {
    plan.parameters.iter().find(|p| p.layer == layer && p.role != Role::Bias)
}
