//! Keeping what was learned when layers come and go during a training.
//!
//! Parameters whose name and dimensions stay are kept. A batch normalisation that goes is folded into a layer
//! beside it, and a new one starts as the identity, so that the network's outputs hardly change.

use crate::network::Network;
use crate::plan::{Op, Plan};
use crate::spec::{BATCH_NORM_EPS, LayerSpec, NetworkSpec};
use std::ops::Range;

/// What became of the layers when one network took over what another one has learned.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Transfer {
    /// The batch normalisations that the other network has not (indices into [`Plan::statistics`]), for
    /// [`Training::calibrate_batch_norm`](crate::train::Training::calibrate_batch_norm).
    pub new: Vec<usize>,
    /// Layers of the other network (indices into `NetworkSpec::layers`): batch normalisations that are gone,
    /// and that no other layer could take over. The outputs have changed.
    pub lost: Vec<usize>,
    /// Parameters of this network that took over a batch normalisation.
    pub(super) folded: Vec<Range<usize>>,
}

impl NetworkSpec {
    /// Whether both are the same but for dropout, batch normalisations and shuffled pixels. These come and go in mid-training: the run
    /// goes on. With any other change, another network begins a run of its own.
    pub fn is_same_but_for_tricks(&self, other: &Self) -> bool {
        let is_trick = |layer: &&LayerSpec| {
            matches!(layer, LayerSpec::BatchNorm | LayerSpec::Dropout { .. } | LayerSpec::Permute { .. })
        };
        let others = |network: &Self| -> Vec<LayerSpec> {
            network.layers.iter().filter(|layer| !is_trick(layer)).copied().collect()
        };
        self.input == other.input && others(self) == others(other)
    }

    /// Whether both compute the same with the same weights: dropout acts in training only.
    pub fn computes_the_same(&self, other: &Self) -> bool {
        let layers = |network: &Self| -> Vec<LayerSpec> {
            let acts = |layer: &&LayerSpec| !matches!(layer, LayerSpec::Dropout { .. });
            network.layers.iter().filter(acts).copied().collect()
        };
        self.input == other.input && layers(self) == layers(other)
    }
}

impl Network {
    /// Copies the parameters and running estimates of `other` whose name and dimensions are also here, as
    /// PyTorch's `load_state_dict(strict=False)`, and folds the batch normalisations of `other` that are not.
    pub fn load_matching(&mut self, other: &Self) -> Transfer {
        let (plan, other_plan) = (self.cpu.plan(), other.plan());
        plan.copy_matching(&mut self.parameters, other_plan, &other.parameters);
        let mut transfer = Transfer::default();
        for (i, statistics) in plan.statistics.iter().enumerate() {
            match other_plan.find_statistics(statistics) {
                Some(same) => self.running[statistics.range()].copy_from_slice(&other.running[same.range()]),
                None => transfer.new.push(i),
            }
        }
        for (i, statistics) in other_plan.statistics.iter().enumerate() {
            if self.plan().find_statistics(statistics).is_none() {
                match fold_batch_norm(self, other, i) {
                    Some(folded) => transfer.folded.extend(folded),
                    None => transfer.lost.push(statistics.layer),
                }
            }
        }
        transfer
    }
}

/// `scale * x + shift` of every channel: what a batch normalisation is in inference.
struct Affine {
    scale: Vec<f32>,
    shift: Vec<f32>,
}

impl Affine {
    fn channels(&self) -> usize {
        self.scale.len()
    }

    /// Whether it can change places with max pooling: a negative factor makes the largest value the smallest.
    fn is_monotone(&self) -> bool {
        self.scale.iter().all(|scale| *scale >= 0.0)
    }
}

/// Folds batch normalisation number `statistics` of `other`, which is not in `network`, into the layer with
/// weights before or after it. Returns the parameters that changed; `None` if an activation stands on both
/// sides.
fn fold_batch_norm(network: &mut Network, other: &Network, statistics: usize) -> Option<[Range<usize>; 2]> {
    let plan = other.plan();
    let is_it = |op: &Op| matches!(op, Op::Moments { statistics: s, .. } if *s == statistics);
    let at = plan.ops.iter().position(is_it)?;
    let Op::Affine { scale, shift, .. } = plan.ops.get(at + 2)? else { return None };
    let (mean, variance) =
        other.running[plan.statistics[statistics].range()].split_at(plan.statistics[statistics].channels);
    let gamma = other.parameters[scale.clone()].iter();
    let scale: Vec<f32> = gamma.zip(variance).map(|(g, v)| g / (v + BATCH_NORM_EPS).sqrt()).collect();
    let beta = other.parameters[shift.clone()].iter();
    let shift = beta.zip(mean).zip(&scale).map(|((beta, mean), scale)| beta - mean * scale).collect();
    let affine = Affine { scale, shift };
    fold_backward(network, plan, &plan.ops[..at], &affine)
        .or_else(|| fold_forward(network, plan, &plan.ops[at + 3..], &affine))
}

