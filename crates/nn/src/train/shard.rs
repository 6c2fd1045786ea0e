//! One thread's share of a training step: some blocks of the batch, through the phases of the plan.

use crate::cpu::{Cpu, Memory, Mode};
use crate::plan::{Phase, Plan};
use crate::train::pairwise_sum::{PairwiseSum, PartialSum};
use std::ops::Range;
use tensor::{BLOCK, Budget};

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
    /// it is in the cache. Otherwise one for each block.
    memories: Vec<Memory>,
    keeps_all: bool,
    /// The sums over this shard's blocks from the last phase.
    pub sum: PairwiseSum,
    /// Where the phase under way is.
    place: Place,
}

/// The place of a phase under way.
#[derive(Clone, Debug, Default)]
struct Place {
    /// Blocks that are done.
    blocks: usize,
    /// The contribution of the block under way; `None` before it begins.
    partial: Option<PartialSum>,
    /// Whether that block has gone forward.
    is_forward_done: bool,
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
            place: Place::default(),
        }
    }

    /// Frees the memory that depends on the size of the batch. The next step allocates what it needs.
    pub(crate) fn free_memory(&mut self) {
        (self.memories, self.sum) = (Vec::new(), PairwiseSum::default());
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
        self.abandon();
        self.limit_work(Budget::UNLIMITED);
        let missing = self.blocks_kept().saturating_sub(self.memories.len());
        self.memories.reserve_exact(missing);
        for _ in 0..missing {
            self.memories.push(Memory::new(self.cpu.plan()));
        }
        self.cpu.load(parameters, running, true);
    }

    /// Allows about `work` multiply-adds from now on in this step.
    pub(crate) fn limit_work(&mut self, work: i64) {
        self.cpu.limit_work(work);
    }

    /// Gives up the phase under way, and its contributions.
    pub(crate) fn abandon(&mut self) {
        self.cpu.abandon();
        self.place.partial.take().into_iter().for_each(|partial| self.sum.recycle(partial));
        self.place = Place::default();
        self.sum.clear();
    }

    /// Runs phase number `phase` on all blocks, with the parameters that the step began with, and leaves
    /// their contributions in [`BatchShard::sum`]. Returns false if the work that is allowed is done before
    /// all is: then it is to be called again.
    pub fn run(&mut self, phase: usize, parameters: &[f32], fill: &SampleFn<'_>) -> bool {
        let (first_phase, phase) = (phase == 0, self.plan().phase(phase));
        let contribution = self.plan().contribution(phase);
        let mode = self.mode();
        let Self { cpu, task, labels, memories, keeps_all, sum, place } = self;
        for (block, labels) in labels.chunks(BLOCK).enumerate().skip(place.blocks) {
            let memory = &mut memories[if *keeps_all { block } else { 0 }];
            let first = task.samples.start + block * BLOCK;
            let partial = place.partial.get_or_insert_with(|| {
                if first_phase {
                    cpu.start(memory, first, labels.len(), |lane, sample| fill(first + lane, sample));
                }
                sum.block(first / BLOCK, contribution.len())
            });
            let (sums, rest) = partial.values.split_at_mut(contribution.sums);
            let (gradients, score) = rest.split_at_mut(contribution.gradients.len());
            if !place.is_forward_done {
                let is_done = match phase {
                    Phase::Forward(segment) => cpu.forward(segment, memory, parameters, mode, sums),
                    Phase::LossAndBackward(segment) => {
                        cpu.forward(segment, memory, parameters, mode, &mut [])
                    }
                    Phase::Backward(_) => true,
                };
                if !is_done {
                    return false;
                }
                if matches!(phase, Phase::LossAndBackward(_)) {
                    let of_block = memory.cross_entropy(cpu.plan(), labels, task.smoothing, task.batch);
                    score.copy_from_slice(&[of_block.loss as f32, of_block.correct as f32]);
                }
                place.is_forward_done = true;
            }
            if let Phase::LossAndBackward(segment) | Phase::Backward(segment) = phase
                && !cpu.backward(segment, memory, parameters, mode, sums, gradients)
            {
                return false;
            }
            place.partial.take().into_iter().for_each(|partial| sum.push(partial));
            *place = Place { blocks: block + 1, ..Place::default() };
        }
        place.blocks = 0;
        true
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

    /// Copies the statistics that the normalisations use in the step under way.
    pub(crate) fn copy_moments(&self, to: &mut Cpu) {
        to.copy_moments(&self.cpu);
    }

    /// Sets the value of every channel about which the moments of the batch are computed in this step.
    pub(crate) fn set_pivot(&mut self, statistics: usize, pivot: &[f32]) {
        self.cpu.set_pivot(statistics, pivot);
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
