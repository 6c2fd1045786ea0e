//! How large weights and gradients are, layer by layer: the picture of a vanishing or exploding gradient.

use crate::plan::{Plan, Role};
use serde::{Deserialize, Serialize};

/// A layer that weighs its inputs, and how large its numbers are: root mean squares.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LayerSizes {
    /// Its place in `NetworkSpec::layers`.
    pub layer: usize,
    /// Of the weights.
    pub weights: f32,
    /// Of their gradients.
    pub gradients: f32,
    /// Of the gradients of the biases, which are the errors (delta) that reached the layer, added up. Where a batch
    /// normalisation follows, its biases are meant: those before it have no effect.
    pub errors: f32,
}

/// The sizes of all such layers, first to last, given the flat vectors.
///
/// # Panics
/// If they are shorter than the plan says.
pub fn sizes(plan: &Plan, parameters: &[f32], gradients: &[f32]) -> Vec<LayerSizes> {
    let mut all: Vec<LayerSizes> = Vec::new();
    for parameter in &plan.parameters {
        let gradient = rms(&gradients[parameter.range()]);
        match parameter.role {
            Role::Weight { .. } => all.push(LayerSizes {
                layer: parameter.layer,
                weights: rms(&parameters[parameter.range()]),
                gradients: gradient,
                errors: 0.0,
            }),
            Role::Bias => all.iter_mut().last().into_iter().for_each(|layer| layer.errors = gradient),
            Role::Scale => {}
        }
    }
    all
}

/// By what factor the error changes from one layer to the one before it: the k of k^(L-l), with which the error of layer l
/// is that of the last one times k to the power of the layers in between (Nielsen 2015, chapter 5). The geometric mean
/// over the layers; `None` for fewer than two, or if one has no error at all.
pub fn error_ratio(sizes: &[LayerSizes]) -> Option<f32> {
    let ([first, .., last], true) = (sizes, sizes.iter().all(|layer| layer.errors > 0.0)) else {
        return None;
    };
    let logarithm = libm::log(f64::from(first.errors) / f64::from(last.errors));
    Some(libm::exp(logarithm / (sizes.len() - 1) as f64) as f32)
}

fn rms(values: &[f32]) -> f32 {
    let squares: f64 = values.iter().map(|v| f64::from(*v) * f64::from(*v)).sum();
    libm::sqrt(squares / values.len().max(1) as f64) as f32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preset::Preset;
    use crate::spec::{Initializer, TrainingSpec};
    use crate::train::Training;
    use wasm_bindgen_test::wasm_bindgen_test;

    fn after_a_step(preset: Preset, initializer: Initializer) -> Vec<LayerSizes> {
        let spec = TrainingSpec { initializer, ..TrainingSpec::default() };
        let mut training = Training::new(preset.network(), spec).unwrap();
        let before = training.network.parameters.clone();
        let score = training.step(&[1; 16], 0.0, &|n, x| {
            x.iter_mut().enumerate().for_each(|(i, x)| *x = ((i * i + n) % 7) as f32 / 7.0);
        });
        assert!(score.is_some());
        sizes(training.network.plan(), &before, training.gradients())
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn the_gradient_vanishes_in_deep_sigmoid_layers() {
        let deep = after_a_step(Preset::DeepSigmoid, Initializer::Xavier);
        assert_eq!(deep.len(), 6);
        assert!(deep.windows(2).all(|pair| pair[0].errors < pair[1].errors), "{deep:?}");
        let ratio = error_ratio(&deep).unwrap();
        // The sigmoid's slope is at most 1/4.
        assert!((0.1..0.5).contains(&ratio), "{ratio}");
        let expected = deep[5].errors * libm::powf(ratio, 5.0);
        assert!((deep[0].errors - expected).abs() < 1e-3 * expected);
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn normalised_layers_show_the_error_behind_the_normalisation() {
        let lenet = after_a_step(Preset::LeNetTricks, Initializer::He);
        assert_eq!(lenet.iter().map(|l| l.layer).collect::<Vec<_>>(), [0, 4, 9, 13, 16]);
        assert!(lenet.iter().all(|l| l.errors > 1e-4 && l.weights > 0.01), "{lenet:?}");
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn without_any_error_there_is_no_ratio() {
        let zeros = after_a_step(Preset::DeepSigmoid, Initializer::Zeros);
        assert_eq!((zeros[0].errors, error_ratio(&zeros)), (0.0, None));
        assert_eq!(error_ratio(&zeros[..1]), None);
    }
}
