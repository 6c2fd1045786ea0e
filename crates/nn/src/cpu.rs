//! Runs a plan on one core, one block of sixteen samples at a time.

use crate::plan::{Buffer, Op, Plan};
use crate::random;
use crate::spec::BATCH_NORM_EPS;
use serde::{Deserialize, Serialize};
use tensor::conv2d::direct;
use tensor::conv2d::{Convolution, Pooled, Scratch};
use tensor::softmax::{self, Score};
use tensor::{BLOCK, Lanes, ZERO, activation, batch_norm, interleave, pool};
use wide::f32x4;

/// The mode of a pass, as PyTorch's `train()` and `eval()`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Dropout does nothing unless [`Units`] say so, batch normalisation uses the running estimates.
    Inference(Units),
    /// Dropout zeroes units, batch normalisation uses the statistics of the batch.
    Training {
        /// Seed of the dropout masks.
        seed: u32,
        /// Number of the training step: every step has other masks.
        step: u32,
    },
}

/// The units behind dropout that take part in an inference. Only [`Units::All`] read as the network does; the others show what
/// it does in training.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Units {
    /// All, as they are.
    #[default]
    All,
    /// All, each divided by `1 - p`, as those that dropout keeps: what the next layer would get if training dropped none. In
    /// the paper's convention (Srivastava et al. 2014), in which a reading network's weights are multiplied by `1 - p`, this is
    /// the network without that.
    AllScaled,
    /// Those that dropout keeps in the first step of training with this seed, for image number `sample` of the batch and those
    /// after it, divided by `1 - p`: a thinned network. The mean of many is Monte Carlo dropout (Gal and Ghahramani 2016).
    Kept {
        /// Seed of the masks.
        seed: u32,
        /// Index of the first image's mask.
        sample: u32,
    },
}

impl Mode {
    fn is_training(self) -> bool {
        matches!(self, Self::Training { .. })
    }
}

/// Packed weights, statistics and scratch memory for one plan. Activations are in [`Memory`], parameters are
/// borrowed by each pass. Passes allocate nothing.
#[derive(Clone, Debug)]
pub struct Cpu {
    plan: Plan,
    /// For each op, its convolution if it is one.
    convolutions: Vec<Option<Convolution>>,
    normalizers: Vec<Normalizer>,
    scratch: Scratch,
    /// The samples of a block, `[sample][channel][row][column]`.
    samples: Vec<f32>,
    /// Number of ops that are done of the pass under way, and of segments of [`Cpu::infer`].
    ops_done: usize,
    segments_done: usize,
}

/// The statistics that one batch normalisation uses, one number per channel each.
#[derive(Clone, Debug)]
struct Normalizer {
    mean: Vec<f32>,
    inverse_deviation: Vec<f32>,
    /// Means over the batch of the gradient, and of its product with the normalised values.
    mean_dy: Vec<f32>,
    mean_dy_y: Vec<f32>,
    /// The value about which the moments are computed: the running mean, or one nearer to the batch's mean.
    pivot: Vec<f32>,
}

/// The activations of one block and their gradients.
#[derive(Clone, Debug)]
pub struct Memory {
    values: Vec<Lanes>,
    gradients: Vec<Lanes>,
    /// Samples in use.
    samples: usize,
    /// Index of the first one in the batch.
    first: usize,
}

impl Memory {
    /// Allocates memory for a block of `plan`.
    pub fn new(plan: &Plan) -> Self {
        Self { values: vec![ZERO; plan.arena], gradients: vec![ZERO; plan.arena], samples: 0, first: 0 }
    }

    /// The values of a buffer after a forward pass, `[channel][row][column]` of its shape.
    pub fn values(&self, buffer: Buffer) -> &[Lanes] {
        &self.values[buffer.range()]
    }

    /// The gradient of a buffer after a backward pass, laid out as its values.
    pub fn gradient(&mut self, buffer: Buffer) -> &mut [Lanes] {
        &mut self.gradients[buffer.range()]
    }

