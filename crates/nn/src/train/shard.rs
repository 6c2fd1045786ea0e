//! One core's share of a training step: some blocks of the batch, through the phases of the plan.

use crate::cpu::{Cpu, Memory, Mode};
use crate::plan::{Phase, Plan};
use crate::train::pairwise_sum::BlockSum;
use std::ops::Range;
use tensor::BLOCK;

/// Writes sample number `.0` of the batch, `[channel][row][column]`.
pub type Fill<'a> = dyn Fn(usize, &mut [f32]) + Sync + 'a;

/// What a share is to do in a step.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Job {
    /// Its samples in the batch; they begin with a whole block.
    pub samples: Range<usize>,
    /// Samples in the whole batch.
    pub batch: usize,
    /// Seed of dropout.
    pub seed: u32,
    /// Number of the step.
    pub step: u32,
    /// Label smoothing, as [`TrainingSpec::label_smoothing`](crate::spec::TrainingSpec).
    pub smoothing: f32,
}

/// A core's memory and its contributions.
#[derive(Clone, Debug)]
pub struct Part {
    cpu: Cpu,
    job: Job,
    labels: Vec<u8>,
    /// One block's memory if the plan has one segment: then each block goes there and back at once, while it is in the
    /// cache. Else, or if they are to be looked at, all of them.
    memories: Vec<Memory>,
    keeps_all: bool,
    /// What its blocks came to in the last phase.
    pub sum: BlockSum,
}

impl Part {
    /// A core that can run `plan`.
    pub fn new(plan: Plan) -> Self {
        Self {
            keeps_all: plan.segments.len() > 1,
            cpu: Cpu::new(plan),
            job: Job::default(),
            labels: Vec::new(),
            memories: Vec::new(),
            sum: BlockSum::default(),
        }
    }

    /// The same, but after a step every block can be looked at.
    pub(crate) fn to_look_at(plan: Plan) -> Self {
        Self { keeps_all: true, ..Self::new(plan) }
    }

    /// The memory of the blocks of the last step, as far as they are kept.
    pub(crate) fn memories(&self) -> &[Memory] {
        &self.memories[..self.blocks_kept()]
    }

    /// The plan it runs.
    pub fn plan(&self) -> &Plan {
        self.cpu.plan()
    }

    /// Begins a step: takes a job, the labels of its samples, the parameters and the running estimates.
    ///
    /// # Panics
    /// If there is not one label per sample, or the samples do not begin with a whole block.
    pub fn begin(&mut self, job: Job, labels: &[u8], parameters: &[f32], running: &[f32]) {
        assert!(job.samples.len() == labels.len() && job.samples.start.is_multiple_of(BLOCK));
        self.job = job;
        self.labels.clear();
        self.labels.extend_from_slice(labels);
        while self.memories.len() < self.blocks_kept() {
            self.memories.push(Memory::new(self.cpu.plan()));
        }
        let mode = self.mode();
        self.cpu.load(parameters, running, mode);
    }

    /// Runs a phase over its blocks, with the parameters that the step began with; their contributions are in [`Part::sum`] then.
    pub fn run(&mut self, phase: usize, parameters: &[f32], fill: &Fill<'_>) {
        let (first_phase, phase) = (phase == 0, self.plan().phase(phase));
        let contribution = self.plan().contribution(phase);
        let mode = self.mode();
        let Self { cpu, job, labels, memories, keeps_all, sum } = self;
        for (block, labels) in labels.chunks(BLOCK).enumerate() {
            let memory = &mut memories[if *keeps_all { block } else { 0 }];
            let first = job.samples.start + block * BLOCK;
            if first_phase {
                cpu.start(memory, first, labels.len(), |lane, sample| fill(first + lane, sample));
            }
            let mut node = sum.block(first / BLOCK, contribution.len());
            let (sums, rest) = node.values.split_at_mut(contribution.sums);
            let (gradients, score) = rest.split_at_mut(contribution.gradients.len());
            match phase {
                Phase::Forward(segment) => cpu.forward(segment, memory, parameters, mode, sums),
                Phase::Turn(segment) => {
                    cpu.forward(segment, memory, parameters, mode, &mut []);
                    let came_to = memory.cross_entropy(cpu.plan(), labels, job.smoothing, job.batch);
                    score.copy_from_slice(&[came_to.loss as f32, came_to.correct as f32]);
                    cpu.backward(segment, memory, parameters, sums, gradients);
                }
                Phase::Backward(segment) => cpu.backward(segment, memory, parameters, sums, gradients),
            }
            sum.push(node);
        }
    }

    /// Takes what the whole batch came to in a phase: moments after a forward one, gradient means after the others.
    pub fn absorb(&mut self, phase: usize, statistics: &[f32]) {
        match self.plan().phase(phase) {
            Phase::Forward(segment) => self.cpu.set_moments(segment, statistics),
            Phase::Turn(segment) | Phase::Backward(segment) => {
                if let Some(before) = segment.checked_sub(1) {
                    self.cpu.set_gradient_means(before, statistics);
                }
            }
        }
    }

    /// Mean and inverse deviation of every channel, as a normalisation uses them in the step under way.
    pub(crate) fn moments(&self, statistics: usize) -> (&[f32], &[f32]) {
        self.cpu.moments(statistics)
    }

    fn blocks_kept(&self) -> usize {
        let blocks = self.labels.len().div_ceil(BLOCK);
        if self.keeps_all { blocks } else { blocks.min(1) }
    }

    fn mode(&self) -> Mode {
        Mode::Training { seed: self.job.seed, step: self.job.step }
    }
}
