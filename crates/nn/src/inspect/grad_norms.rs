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
        let gradient = root_mean_square(gradients[parameter.range()].iter().copied());
        match parameter.role {
            Role::Weight { .. } => all.push(LayerNorms {
                layer: parameter.layer,
                weights: root_mean_square(parameters[parameter.range()].iter().copied()),
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
/// `error[l] = error[L] * k^(L - l)` (Nielsen 2015, chapter 5), where all layers count: the line of least
/// squares through the logarithms of the errors. `None` for fewer than two layers, or if an error is 0 or not
/// finite.
pub fn error_ratio(layers: &[LayerNorms]) -> Option<f32> {
    if layers.len() < 2 || !layers.iter().all(|layer| layer.errors > 0.0 && layer.errors.is_finite()) {
        return None;
    }
    let middle = (layers.len() - 1) as f64 / 2.0;
    let (mut products, mut squares) = (0.0, 0.0);
    for (i, layer) in layers.iter().enumerate() {
        let depth = middle - i as f64;
        products += depth * libm::log(f64::from(layer.errors));
        squares += depth * depth;
    }
    Some(libm::exp(products / squares) as f32)
}

/// The root mean square of values; 0 if there are none.
pub(super) fn root_mean_square(values: impl ExactSizeIterator<Item = f32>) -> f32 {
    let count = values.len().max(1) as f64;
    let squares: f64 = values.map(|v| f64::from(v) * f64::from(v)).sum();
    libm::sqrt(squares / count) as f32
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
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn every_layer_counts_in_the_ratio() {
        let layers = |errors: &[f32]| -> Vec<LayerNorms> {
            let norms = |(layer, errors): (usize, &f32)| LayerNorms {
                layer,
                weights: 1.0,
                gradients: 1.0,
                errors: *errors,
            };
            errors.iter().enumerate().map(norms).collect()
        };
        let ratio = |errors: &[f32]| error_ratio(&layers(errors)).unwrap();
        let close = |a: f32, b: f32| assert!((a - b).abs() < 1e-5 * b, "{a}, not {b}");
        close(ratio(&[1e-5, 1e-4, 1e-3, 1e-2]), 0.1);
        close(ratio(&[8.0, 2.0]), 4.0);
        close(ratio(&[0.3, 0.3, 0.3]), 1.0);
        // Both ends are alike, but not what lies between them.
        close(ratio(&[0.1, 1e-6, 0.01, 0.1]), 10f32.powf(-0.4));
        assert_eq!(error_ratio(&layers(&[0.1, f32::NAN])), None);
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
