//! Learning rates, weight penalties and update rules, element by element over the flat parameter vector.

use crate::plan::Plan;
use crate::spec::{Optimizer, Penalty, Schedule, TrainingSpec};
use std::ops::Range;
use wide::f32x4;

/// Steps that the moments of Adam seem to have summed after new parameters came.
const YOUNG: u32 = 10;

/// The memory of an optimizer, in the order of the flat parameter vector.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OptimizerState {
    /// SGD's velocity, Adam's mean of gradients (`exp_avg`).
    pub first: Vec<f32>,
    /// Adam's mean of squared gradients (`exp_avg_sq`).
    pub second: Vec<f32>,
    /// Steps since the memory was zero.
    pub steps: u32,
}

impl OptimizerState {
    /// Zeroed memory for `parameters` parameters.
    pub fn new(parameters: usize) -> Self {
        Self { first: vec![0.0; parameters], second: vec![0.0; parameters], steps: 0 }
    }

    /// Copies the memory of the parameters of `from` that are also in `to`, the plan of this memory.
    pub(super) fn load_matching(&mut self, to: &Plan, other: &Self, from: &Plan) {
        to.copy_matching(&mut self.first, from, &other.first);
        to.copy_matching(&mut self.second, from, &other.second);
        self.steps = other.steps;
    }

    /// Forgets the gradients of these parameters, which now have other units.
    pub(super) fn forget(&mut self, parameters: Range<usize>) {
        self.first[parameters.clone()].fill(0.0);
        self.second[parameters].fill(0.0);
    }

    /// Makes the memory no older than [`YOUNG`] steps, with the same moments after Adam's bias correction.
    ///
    /// Parameters whose moments are zero, because they are new, share the count of steps with old ones.
    /// Without the correction of the first steps they would move by up to 6.5 learning rates in each of the
    /// next 20 steps, which can blow up a healthy run; with a memory of ten steps it is 1.12. (PyTorch counts
    /// the steps of each parameter.)
    pub(super) fn shorten_memory(&mut self, optimizer: Optimizer) {
        let (Optimizer::Adam { beta1, beta2, .. } | Optimizer::AdamW { beta1, beta2, .. }) = optimizer else {
            return;
        };
        if self.steps <= YOUNG {
            return;
        }
        let steps = std::mem::replace(&mut self.steps, YOUNG);
        for (moments, beta) in [(&mut self.first, beta1), (&mut self.second, beta2)] {
            let correction = |steps: u32| 1.0 - libm::pow(f64::from(beta), f64::from(steps));
            let factor = (correction(YOUNG) / correction(steps)) as f32;
            moments.iter_mut().for_each(|moment| *moment *= factor);
        }
    }

    /// Updates `parameters` by one step of `optimizer` at learning rate `rate`, as `torch.optim.SGD`, `Adam`
    /// and `AdamW` do; AdamW's weight decay is in [`penalize`].
    ///
    /// # Panics
    /// If the lengths differ.
    pub fn step(&mut self, optimizer: Optimizer, rate: f32, parameters: &mut [f32], gradients: &[f32]) {
        assert!(parameters.len() == gradients.len() && parameters.len() == self.first.len());
        self.steps = self.steps.saturating_add(1);
        let splat = f32x4::splat;
        match optimizer {
            Optimizer::Sgd { momentum, nesterov } => {
                let (rate, momentum) = (splat(rate), splat(momentum));
                by_fours([parameters, &mut self.first], gradients, |[parameter, velocity], gradient| {
                    let velocity = momentum * velocity + gradient;
                    let along = if nesterov { gradient + momentum * velocity } else { velocity };
                    [parameter - rate * along, velocity]
                });
            }
            Optimizer::Adam { beta1, beta2, eps } | Optimizer::AdamW { beta1, beta2, eps } => {
                let (size, root) = adam_correction(beta1, beta2, rate, self.steps);
                let (size, root, eps) = (splat(size), splat(root), splat(eps));
                let (rest1, beta2, rest2) = (splat(1.0 - beta1), splat(beta2), splat(1.0 - beta2));
                let vectors = [parameters, &mut self.first, &mut self.second];
                by_fours(vectors, gradients, |[parameter, mean, square], gradient| {
                    let mean = mean + rest1 * (gradient - mean);
                    let square = beta2 * square + rest2 * gradient * gradient;
                    [parameter - size * mean / (square.sqrt() / root + eps), mean, square]
                });
            }
        }
    }
}

/// Applies a rule to four elements of each vector at a time; the last four are padded with zeros. Vectorised
/// by hand, since the page is compiled for size.
fn by_fours<const N: usize>(
    mut vectors: [&mut [f32]; N],
    gradients: &[f32],
    rule: impl Fn([f32x4; N], f32x4) -> [f32x4; N],
) {
    let (fours, last) = gradients.as_chunks::<4>();
    let mut chunks = vectors.each_mut().map(|vector| vector.as_chunks_mut::<4>().0);
    for (i, gradient) in fours.iter().enumerate() {
        let old = std::array::from_fn(|n| f32x4::from(chunks[n][i]));
        let new = rule(old, f32x4::from(*gradient));
        (0..N).for_each(|n| chunks[n][i] = new[n].to_array());
    }
    let at = fours.len() * 4;
    let filled = |last: &[f32]| {
        let mut four = [0.0; 4];
        four[..last.len()].copy_from_slice(last);
        f32x4::from(four)
    };
    let new = rule(std::array::from_fn(|n| filled(&vectors[n][at..])), filled(last));
    (0..N).for_each(|n| vectors[n][at..].copy_from_slice(&new[n].to_array()[..last.len()]));
}

