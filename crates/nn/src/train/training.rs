//! The training step: shares of a batch through the phases, their contributions added, one update.

use crate::network::{Network, Score};
use crate::plan::{Phase, Plan};
use crate::preset::Preset;
use crate::spec::{NetworkSpec, TrainingSpec};
use crate::summary::SpecError;
use crate::train::optimizer::{OptimizerState, learning_rate, penalize};
use crate::train::pairwise_sum::{BlockSum, Node};
use crate::train::shard::{Fill, Job, Part};
use crate::train::transfer::copy_matching;
use std::ops::Range;
use tensor::BLOCK;
use wide::f32x4;

/// How fast running estimates follow (PyTorch's default).
const MOMENTUM: f32 = 0.1;

/// A network in training.
#[derive(Clone, Debug)]
pub struct Training {
    /// The network.
    pub network: Network,
    spec: TrainingSpec,
    optimizer: OptimizerState,
    pub(crate) parts: Vec<Part>,
    sum: BlockSum,
    total: Vec<f32>,
    gradients: Vec<f32>,
    /// Samples in the batch under way, how they did, and the running estimates after it.
    batch: usize,
    score: Score,
    running: Vec<f32>,
    steps: u64,
}

/// All that training has learned: with the two specs and the data, what follows from it is the same to the last bit.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TrainingState {
    /// The flat parameter vector.
    pub parameters: Vec<f32>,
    /// The flat vector of running estimates.
    pub running: Vec<f32>,
    /// The optimiser's memory.
    pub optimizer: OptimizerState,
    /// Steps taken.
    pub steps: u64,
}

impl Default for Training {
    /// LeNet-5 at its initial weights.
    fn default() -> Self {
        Self::new(Preset::LeNet5.network(), TrainingSpec::default()).expect("the preset fits")
    }
}

impl Training {
    /// A fresh network at step 0, on one core.
    ///
    /// # Errors
    /// A stack of layers that does not fit.
    pub fn new(network: NetworkSpec, spec: TrainingSpec) -> Result<Self, SpecError> {
        let part = Part::new(Plan::new(&network)?);
        let network = Network::new(network, spec.initializer, spec.seed)?;
        let parameters = network.parameters.len();
        Ok(Self {
            optimizer: OptimizerState::new(parameters),
            parts: vec![part],
            sum: BlockSum::default(),
            total: Vec::new(),
            gradients: vec![0.0; parameters],
            batch: 0,
            score: Score::default(),
            running: network.running.clone(),
            network,
            spec,
            steps: 0,
        })
    }

    /// How it is trained.
    pub fn spec(&self) -> &TrainingSpec {
        &self.spec
    }

    /// Steps taken.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// The gradients of the last step, of the mean loss of its batch, in the order of the flat parameter vector, penalties
    /// included.
    pub fn gradients(&self) -> &[f32] {
        &self.gradients
    }

    /// Takes the gradients of a step that was taken elsewhere.
    pub fn set_gradients(&mut self, gradients: &[f32]) {
        self.gradients.copy_from_slice(gradients);
    }

    /// Spreads each batch over so many threads. The numbers stay the same to the last bit.
    pub fn set_threads(&mut self, threads: usize) {
        let part = self.parts[0].clone();
        self.parts.resize(threads.max(1), part);
    }

    /// Back to step 0, with the initial weights of the seed.
    pub fn restart(&mut self) {
        self.network.initialize(self.spec.initializer, self.spec.seed);
        self.optimizer = OptimizerState::new(self.network.parameters.len());
        self.gradients.fill(0.0);
        self.steps = 0;
    }

    /// Copies what was learned.
    pub fn save(&self, state: &mut TrainingState) {
        state.parameters.clone_from(&self.network.parameters);
        state.running.clone_from(&self.network.running);
        state.optimizer.clone_from(&self.optimizer);
        state.steps = self.steps;
    }

    /// Goes back to what was saved of this very network; says whether it was.
    pub fn restore(&mut self, state: &TrainingState) -> bool {
        let (parameters, running) = (self.network.parameters.len(), self.network.running.len());
        let fits = state.parameters.len() == parameters && state.running.len() == running;
        if fits {
            self.network.parameters.copy_from_slice(&state.parameters);
            self.network.running.copy_from_slice(&state.running);
            self.optimizer.clone_from(&state.optimizer);
            self.steps = state.steps;
        }
        fits
    }

