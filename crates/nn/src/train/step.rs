//! The training step: the phases of the plan on shards of the batch, the all-reduce of their partial sums,
//! one update.

use crate::network::{Network, Score};
use crate::plan::Phase;
use crate::spec::{BATCH_NORM_EPS, BATCH_NORM_MOMENTUM, Optimizer, TrainingSpec};
use crate::train::optimizer::{learning_rate, penalize};
use crate::train::pairwise_sum::{PairwiseSum, PartialSum};
use crate::train::shard::{BatchShard, SampleFn, ShardTask};
use crate::train::training::Training;
use std::ops::Range;
use tensor::BLOCK;
use wide::f32x4;

/// The square of the distance between the pivot of a batch's moments and their mean, in units of their
/// variance, up to which the variance is computed from them: there 64 times the rounding error of a float
/// remains, 8e-6. Beyond it, as in the first steps on values like 100.0 and 100.1, the phase is run again
/// with the mean as the pivot.
const MAX_CANCELLATION: f32 = 64.0;

/// How the replicas of a training exchange partial sums: an all-reduce that may wait for messages. The
/// exchanges of a step are numbered from 0.
///
/// Every replica sends its partial sums to all others and adds up everybody's. [`PairwiseSum`] adds in an
/// order that depends only on the batch, so all replicas get the same bits.
pub trait AllReduce {
    /// Sends this replica's partial sums to all other replicas.
    fn send<'a>(&mut self, exchange: usize, partial_sums: impl Iterator<Item = &'a PartialSum> + Clone);

    /// Adds the partial sums of all other replicas to `sum`. Returns false, and adds nothing, while some are
    /// missing.
    fn receive(&mut self, exchange: usize, sum: &mut PairwiseSum) -> bool;
}

/// Why [`Training::run_phases`] has returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// The last phase is done.
    Done,
    /// Other replicas must send their partial sums.
    Waiting,
    /// The work that [`Training::limit_work`] allows is done.
    Spent,
}

/// The all-reduce of a training without other replicas.
#[derive(Clone, Copy, Debug, Default)]
pub struct SingleReplica;

impl AllReduce for SingleReplica {
    fn send<'a>(&mut self, _: usize, _: impl Iterator<Item = &'a PartialSum> + Clone) {}

    fn receive(&mut self, _: usize, _: &mut PairwiseSum) -> bool {
        true
    }
}

impl Training {
    /// Takes one step on a batch of `labels.len()` samples, which `fill` writes; `epoch` is the number of
    /// epochs trained before it, fraction included, and decides the learning rate. Returns loss and hits of
    /// the batch before the update. Returns `None`, and changes nothing that is learned, if the loss, a
    /// gradient or a running estimate is not finite.
    ///
    /// # Panics
    /// If a label is not below the number of classes.
    ///
    /// ```
    /// use nn::train::Training;
    ///
    /// // LeNet-5, and a batch of sixteen grey images that all have the label 3.
    /// let mut training = Training::default();
    /// let grey = |_sample: usize, pixels: &mut [f32]| pixels.fill(0.5);
    /// let first = training.step(&[3; 16], 0.0, &grey).expect("the loss is finite");
    /// let second = training.step(&[3; 16], 0.0, &grey).expect("the loss is finite");
    /// assert!(second.loss < first.loss);
    /// assert_eq!(training.steps(), 2);
    /// ```
    pub fn step(&mut self, labels: &[u8], epoch: f64, fill: &SampleFn<'_>) -> Option<Score> {
        self.begin(labels.len(), 0..labels.len(), labels);
        self.run_phases(fill, &mut SingleReplica);
        self.finish(epoch)
    }

    /// Begins a step on a batch of `batch` samples, of which this replica works on `samples`, with these
    /// labels; `samples` begins with a whole block. Then [`Training::run_phases`] runs the phases, and
    /// [`Training::finish`] updates the parameters. Nothing has changed until then.
    ///
    /// # Panics
    /// If the number of labels is not that of the samples, or the samples do not begin with a whole block.
    pub fn begin(&mut self, batch: usize, samples: Range<usize>, labels: &[u8]) {
        (self.step.batch, self.step.phase, self.step.exchange, self.step.is_run) = (batch, 0, 0, false);
        self.step.pivot.clear();
        self.step.running.copy_from_slice(&self.network.running);
        let shards = self.shards.len();
        for (i, shard) in self.shards.iter_mut().enumerate() {
            let own = shard_range(samples.len(), i, shards);
            let labels = &labels[own.clone()];
            let task = ShardTask {
                samples: samples.start + own.start..samples.start + own.end,
                batch,
                seed: self.spec.seed,
                step: self.steps as u32,
                smoothing: self.spec.label_smoothing,
            };
            shard.begin(task, labels, &self.network.parameters, &self.network.running);
        }
    }

