//! The forward passes of a step of training, once more, block by block: a step keeps neither the outputs of all layers nor those of
//! all blocks.

use crate::cpu::{Cpu, Memory, Mode};
use crate::plan::Plan;
use crate::train::Training;
use crate::train::shard::SampleFn;

/// Runs the blocks of a step forward, with the masks of its dropout and the statistics of its batch.
#[derive(Clone, Debug)]
pub(super) struct Replay {
    cpu: Cpu,
    memory: Memory,
    mode: Mode,
    /// The moments, which are known.
    sums: Vec<f32>,
    /// The segment that is under way, and whether the block has begun.
    segment: usize,
    is_started: bool,
}

impl Replay {
    /// A replay of step number `step`, from 0, which is the last one that `training` has begun, by `plan`, which runs its layers;
    /// `parameters` are those that the step began with.
    pub(super) fn new(training: &Training, plan: Plan, step: u64, parameters: &[f32]) -> Self {
        let sums = vec![0.0; 2 * plan.statistics.iter().map(|s| s.channels).max().unwrap_or(0)];
        let (memory, mut cpu) = (Memory::new(&plan), Cpu::new(plan));
        let mode = Mode::Training { seed: training.spec().seed, step: step as u32 };
        cpu.load(parameters, &training.network.running, false);
        training.shards[0].copy_moments(&mut cpu);
        Self { cpu, memory, mode, sums, segment: 0, is_started: false }
    }

    /// Allows about `work` multiply-adds from now on.
    pub(super) fn limit_work(&mut self, work: i64) {
        self.cpu.limit_work(work);
    }

    /// Takes the `samples` samples from number `first` of the batch forward. Returns the plan and the outputs; `None` if the work
    /// that is allowed is done before that: then it is to be called again.
    pub(super) fn forward(
        &mut self,
        first: usize,
        samples: usize,
        parameters: &[f32],
        fill: &SampleFn<'_>,
    ) -> Option<(&Plan, &mut Memory)> {
        let Self { cpu, memory, mode, sums, segment, is_started } = self;
        if !std::mem::replace(is_started, true) {
            cpu.start(memory, first, samples, |lane, sample| fill(first + lane, sample));
        }
        while *segment < cpu.plan().segments.len() {
            let sums = match cpu.plan().statistics.get(*segment) {
                Some(statistics) => &mut sums[..2 * statistics.channels],
                None => &mut [],
            };
            if !cpu.forward(*segment, memory, parameters, *mode, sums) {
                return None;
            }
            *segment += 1;
        }
        (*segment, *is_started) = (0, false);
        Some((cpu.plan(), memory))
    }
}
