//! The place where a training diverged: the first quantity that is not finite.

use crate::inspect::replay::Replay;
use crate::plan::{Buffer, Plan};
use crate::train::shard::SampleFn;
use crate::train::{Training, all_finite, can_update};
use serde::{Deserialize, Serialize};
use tensor::BLOCK;

/// The first quantity of a step that is not finite.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Divergence {
    /// Index of its layer in `NetworkSpec::layers`.
    pub layer: usize,
    /// The kind of quantity.
    pub what: Quantity,
}

/// A quantity that can stop being finite.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Quantity {
    /// The parameters of a layer.
    Parameters,
    /// The output of a layer.
    Outputs,
    /// The gradients of a layer's parameters.
    Gradients,
    /// The running estimates of a batch normalisation.
    RunningEstimates,
}

impl std::fmt::Display for Quantity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Parameters => "weights",
            Self::Outputs => "outputs",
            Self::Gradients => "gradients",
            Self::RunningEstimates => "running estimates",
        })
    }
}

impl Training {
    /// Begins to look for the first quantity of a step that is not finite, after [`Training::finish`] has
    /// returned `None`. Frees the memory of that step first.
    pub fn begin_trace(&mut self) -> DivergenceTrace {
        self.free_memory();
        let plan = Plan::for_inspection(self.network.spec()).expect("it is the plan of this network");
        let replay = Replay::new(self, plan, self.steps(), &self.network.parameters);
        DivergenceTrace { replay, block: 0, is_begun: false, first_bad: None }
    }
}

/// Finds the first quantity of a step that is not finite: parameters, outputs and running estimates from the
/// first layer on, then gradients from the last layer back. One block of the batch goes forward at a time, since
/// all outputs of a whole batch may take many times the memory of a step.
#[derive(Clone, Debug)]
pub struct DivergenceTrace {
    replay: Replay,
    /// The block that is under way, and whether anything has been looked at.
    block: usize,
    is_begun: bool,
    /// The first layer of all blocks so far with an output that is not finite.
    first_bad: Option<usize>,
}

impl DivergenceTrace {
    /// Goes on for about `work` multiply-adds. Returns the cause once it is found. `training`, `labels` and `fill`
    /// are those of the step, and stay the same until then.
    pub fn advance(
        &mut self,
        training: &Training,
        labels: &[u8],
        fill: &SampleFn<'_>,
        work: i64,
    ) -> Option<Divergence> {
        let (plan, network) = (training.network.plan(), &training.network);
        if !std::mem::replace(&mut self.is_begun, true) {
            let bad = plan.parameters.iter().find(|p| !all_finite(&network.parameters[p.range()]));
            if let Some(bad) = bad {
                return Some(Divergence { layer: bad.layer, what: Quantity::Parameters });
            }
        }
        self.replay.limit_work(work);
        for (block, labels) in labels.chunks(BLOCK).enumerate().skip(self.block) {
            if !self.run_block(block, labels.len(), &network.parameters, fill) {
                return None;
            }
        }
        if let Some(layer) = self.first_bad {
            return Some(Divergence { layer, what: Quantity::Outputs });
        }
        let running = training.running_after_step();
        if let Some(bad) = plan.statistics.iter().find(|s| !all_finite(&running[s.range()])) {
            return Some(Divergence { layer: bad.layer, what: Quantity::RunningEstimates });
        }
        let (gradients, optimizer) = (training.gradients(), training.spec().optimizer);
        let bad = plan.parameters.iter().rev().find(|p| !can_update(optimizer, &gradients[p.range()]));
        // The sum of a batch's losses can overflow although every number is finite.
        let layer = bad.map_or(plan.layers.len() - 1, |p| p.layer);
        let what = if bad.is_some() { Quantity::Gradients } else { Quantity::Outputs };
        Some(Divergence { layer, what })
    }

