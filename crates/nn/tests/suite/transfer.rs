//! What is kept when layers and optimizers are replaced in the middle of a training.

use nn::mnist::{IMAGE, PIXELS};
use nn::network::Network;
use nn::random::{Stream, pcg4d, symmetric};
use nn::spec::LayerSpec::{self, *};
use nn::spec::{NetworkSpec, Optimizer, TrainingSpec};
use nn::train::{Training, TrainingState, Transfer};
use std::sync::atomic::{AtomicUsize, Ordering};
use wasm_bindgen_test::wasm_bindgen_test;

const SAMPLES: usize = 48;
const POOL: LayerSpec = MaxPool2d { kernel_size: 2, stride: 2 };

const fn conv(out_channels: usize, padding: usize) -> LayerSpec {
    Conv2d { out_channels, kernel_size: 3, stride: 1, padding }
}

const fn linear(out_features: usize) -> LayerSpec {
    Linear { out_features }
}

/// An image of a blob whose place depends on the label, with some noise.
fn image(sample: usize) -> Vec<u8> {
    let label = sample % 10;
    let at = |p: usize| {
        let (x, y) = (p % 28, p / 28);
        let near = x.abs_diff(5 + 2 * label) + y.abs_diff(8 + label) < 6;
        let noise = pcg4d([p as u32, sample as u32, 7, 7])[0] % 60;
        (if near { 190 } else { 0 } + noise) as u8
    };
    (0..PIXELS).map(at).collect()
}

fn labels() -> Vec<u8> {
    (0..SAMPLES).map(|sample| (sample % 10) as u8).collect()
}

/// All images, `[sample][28][28]`.
fn images() -> Vec<f32> {
    (0..SAMPLES).flat_map(image).map(|byte| f32::from(byte) / 255.0).collect()
}

fn train(training: &mut Training, steps: usize) -> f64 {
    let images = images();
    let fill = |i: usize, input: &mut [f32]| input.copy_from_slice(&images[i * PIXELS..][..PIXELS]);
    let loss = |_| training.step(&labels(), 0.0, &fill).expect("finite").loss / SAMPLES as f64;
    (0..steps).map(loss).last().unwrap_or(f64::NAN)
}

/// The logits of 16 images, in inference mode.
fn logits(network: &Network) -> Vec<f32> {
    let mut network = network.clone();
    network.prepare();
    let last = network.spec().layers.len() - 1;
    let logits = |sample| {
        network.infer(std::iter::once(image(sample).as_slice()));
        network.output(last).unwrap()
    };
    (0..16).flat_map(logits).collect()
}

fn spec(layers: &[LayerSpec]) -> NetworkSpec {
    NetworkSpec { input: IMAGE, layers: layers.to_vec() }
}

/// A trained network, and the same without its batch normalisations.
fn without_batch_norm(layers: &[LayerSpec]) -> (Training, Training, Transfer) {
    let mut training = Training::new(spec(layers), TrainingSpec::default()).unwrap();
    train(&mut training, 40);
    // As after a longer training: scales of any size.
    let plan = training.network.plan().clone();
    for p in plan.parameters.iter().filter(|p| p.name.starts_with("bn_") && p.name.ends_with(".weight")) {
        for (i, scale) in training.network.parameters[p.range()].iter_mut().enumerate() {
            *scale *= 1.0 + 0.5 * symmetric(1, Stream::Weights, p.offset as u32, i as u32)[0];
        }
    }
    let rest: Vec<LayerSpec> = layers.iter().copied().filter(|layer| *layer != BatchNorm).collect();
    let mut changed = training.clone();
    let transfer = changed.configure(spec(&rest), TrainingSpec::default()).unwrap();
    (training, changed, transfer)
}

/// The largest difference of two vectors, relative to the largest value.
fn difference(a: &[f32], b: &[f32]) -> f32 {
    let scale = a.iter().fold(0.0f32, |m, v| m.max(v.abs()));
    a.iter().zip(b).fold(0.0f32, |m, (a, b)| m.max((a - b).abs())) / scale
}

