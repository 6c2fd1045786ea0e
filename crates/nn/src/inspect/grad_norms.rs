//! Norms of weights and gradients, layer by layer: they show a vanishing or exploding gradient.

use crate::plan::{Plan, Role};
use serde::{Deserialize, Serialize};

/// The norms of a layer with weights, as root mean squares.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct LayerNorms {
    /// Index in `NetworkSpec::layers`.
    pub layer: usize,
    /// Root mean square of the weights.
    pub weights: f32,
    /// Root mean square of their gradients.
    pub gradients: f32,
    /// Root mean square of the gradients of the biases, each of which is the sum of the errors (delta) of an
    /// output. If a batch normalisation follows, its biases count, since those before it have no effect.
    pub errors: f32,
}

/// The norms of all layers with weights, first to last, from the flat vectors of `plan`.
///
/// # Panics
/// If a vector is shorter than the plan says.
pub fn layer_norms(plan: &Plan, parameters: &[f32], gradients: &[f32]) -> Vec<LayerNorms> {
    let mut all: Vec<LayerNorms> = Vec::new();
    for parameter in &plan.parameters {
        let gradient = rms(&gradients[parameter.range()]);
        match parameter.role {
            Role::Weight { .. } => all.push(LayerNorms {
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

/// The factor by which the error changes from a layer to the one before it: the k in
/// `error[l] = error[L] * k^(L - l)` (Nielsen 2015, chapter 5), as the geometric mean over the layers. `None`
/// for fewer than two layers, or if an error is 0.
pub fn error_ratio(layers: &[LayerNorms]) -> Option<f32> {
    let ([first, .., last], true) = (layers, layers.iter().all(|layer| layer.errors > 0.0)) else {
        return None;
    };
    let logarithm = libm::log(f64::from(first.errors) / f64::from(last.errors));
    Some(libm::exp(logarithm / (layers.len() - 1) as f64) as f32)
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

    fn after_a_step(preset: Preset, initializer: Initializer) -> Vec<LayerNorms> {
        let spec = TrainingSpec { initializer, ..TrainingSpec::default() };
        let mut training = Training::new(preset.network(), spec).unwrap();
        let before = training.network.parameters.clone();
        let score = training.step(&[1; 16], 0.0, &|n, x| {
            x.iter_mut().enumerate().for_each(|(i, x)| *x = ((i * i + n) % 7) as f32 / 7.0);
        });
        assert!(score.is_some());
        layer_norms(training.network.plan(), &before, training.gradients())
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn the_gradient_vanishes_in_deep_sigmoid_layers() {
        let deep = after_a_step(Preset::DeepSigmoid, Initializer::Xavier);
        assert_eq!(deep.len(), 6);
        assert!(deep.windows(2).all(|pair| pair[0].errors < pair[1].errors), "{deep:?}");
        let ratio = error_ratio(&deep).unwrap();
        // The derivative of the sigmoid is at most 1/4.
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