    /// Uses other options, or another network, from the next step on. Parameters whose name and dimensions stay
    /// are kept, and the optimiser's memory of them as long as the optimiser stays. Gives the normalisations that are new:
    /// they want to be [calibrated](Self::calibrate).
    ///
    /// # Errors
    /// A stack of layers that does not fit; nothing has changed then.
    pub fn configure(&mut self, network: NetworkSpec, spec: TrainingSpec) -> Result<Vec<usize>, SpecError> {
        let same_rule =
            std::mem::discriminant(&spec.optimizer) == std::mem::discriminant(&self.spec.optimizer);
        if network == *self.network.spec() {
            if !same_rule {
                self.optimizer = OptimizerState::new(self.network.parameters.len());
            }
            self.spec = spec;
            return Ok(Vec::new());
        }
        let mut next = Self::new(network, spec)?;
        let new = next.network.adopt(&self.network);
        if same_rule {
            let (to, from) = (next.network.plan(), self.network.plan());
            copy_matching(to, &mut next.optimizer.first, from, &self.optimizer.first);
            copy_matching(to, &mut next.optimizer.second, from, &self.optimizer.second);
            next.optimizer.steps = self.optimizer.steps;
        }
        next.set_threads(self.parts.len());
        next.steps = self.steps;
        *self = next;
        Ok(new)
    }

    /// One step after `epoch` epochs, on `labels.len()` samples that `fill` writes. Says how they did before the update;
    /// nothing, and nothing has changed, if their loss or a gradient is no finite number.
    ///
    /// # Panics
    /// If a label names no class.
    pub fn step(&mut self, labels: &[u8], epoch: f64, fill: &Fill<'_>) -> Option<Score> {
        self.begin(labels.len(), 0..labels.len(), labels);
        for phase in 0..self.network.plan().phases() {
            self.run(phase, fill);
            self.merge_own();
            self.finish_phase(phase);
        }
        self.finish(epoch)
    }

    /// Begins a step on a batch of so many samples, of which these, with their labels, are worked on here; they begin with a
    /// whole block. Each phase is to be [run](Self::run), what comes of it here and elsewhere to be merged by [`Training::merge_own`]
    /// and [`Training::merge`], in any order, and the phase to be [finished](Self::finish_phase); after the last, the step is
    /// [finished](Self::finish). Until then it has changed nothing. All who do this with the same batch come to the same state.
    pub fn begin(&mut self, batch: usize, samples: Range<usize>, labels: &[u8]) {
        self.batch = batch;
        self.running.copy_from_slice(&self.network.running);
        let parts = self.parts.len();
        for (i, part) in self.parts.iter_mut().enumerate() {
            let own = share(samples.len(), i, parts);
            let labels = &labels[own.clone()];
            let job = Job {
                samples: samples.start + own.start..samples.start + own.end,
                batch,
                seed: self.spec.seed,
                step: self.steps as u32,
                smoothing: self.spec.label_smoothing,
            };
            part.begin(job, labels, &self.network.parameters, &self.network.running);
        }
    }

    /// Runs a phase on the samples that are worked on here.
    pub fn run(&mut self, phase: usize, fill: &Fill<'_>) {
        run(&mut self.parts, phase, &self.network.parameters, fill);
    }

    /// What came of the phase here: sums over blocks, in order.
    pub fn own(&self) -> impl Iterator<Item = &Node> + Clone {
        self.parts.iter().flat_map(|part| part.sum.nodes())
    }

    /// Adds what came of the phase here.
    pub fn merge_own(&mut self) {
        self.parts.iter_mut().for_each(|part| self.sum.append(&mut part.sum));
    }

    /// Adds what came of the phase elsewhere: a [`Node`] that was told.
    pub fn merge(&mut self, level: u32, index: u32, values: &[f32]) {
        self.sum.push_values(level, index, values);
    }

    /// Gives up the step that has begun.
    pub fn abandon(&mut self) {
        self.sum.clear();
        self.parts.iter_mut().for_each(|part| part.sum.clear());
    }