    /// Sets the gradient of the logits to that of the mean cross-entropy over a batch of `batch` samples, of
    /// which this block holds `labels`. Returns the sum of their losses, in nats, and the number of hits.
    ///
    /// # Panics
    /// If a label names no class.
    pub fn cross_entropy(&mut self, plan: &Plan, labels: &[u8], smoothing: f32, batch: usize) -> Score {
        let range = plan.logits().range();
        softmax::cross_entropy(
            &self.values[range.clone()],
            labels,
            smoothing,
            batch,
            &mut self.gradients[range],
        )
    }

    /// The cross-entropy of each sample with its label, in nats: the summands of [`Memory::cross_entropy`].
    ///
    /// # Panics
    /// If a label names no class.
    pub fn losses(&mut self, plan: &Plan, labels: &[u8], smoothing: f32) -> impl Iterator<Item = f64> {
        let range = plan.logits().range();
        softmax::losses(&self.values[range.clone()], labels, smoothing, &mut self.gradients[range])
    }

    /// Softmax of the logits, `[class][sample]`.
    pub fn probabilities(&mut self, plan: &Plan) -> &[Lanes] {
        let range = plan.logits().range();
        softmax::softmax(&self.values[range.clone()], &mut self.gradients[range.clone()]);
        &self.gradients[range]
    }

    /// The predicted class of each sample in use, and its probability; see [`softmax::predictions`].
    pub fn predictions(&mut self, plan: &Plan) -> impl Iterator<Item = Option<(usize, f32)>> {
        let range = plan.logits().range();
        softmax::predictions(&self.values[range.clone()], self.samples, &mut self.gradients[range])
    }
}

impl Cpu {
    /// Allocates memory for `plan`.
    pub fn new(plan: Plan) -> Self {
        let mut scratch = Scratch::default();
        let convolutions = plan.ops.iter().enumerate().map(|(at, op)| match op {
            Op::Conv2d { geometry, padding, .. } => {
                let pool = plan.pooling(at).map(|(pool, _)| pool);
                let convolution = Convolution::new(*geometry, *padding, pool);
                scratch.reserve(&convolution);
                Some(convolution)
            }
            _ => None,
        });
        let convolutions = convolutions.collect();
        let zeros = |n: usize| vec![0.0; n];
        let normalizers = plan.statistics.iter().map(|s| Normalizer {
            mean: zeros(s.channels),
            inverse_deviation: vec![1.0; s.channels],
            mean_dy: zeros(s.channels),
            mean_dy_y: zeros(s.channels),
            pivot: zeros(s.channels),
        });
        Self {
            convolutions,
            normalizers: normalizers.collect(),
            scratch,
            samples: zeros(BLOCK * plan.input.shape.len()),
            ops_done: 0,
            segments_done: 0,
            plan,
        }
    }

    /// The plan it runs.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Allows the passes to do `work` multiply-adds from now on: a pass that is not done by then returns false,
    /// and is to be called again. [`Budget::UNLIMITED`] at first.
    pub fn limit_work(&mut self, work: i64) {
        self.scratch.budget.refill(work);
    }

    /// Gives up the pass under way.
    pub fn abandon(&mut self) {
        (self.ops_done, self.segments_done) = (0, 0);
        self.scratch.budget.begin();
    }

    /// Prepares for passes with these parameters and running estimates, the flat vectors of the plan; `backward`: also for
    /// backward passes. The next passes must get the same parameters.
    ///
    /// # Panics
    /// If a vector is shorter than the plan says.
    pub fn load(&mut self, parameters: &[f32], running: &[f32], backward: bool) {
        for (op, convolution) in self.plan.ops.iter().zip(&mut self.convolutions) {
            if let (Op::Conv2d { source, weight, .. }, Some(convolution)) = (op, convolution) {
                convolution.load(&parameters[weight.clone()], backward && source.is_some());
            }
        }
        for (statistics, normalizer) in self.plan.statistics.iter().zip(&mut self.normalizers) {
            let (mean, variance) = running[statistics.range()].split_at(statistics.channels);
            normalizer.pivot.copy_from_slice(mean);
            normalizer.mean.copy_from_slice(mean);
            set_inverse_deviation(&mut normalizer.inverse_deviation, variance);
        }
    }