/// Adam's bias correction (Kingma and Ba 2015, section 3) in step number `step`, which counts from 1: the
/// corrected rate, and the divisor of the root of the second moment.
pub fn adam_correction(beta1: f32, beta2: f32, rate: f32, step: u32) -> (f32, f32) {
    let correction = |beta: f32| 1.0 - libm::pow(f64::from(beta), f64::from(step));
    ((f64::from(rate) / correction(beta1)) as f32, libm::sqrt(correction(beta2)) as f32)
}

/// Adds the gradients of the penalties to `gradients`; for AdamW, shrinks the parameters instead of adding
/// that of L2. Both are flat vectors in the order of [`Plan::parameters`].
///
/// # Panics
/// If a vector is shorter than the plan says.
pub fn penalize(
    plan: &Plan,
    penalty: Penalty,
    optimizer: Optimizer,
    rate: f32,
    parameters: &mut [f32],
    gradients: &mut [f32],
) {
    if penalty.l1 == 0.0 && penalty.l2 == 0.0 {
        return;
    }
    let decoupled = matches!(optimizer, Optimizer::AdamW { .. });
    for parameter in plan.parameters.iter().filter(|p| penalty.biases || p.is_weight()) {
        let range = parameter.range();
        for (w, g) in parameters[range.clone()].iter_mut().zip(&mut gradients[range]) {
            let sign = if *w == 0.0 { 0.0 } else { w.signum() };
            *g += penalty.l1 * sign;
            if decoupled {
                *w -= rate * penalty.l2 * *w;
            } else {
                *g += penalty.l2 * *w;
            }
        }
    }
}

/// The factors of the learning rate at which a range test begins and ends, as powers of ten.
pub const RANGE_TEST_POWERS: (f64, f64) = (-4.0, 3.0);

/// The learning rate of a step that begins after `epoch` epochs, fraction included.
pub fn learning_rate(spec: &TrainingSpec, epoch: f64) -> f32 {
    use std::f64::consts::PI;
    // Half a cosine from `from` to `to` as `done` goes from 0 to 1.
    let ease =
        |from: f64, to: f64, done: f64| to + (from - to) * 0.5 * (1.0 + libm::cos(PI * done.clamp(0.0, 1.0)));
    let share = |epochs: f32| epoch / f64::from(epochs.max(f32::MIN_POSITIVE));
    let factor = match spec.schedule {
        Schedule::Constant => 1.0,
        Schedule::Step { epochs, factor } => libm::pow(f64::from(factor), libm::floor(share(epochs))),
        Schedule::Cosine { epochs } => ease(1.0, 0.0, share(epochs)),
        // PyTorch's defaults: div_factor 25, final_div_factor 10,000, pct_start 0.3.
        Schedule::OneCycle { epochs } if share(epochs) < 0.3 => ease(0.04, 1.0, share(epochs) / 0.3),
        Schedule::OneCycle { epochs } => ease(1.0, 0.04 / 1e4, (share(epochs) - 0.3) / 0.7),
        Schedule::RangeTest { epochs } => {
            let (first, last) = RANGE_TEST_POWERS;
            libm::pow(10.0, first + (last - first) * share(epochs).min(1.0))
        }
    };
    (f64::from(spec.learning_rate) * factor) as f32
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasm_bindgen_test::wasm_bindgen_test;

    #[wasm_bindgen_test(unsupported = test)]
    fn schedules_pass_through_their_known_values() {
        let at = |schedule, epoch| {
            learning_rate(&TrainingSpec { learning_rate: 1.0, schedule, ..TrainingSpec::default() }, epoch)
        };
        let close = |a: f32, b: f32| assert!((a - b).abs() < 1e-6, "{a}, not {b}");
        let stairs = Schedule::Step { epochs: 2.0, factor: 0.5 };
        [(0.0, 1.0), (1.99, 1.0), (2.0, 0.5), (4.5, 0.25)]
            .iter()
            .for_each(|&(e, rate)| close(at(stairs, e), rate));
        let cosine = Schedule::Cosine { epochs: 4.0 };
        [(0.0, 1.0), (2.0, 0.5), (4.0, 0.0), (9.0, 0.0)]
            .iter()
            .for_each(|&(e, rate)| close(at(cosine, e), rate));
        let cycle = Schedule::OneCycle { epochs: 10.0 };
        [(0.0, 0.04), (3.0, 1.0), (6.5, 0.500_002), (10.0, 4e-6)]
            .iter()
            .for_each(|&(e, rate)| close(at(cycle, e), rate));
        let test = Schedule::RangeTest { epochs: 1.0 };
        [(0.0, 1e-4), (4.0 / 7.0, 1.0)].iter().for_each(|&(e, rate)| close(at(test, e), rate));
    }
}