    /// Allows about `work` multiply-adds from now on in the step that has begun. Steps on several threads have
    /// no limit.
    pub fn limit_work(&mut self, work: i64) {
        if let [only] = self.shards.as_mut_slice() {
            only.limit_work(work);
        }
    }

    /// Runs the phases of the step that has begun. In each one the samples of this replica are worked on,
    /// `group` exchanges the partial sums, and their total is applied. Unless it returns [`Progress::Done`], it
    /// is to be called again, with the same `fill`: after more messages of other replicas have come, or with
    /// more work allowed.
    pub fn run_phases(&mut self, fill: &SampleFn<'_>, group: &mut impl AllReduce) -> Progress {
        self.run_phases_below(self.network.plan().phases(), fill, group)
    }

    /// [`Training::run_phases`] up to phase number `end`, which is not run.
    pub(super) fn run_phases_below(
        &mut self,
        end: usize,
        fill: &SampleFn<'_>,
        group: &mut impl AllReduce,
    ) -> Progress {
        while self.step.phase < end {
            if !self.step.is_run {
                if !run_shards(&mut self.shards, self.step.phase, &self.network.parameters, fill) {
                    return Progress::Spent;
                }
                group.send(self.step.exchange, self.shards.iter().flat_map(|shard| shard.sum.partial_sums()));
                // Before the others' sums, which are then added to these from where they lie.
                self.shards.iter_mut().for_each(|shard| self.step.sum.append(&mut shard.sum));
                self.step.is_run = true;
            }
            if !group.receive(self.step.exchange, &mut self.step.sum) {
                return Progress::Waiting;
            }
            if self.apply_total() {
                self.step.phase += 1;
            }
            self.step.exchange += 1;
            self.step.is_run = false;
        }
        Progress::Done
    }

    /// Gives up the step that has begun; nothing has changed.
    pub fn abandon(&mut self) {
        self.step.sum.clear();
        self.shards.iter_mut().for_each(BatchShard::abandon);
    }

    /// Applies the total of the phase under way: batch statistics to the shards, gradients and score to this
    /// training. Returns false if the phase must be run again, because its moments have lost too many digits.
    fn apply_total(&mut self) -> bool {
        let step = &mut self.step;
        step.sum.finish(&mut step.total);
        let plan = self.network.plan();
        let phase = plan.phase(step.phase);
        let contribution = plan.contribution(phase);
        let (sums, rest) = step.total.split_at_mut(contribution.sums);
        let (gradients, score) = rest.split_at(contribution.gradients.len());
        if let [loss, correct] = score {
            step.score = Score { loss: f64::from(*loss), correct: *correct as usize };
        }
        if sums.is_empty() && gradients.len() == self.gradients.len() {
            // The whole vector in one phase: swapped, not copied.
            std::mem::swap(&mut step.total, &mut self.gradients);
            self.gradients.truncate(contribution.gradients.len());
            return true;
        }
        self.gradients[contribution.gradients].copy_from_slice(gradients);
        match phase {
            Phase::Forward(segment) => {
                let statistics = &plan.statistics[segment];
                let count = (step.batch * statistics.plane) as f32;
                let (mean, variance) = sums.split_at_mut(statistics.channels);
                let running = &mut step.running[statistics.range()];
                let (running_mean, running_variance) = running.split_at_mut(statistics.channels);
                let is_first = step.pivot.is_empty();
                let pivot = if is_first { &*running_mean } else { step.pivot.as_slice() };
                let mut cancels = false;
                for c in 0..statistics.channels {
                    let shift = mean[c] / count;
                    variance[c] = variance[c] / count - shift * shift;
                    // Not by `max`, which returns 0 for NaN.
                    if variance[c] < 0.0 {
                        variance[c] = 0.0;
                    }
                    mean[c] = pivot[c] + shift;
                    cancels |= shift * shift > MAX_CANCELLATION * (variance[c] + BATCH_NORM_EPS);
                }
                if cancels && is_first {
                    // All replicas have the same total, and decide alike.
                    step.pivot.extend_from_slice(mean);
                    self.shards.iter_mut().for_each(|shard| shard.set_pivot(segment, mean));
                    return false;
                }
                step.pivot.clear();
                for c in 0..statistics.channels {
                    let unbiased = variance[c] * (count / (count - 1.0).max(1.0));
                    running_mean[c] += BATCH_NORM_MOMENTUM * (mean[c] - running_mean[c]);
                    running_variance[c] += BATCH_NORM_MOMENTUM * (unbiased - running_variance[c]);
                }
            }
            Phase::LossAndBackward(segment) | Phase::Backward(segment) => {
                if let Some(before) = segment.checked_sub(1) {
                    let count = (step.batch * plan.statistics[before].plane) as f32;
                    sums.iter_mut().for_each(|sum| *sum /= count);
                }
            }
        }
        self.shards.iter_mut().for_each(|shard| shard.set_batch_stats(step.phase, sums));
        true
    }