    /// Begins a block of `samples` samples, of which the first has index `first` in its batch. `fill` writes
    /// each of them as `[channel][row][column]`; the other lanes hold arbitrary values.
    ///
    /// # Panics
    /// If there are more than sixteen samples.
    pub fn start(
        &mut self,
        memory: &mut Memory,
        first: usize,
        samples: usize,
        mut fill: impl FnMut(usize, &mut [f32]),
    ) {
        assert!(samples <= BLOCK);
        (memory.first, memory.samples) = (first, samples);
        let input = self.plan.input;
        let images = self.samples.chunks_exact_mut(input.shape.len()).take(samples);
        images.enumerate().for_each(|(lane, image)| fill(lane, image));
        let filled = samples.next_multiple_of(4) * input.shape.len();
        interleave(&self.samples[..filled], &mut memory.values[input.range()]);
    }

    /// Sets the statistics of a batch: `moments` is the mean of every channel, then its (biased) variance.
    pub fn set_moments(&mut self, statistics: usize, moments: &[f32]) {
        let normalizer = &mut self.normalizers[statistics];
        let (mean, variance) = moments.split_at(normalizer.mean.len());
        normalizer.mean.copy_from_slice(mean);
        set_inverse_deviation(&mut normalizer.inverse_deviation, variance);
    }

    /// Uses the same statistics as `other`, which runs the same layers.
    pub(crate) fn copy_moments(&mut self, other: &Self) {
        self.normalizers.clone_from(&other.normalizers);
    }

    /// Sets the value of every channel about which the moments of a batch are computed.
    pub(crate) fn set_pivot(&mut self, statistics: usize, pivot: &[f32]) {
        self.normalizers[statistics].pivot.copy_from_slice(pivot);
    }

    /// Mean and inverse deviation of every channel, as a normalisation uses them.
    pub(crate) fn moments(&self, statistics: usize) -> (&[f32], &[f32]) {
        let Normalizer { mean, inverse_deviation, .. } = &self.normalizers[statistics];
        (mean, inverse_deviation)
    }

    /// Sets the means over a batch of the gradient of a normalisation's output, and of its product with that
    /// output.
    pub fn set_gradient_means(&mut self, statistics: usize, means: &[f32]) {
        let normalizer = &mut self.normalizers[statistics];
        let (mean_dy, mean_dy_y) = means.split_at(normalizer.mean.len());
        normalizer.mean_dy.copy_from_slice(mean_dy);
        normalizer.mean_dy_y.copy_from_slice(mean_dy_y);
    }

    /// All segments forward, in inference mode. Returns false if the budget is spent before all is done.
    pub fn infer(&mut self, memory: &mut Memory, parameters: &[f32], units: Units) -> bool {
        while self.segments_done < self.plan.segments.len() {
            if !self.forward(self.segments_done, memory, parameters, Mode::Inference(units), &mut []) {
                return false;
            }
            self.segments_done += 1;
        }
        self.segments_done = 0;
        true
    }

    /// Whether to stop before the op that comes after `done` ops of a pass.
    fn is_spent_after(&mut self, done: usize) -> bool {
        self.ops_done = done;
        self.scratch.budget.is_spent()
    }

