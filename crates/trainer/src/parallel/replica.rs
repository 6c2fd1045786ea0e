//! One replica of data-parallel training. Every core holds all weights, runs each step on its shard of the
//! batch, and all-reduces the partial gradients in a fixed order, so replicas stay bit-identical.

use super::all_reduce::{Inbox, MessageAllReduce};
use super::protocol::{MessageWriter, PhaseId};
use super::transport::Transport;
use crate::batch::Batch;
use nn::inspect::divergence::{Divergence, DivergenceTrace, Quantity};
use nn::network::Score;
use nn::train::{Progress, Training, shard_range};
use std::collections::VecDeque;
use std::ops::Range;

/// Summed loss and hits of a step's batch before the update, or why the step was not taken.
pub type StepResult = Result<Score, Divergence>;

/// Multiply-adds between two looks at the clock: 2 to 5 ms.
const WORK: i64 = 50_000_000;

/// A replica of the training.
pub(super) struct Replica {
    pub(super) training: Training,
    /// The ranks in the group, ascending, and the index of this core's.
    ranks: Vec<u32>,
    shard: usize,
    /// Where it is. The phase counts only during a step.
    phase: PhaseId,
    /// Whether the first of `steps` has begun.
    step_begun: bool,
    /// Whether the first step was interrupted because time was over.
    is_interrupted: bool,
    /// Steps that are not finished.
    steps: VecDeque<Step>,
    /// Looks for the cause why the first step cannot be taken.
    trace: Option<DivergenceTrace>,
    inbox: Inbox,
    /// Used batches, whose memory is used again.
    free_batches: Vec<Batch>,
    writer: MessageWriter,
}

struct Step {
    /// The argument of the learning rate's schedule.
    epoch: f64,
    /// Samples in the whole batch.
    size: usize,
    /// Holds at least this replica's shard.
    batch: Batch,
}

impl Replica {
    /// The replica of a group of one.
    pub(super) fn new(training: Training) -> Self {
        Self {
            training,
            ranks: vec![0],
            shard: 0,
            phase: PhaseId::default(),
            step_begun: false,
            is_interrupted: false,
            steps: VecDeque::new(),
            trace: None,
            inbox: Inbox::default(),
            free_batches: Vec::new(),
            writer: MessageWriter::default(),
        }
    }

    /// Abandons all steps, and joins a group as `rank`. `generation` numbers the state that all its replicas
    /// have.
    pub(super) fn join(&mut self, generation: u32, ranks: &[u32], rank: u32) {
        self.ranks.clear();
        self.ranks.extend_from_slice(ranks);
        self.shard = ranks.iter().position(|r| *r == rank).unwrap_or(0);
        self.phase = PhaseId { generation, ..PhaseId::default() };
        (self.step_begun, self.is_interrupted) = (false, false);
        self.steps.clear();
        self.trace = None;
        // The next batches may be smaller.
        self.free_batches.clear();
        self.training.abandon();
        self.inbox.drop_before(generation);
    }

    /// Frees the memory of the training, which `idle` replaces. Partial sums that came before their state are kept:
    /// messages of two cores arrive in any order.
    pub(super) fn release(&mut self, idle: Training) {
        let mut inbox = std::mem::take(&mut self.inbox);
        inbox.drop_before(self.generation() + 1);
        inbox.free_unused();
        *self = Self { inbox, ..Self::new(idle) };
    }

    /// The number of the state that this replica works from.
    pub(super) fn generation(&self) -> u32 {
        self.phase.generation
    }

    /// The ranks in the group.
    pub(super) fn ranks(&self) -> &[u32] {
        &self.ranks
    }

    /// The samples in shard number `shard` of a batch of `size` samples.
    pub(super) fn shard_range(&self, size: usize, shard: usize) -> Range<usize> {
        shard_range(size, shard, self.ranks.len())
    }

    /// Whether the first step was interrupted because time was over, and does not wait for messages.
    pub(super) fn is_interrupted(&self) -> bool {
        self.is_interrupted
    }

