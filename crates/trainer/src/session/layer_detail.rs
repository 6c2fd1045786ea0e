//! All parameters and statistics of one layer.

use crate::messages::LayerDetail;
use nn::inspect::histogram::Histogram;
use nn::network::Network;
use nn::plan::{Parameter, Plan, Role};

/// All parameters and statistics of a layer; `None` for a layer without parameters.
pub(super) fn layer_detail(network: &Network, layer: usize, gradients: Histogram) -> Option<LayerDetail> {
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

/// The histogram of the gradients of a layer's weights, out of the gradients of all parameters; empty if
/// there are none.
pub(super) fn gradient_histogram(plan: &Plan, gradients: &[f32], layer: usize) -> Histogram {
    let weights = weights_of(plan, layer).and_then(|weights| gradients.get(weights.range()));
    Histogram::of(weights.unwrap_or_default())
}

fn weights_of(plan: &Plan, layer: usize) -> Option<&Parameter> {
    plan.parameters.iter().find(|p| p.layer == layer && p.role != Role::Bias)
}
