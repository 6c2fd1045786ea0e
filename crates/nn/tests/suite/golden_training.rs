//! Whole training steps and short trainings against PyTorch: batch normalisation, penalties, label smoothing,
//! and trajectories of a hundred steps. `tests/golden/make.py` wrote the values.

use std::collections::BTreeMap;

use nn::mnist::PIXELS;
use nn::spec::{NetworkSpec, Optimizer, Penalty, TrainingSpec};
use nn::train::Training;
use serde::Deserialize;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::common::assert_close;

#[derive(Deserialize)]
struct Step {
    name: String,
    /// The error that values may have beside their relative error.
    floor: f32,
    network: NetworkSpec,
    label_smoothing: f32,
    penalty: Penalty,
    parameters: BTreeMap<String, Vec<f32>>,
    input: Vec<f32>,
    labels: Vec<u8>,
    loss: f32,
    gradients: BTreeMap<String, Vec<f32>>,
    running: BTreeMap<String, Vec<f32>>,
}

#[wasm_bindgen_test(unsupported = test)]
fn a_training_step_agrees_with_pytorch() {
    let cases: Vec<Step> =
        serde_json::from_str(include_str!("../../../../tests/golden/training.json")).unwrap();
    assert!(cases.len() >= 9);
    for case in cases {
        let spec = TrainingSpec {
            optimizer: Optimizer::SGD,
            label_smoothing: case.label_smoothing,
            penalty: case.penalty,
            ..TrainingSpec::default()
        };
        let mut training = Training::new(case.network, spec).unwrap();
        // Two threads, so that the sum over shards is compared, too.
        training.set_threads(2);
        let plan = training.network.plan().clone();
        for p in &plan.parameters {
            training.network.parameters[p.range()].copy_from_slice(&case.parameters[&p.name]);
        }
        let size = plan.input.shape.len();
        let score = training.step(&case.labels, 0.0, &|i, input| {
            input.copy_from_slice(&case.input[i * size..][..size]);
        });
        let score = score.expect("finite");
        let name = &case.name;
        let loss = score.loss / case.labels.len() as f64;
        let close = |what: String, got: &[f32], expected: &[f32]| {
            assert_close(&format!("{name}: {what}"), got, expected, case.floor);
        };
        close("loss".into(), &[loss as f32], &[case.loss]);
        for p in &plan.parameters {
            let got = &training.gradients()[p.range()];
            close(format!("gradient of {}", p.name), got, &case.gradients[&p.name]);
        }
        for s in &plan.statistics {
            let got = &training.network.running[s.range()];
            close(format!("running estimates of {}", s.name), got, &case.running[&s.name]);
        }
    }
}

#[derive(Deserialize)]
struct Trajectory {
    name: String,
    network: NetworkSpec,
    optimizer: Optimizer,
    learning_rate: f32,
    batch: usize,
    losses: Vec<f32>,
}

/// Numbers from 0 to 1, the same as `integers` in make.py.
fn integers(count: usize, seed: u64) -> impl Iterator<Item = f64> {
    let mut state = seed;
    (0..count).map(move |_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f64 / 16_777_216.0
    })
}

#[wasm_bindgen_test(unsupported = test)]
fn a_hundred_steps_have_the_losses_of_pytorch() {
    let cases: Vec<Trajectory> =
        serde_json::from_str(include_str!("../../../../tests/golden/trajectories.json")).unwrap();
    assert_eq!(cases.len(), 2);
    let patterns: Vec<f64> = integers(10 * PIXELS, 1).collect();
    for case in cases {
        let spec = TrainingSpec {
            optimizer: case.optimizer,
            learning_rate: case.learning_rate,
            ..TrainingSpec::default()
        };
        let mut training = Training::new(case.network, spec).unwrap();
        for (index, p) in training.network.plan().parameters.clone().iter().enumerate() {
            if p.is_weight() {
                let values = &mut training.network.parameters[p.range()];
                let fan_in = p.dims[1..].iter().product::<usize>() as f32;
                for (value, number) in values.iter_mut().zip(integers(p.range().len(), 1000 + index as u64)) {
                    *value = (number as f32 * 2.0 - 1.0) / fan_in.sqrt();
                }
            }
        }
        for (step, expected) in case.losses.iter().enumerate() {
            let labels: Vec<u8> = (0..case.batch).map(|i| ((step * 3 + i * 7) % 10) as u8).collect();
            let noise: Vec<f64> = integers(case.batch * PIXELS, 2 + step as u64).collect();
            let score = training.step(&labels, 0.0, &|i, input| {
                let pattern = &patterns[usize::from(labels[i]) * PIXELS..];
                for (pixel, value) in input.iter_mut().enumerate() {
                    *value = (pattern[pixel] * 0.5 + noise[i * PIXELS + pixel] * 0.5) as f32;
                }
            });
            let score = score.expect("finite");
            let loss = (score.loss / case.batch as f64) as f32;
            // Rounding errors grow from step to step; after a hundred they are below 1e-4 of the loss.
            let error = (loss - expected).abs() / expected;
            assert!(
                error < 1e-4,
                "{}, step {step}: {loss}, PyTorch {expected}: {error:e} relative",
                case.name
            );
        }
    }
}
