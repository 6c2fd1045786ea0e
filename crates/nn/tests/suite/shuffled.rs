//! Shuffled pixels and wrong labels.

use nn::mnist::{CLASSES, PIXELS};
use nn::network::{Network, pixels};
use nn::preset::Preset;
use nn::random::{noisy_label, pcg4d, permutation};
use nn::spec::{Initializer, LayerSpec, NetworkSpec, TrainingSpec};
use nn::train::Training;
use wasm_bindgen_test::wasm_bindgen_test;

const SEED: u32 = 7;

/// The network behind shuffled pixels.
fn shuffling(network: &NetworkSpec) -> NetworkSpec {
    let mut shuffling = network.clone();
    shuffling.layers.insert(0, LayerSpec::Permute { seed: SEED as usize });
    shuffling
}

/// 40 images of noise.
fn images() -> Vec<u8> {
    (0..40 * PIXELS as u32).map(|i| pcg4d([i, 9, 2, 3])[0].to_be_bytes()[0]).collect()
}

/// The same images with their pixels in the order of the seed.
fn shuffled(images: &[u8]) -> Vec<u8> {
    let order = permutation(SEED, PIXELS);
    images.chunks(PIXELS).flat_map(|image| order.iter().map(|at| image[*at as usize])).collect()
}

#[wasm_bindgen_test(unsupported = test)]
fn a_network_that_shuffles_is_the_network_on_shuffled_images() {
    let images = images();
    let outputs = |network: NetworkSpec, images: &[u8]| {
        let mut network = Network::new(network, Initializer::He, 3).unwrap();
        network.prepare();
        network.infer(images.chunks(PIXELS).take(16));
        network.probabilities()
    };
    let training = |network: NetworkSpec, images: &[u8]| {
        let mut training = Training::new(network, TrainingSpec::default()).unwrap();
        let labels: Vec<u8> = (0..40).map(|i| i % 10).collect();
        for _ in 0..5 {
            let fill = |i: usize, image: &mut [f32]| pixels(&images[i * PIXELS..][..PIXELS], image);
            training.step(&labels, 0.0, &fill).expect("finite");
        }
        training.network.parameters
    };
    // Without dropout, whose masks depend on the number of the layer.
    for preset in [Preset::LeNet5, Preset::LeNet1998, Preset::Mlp30] {
        let network = preset.network();
        assert_eq!(outputs(shuffling(&network), &images), outputs(network.clone(), &shuffled(&images)));
        assert_ne!(outputs(shuffling(&network), &images), outputs(network.clone(), &images));
        let ends = [training(shuffling(&network), &images), training(network, &shuffled(&images))];
        assert!(ends[0] == ends[1], "{preset:?}: another training");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn an_order_has_every_pixel_once_and_depends_on_the_seed() {
    let order = permutation(SEED, PIXELS);
    let mut sorted = order.clone();
    sorted.sort_unstable();
    assert!(sorted.into_iter().eq(0..PIXELS as u32));
    assert_ne!(order, permutation(SEED + 1, PIXELS));
    let moved = order.iter().enumerate().filter(|(to, from)| *to != **from as usize).count();
    assert!(moved > PIXELS - 10, "only {moved} pixels have another place");
}

#[wasm_bindgen_test(unsupported = test)]
fn only_the_first_layer_shuffles() {
    let mut network = Preset::LeNet5.network();
    network.layers.insert(1, LayerSpec::Permute { seed: 1 });
    let error = network.summary().unwrap_err();
    assert_eq!((error.layer, error.message.contains("move it to the top")), (1, true), "{}", error.message);
}

#[wasm_bindgen_test(unsupported = test)]
fn so_many_labels_are_wrong_and_each_other_digit_is_as_likely() {
    for noise in [0.0, 0.2, 0.5, 1.0] {
        let labels: Vec<u8> = (0..30_000).map(|image| noisy_label(SEED, noise, image, 3)).collect();
        let mut counts = [0usize; CLASSES];
        labels.iter().for_each(|label| counts[usize::from(*label)] += 1);
        let wrong = 30_000 - counts[3];
        assert!((wrong as f32 / 30_000.0 - noise).abs() < 0.01, "{wrong} of 30,000 at {noise}");
        for (digit, count) in counts.iter().enumerate().filter(|(digit, _)| *digit != 3) {
            let expected = noise * 30_000.0 / 9.0;
            assert!((*count as f32 - expected).abs() <= 0.12 * expected, "{count} times {digit} at {noise}");
        }
        let again: Vec<u8> = (0..30_000).map(|image| noisy_label(SEED, noise, image, 3)).collect();
        assert_eq!(labels, again);
    }
}