    /// A segment forward. In training, one that ends in [`Op::Moments`] leaves in `sums`, for every channel
    /// of the statistics, the sum of the values less the pivot, then for every channel that of the squares.
    /// Returns false if the budget is spent before all is done.
    pub fn forward(
        &mut self,
        segment: usize,
        memory: &mut Memory,
        parameters: &[f32],
        mode: Mode,
        sums: &mut [f32],
    ) -> bool {
        let Memory { values, samples, first, .. } = memory;
        for (done, at) in self.plan.segments[segment].ops.clone().enumerate().skip(self.ops_done) {
            if self.is_spent_after(done) {
                return false;
            }
            let op = &self.plan.ops[at];
            self.scratch.budget.spend(BLOCK * op.output().shape.len());
            match op {
                Op::Permute { order, input, output, .. } => {
                    let (x, y) = split(values, *input, *output);
                    y.iter_mut().zip(order).for_each(|(y, at)| *y = x[*at as usize]);
                }
                Op::Pad { input, output, padding } => {
                    let (x, y) = split(values, *input, *output);
                    direct::pad(input.shape, *padding, x, y);
                }
                Op::Conv2d { input, output, weight, bias, .. } => {
                    let (x, y) = split(values, *input, *output);
                    if let Some(convolution) = &self.convolutions[at] {
                        let parameters = (&parameters[weight.clone()], &parameters[bias.clone()]);
                        if !convolution.forward(x, parameters, y, &mut self.scratch) {
                            return false;
                        }
                    }
                }
                Op::MaxPool2d { geometry, input, output } => {
                    let (x, y) = split(values, *input, *output);
                    pool::max_forward(geometry, x, y);
                }
                Op::AvgPool2d { geometry, input, output } => {
                    let (x, y) = split(values, *input, *output);
                    pool::average_forward(geometry, x, y);
                }
                Op::Activation { function, input, output } => {
                    copy(values, *input, *output);
                    activation::forward(*function, &mut values[output.range()]);
                }
                Op::Affine { input, output, scale, shift } => {
                    let (x, y) = split(values, *input, *output);
                    let (scale, shift) = (&parameters[scale.clone()], &parameters[shift.clone()]);
                    batch_norm::affine_forward(scale, shift, x, y);
                }
                Op::Moments { input, statistics, .. } => {
                    if mode.is_training() {
                        let used = batch_norm::lanes_in_use(*samples);
                        let (first, second) = sums.split_at_mut(input.shape.channels);
                        let pivot = &self.normalizers[*statistics].pivot;
                        batch_norm::moment_sums(&values[input.range()], pivot, &used, first, second);
                    }
                }
                Op::Normalize { input, output, statistics } => {
                    let (x, y) = split(values, *input, *output);
                    let Normalizer { mean, inverse_deviation, .. } = &self.normalizers[*statistics];
                    batch_norm::normalize_forward(mean, inverse_deviation, x, y);
                }
                Op::Dropout { p, layer, input, mask, output } => {
                    copy(values, *input, *output);
                    let (mask, y) = split(values, *mask, *output);
                    let masked = match mode {
                        Mode::Inference(Units::All) => continue,
                        Mode::Inference(Units::AllScaled) => None,
                        Mode::Inference(Units::Kept { seed, .. }) => Some((seed, 0)),
                        Mode::Training { seed, step } => Some((seed, step)),
                    };
                    match masked {
                        Some((seed, step)) => {
                            random::dropout_mask(seed, step, *layer as u32, *first as u32, *p, mask);
                        }
                        None => mask.fill([f32x4::splat(1.0 / (1.0 - p)); BLOCK / 4]),
                    }
                    activation::multiply(y, mask);
                }
            }
        }
        self.ops_done = 0;
        true
    }