    /// Updates the parameters at the learning rate after `epoch` epochs. Returns loss and hits of the batch
    /// before the update. Returns `None`, and changes nothing that is learned, if the loss, a gradient or a
    /// running estimate is not finite.
    pub fn finish(&mut self, epoch: f64) -> Option<Score> {
        let Self { network, optimizer, spec, gradients, step, .. } = self;
        let is_finite = step.score.loss.is_finite() && all_finite(&step.running);
        self.has_gradients = is_finite && can_update(spec.optimizer, gradients);
        if !self.has_gradients {
            return None;
        }
        let rate = learning_rate(spec, epoch);
        let Network { cpu, parameters, .. } = network;
        let TrainingSpec { penalty, optimizer: rule, .. } = *spec;
        penalize(cpu.plan(), penalty, rule, rate, parameters, gradients);
        optimizer.step(rule, rate, parameters, gradients);
        network.running.copy_from_slice(&step.running);
        self.steps += 1;
        Some(step.score)
    }
}

/// The samples of a batch that shard number `i` of `shards` works on: whole blocks, in order, as even as can
/// be.
pub fn shard_range(samples: usize, i: usize, shards: usize) -> Range<usize> {
    let blocks = samples.div_ceil(BLOCK);
    let sample = |i: usize| (i * blocks / shards * BLOCK).min(samples);
    sample(i)..sample(i + 1)
}

/// Whether an optimizer can use these gradients: they are finite, and so are the squares that Adam sums. A
/// second moment that is infinite would silently stop its parameter for ever.
pub(crate) fn can_update(optimizer: Optimizer, gradients: &[f32]) -> bool {
    if optimizer.is_adam() { all_finite_after(gradients, |g| g * g) } else { all_finite(gradients) }
}

/// Whether all values are finite.
pub(crate) fn all_finite(values: &[f32]) -> bool {
    all_finite_after(values, |value| value)
}

/// Whether `f` of all values is finite: zero times each of them is zero. In vectors and without a branch,
/// since every step runs it over all gradients.
fn all_finite_after(values: &[f32], f: impl Fn(f32x4) -> f32x4) -> bool {
    let (blocks, last) = values.as_chunks::<16>();
    let mut zeros = [f32x4::ZERO; 4];
    for block in blocks {
        for (zeros, four) in zeros.iter_mut().zip(block.as_chunks().0) {
            *zeros += f(f32x4::from(*four)) * f32x4::ZERO;
        }
    }
    zeros == [f32x4::ZERO; 4] && last.iter().all(|value| f(f32x4::splat(*value)).to_array()[0].is_finite())
}

/// Runs a phase on all shards, each on a thread of its own where there are threads. Returns false if a shard
/// has done all the work that is allowed, and is not done.
fn run_shards(shards: &mut [BatchShard], phase: usize, parameters: &[f32], fill: &SampleFn<'_>) -> bool {
    let Some((first, rest)) = shards.split_first_mut() else { return true };
    if cfg!(target_family = "wasm") || rest.is_empty() {
        // Workers of a browser share no memory; here several shards only show that the split changes no bit.
        rest.iter_mut().for_each(|shard| {
            shard.run(phase, parameters, fill);
        });
        return first.run(phase, parameters, fill);
    }
    std::thread::scope(|scope| {
        for shard in rest {
            scope.spawn(move || shard.run(phase, parameters, fill));
        }
        first.run(phase, parameters, fill)
    })
}
