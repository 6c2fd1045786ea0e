//! Determinism: with the same seed the weights after a training are the same to the last bit, natively and in
//! WebAssembly, on any number of threads.

use nn::mnist::PIXELS;
use nn::network::pixels;
use nn::preset::Preset;
use nn::random::pcg4d;
use nn::spec::{Initializer, Optimizer, Penalty, Schedule, TrainingSpec};
use nn::train::Training;
use wasm_bindgen_test::wasm_bindgen_test;

/// 40 images of noise, with labels.
fn batch() -> (Vec<u8>, Vec<u8>) {
    let images = (0..40 * PIXELS as u32).map(|i| pcg4d([i, 1, 2, 3])[0].to_be_bytes()[0]).collect();
    (images, (0..40).map(|i| i % 10).collect())
}

/// FNV-1a over the bits of all weights.
fn hash(weights: &[f32]) -> u64 {
    let bytes = weights.iter().flat_map(|w| w.to_bits().to_le_bytes());
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}

fn train(preset: Preset, spec: TrainingSpec, threads: usize, steps: usize) -> u64 {
    let (images, labels) = batch();
    let mut training = Training::new(preset.network(), spec).unwrap();
    training.set_threads(threads);
    for _ in 0..steps {
        training
            .step(&labels, 0.0, &|i, image: &mut [f32]| pixels(&images[i * PIXELS..][..PIXELS], image))
            .expect("finite");
    }
    hash(&training.network.parameters)
}

fn spec(seed: u32, optimizer: Optimizer) -> TrainingSpec {
    TrainingSpec { seed, optimizer, learning_rate: 0.01, ..TrainingSpec::default() }
}

// The hashes change only if the order of a sum or the use of random numbers changes. The commit must say so,
// since a class that shares a link then sees other curves.

#[wasm_bindgen_test(unsupported = test)]
fn twenty_steps_end_in_the_same_bits() {
    let runs = [
        train(Preset::LeNet5, spec(1, Optimizer::ADAM), 1, 20),
        train(Preset::LeNet5, spec(1, Optimizer::MOMENTUM), 1, 20),
        train(Preset::Mlp30, spec(1, Optimizer::ADAM), 1, 20),
        train(Preset::Mlp30, spec(2, Optimizer::ADAM), 1, 20),
    ];
    assert_eq!(
        runs,
        [
            5_256_616_794_135_351_054,
            13_056_652_972_498_097_562,
            9_122_693_858_479_674_337,
            16_889_941_167_942_160_254
        ]
    );
}

#[wasm_bindgen_test(unsupported = test)]
fn two_hundred_steps_with_every_option_end_in_the_same_bits_on_any_number_of_threads() {
    let everything = TrainingSpec {
        schedule: Schedule::OneCycle { epochs: 2.0 },
        penalty: Penalty { l1: 1e-5, l2: 1e-3, biases: true },
        label_smoothing: 0.1,
        initializer: Initializer::Xavier,
        ..spec(3, Optimizer::ADAM_W)
    };
    let runs = [1, 2, 3, 8].map(|threads| train(Preset::LeNetTricks, everything.clone(), threads, 200));
    assert_eq!(runs, [579_657_715_881_921_802; 4]);
}