    /// A segment backward, from the gradient of its last output. Leaves the gradients of its parameters in
    /// `parameter_gradients` (those of the segment, as in [`Segment::parameters`](crate::plan::Segment)) and,
    /// if it begins with [`Op::Normalize`], in `sums`, for every channel, the sum of the gradient, then that
    /// of its product with the values. All are sums over the samples of the block. The mode is that of the forward
    /// pass. Returns false if the budget is spent before all is done.
    pub fn backward(
        &mut self,
        segment: usize,
        memory: &mut Memory,
        parameters: &[f32],
        mode: Mode,
        sums: &mut [f32],
        parameter_gradients: &mut [f32],
    ) -> bool {
        let Memory { values, gradients, samples, .. } = memory;
        let base = self.plan.segments[segment].parameters.start;
        for (done, at) in self.plan.segments[segment].ops.clone().rev().enumerate().skip(self.ops_done) {
            if self.is_spent_after(done) {
                return false;
            }
            let op = &self.plan.ops[at];
            self.scratch.budget.spend(BLOCK * op.output().shape.len());
            match op {
                // A convolution computes the gradient of its unpadded input.
                Op::Pad { .. } => {}
                Op::Permute { order, input, output, .. } => {
                    let (dx, dy) = split(gradients, *input, *output);
                    order.iter().zip(dy).for_each(|(at, dy)| dx[*at as usize] = *dy);
                }
                Op::Conv2d { source, input, output, weight, bias, .. } => {
                    let own = &mut parameter_gradients[weight.start - base..bias.end - base];
                    let own = own.split_at_mut(weight.len());
                    let (x, Some(convolution)) = (&values[input.range()], &self.convolutions[at]) else {
                        continue;
                    };
                    let (before, after) = gradients.split_at_mut(output.offset);
                    let dx = source.map(|source| &mut before[source.range()]);
                    if let Some((_, pooled)) = self.plan.pooling(at).filter(|_| convolution.is_pooled()) {
                        let gradient = &after[pooled.offset - output.offset..][..pooled.shape.len()];
                        let y = &values[output.range()];
                        let output = Pooled { y, pooled: &values[pooled.range()], gradient };
                        if !convolution.backward_pooled(x, output, dx, own, &mut self.scratch) {
                            return false;
                        }
                        continue;
                    }
                    let (weight, dy) = (&parameters[weight.clone()], &after[..output.shape.len()]);
                    if !convolution.backward(weight, x, dy, dx, own, &mut self.scratch) {
                        return false;
                    }
                }
                // The convolution before it does this, too.
                Op::MaxPool2d { .. } if at > 0 && pooled(&self.convolutions[at - 1]) => {}
                Op::MaxPool2d { geometry, input, output } => {
                    let (dx, dy) = split(gradients, *input, *output);
                    pool::max_backward(geometry, &values[input.range()], &values[output.range()], dy, dx);
                }
                Op::AvgPool2d { geometry, input, output } => {
                    let (dx, dy) = split(gradients, *input, *output);
                    pool::average_backward(geometry, dy, dx);
                }
                Op::Activation { function, input, output } => {
                    copy(gradients, *output, *input);
                    activation::backward(*function, &values[output.range()], &mut gradients[input.range()]);
                }
                Op::Affine { input, output, scale, shift } => {
                    let (dx, dy) = split(gradients, *input, *output);
                    let own = &mut parameter_gradients[scale.start - base..shift.end - base];
                    let factors = &parameters[scale.clone()];
                    batch_norm::affine_backward(
                        factors,
                        &values[input.range()],
                        dy,
                        dx,
                        own.split_at_mut(scale.len()),
                    );
                }
                Op::Normalize { output, .. } => {
                    let (dy, y) = (&gradients[output.range()], &values[output.range()]);
                    let (first, second) = sums.split_at_mut(output.shape.channels);
                    batch_norm::product_sums(dy, y, first, second);
                }
                Op::Moments { input, output, statistics } => {
                    let (dx, dy) = split(gradients, *input, *output);
                    let used = batch_norm::lanes_in_use(*samples);
                    let n = &self.normalizers[*statistics];
                    let means = (n.mean_dy.as_slice(), n.mean_dy_y.as_slice());
                    let y = &values[output.range()];
                    batch_norm::normalize_backward(&n.inverse_deviation, means, &used, (y, dy), dx);
                }
                Op::Dropout { input, mask, output, .. } => {
                    copy(gradients, *output, *input);
                    if mode != Mode::Inference(Units::All) {
                        activation::multiply(&mut gradients[input.range()], &values[mask.range()]);
                    }
                }
            }
        }
        self.ops_done = 0;
        true
    }
}

/// Whether an op is a convolution that computes its gradients from those of the pooled output.
fn pooled(convolution: &Option<Convolution>) -> bool {
    convolution.as_ref().is_some_and(Convolution::is_pooled)
}

fn set_inverse_deviation(inverse_deviation: &mut [f32], variance: &[f32]) {
    for (inverse_deviation, variance) in inverse_deviation.iter_mut().zip(variance) {
        *inverse_deviation = 1.0 / (variance + BATCH_NORM_EPS).sqrt();
    }
}

/// Copies a buffer, unless both are the same.
fn copy(arena: &mut [Lanes], from: Buffer, to: Buffer) {
    if from.offset != to.offset {
        arena.copy_within(from.range(), to.offset);
    }
}

/// The input's and the output's values in an arena: a plan puts outputs behind inputs.
fn split(arena: &mut [Lanes], input: Buffer, output: Buffer) -> (&mut [Lanes], &mut [Lanes]) {
    let (before, after) = arena.split_at_mut(output.offset);
    (&mut before[input.range()], &mut after[..output.shape.len()])
}
