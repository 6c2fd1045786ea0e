//! Saliency maps against finite differences of the logits.

use nn::cpu::{Cpu, Memory, Units};
use nn::inspect::saliency::SaliencyPass;
use nn::network::Network;
use nn::plan::Plan;
use nn::preset::Preset;
use nn::random::{Stream, normal};
use nn::spec::LayerSpec::*;
use nn::spec::{Initializer, LayerSpec, NetworkSpec, Shape};
use tensor::Budget;
use wasm_bindgen_test::wasm_bindgen_test;

/// A network whose scales, biases and running estimates are not those that they begin with.
fn network(spec: NetworkSpec, seed: u32) -> Network {
    let mut network = Network::new(spec, Initializer::He, seed).unwrap();
    let plan = network.plan().clone();
    for parameter in plan.parameters.iter().filter(|parameter| !parameter.is_weight()) {
        for at in parameter.range() {
            network.parameters[at] += 0.2 * normal(seed, Stream::Augment, 1, at as u32);
        }
    }
    for statistics in &plan.statistics {
        let (means, variances) = network.running[statistics.range()].split_at_mut(statistics.channels);
        for (at, (mean, variance)) in means.iter_mut().zip(variances).enumerate() {
            *mean = 0.3 * normal(seed, Stream::Augment, 2, (statistics.offset + at) as u32);
            *variance = 0.5 + (at % 5) as f32 / 2.0;
        }
    }
    network.prepare();
    network
}

/// An image in which no two neighbours are equal: max pooling has no gradient at ties.
fn image(seed: u32, pixels: usize) -> Vec<u8> {
    (0..pixels).map(|at| ((at * 97 + seed as usize * 31) % 251) as u8).collect()
}

fn infer(network: &mut Network, image: &[u8], units: Units) {
    network.begin_inference(std::iter::once(image), units);
    network.limit_work(Budget::UNLIMITED);
    assert!(network.continue_inference());
}

fn saliency(network: &mut Network, image: &[u8], units: Units, class: usize) -> Vec<f32> {
    infer(network, image, units);
    let mut pass = SaliencyPass::new(network, class).expect("there is such a class");
    pass.advance(network).expect("without a limit it is done at once")
}

/// The logits of an image of numbers that no byte stands for, by a plan that computes no gradient of it.
fn logits(network: &Network, image: &[f32], units: Units) -> Vec<f32> {
    let plan = Plan::for_inspection(network.spec()).unwrap();
    let (mut cpu, mut memory) = (Cpu::new(plan.clone()), Memory::new(&plan));
    cpu.load(&network.parameters, &network.running, false);
    let first = if let Units::Kept { sample, .. } = units { sample as usize } else { 0 };
    cpu.start(&mut memory, first, 1, |_, sample| sample.copy_from_slice(image));
    cpu.infer(&mut memory, &network.parameters, units);
    memory.values(plan.logits()).iter().map(|lanes| lanes[0].to_array()[0]).collect()
}

/// Holds the gradient of some logits against central differences along random directions.
fn check(name: &str, spec: NetworkSpec, units: Units) {
    for seed in 1..4 {
        let mut network = network(spec.clone(), seed);
        let bytes = image(seed, spec.input.len());
        let image: Vec<f32> = bytes.iter().map(|byte| f32::from(*byte) / 255.0).collect();
        let classes = network.plan().logits().shape.len();
        let gradients = [0, classes - 1].map(|class| (class, saliency(&mut network, &bytes, units, class)));
        for direction in 0..4 {
            let direction: Vec<f32> =
                (0..image.len()).map(|at| normal(seed, Stream::Shuffle, direction, at as u32)).collect();
            let length = direction.iter().map(|d| d * d).sum::<f32>().sqrt();
            // Small enough for few units to cross a kink, large enough compared with f32's rounding errors.
            let size = 2e-3;
            let at = |sign: f32| {
                let moved = image.iter().zip(&direction).map(|(x, d)| x + sign * size * d / length);
                logits(&network, &moved.collect::<Vec<f32>>(), units)
            };
            let (more, less) = (at(1.0), at(-1.0));
            for (class, gradient) in &gradients {
                let difference = f64::from(more[*class] - less[*class]) / (2.0 * f64::from(size));
                let slope: f64 =
                    gradient.iter().zip(&direction).map(|(g, d)| f64::from(g * d / length)).sum();
                let norm = gradient.iter().map(|g| f64::from(g * g)).sum::<f64>().sqrt();
                assert!(norm > 1e-3, "{name}: no gradient arrives at the image");
                assert!(
                    (difference - slope).abs() <= 0.02 * norm + 1e-4,
                    "{name}, class {class} (seed {seed}): the logit rises by {difference:.5}, the gradient says {slope:.5} of {norm:.5}",
                );
            }
        }
    }
}