    /// Number of steps that are not finished.
    pub(super) fn steps(&self) -> usize {
        self.steps.len()
    }

    /// Epoch of the schedule and batch of the unfinished steps, from number `first` on.
    pub(super) fn steps_from(&self, first: usize) -> impl ExactSizeIterator<Item = (f64, &Batch)> {
        self.steps.range(first..).map(|step| (step.epoch, &step.batch))
    }

    /// A batch of any content, to be filled.
    pub(super) fn spare_batch(&mut self) -> Batch {
        self.free_batches.pop().unwrap_or_default()
    }

    /// Appends a step on a batch of `size` samples, at `epoch` of the schedule. `batch` holds at least this
    /// replica's shard.
    pub(super) fn push_step(&mut self, epoch: f64, size: usize, batch: Batch) {
        self.steps.push_back(Step { epoch, size, batch });
    }

    /// Keeps the partial sums of another core, and replaces `message` by unused memory.
    pub(super) fn receive_partial_sums(&mut self, rank: usize, message: &mut Vec<u32>) {
        self.inbox.push(rank, message);
    }

    /// Advances the first step until it waits for messages, or until the time `until`. Returns batch size and
    /// result once it is finished.
    pub(super) fn advance(&mut self, transport: &dyn Transport, until: f64) -> Option<(usize, StepResult)> {
        if self.trace.is_some() {
            return self.advance_trace(transport, until);
        }
        let Self { training, ranks, shard, phase, step_begun, is_interrupted, steps, inbox, writer, .. } =
            self;
        *is_interrupted = false;
        let Step { size, batch, .. } = steps.front()?;
        if !std::mem::replace(step_begun, true) {
            let samples = shard_range(*size, *shard, ranks.len());
            let labels = &batch.labels[samples.start - batch.first..][..samples.len()];
            training.begin(*size, samples, labels);
        }
        let mut group = MessageAllReduce { ranks, shard: *shard, phase, inbox, writer, transport };
        loop {
            training.limit_work(WORK);
            match training.run_phases(&|sample, input| batch.fill(sample, input), &mut group) {
                Progress::Done => return self.finish_step(transport, until),
                Progress::Waiting => {
                    transport.stay_awake();
                    return None;
                }
                Progress::Spent if transport.now() >= until => {
                    *is_interrupted = true;
                    return None;
                }
                Progress::Spent => {}
            }
        }
    }

    fn finish_step(&mut self, transport: &dyn Transport, until: f64) -> Option<(usize, StepResult)> {
        match self.training.finish(self.steps.front()?.epoch) {
            Some(score) => self.end_step(Ok(score)),
            // A worker has not the whole batch, and its result is not used.
            None if self.shard > 0 => self.end_step(Err(Divergence { layer: 0, what: Quantity::Outputs })),
            None => {
                self.trace = Some(self.training.begin_trace());
                self.advance_trace(transport, until)
            }
        }
    }

    /// Goes on looking for the cause why the first step cannot be taken, until the time `until`. Returns batch size
    /// and cause once it is found.
    fn advance_trace(&mut self, transport: &dyn Transport, until: f64) -> Option<(usize, StepResult)> {
        self.is_interrupted = false;
        let (trace, Step { batch, .. }) = (self.trace.as_mut()?, self.steps.front()?);
        let fill = |sample: usize, input: &mut [f32]| batch.fill(sample + batch.first, input);
        let cause = loop {
            if let Some(cause) = trace.advance(&self.training, &batch.labels, &fill, WORK) {
                break cause;
            }
            if transport.now() >= until {
                self.is_interrupted = true;
                return None;
            }
        };
        self.trace = None;
        self.end_step(Err(cause))
    }

    /// Removes the first step, which is finished.
    fn end_step(&mut self, result: StepResult) -> Option<(usize, StepResult)> {
        let Step { size, batch, .. } = self.steps.pop_front()?;
        self.step_begun = false;
        self.phase.step += 1;
        self.free_batches.push(batch);
        Some((size, result))
    }
}
