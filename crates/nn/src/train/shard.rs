//! One thread's share of a training step: some blocks of the batch, through the phases of the plan.

use crate::cpu::{Cpu, Memory, Mode};
use crate::plan::{Phase, Plan};
use crate::train::pairwise_sum::PairwiseSum;
use std::ops::Range;
use tensor::BLOCK;

/// Writes sample number `.0` of the batch as `[channel][row][column]`.
pub type SampleFn<'a> = dyn Fn(usize, &mut [f32]) + Sync + 'a;

/// What a shard does in a step.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ShardTask {
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

/// The memory of a shard, and its contributions to the sums over the batch.
#[derive(Clone, Debug)]
pub struct BatchShard {
    cpu: Cpu,
    task: ShardTask,
    labels: Vec<u8>,
    /// If the plan has one segment, one block's memory: each block goes forward and backward at once, while
    /// it is in the cache. Otherwise, or for inspection, one for each block.
    memories: Vec<Memory>,
    keeps_all: bool,
    /// The sums over this shard's blocks from the last phase.
    pub sum: PairwiseSum,
}

impl BatchShard {
    /// Makes a shard that runs `plan`.
    pub fn new(plan: Plan) -> Self {
        Self {
            keeps_all: plan.segments.len() > 1,
            cpu: Cpu::new(plan),
            task: ShardTask::default(),
            labels: Vec::new(),
            memories: Vec::new(),
            sum: PairwiseSum::default(),
        }
    }

    /// Makes a shard that keeps the memory of every block after a step.
    pub(crate) fn for_inspection(plan: Plan) -> Self {
        Self { keeps_all: true, ..Self::new(plan) }
    }

    /// The memory of the blocks of the last step, as far as they are kept.
    pub(crate) fn memories(&self) -> &[Memory] {
        &self.memories[..self.blocks_kept()]
    }

    /// The plan that it runs.
    pub fn plan(&self) -> &Plan {
        self.cpu.plan()
    }

    /// Begins a step with the labels of the task's samples and the network's flat vectors.
    ///
    /// # Panics
    /// If the number of labels is not that of the samples, or the samples do not begin with a whole block.
    pub fn begin(&mut self, task: ShardTask, labels: &[u8], parameters: &[f32], running: &[f32]) {
        assert!(task.samples.len() == labels.len() && task.samples.start.is_multiple_of(BLOCK));
        self.task = task;
        self.labels.clear();
        self.labels.extend_from_slice(labels);
        while self.memories.len() < self.blocks_kept() {
            self.memories.push(Memory::new(self.cpu.plan()));
        }
        let mode = self.mode();
        self.cpu.load(parameters, running, mode);
    }

    /// Runs phase number `phase` on all blocks, with the parameters that the step began with, and leaves
    /// their contributions in [`BatchShard::sum`].
    pub fn run(&mut self, phase: usize, parameters: &[f32], fill: &SampleFn<'_>) {
        let (first_phase, phase) = (phase == 0, self.plan().phase(phase));
        let contribution = self.plan().contribution(phase);
        let mode = self.mode();
        let Self { cpu, task, labels, memories, keeps_all, sum } = self;
        for (block, labels) in labels.chunks(BLOCK).enumerate() {
            let memory = &mut memories[if *keeps_all { block } else { 0 }];
            let first = task.samples.start + block * BLOCK;
            if first_phase {
                cpu.start(memory, first, labels.len(), |lane, sample| fill(first + lane, sample));
            }
            let mut partial = sum.block(first / BLOCK, contribution.len());
            let (sums, rest) = partial.values.split_at_mut(contribution.sums);
            let (gradients, score) = rest.split_at_mut(contribution.gradients.len());
            match phase {
                Phase::Forward(segment) => cpu.forward(segment, memory, parameters, mode, sums),
                Phase::LossAndBackward(segment) => {
                    cpu.forward(segment, memory, parameters, mode, &mut []);
                    let block_score = memory.cross_entropy(cpu.plan(), labels, task.smoothing, task.batch);
                    score.copy_from_slice(&[block_score.loss as f32, block_score.correct as f32]);
                    cpu.backward(segment, memory, parameters, sums, gradients);
                }
                Phase::Backward(segment) => cpu.backward(segment, memory, parameters, sums, gradients),
            }
            sum.push(partial);
        }
    }

    /// Sets what batch normalisation needs of the whole batch: after a forward phase the moments of the
    /// values, after the others the means of the gradients.
    pub fn set_batch_stats(&mut self, phase: usize, statistics: &[f32]) {
        match self.plan().phase(phase) {
            Phase::Forward(segment) => self.cpu.set_moments(segment, statistics),
            Phase::LossAndBackward(segment) | Phase::Backward(segment) => {
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
        Mode::Training { seed: self.task.seed, step: self.task.step }
    }
}