fn small(layers: &[LayerSpec]) -> NetworkSpec {
    NetworkSpec { input: Shape::maps(1, 10, 9), layers: layers.to_vec() }
}

const CONV: LayerSpec = Conv2d { out_channels: 5, kernel_size: 3, stride: 1, padding: 1 };
const POOL: LayerSpec = MaxPool2d { kernel_size: 2, stride: 2 };
const OUT: LayerSpec = Linear { out_features: 4 };

#[wasm_bindgen_test(unsupported = test)]
fn presets() {
    for preset in Preset::ALL {
        check(preset.id(), preset.network(), Units::All);
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn activations_and_pooling() {
    for activation in [Relu, LeakyRelu { negative_slope: 0.1 }, Elu { alpha: 1.5 }, Sigmoid, Tanh] {
        check(&format!("{activation:?}"), small(&[CONV, activation, POOL, Flatten, OUT]), Units::All);
    }
    for pool in [AvgPool2d { kernel_size: 3, stride: 2 }, Subsample2d { kernel_size: 2, stride: 2 }] {
        check(&format!("{pool:?}"), small(&[CONV, Tanh, pool, Flatten, OUT]), Units::All);
    }
    // Max pooling right behind the first convolution has a backward pass of its own.
    check("pooled", small(&[CONV, POOL, Relu, Flatten, OUT]), Units::All);
    check(
        "stride 2",
        small(&[Conv2d { out_channels: 3, kernel_size: 5, stride: 2, padding: 2 }, Flatten, OUT]),
        Units::All,
    );
}

#[wasm_bindgen_test(unsupported = test)]
fn what_comes_before_the_first_weights() {
    check("flatten", small(&[Flatten, OUT]), Units::All);
    check("batch normalisation", small(&[BatchNorm, CONV, BatchNorm, Tanh, Flatten, OUT]), Units::All);
    check("pooling", small(&[POOL, CONV, Relu, Flatten, OUT]), Units::All);
    check("dropout", small(&[Dropout { p: 0.5 }, CONV, Flatten, OUT]), Units::All);
    check("shuffled pixels", small(&[Permute { seed: 3 }, CONV, Relu, Flatten, OUT]), Units::All);
    check("shuffled pixels, linear", small(&[Permute { seed: 3 }, Flatten, OUT]), Units::All);
}

#[wasm_bindgen_test(unsupported = test)]
fn thinned_networks_have_gradients_of_their_own() {
    let spec = small(&[
        CONV,
        Relu,
        Flatten,
        Dropout { p: 0.5 },
        Linear { out_features: 20 },
        Tanh,
        Dropout { p: 0.3 },
        OUT,
    ]);
    let units = [Units::AllScaled, Units::Kept { seed: 4, sample: 0 }, Units::Kept { seed: 4, sample: 9 }];
    units.iter().for_each(|units| check(&format!("{units:?}"), spec.clone(), *units));
    let mut network = network(spec, 1);
    let image = image(1, 90);
    let thinned = units.map(|units| saliency(&mut network, &image, units, 2));
    let all = saliency(&mut network, &image, Units::All, 2);
    assert!(thinned[0] != thinned[1] && thinned[1] != thinned[2]);
    assert!(thinned.iter().all(|thinned| *thinned != all), "nothing of a mask is left");
}

#[wasm_bindgen_test(unsupported = test)]
fn in_slices_and_beside_other_images_it_is_the_same_to_the_last_bit() {
    let mut network = network(Preset::LeNetTricks.network(), 2);
    let (image, other) = (image(2, 784), image(3, 784));
    let whole = saliency(&mut network, &image, Units::All, 7);
    let logits = network.logits_of(0);
    network.infer([image.as_slice(), &other].into_iter());
    let mut pass = SaliencyPass::new(&mut network, 7).unwrap();
    let mut slices = 1;
    let sliced = loop {
        network.limit_work(500_000);
        match pass.advance(&mut network) {
            Some(map) => break map,
            None => slices += 1,
        }
    };
    assert!(slices > 5, "{slices} slices");
    assert_eq!(sliced, whole);
    assert_eq!(network.logits_of(0), logits, "the inference is still there");
    assert!(SaliencyPass::new(&mut network, 10).is_none(), "there are ten classes");
}
