//! Learning rates against PyTorch's schedulers, step by step. `tests/golden/make.py` wrote the values.

use nn::spec::{Schedule, TrainingSpec};
use nn::train::optimizer::learning_rate;
use serde::Deserialize;
use wasm_bindgen_test::wasm_bindgen_test;

/// The rates of one schedule, a step after another.
#[derive(Deserialize)]
struct Case {
    name: String,
    schedule: Schedule,
    learning_rate: f32,
    steps_per_epoch: u32,
    rates: Vec<f32>,
}

#[wasm_bindgen_test(unsupported = test)]
fn schedules_agree_with_pytorch_at_every_step() {
    let cases: Vec<Case> =
        serde_json::from_str(include_str!("../../../../tests/golden/schedules.json")).unwrap();
    assert!(cases.len() >= 8);
    for Case { name, schedule, learning_rate: rate, steps_per_epoch, rates } in cases {
        let spec = TrainingSpec { learning_rate: rate, schedule, ..TrainingSpec::default() };
        for (step, expected) in rates.into_iter().enumerate() {
            let got = learning_rate(&spec, step as f64 / f64::from(steps_per_epoch));
            // PyTorch multiplies rates from step to step: near 0, only the error beside the highest rate is
            // small.
            let error = (got - expected).abs();
            assert!(error <= 1e-5 * expected + 1e-9 * rate, "{name}, step {step}: {got}, PyTorch {expected}");
        }
    }
}
