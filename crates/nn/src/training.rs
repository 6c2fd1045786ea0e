//! The training step: shares of a batch through the phases, their contributions added, one update.

use crate::network::{Network, Score, copy_matching};
use crate::optimizer::{OptimizerState, learning_rate, penalize};
use crate::part::{Fill, Part};
use crate::plan::{Phase, Plan};
use crate::spec::{NetworkSpec, TrainingSpec};
use crate::sum::BlockSum;
use crate::summary::SpecError;
use tensor::BLOCK;

/// How fast running estimates follow (PyTorch's default).
const MOMENTUM: f32 = 0.1;

/// A network in training.
#[derive(Clone, Debug)]
pub struct Training {
    /// The network.
    pub network: Network,
    spec: TrainingSpec,
    optimizer: OptimizerState,
    parts: Vec<Part>,
    sum: BlockSum,
    total: Vec<f32>,
    gradients: Vec<f32>,
    steps: u64,
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

    /// The gradients of the last step, in the order of the flat parameter vector, penalties included.
    pub fn gradients(&self) -> &[f32] {
        &self.gradients
    }

    /// Spreads each batch over so many threads. The numbers stay the same to the last bit.
    pub fn set_threads(&mut self, threads: usize) {
        let part = self.parts[0].clone();
        self.parts.resize(threads.max(1), part);
    }

    /// Uses other options, or another network, from the next step on. Parameters whose name and dimensions stay
    /// are kept, and the optimiser's memory of them as long as the optimiser stays.
    ///
    /// # Errors
    /// A stack of layers that does not fit; nothing has changed then.
    pub fn configure(&mut self, network: NetworkSpec, spec: TrainingSpec) -> Result<(), SpecError> {
        let same_rule =
            std::mem::discriminant(&spec.optimizer) == std::mem::discriminant(&self.spec.optimizer);
        if network == *self.network.spec() {
            if !same_rule {
                self.optimizer = OptimizerState::new(self.network.parameters.len());
            }
            self.spec = spec;
            return Ok(());
        }
        let mut next = Self::new(network, spec)?;
        next.network.adopt(&self.network);
        if same_rule {
            let (to, from) = (next.network.plan(), self.network.plan());
            copy_matching(to, &mut next.optimizer.first, from, &self.optimizer.first);
            copy_matching(to, &mut next.optimizer.second, from, &self.optimizer.second);
            next.optimizer.steps = self.optimizer.steps;
        }
        next.set_threads(self.parts.len());
        next.steps = self.steps;
        *self = next;
        Ok(())
    }

    /// One step after `epoch` epochs, on `labels.len()` samples that `fill` writes. Says how they did before the update.
    pub fn step(&mut self, labels: &[u8], epoch: f64, fill: &Fill<'_>) -> Score {
        self.begin(labels);
        let mut score = Score::default();
        for phase in 0..self.network.plan().phases() {
            run(&mut self.parts, phase, fill);
            for part in &mut self.parts {
                part.sum.take().for_each(|node| self.sum.push(node));
            }
            self.finish_phase(phase, labels.len(), &mut score);
        }
        self.update(epoch);
        score
    }

    /// Gives every part its share: whole blocks, in order.
    fn begin(&mut self, labels: &[u8]) {
        let blocks = labels.len().div_ceil(BLOCK);
        let parts = self.parts.len();
        let sample = |part: usize| (part * blocks / parts * BLOCK).min(labels.len());
        for (i, part) in self.parts.iter_mut().enumerate() {
            let job = part.job();
            job.first_block = i * blocks / parts;
            job.labels.clear();
            job.labels.extend_from_slice(&labels[sample(i)..sample(i + 1)]);
            job.batch = labels.len();
            (job.seed, job.step) = (self.spec.seed, self.steps as u32);
            job.smoothing = self.spec.label_smoothing;
            part.begin(&self.network.parameters, &self.network.running);
        }
    }

    /// Adds up what the parts contributed, and tells them what they need of it.
    fn finish_phase(&mut self, phase: usize, batch: usize, score: &mut Score) {
        self.sum.finish(&mut self.total);
        let Network { cpu, running, .. } = &mut self.network;
        let plan = cpu.plan();
        let kind = plan.phase(phase);
        let contribution = plan.contribution(kind);
        let (sums, rest) = self.total.split_at_mut(contribution.sums);
        let (gradients, came_to) = rest.split_at(contribution.gradients.len());
        self.gradients[contribution.gradients].copy_from_slice(gradients);
        if let [loss, correct] = came_to {
            *score = Score { loss: f64::from(*loss), correct: *correct as usize };
        }
        match kind {
            Phase::Forward(segment) => {
                let statistics = &plan.statistics[segment];
                let count = (batch * statistics.plane) as f32;
                let (mean, variance) = sums.split_at_mut(statistics.channels);
                let running = &mut running[statistics.range()];
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
                    let count = (batch * plan.statistics[before].plane) as f32;
                    sums.iter_mut().for_each(|sum| *sum /= count);
                }
            }
        }
        self.parts.iter_mut().for_each(|part| part.absorb(phase, sums));
    }

    fn update(&mut self, epoch: f64) {
        let Self { network, optimizer, spec, gradients, .. } = self;
        let rate = learning_rate(spec, epoch);
        let Network { cpu, parameters, .. } = network;
        penalize(cpu.plan(), spec.penalty, spec.optimizer, rate, parameters, gradients);
        optimizer.step(spec.optimizer, rate, parameters, gradients);
        self.steps += 1;
    }
}

/// Runs a phase of all parts, each on a thread of its own where there are threads.
fn run(parts: &mut [Part], phase: usize, fill: &Fill<'_>) {
    let Some((first, rest)) = parts.split_first_mut() else { return };
    if cfg!(target_family = "wasm") {
        // Workers of a browser share nothing; here the parts only show that the split changes no bit.
        rest.iter_mut().for_each(|part| part.run(phase, fill));
        return first.run(phase, fill);
    }
    std::thread::scope(|scope| {
        for part in rest {
            scope.spawn(move || part.run(phase, fill));
        }
        first.run(phase, fill);
    });
}