    /// Draws the conclusions of what all contributed to a phase.
    pub fn finish_phase(&mut self, phase: usize) {
        self.sum.finish(&mut self.total);
        let plan = self.network.plan();
        let kind = plan.phase(phase);
        let contribution = plan.contribution(kind);
        let (sums, rest) = self.total.split_at_mut(contribution.sums);
        let (gradients, came_to) = rest.split_at(contribution.gradients.len());
        if let [loss, correct] = came_to {
            self.score = Score { loss: f64::from(*loss), correct: *correct as usize };
        }
        if sums.is_empty() && gradients.len() == self.gradients.len() {
            // All there is: no need to copy it.
            std::mem::swap(&mut self.total, &mut self.gradients);
            self.gradients.truncate(contribution.gradients.len());
            return;
        }
        self.gradients[contribution.gradients].copy_from_slice(gradients);
        match kind {
            Phase::Forward(segment) => {
                let statistics = &plan.statistics[segment];
                let count = (self.batch * statistics.plane) as f32;
                let (mean, variance) = sums.split_at_mut(statistics.channels);
                let running = &mut self.running[statistics.range()];
                let (running_mean, running_variance) = running.split_at_mut(statistics.channels);
                for c in 0..statistics.channels {
                    // Moments were taken about the running mean.
                    let shift = mean[c] / count;
                    variance[c] = (variance[c] / count - shift * shift).max(0.0);
                    mean[c] = running_mean[c] + shift;
                    let unbiased = variance[c] * (count / (count - 1.0).max(1.0));
                    running_mean[c] += MOMENTUM * (mean[c] - running_mean[c]);
                    running_variance[c] += MOMENTUM * (unbiased - running_variance[c]);
                }
            }
            Phase::Turn(segment) | Phase::Backward(segment) => {
                if let Some(before) = segment.checked_sub(1) {
                    let count = (self.batch * plan.statistics[before].plane) as f32;
                    sums.iter_mut().for_each(|sum| *sum /= count);
                }
            }
        }
        self.parts.iter_mut().for_each(|part| part.absorb(phase, sums));
    }

    /// Updates the parameters after `epoch` epochs, and says how the batch did before; nothing, and nothing has changed,
    /// if its loss or a gradient is no finite number.
    pub fn finish(&mut self, epoch: f64) -> Option<Score> {
        let Self { network, optimizer, spec, gradients, score, .. } = self;
        if !score.loss.is_finite() || !all_finite(gradients) {
            return None;
        }
        let rate = learning_rate(spec, epoch);
        let Network { cpu, parameters, .. } = network;
        penalize(cpu.plan(), spec.penalty, spec.optimizer, rate, parameters, gradients);
        optimizer.step(spec.optimizer, rate, parameters, gradients);
        network.running.copy_from_slice(&self.running);
        self.steps += 1;
        Some(*score)
    }
}

/// The share of core number `i` of `cores` in so many samples: whole blocks, in order.
pub fn share(samples: usize, i: usize, cores: usize) -> Range<usize> {
    let blocks = samples.div_ceil(BLOCK);
    let sample = |i: usize| (i * blocks / cores * BLOCK).min(samples);
    sample(i)..sample(i + 1)
}

/// Whether all are finite numbers: zero times each of them is zero. In vectors and without a branch: it runs over all gradients
/// in every step.
pub(crate) fn all_finite(values: &[f32]) -> bool {
    let (blocks, last) = values.as_chunks::<16>();
    let mut zeros = [f32x4::ZERO; 4];
    for block in blocks {
        for (zeros, four) in zeros.iter_mut().zip(block.as_chunks().0) {
            *zeros += f32x4::from(*four) * f32x4::ZERO;
        }
    }
    zeros == [f32x4::ZERO; 4] && last.iter().all(|value| value.is_finite())
}

/// Runs a phase of all parts, each on a thread of its own where there are threads.
fn run(parts: &mut [Part], phase: usize, parameters: &[f32], fill: &Fill<'_>) {
    let Some((first, rest)) = parts.split_first_mut() else { return };
    if cfg!(target_family = "wasm") || rest.is_empty() {
        // Workers of a browser share nothing; here the parts only show that the split changes no bit.
        rest.iter_mut().for_each(|part| part.run(phase, parameters, fill));
        return first.run(phase, parameters, fill);
    }
    std::thread::scope(|scope| {
        for part in rest {
            scope.spawn(move || part.run(phase, parameters, fill));
        }
        first.run(phase, parameters, fill);
    });
}