/// The parameters of `network` with the name and dimensions of those at `ranges` of `other`.
fn find(network: &Network, other: &Plan, ranges: [&Range<usize>; 2]) -> Option<[Range<usize>; 2]> {
    let find = |range: &Range<usize>| {
        let parameter = other.parameters.iter().find(|p| p.range() == *range)?;
        network.plan().find_parameter(parameter).map(|p| p.range())
    };
    Some([find(ranges[0])?, find(ranges[1])?])
}

/// Folds an affine map of channels into the last layer with weights in `before`, the operations before it:
/// `scale * (w x + b) + shift` is that layer with other weights and biases.
fn fold_backward(
    network: &mut Network,
    other: &Plan,
    before: &[Op],
    affine: &Affine,
) -> Option<[Range<usize>; 2]> {
    for op in before.iter().rev() {
        match op {
            Op::Conv2d { weight, bias, .. } | Op::Affine { scale: weight, shift: bias, .. } => {
                let Some(found) = find(network, other, [weight, bias]) else {
                    // A batch normalisation that goes as well was folded into the same layer before.
                    if matches!(op, Op::Affine { .. }) {
                        continue;
                    }
                    return None;
                };
                // After a flatten layer each pixel is a channel.
                if found[1].len() != affine.channels() {
                    return None;
                }
                let [weights, biases] = found.clone();
                let row = weights.len() / affine.channels();
                let rows = network.parameters[weights].chunks_exact_mut(row);
                rows.zip(&affine.scale).for_each(|(row, scale)| row.iter_mut().for_each(|w| *w *= scale));
                let biases = network.parameters[biases].iter_mut();
                let maps = affine.scale.iter().zip(&affine.shift);
                biases.zip(maps).for_each(|(bias, (scale, shift))| *bias = *bias * scale + shift);
                return Some(found);
            }
            Op::MaxPool2d { .. } if !affine.is_monotone() => return None,
            Op::Activation { .. } | Op::Pad { .. } | Op::Permute { .. } => return None,
            Op::MaxPool2d { .. }
            | Op::AvgPool2d { .. }
            | Op::Dropout { .. }
            | Op::Normalize { .. }
            | Op::Moments { .. } => {}
        }
    }
    None
}

/// Folds an affine map of channels into the first layer with weights in `after`, the operations after it:
/// `w (scale * x + shift) + b` is that layer with other weights and biases. If the layer pads its input, the
/// result is exact but for the border, where the padding has no shift.
fn fold_forward(
    network: &mut Network,
    other: &Plan,
    after: &[Op],
    affine: &Affine,
) -> Option<[Range<usize>; 2]> {
    for op in after {
        match op {
            Op::Conv2d { weight, bias, .. } | Op::Affine { scale: weight, shift: bias, .. } => {
                let found = find(network, other, [weight, bias])?;
                let [weights, biases] = found.clone();
                let (outputs, channels) = (biases.len(), affine.channels());
                let is_affine = matches!(op, Op::Affine { .. });
                // The inputs of an output, by channels: its kernels, or the pixels that were flattened.
                let row = weights.len() / outputs;
                if (is_affine && outputs != channels) || (!is_affine && !row.is_multiple_of(channels)) {
                    return None;
                }
                let per_channel = if is_affine { 1 } else { row / channels };
                let [first, second] = [&weights, &biases];
                for output in 0..outputs {
                    let mut shift = 0.0;
                    for input in 0..row {
                        let channel = if is_affine { output } else { input / per_channel };
                        let weight = &mut network.parameters[first.start + output * row + input];
                        shift += f64::from(*weight) * f64::from(affine.shift[channel]);
                        *weight *= affine.scale[channel];
                    }
                    network.parameters[second.start + output] += shift as f32;
                }
                return Some(found);
            }
            Op::MaxPool2d { .. } if !affine.is_monotone() => return None,
            Op::Activation { .. } | Op::Moments { .. } | Op::Normalize { .. } | Op::Permute { .. } => {
                return None;
            }
            Op::Pad { .. } | Op::MaxPool2d { .. } | Op::AvgPool2d { .. } | Op::Dropout { .. } => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preset::Preset;
    use wasm_bindgen_test::wasm_bindgen_test;

    #[wasm_bindgen_test(unsupported = test)]
    fn tricks_leave_a_network_the_same_and_only_dropout_what_it_computes() {
        let plain = Preset::LeNet5.network();
        let with = |change: fn(&mut NetworkSpec)| {
            let mut network = plain.clone();
            change(&mut network);
            [plain.is_same_but_for_tricks(&network), plain.computes_the_same(&network)]
        };
        assert_eq!(with(|_| {}), [true; 2]);
        assert_eq!(with(|network| network.layers.insert(9, LayerSpec::Dropout { p: 0.5 })), [true; 2]);
        assert_eq!(with(|network| network.layers.insert(1, LayerSpec::BatchNorm)), [true, false]);
        assert_eq!(with(|network| network.layers.insert(0, LayerSpec::Permute { seed: 1 })), [true, false]);
        assert_eq!(with(|network| network.layers[1] = LayerSpec::Sigmoid), [false; 2]);
        assert_eq!(with(|network| *network = Preset::Mlp30.network()), [false; 2]);
    }
}