#[wasm_bindgen_test(unsupported = test)]
fn a_batch_norm_that_goes_is_folded_wherever_it_stands() {
    let average = AvgPool2d { kernel_size: 2, stride: 2 };
    let subsample = Subsample2d { kernel_size: 2, stride: 2 };
    let networks: Vec<Vec<LayerSpec>> = vec![
        // Before the activation, and behind it.
        vec![Flatten, linear(30), BatchNorm, Relu, linear(10)],
        vec![Flatten, linear(30), Relu, BatchNorm, linear(10)],
        vec![Flatten, linear(30), Sigmoid, BatchNorm, linear(20), Tanh, BatchNorm, linear(10)],
        // At the ends.
        vec![BatchNorm, conv(4, 0), Relu, Flatten, linear(10)],
        vec![BatchNorm, Flatten, linear(20), Relu, linear(10), BatchNorm],
        vec![Flatten, BatchNorm, linear(10)],
        // Behind and before pooling, flattening and dropout.
        vec![conv(4, 1), Relu, POOL, BatchNorm, conv(5, 0), Relu, Flatten, linear(10)],
        vec![conv(4, 0), average, BatchNorm, Tanh, Flatten, linear(10)],
        vec![conv(4, 0), POOL, BatchNorm, Relu, Flatten, linear(10)],
        vec![conv(4, 0), Relu, BatchNorm, POOL, Flatten, linear(10)],
        vec![conv(4, 0), Tanh, BatchNorm, average, conv(3, 0), Tanh, Flatten, linear(10)],
        vec![conv(4, 0), subsample, BatchNorm, Tanh, Flatten, linear(10)],
        vec![conv(4, 0), Tanh, BatchNorm, subsample, Tanh, Flatten, linear(10)],
        vec![conv(2, 0), POOL, Relu, Flatten, BatchNorm, linear(10)],
        vec![Flatten, linear(30), Relu, Dropout { p: 0.3 }, BatchNorm, linear(10)],
        vec![Flatten, linear(30), Relu, BatchNorm, Dropout { p: 0.3 }, linear(10)],
        // Two in a row, and two around one layer.
        vec![Flatten, linear(30), BatchNorm, BatchNorm, Relu, linear(10)],
        vec![Flatten, linear(30), Relu, BatchNorm, linear(20), BatchNorm, Relu, linear(10)],
    ];
    for layers in networks {
        let (before, after, transfer) = without_batch_norm(&layers);
        assert_eq!((&transfer.lost, &transfer.new), (&vec![], &vec![]), "{layers:?}");
        let error = difference(&logits(&before.network), &logits(&after.network));
        assert!(error < 1e-4, "{layers:?}: the logits differ by {error:e}");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn before_a_layer_that_pads_folding_is_exact_but_for_the_border() {
    let layers = [conv(4, 1), Relu, BatchNorm, conv(5, 1), Relu, POOL, Flatten, linear(10)];
    let (before, after, transfer) = without_batch_norm(&layers);
    assert!(transfer.lost.is_empty());
    let error = difference(&logits(&before.network), &logits(&after.network));
    assert!(error < 0.3, "{error}");
    let layer = |network: &Network, layer: usize| {
        let mut network = network.clone();
        network.prepare();
        network.infer(std::iter::once(image(3).as_slice()));
        network.output(layer).unwrap()
    };
    // The output of the second convolution, which is layer 3 and 2, [channel][28][28].
    let (before, after) = (layer(&before.network, 3), layer(&after.network, 2));
    let inner = |values: &[f32]| -> Vec<f32> {
        let is_inner = |i: &usize| (1..27).contains(&(i % 28)) && (1..27).contains(&(i / 28 % 28));
        (0..values.len()).filter(is_inner).map(|i| values[i]).collect()
    };
    let error = difference(&inner(&before), &inner(&after));
    assert!(error < 1e-4, "{error:e}");
}

#[wasm_bindgen_test(unsupported = test)]
fn a_batch_norm_that_cannot_be_folded_is_named() {
    let (_, after, transfer) = without_batch_norm(&[Flatten, linear(30), Relu, BatchNorm, Tanh, linear(10)]);
    assert_eq!(transfer.lost, [3]);
    assert!(after.network.parameters.iter().all(|w| w.is_finite()));
}

fn saved(training: &Training) -> TrainingState {
    let mut state = TrainingState::default();
    training.save(&mut state);
    state
}

#[wasm_bindgen_test(unsupported = test)]
fn adam_and_adamw_keep_each_others_moments() {
    let network = spec(&[Flatten, linear(20), Relu, linear(10)]);
    let options = |optimizer| TrainingSpec { optimizer, ..TrainingSpec::default() };
    let mut training = Training::new(network.clone(), options(Optimizer::ADAM)).unwrap();
    train(&mut training, 20);
    for optimizer in [Optimizer::ADAM_W, Optimizer::ADAM] {
        let before = saved(&training);
        assert!(before.optimizer.steps == 20 && before.optimizer.second.iter().any(|v| *v > 0.0));
        training.configure(network.clone(), options(optimizer)).unwrap();
        assert_eq!(saved(&training), before, "{optimizer:?}");
    }
    // Without weight decay the two rules are one, so a switch changes nothing.
    let mut stays = training.clone();
    training.configure(network.clone(), options(Optimizer::ADAM_W)).unwrap();
    assert_eq!(train(&mut training, 5), train(&mut stays, 5));
    assert_eq!(saved(&training), saved(&stays));
    // The velocity of SGD is something else.
    training.configure(network, options(Optimizer::MOMENTUM)).unwrap();
    let state = saved(&training).optimizer;
    assert!(state.steps == 0 && state.first.iter().chain(&state.second).all(|v| *v == 0.0));
}

#[wasm_bindgen_test(unsupported = test)]
fn new_parameters_move_by_no_more_than_a_learning_rate_a_step() {
    let (rate, layers) = (0.001, [Flatten, linear(30), Relu, linear(10)]);
    let options = TrainingSpec { learning_rate: rate, ..TrainingSpec::default() };
    let mut training = Training::new(spec(&layers), options.clone()).unwrap();
    train(&mut training, 300);
    let new = [Flatten, linear(30), BatchNorm, Relu, linear(17), Relu, linear(10)];
    training.configure(spec(&new), options).unwrap();
    for step in 0..60 {
        let before = training.network.parameters.clone();
        train(&mut training, 1);
        let moved = training.network.parameters.iter().zip(&before).map(|(a, b)| (a - b).abs());
        let most = moved.fold(0.0f32, f32::max) / rate;
        // Adam's bound is 1 for a gradient that stays the same; without a correction it would be 6.5.
        assert!(most < 2.5, "step {step}: a parameter moves by {most} learning rates");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn gradients_are_those_of_the_present_layers_or_none() {
    let layers = [Flatten, linear(20), Relu, linear(10)];
    let mut training = Training::new(spec(&layers), TrainingSpec::default()).unwrap();
    assert!(training.known_gradients().is_empty(), "before the first step");
    train(&mut training, 1);
    assert!(!training.known_gradients().is_empty());
    let faster = TrainingSpec { learning_rate: 0.01, ..TrainingSpec::default() };
    training.configure(spec(&layers), faster.clone()).unwrap();
    assert!(!training.known_gradients().is_empty(), "the layers are the same");
    training.configure(spec(&[Flatten, linear(10)]), faster).unwrap();
    assert!(training.known_gradients().is_empty(), "other layers");
    train(&mut training, 1);
    let state = saved(&training);
    assert!(
        !training.known_gradients().is_empty()
            && training.restore(&state)
            && training.known_gradients().is_empty(),
        "restored"
    );
    train(&mut training, 1);
    training.restart();
    assert!(training.known_gradients().is_empty(), "restarted");
}

#[wasm_bindgen_test(unsupported = test)]
fn several_new_batch_norms_are_the_identity_after_one_pass_over_the_images() {
    let plain = [conv(4, 1), Relu, POOL, conv(5, 0), Relu, Flatten, linear(20), Relu, linear(10)];
    let mut training = Training::new(spec(&plain), TrainingSpec::default()).unwrap();
    train(&mut training, 40);
    let before = logits(&training.network);
    let mut layers = plain.to_vec();
    [8, 5, 1].into_iter().for_each(|at| layers.insert(at, BatchNorm));
    let transfer = training.configure(spec(&layers), TrainingSpec::default()).unwrap();
    assert_eq!(transfer.new, [0, 1, 2]);
    let (images, count) = (images(), AtomicUsize::new(0));
    let fill = |i: usize, input: &mut [f32]| {
        count.fetch_add(1, Ordering::Relaxed);
        input.copy_from_slice(&images[i * PIXELS..][..PIXELS]);
    };
    training.calibrate_batch_norm(&transfer.new, &labels(), &fill);
    assert_eq!(count.into_inner(), SAMPLES, "each image goes forward once");
    let error = difference(&before, &logits(&training.network));
    assert!(error < 1e-3, "the logits differ by {error:e}");
    assert!(train(&mut training, 1).is_finite());
}

#[wasm_bindgen_test(unsupported = test)]
fn statistics_that_overflow_calibrate_nothing() {
    let plain = [conv(4, 1), Relu, Flatten, linear(20), Relu, linear(10)];
    for weight in [1e20, 1e30, 1e38] {
        let mut training = Training::new(spec(&plain), TrainingSpec::default()).unwrap();
        train(&mut training, 1);
        training.network.parameters[..36].fill(weight);
        let with = [conv(4, 1), BatchNorm, Relu, Flatten, linear(20), BatchNorm, Relu, linear(10)];
        let transfer = training.configure(spec(&with), TrainingSpec::default()).unwrap();
        let images = images();
        let fill = |i: usize, input: &mut [f32]| input.copy_from_slice(&images[i * PIXELS..][..PIXELS]);
        training.calibrate_batch_norm(&transfer.new, &labels(), &fill);
        let network = &training.network;
        let mut numbers = network.parameters.iter().chain(&network.running);
        assert!(numbers.all(|number| number.is_finite()), "weights of {weight}");
    }
}
