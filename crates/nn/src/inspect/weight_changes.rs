//! How far a step of training moved the weights of each layer.

use crate::inspect::grad_norms::root_mean_square;
use crate::plan::{Plan, Role};
use serde::{Deserialize, Serialize};

/// How far a step moved the weights of a layer.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct WeightChange {
    /// Index in `NetworkSpec::layers`.
    pub layer: usize,
    /// Root mean square of the weights before the step.
    pub weights: f32,
    /// Root mean square of their changes.
    pub change: f32,
    /// The weight that moved most: its index into the layer's weights, `[out_channel][in_channel][row][column]` for Conv2d,
    /// `[out_feature][in_feature]` for Linear.
    pub at: usize,
    /// Its value before the step.
    pub before: f32,
    /// Its value after the step.
    pub after: f32,
    /// The number of weights that moved as far, up to a hundredth: in the first step of Adam, all do.
    pub as_far: usize,
}

/// The changes of all layers with weights, first to last, from the flat vectors of `plan` before and after a step.
///
/// # Panics
/// If a vector is shorter than the plan says.
pub fn weight_changes(plan: &Plan, before: &[f32], after: &[f32]) -> Vec<WeightChange> {
    let weights = plan.parameters.iter().filter(|p| matches!(p.role, Role::Weight { .. }));
    weights
        .map(|parameter| {
            let (before, after) = (&before[parameter.range()], &after[parameter.range()]);
            let change = |at: usize| (after[at] - before[at]).abs();
            let most =
                (0..before.len()).fold(0, |most, at| if change(at) > change(most) { at } else { most });
            WeightChange {
                layer: parameter.layer,
                weights: root_mean_square(before.iter().copied()),
                change: root_mean_square(after.iter().zip(before).map(|(after, before)| after - before)),
                at: most,
                before: before.get(most).copied().unwrap_or_default(),
                after: after.get(most).copied().unwrap_or_default(),
                as_far: (0..before.len()).filter(|at| change(*at) >= 0.99 * change(most)).count(),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::Training;
    use wasm_bindgen_test::wasm_bindgen_test;

    #[wasm_bindgen_test(unsupported = test)]
    fn the_weight_that_moved_most_is_found_in_each_layer() {
        let training = Training::default();
        let (plan, before) = (training.network.plan(), &training.network.parameters);
        let mut after = before.clone();
        let weights = |layer: usize| {
            let of_layer =
                |p: &&crate::plan::Parameter| p.layer == layer && matches!(p.role, Role::Weight { .. });
            plan.parameters.iter().find(of_layer).unwrap().range()
        };
        let layers: Vec<usize> =
            weight_changes(plan, before, before).iter().map(|change| change.layer).collect();
        assert_eq!(layers.len(), 5, "two convolutions and three dense layers of LeNet-5: {layers:?}");
        let (first, last) = (weights(layers[0]), weights(layers[4]));
        after[first.start + 7] += 0.25;
        after[first.start + 8] -= 0.5;
        after[last.end - 1] -= 2.0;
        // A bias is no weight.
        after[first.end] += 100.0;
        let changes = weight_changes(plan, before, &after);
        assert_eq!((changes[0].at, changes[0].as_far), (8, 1));
        assert_eq!((changes[0].before, changes[0].after), (before[first.start + 8], after[first.start + 8]));
        let expected = (0.3125 / first.len() as f32).sqrt();
        assert!((changes[0].change - expected).abs() < 1e-5, "{:?}, not {expected}", changes[0]);
        assert_eq!((changes[1].at, changes[1].change, changes[1].as_far), (0, 0.0, weights(layers[1]).len()));
        assert_eq!(changes[4].at, last.len() - 1);
        assert!(changes.iter().all(|change| change.weights > 0.01));
    }
}
