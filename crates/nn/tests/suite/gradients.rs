//! Gradients against finite differences along a random direction in each parameter tensor.

use nn::random::{Stream, normal};
use nn::spec::LayerSpec::{self, *};
use nn::spec::{Initializer, NetworkSpec, Optimizer, Shape, TrainingSpec};
use nn::train::Training;
use wasm_bindgen_test::wasm_bindgen_test;

/// Two blocks, the second not full.
const SAMPLES: usize = 21;

/// Loss and gradients of a training step whose learning rate is 0.
fn step(training: &mut Training, parameters: &[f32], seed: u32) -> f64 {
    training.network.parameters.copy_from_slice(parameters);
    let classes = training.network.plan().logits().shape.len();
    let labels: Vec<u8> = (0..SAMPLES).map(|i| (i % classes) as u8).collect();
    let fill = |sample: usize, input: &mut [f32]| {
        for (i, value) in input.iter_mut().enumerate() {
            *value = normal(seed, Stream::Shuffle, sample as u32, i as u32);
        }
    };
    training.step(&labels, 0.0, &fill).expect("finite").loss / SAMPLES as f64
}

fn check(name: &str, input: Shape, layers: Vec<LayerSpec>) {
    for seed in 1..4 {
        let spec = TrainingSpec {
            seed,
            learning_rate: 0.0,
            label_smoothing: 0.1,
            optimizer: Optimizer::SGD,
            initializer: Initializer::LeCun,
            ..TrainingSpec::default()
        };
        let mut fresh = Training::new(NetworkSpec { input, layers: layers.clone() }, spec).unwrap();
        let random = |index: usize, n: usize| -> Vec<f32> {
            (0..n).map(|i| normal(seed, Stream::Augment, index as u32, i as u32)).collect()
        };
        for p in &fresh.network.plan().parameters.clone() {
            if !p.is_weight() {
                let values = &mut fresh.network.parameters[p.range()];
                values.iter_mut().zip(random(100 + p.layer, 99)).for_each(|(v, r)| *v += 0.2 * r);
            }
        }
        let parameters = fresh.network.parameters.clone();
        let mut training = fresh.clone();
        step(&mut training, &parameters, seed);
        let gradients = training.gradients().to_vec();
        for (index, p) in fresh.network.plan().parameters.iter().enumerate() {
            let direction = random(index, p.range().len());
            let length = direction.iter().map(|d| d * d).sum::<f32>().sqrt();
            let slope: f64 =
                gradients[p.range()].iter().zip(&direction).map(|(g, d)| f64::from(g * d / length)).sum();
            let norm = gradients[p.range()].iter().map(|g| f64::from(g * g)).sum::<f64>().sqrt();
            // Small enough for few units to cross a kink, large enough compared with f32's rounding errors.
            let size = 2e-3;
            let at = |sign: f32| {
                let mut moved = parameters.clone();
                for (value, d) in moved[p.range()].iter_mut().zip(&direction) {
                    *value += sign * size * d / length;
                }
                // A fresh copy takes the same step, with the same dropout masks.
                step(&mut fresh.clone(), &moved, seed)
            };
            let difference = (at(1.0) - at(-1.0)) / (2.0 * f64::from(size));
            let error = (difference - slope).abs();
            assert!(
                error <= 0.02 * norm + 5e-4,
                "{name}, {} (seed {seed}): the loss rises by {difference:.5}, the gradient says {slope:.5} of {norm:.5}",
                p.name
            );
        }
        assert!(gradients.iter().any(|g| g.abs() > 1e-3), "{name}: no gradient arrives");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn linear_layers() {
    check("linear", Shape::vector(13), vec![Linear { out_features: 7 }, Relu, Linear { out_features: 5 }]);
}

#[wasm_bindgen_test(unsupported = test)]
fn convolution_and_pooling() {
    for (stride, padding) in [(1, 0), (1, 2), (2, 1)] {
        let layers = vec![
            Conv2d { out_channels: 3, kernel_size: 3, stride, padding },
            Relu,
            MaxPool2d { kernel_size: 2, stride: 1 },
            Conv2d { out_channels: 7, kernel_size: 2, stride, padding: padding.min(1) },
            Relu,
            Flatten,
            Linear { out_features: 4 },
        ];
        check(&format!("stride {stride}, padding {padding}"), Shape::maps(2, 9, 8), layers);
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn activations() {
    for activation in [Relu, LeakyRelu { negative_slope: 0.1 }, Elu { alpha: 1.5 }, Sigmoid, Tanh] {
        let layers = vec![
            Linear { out_features: 9 },
            activation,
            Linear { out_features: 5 },
            activation,
            Linear { out_features: 4 },
        ];
        check(&format!("{activation:?}"), Shape::vector(8), layers);
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn average_pooling_and_subsampling() {
    for pool in [AvgPool2d { kernel_size: 3, stride: 2 }, Subsample2d { kernel_size: 2, stride: 2 }] {
        let layers = vec![
            Conv2d { out_channels: 4, kernel_size: 3, stride: 1, padding: 1 },
            Tanh,
            pool,
            Tanh,
            Flatten,
            Linear { out_features: 4 },
        ];
        check(&format!("{pool:?}"), Shape::maps(1, 8, 9), layers);
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn dropout() {
    let layers = vec![Linear { out_features: 20 }, Tanh, Dropout { p: 0.4 }, Linear { out_features: 4 }];
    check("dropout", Shape::vector(6), layers);
}

#[wasm_bindgen_test(unsupported = test)]
fn batch_normalisation() {
    let layers = vec![
        Conv2d { out_channels: 5, kernel_size: 3, stride: 1, padding: 0 },
        BatchNorm,
        Tanh,
        Flatten,
        Linear { out_features: 7 },
        BatchNorm,
        Sigmoid,
        Linear { out_features: 4 },
    ];
    check("batch normalisation", Shape::maps(2, 6, 5), layers);
}