    /// Takes a block of `samples` samples forward, and looks at its outputs. Returns false if the work that is
    /// allowed is done before that.
    fn run_block(&mut self, block: usize, samples: usize, parameters: &[f32], fill: &SampleFn<'_>) -> bool {
        let outputs = self.replay.forward(block * BLOCK, samples, parameters, fill);
        let Some((plan, memory)) = outputs else { return false };
        // Lanes beyond the samples hold old values.
        let is_finite = |buffer: &Buffer| {
            let values: &[[f32; BLOCK]] = bytemuck::cast_slice(memory.values(*buffer));
            values.iter().all(|value| all_finite(&value[..samples]))
        };
        let layers = &plan.layers;
        let bad = layers.iter().take(self.first_bad.unwrap_or(layers.len())).position(|b| !is_finite(b));
        self.first_bad = bad.or(self.first_bad);
        self.block = block + 1;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preset::Preset;
    use crate::spec::LayerSpec::{BatchNorm, Flatten, Linear};
    use crate::spec::{NetworkSpec, Optimizer, TrainingSpec};
    use tensor::Budget;
    use wasm_bindgen_test::wasm_bindgen_test;

    const LABELS: [u8; 20] = [3; 20];

    fn fill(sample: usize, input: &mut [f32]) {
        input.iter_mut().enumerate().for_each(|(i, v)| *v = ((i * 7 + sample) % 11) as f32 * 1e29);
    }

    /// The cause of the step on `LABELS` that was not taken. It is the same in many slices as at once.
    fn trace(training: &mut Training, fill: &SampleFn<'_>) -> Divergence {
        // More than the values of any layer here, which count as work, too.
        const WORK: i64 = 80_000;
        let mut whole = training.begin_trace();
        let mut sliced = whole.clone();
        let found = whole.advance(training, &LABELS, fill, Budget::UNLIMITED).expect("without a limit");
        let mut slices = 1;
        let in_slices = loop {
            match sliced.advance(training, &LABELS, fill, WORK) {
                Some(found) => break found,
                None => slices += 1,
            }
        };
        assert_eq!(in_slices, found);
        let is_small = training.network.parameters.len() < 20_000;
        assert!(slices > 2 || is_small || found.what == Quantity::Parameters, "{slices} slices");
        found
    }

    /// The divergence that is found after `harm`; the step must leave the training unchanged.
    fn diagnose(preset: Preset, harm: impl Fn(&mut Training)) -> Divergence {
        let spec = TrainingSpec { optimizer: Optimizer::SGD, ..TrainingSpec::default() };
        let mut training = Training::new(preset.network(), spec).unwrap();
        harm(&mut training);
        let before = training.clone();
        assert_eq!(training.step(&LABELS, 0.0, &fill), None);
        assert!(
            training
                .network
                .parameters
                .iter()
                .zip(&before.network.parameters)
                .all(|(a, b)| a.to_bits() == b.to_bits())
        );
        assert_eq!((training.steps(), &training.network.running), (0, &before.network.running));
        trace(&mut training, &fill)
    }

    fn set(training: &mut Training, name: &str, value: f32) {
        let plan = training.network.plan();
        let range = plan.parameters.iter().find(|p| p.name == name).unwrap().range();
        training.network.parameters[range].fill(value);
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn the_layer_where_it_began_is_named() {
        let layer = |preset: Preset, index: usize, what| {
            assert!(index < preset.network().layers.len());
            Divergence { layer: index, what }
        };
        for preset in [Preset::LeNet5, Preset::LeNetTricks] {
            let found = diagnose(preset, |t| set(t, "conv1.weight", f32::NAN));
            assert_eq!(found, layer(preset, 0, Quantity::Parameters));
            let found = diagnose(preset, |t| set(t, "fc2.weight", f32::NAN));
            let dense = preset
                .network()
                .layers
                .iter()
                .rposition(|l| *l == crate::spec::LayerSpec::Linear { out_features: 84 });
            assert_eq!(found, layer(preset, dense.unwrap(), Quantity::Parameters));
        }
        // The outputs of the second convolution overflow; those of the first are finite.
        let found = diagnose(Preset::LeNet5, |t| {
            set(t, "conv1.weight", 1e-10);
            set(t, "conv2.weight", 1e20);
        });
        assert_eq!(found, layer(Preset::LeNet5, 3, Quantity::Outputs));
        // Huge images times tiny weights have finite outputs; the gradient of those weights is huge times
        // huge.
        let found = diagnose(Preset::Mlp30, |t| {
            let (first, second) = t.network.parameters.split_at_mut(crate::mnist::PIXELS * 30);
            first.iter_mut().for_each(|w| *w *= 1e-30);
            second.iter_mut().for_each(|w| *w *= 1e12);
        });
        assert_eq!(found, layer(Preset::Mlp30, 1, Quantity::Gradients));
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn estimates_and_squares_that_overflow_are_a_divergence_and_not_a_step() {
        // 3e19 and -3e19: the squares overflow, and every value is divided by infinity, which leaves zeros.
        let layers = vec![Flatten, Linear { out_features: 2 }, BatchNorm, Linear { out_features: 10 }];
        let network = NetworkSpec { input: crate::mnist::IMAGE, layers };
        let mut training = Training::new(network, TrainingSpec::default()).unwrap();
        set(&mut training, "fc1.weight", 1.0);
        let before = training.clone();
        let huge = |sample: usize, input: &mut [f32]| {
            input.fill(0.0);
            input[7] = if sample.is_multiple_of(2) { 3e19 } else { -3e19 };
        };
        assert_eq!(training.step(&LABELS, 0.0, &huge), None);
        assert_eq!((training.steps(), &training.network.running), (0, &before.network.running));
        let found = trace(&mut training, &huge);
        assert_eq!(found, Divergence { layer: 2, what: Quantity::RunningEstimates });

        // A gradient of 1e21 is finite; its square, which Adam sums, is not.
        for (optimizer, diverges) in
            [(Optimizer::ADAM, true), (Optimizer::ADAM_W, true), (Optimizer::SGD, false)]
        {
            let spec = TrainingSpec { optimizer, ..TrainingSpec::default() };
            let mut training = Training::new(Preset::Mlp30.network(), spec).unwrap();
            let huge = |_: usize, input: &mut [f32]| input.fill(1e22);
            training.network.parameters[..crate::mnist::PIXELS * 30].iter_mut().for_each(|w| *w *= 1e-22);
            let score = training.step(&LABELS, 0.0, &huge);
            assert_eq!(score.is_none(), diverges, "{optimizer:?}: {score:?}");
            if diverges {
                let found = trace(&mut training, &huge);
                assert_eq!(found, Divergence { layer: 1, what: Quantity::Gradients });
            }
        }
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn all_finite_finds_every_kind_of_bad_number() {
        assert!(all_finite(&[]) && all_finite(&[f32::MAX, f32::MIN, -0.0, 1e-45]));
        for bad in [f32::NAN, -f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            assert!(!all_finite(&[1.0, bad]));
        }
    }
}
