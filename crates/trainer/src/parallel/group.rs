//! The cores that train together: training steps and evaluations, spread over this core and workers that
//! share no memory with it.
//!
//! Work that [`ProcessGroup::advance`] and [`ProcessGroup::evaluate`] cannot finish at once is finished by
//! [`ProcessGroup::on_message`], when the workers have answered.

use super::chunks::{ChunkedEvaluation, chunk_count, chunk_of};
use super::protocol::{MessageKind, MessageReader, MessageWriter};
use super::replica::{Replica, StepResult};
use super::transport::Transport;
use crate::batch::Batch;
use crate::cursor::DataCursor;
use crate::evaluation::{Evaluation, EvaluationTask};
use data::DataSet;
use nn::train::{Training, TrainingState};

/// Steps that are sent to workers in one message: a message costs 40 µs to send and 60 µs to receive,
/// whatever its size.
const STEPS_PER_MESSAGE: usize = 8;

/// Steps that workers still know when they are sent more. With one step, they finished it before the message
/// came, and all cores waited 300 µs.
const STEPS_AHEAD: usize = 2;

/// Steps that are planned each time this core waits for workers. Planning takes 40 µs a step: the workers
/// would wait for a whole message of steps, and with one step each time none would ever be planned ahead.
const STEPS_PER_WAIT: usize = 2;

/// Milliseconds after which a worker that does not answer counts as silent. A worker answers between slices of
/// its work, which take 16 ms, or one kernel.
const PATIENCE_MS: f64 = 1_250.0;

/// Work that is finished.
#[derive(Clone, Debug, PartialEq)]
pub enum Completed {
    /// A training step on this number of images.
    Step(usize, StepResult),
    /// An evaluation.
    Evaluation(Evaluation),
}

/// A network in training, and the cores that train it. This core is rank 0.
pub struct ProcessGroup {
    replica: Replica,
    /// By rank - 1.
    workers: Vec<RemoteWorker>,
    max_world_size: usize,
    /// Whether the workers need the state before the next work.
    state_is_stale: bool,
    /// Planned steps, the last ones, that are not sent to the workers yet.
    unsent_steps: usize,
    evaluation: Option<ChunkedEvaluation>,
    /// The chunk that this core evaluates, and how far that is.
    own_chunk: Option<usize>,
    own_task: EvaluationTask,
    /// When to interrupt work, in milliseconds.
    until: f64,
    /// Number of the present state. It grows when work is abandoned, so that late answers are recognized.
    generation: u32,
    state: TrainingState,
    writer: MessageWriter,
}

/// What this core knows of a worker.
#[derive(Clone)]
struct RemoteWorker {
    status: WorkerStatus,
    /// Whether it was sent a state, and holds the memory of a training.
    has_state: bool,
    /// The chunk that it evaluates.
    chunk: Option<usize>,
    /// Milliseconds of waiting for its answer.
    silent_ms: f64,
    /// After so many it counts as silent.
    patience_ms: f64,
}

/// Whether a worker takes part.
#[derive(Clone, Copy, Debug, PartialEq)]
enum WorkerStatus {
    Active,
    /// It has not answered in time. It takes part again once it answers.
    Silent,
    /// It has stopped.
    Lost,
}

impl Default for RemoteWorker {
    fn default() -> Self {
        Self {
            status: WorkerStatus::Active,
            has_state: false,
            chunk: None,
            silent_ms: 0.0,
            patience_ms: PATIENCE_MS,
        }
    }
}

impl RemoteWorker {
    fn is_active(&self) -> bool {
        self.status == WorkerStatus::Active
    }
}

impl ProcessGroup {
    /// A group of one: this core.
    pub fn new(training: Training) -> Self {
        Self {
            replica: Replica::new(training),
            workers: Vec::new(),
            max_world_size: usize::MAX,
            state_is_stale: false,
            unsent_steps: 0,
            evaluation: None,
            own_chunk: None,
            own_task: EvaluationTask::default(),
            until: f64::INFINITY,
            generation: 0,
            state: TrainingState::default(),
            writer: MessageWriter::default(),
        }
    }

    /// The training.
    pub fn training(&self) -> &Training {
        &self.replica.training
    }

    /// The training, for inference alone, which uses the network's memory and changes nothing that is
    /// learned.
    pub fn training_mut(&mut self) -> &mut Training {
        &mut self.replica.training
    }

    /// Abandons the steps under way, and changes the training.
    pub fn update<T>(&mut self, change: impl FnOnce(&mut Training) -> T) -> T {
        self.abandon();
        change(&mut self.replica.training)
    }

    /// Sets the number of workers: ranks 1 to `workers`. Takes effect with the next work. A
    /// [lost](Self::lose_worker) worker stays lost until the number falls below its rank, and its rank is
    /// given to another one.
    pub fn set_workers(&mut self, workers: usize) {
        self.abandon();
        self.workers.resize(workers, RemoteWorker::default());
    }

    /// Limits the number of cores that work together; see [`cost_model`](super::cost_model). Takes effect
    /// with the next work.
    pub fn set_max_world_size(&mut self, cores: usize) {
        if self.max_world_size != cores {
            self.abandon();
            self.max_world_size = cores;
        }
    }

    /// Removes a worker that has stopped. The work under way is abandoned, and done again without it.
    pub fn lose_worker(&mut self, rank: usize) {
        self.set_status(rank, WorkerStatus::Lost);
    }

    /// Removes a worker that does not answer, until it does. The work under way is done again without it.
    pub fn silence_worker(&mut self, rank: usize) {
        self.set_status(rank, WorkerStatus::Silent);
        if let Some(worker) = self.worker(rank) {
            // A worker that comes back may be on a core that is often busy.
            worker.patience_ms *= 2.0;
        }
    }

    /// Adds a worker again that was silent. The work under way is done again with it.
    pub fn revive_worker(&mut self, rank: usize) {
        self.set_status(rank, WorkerStatus::Active);
    }

    fn set_status(&mut self, rank: usize, status: WorkerStatus) {
        self.abandon();
        if let Some(worker) = self.worker(rank) {
            worker.status = status;
        }
    }

    fn worker(&mut self, rank: usize) -> Option<&mut RemoteWorker> {
        self.workers.get_mut(rank.checked_sub(1)?)
    }

    /// Counts `ms` milliseconds of waiting for workers, and asks all of them for an answer. Returns the ranks
    /// of those that have not answered in time.
    pub fn wait(&mut self, ms: f64, transport: &dyn Transport) -> Vec<usize> {
        if !self.is_waiting() {
            self.workers.iter_mut().for_each(|worker| worker.silent_ms = 0.0);
            return Vec::new();
        }
        let mut late = Vec::new();
        for shard in 1..self.replica.ranks().len() {
            let rank = self.replica.ranks()[shard] as usize;
            let Some(worker) = self.worker(rank) else { continue };
            worker.silent_ms += ms;
            if worker.silent_ms >= worker.patience_ms {
                late.push(rank);
            }
            transport.post(rank, &[MessageWriter::PING]);
        }
        late
    }

    /// Notes that a worker has sent a message. Returns whether it was silent.
    pub fn hear_from(&mut self, rank: usize) -> bool {
        let Some(worker) = self.worker(rank) else { return false };
        worker.silent_ms = 0.0;
        worker.status == WorkerStatus::Silent
    }

    /// Whether a worker has stopped.
    pub fn has_lost_workers(&self) -> bool {
        self.workers.iter().any(|worker| worker.status == WorkerStatus::Lost)
    }

    /// Whether a worker has not answered in time, and does not yet.
    pub fn has_silent_workers(&self) -> bool {
        self.workers.iter().any(|worker| worker.status == WorkerStatus::Silent)
    }

    /// Number of cores, those included that the limit leaves idle.
    pub fn available_cores(&self) -> usize {
        1 + self.workers.iter().filter(|worker| worker.is_active()).count()
    }

    /// Number of cores that work together, if a batch has as many blocks.
    pub fn world_size(&self) -> usize {
        self.available_cores().min(self.max_world_size)
    }

    /// Interrupts work from the time `until` on, in the transport's milliseconds: a large network may take
    /// minutes for a step. Methods that are called again go on with it.
    pub fn work_until(&mut self, until: f64) {
        self.until = until;
    }

    /// Abandons the work under way. It has changed nothing.
    pub fn abandon(&mut self) {
        self.generation += 1;
        self.replica.join(self.generation, &[0], 0);
        self.state_is_stale = true;
        self.unsent_steps = 0;
        (self.evaluation, self.own_chunk) = (None, None);
        for worker in &mut self.workers {
            (worker.chunk, worker.silent_ms) = (None, 0.0);
        }
    }

    /// Number of planned steps that are not finished.
    pub fn planned_steps(&self) -> usize {
        self.replica.steps()
    }

    /// Number of further steps to plan while this core waits for workers, which then begin with the next step
    /// while this core finishes the present one.
    pub fn steps_to_plan(&self) -> usize {
        let missing = (STEPS_AHEAD + STEPS_PER_MESSAGE).saturating_sub(self.planned_steps());
        if self.replica.ranks().len() > 1 { missing.min(STEPS_PER_WAIT) } else { 0 }
    }

    /// Whether there is nothing to do until a worker answers.
    pub fn is_waiting(&self) -> bool {
        match &self.evaluation {
            Some(evaluation) => evaluation.all_taken() && self.own_chunk.is_none(),
            None => self.replica.steps() > 0 && !self.replica.is_interrupted(),
        }
    }

    /// A batch of any content, to be filled.
    pub fn spare_batch(&mut self) -> Batch {
        self.replica.spare_batch()
    }

    /// Plans a training step on the batch of `data` at `cursor`. [`ProcessGroup::send_steps`] sends it to the
    /// workers.
    pub fn plan(&mut self, data: &DataSet, cursor: DataCursor, transport: &dyn Transport) {
        let mut batch = self.spare_batch();
        let spec = self.training().spec();
        batch.gather(data, cursor, spec);
        self.plan_batch(batch, cursor.schedule_epochs(), transport);
    }

    /// Plans a training step on a batch of the caller's, at `epoch` of the schedule.
    pub fn plan_batch(&mut self, batch: Batch, epoch: f64, transport: &dyn Transport) {
        if self.evaluation.is_some() {
            self.abandon();
        }
        // The last batch of an epoch may be the first after a change, and smaller than those that follow.
        let spec = self.training().spec();
        let samples = spec.batch_size.min(DataCursor::epoch_images(spec)).max(batch.labels.len());
        self.broadcast_state(samples.div_ceil(tensor::BLOCK), transport);
        self.replica.push_step(epoch, batch.labels.len(), batch);
        self.unsent_steps += 1;
    }

    /// Sends the planned steps to the workers, once they need them.
    pub fn send_steps(&mut self, transport: &dyn Transport) {
        if self.planned_steps() - self.unsent_steps > STEPS_AHEAD {
            return;
        }
        let unsent = std::mem::take(&mut self.unsent_steps);
        if unsent == 0 {
            return;
        }
        let replica = &self.replica;
        for (shard, rank) in replica.ranks().iter().enumerate().skip(1) {
            let steps = replica.steps_from(replica.steps() - unsent);
            let steps =
                steps.map(|(epoch, batch)| (epoch, batch, replica.shard_range(batch.labels.len(), shard)));
            transport.post(*rank as usize, &[self.writer.steps(self.generation, steps)]);
        }
    }

    /// Works on the planned steps until this core waits for workers, or time is over. Returns the first step
    /// that is finished.
    pub fn advance(&mut self, transport: &dyn Transport) -> Option<Completed> {
        self.send_steps(transport);
        self.replica.advance(transport, self.until).map(|(size, result)| Completed::Step(size, result))
    }

    /// If the state has changed, forms a group for `pieces` pieces of work, and sends the state to its
    /// workers.
    fn broadcast_state(&mut self, pieces: usize, transport: &dyn Transport) {
        if !std::mem::take(&mut self.state_is_stale) {
            return;
        }
        let workers = self.workers.iter().enumerate().filter(|(_, worker)| worker.is_active());
        let ranks: Vec<u32> = [0]
            .into_iter()
            .chain(workers.map(|(i, _)| i as u32 + 1))
            .take(pieces.clamp(1, self.max_world_size))
            .collect();
        self.replica.join(self.generation, &ranks, 0);
        for (i, worker) in self.workers.iter_mut().enumerate() {
            let takes_part = ranks.contains(&(i as u32 + 1));
            if std::mem::replace(&mut worker.has_state, takes_part) && !takes_part {
                transport.post(i + 1, &[MessageWriter::RELEASE]);
            }
        }
        if ranks.len() > 1 {
            let training = &self.replica.training;
            training.save(&mut self.state);
            let specs = (training.network.spec(), training.spec());
            let message = self.writer.state(self.generation, &ranks, specs, &self.state);
            ranks[1..].iter().for_each(|rank| transport.post(*rank as usize, &[message]));
            // Later messages are smaller.
            self.writer = MessageWriter::default();
        }
    }

    /// Begins an evaluation of the network on `data`, or continues it by one chunk at most. Returns it once it is
    /// finished.
    pub fn evaluate(&mut self, data: &DataSet, transport: &dyn Transport) -> Option<Completed> {
        if self.evaluation.is_none() {
            if self.replica.steps() > 0 {
                self.abandon();
            }
            self.broadcast_state(chunk_count(data), transport);
            self.replica.training.network.prepare();
            self.evaluation = Some(ChunkedEvaluation::new(chunk_count(data)));
        }
        for shard in 1..self.replica.ranks().len() {
            self.send_chunk(self.replica.ranks()[shard] as usize, data, transport);
        }
        let evaluation = self.evaluation.as_mut()?;
        if self.own_chunk.is_none() {
            (self.own_chunk, self.own_task) = (evaluation.take(), EvaluationTask::default());
        }
        if let Some(chunk) = self.own_chunk {
            let (images, labels) = chunk_of(data, chunk);
            let (network, until) = (&mut self.replica.training.network, self.until);
            if self.own_task.advance(network, images, labels, &|| transport.now() < until) {
                evaluation.set(chunk, Some(self.own_task.take()));
                self.own_chunk = None;
            }
        }
        self.finish_evaluation()
    }

    /// Sends a worker the next chunk, unless it evaluates one.
    fn send_chunk(&mut self, rank: usize, data: &DataSet, transport: &dyn Transport) {
        let (Some(worker), Some(evaluation)) = (self.workers.get_mut(rank - 1), &mut self.evaluation) else {
            return;
        };
        if worker.chunk.is_none() {
            worker.chunk = evaluation.take();
            if let Some(chunk) = worker.chunk {
                transport.post(rank, &[self.writer.evaluate(self.generation, chunk_of(data, chunk))]);
            }
        }
    }

    fn finish_evaluation(&mut self) -> Option<Completed> {
        let total = self.evaluation.as_mut()?.reduce()?;
        self.evaluation = None;
        Some(Completed::Evaluation(total))
    }

    /// Takes a message of the worker of rank `rank`. `evaluated` is the data of the evaluation under way.
    /// Returns work that is finished by it. `message` may be kept, and replaced by a vector of any content.
    pub fn on_message(
        &mut self,
        rank: usize,
        message: &mut Vec<u32>,
        evaluated: &DataSet,
        transport: &dyn Transport,
    ) -> Option<Completed> {
        let (kind, mut reader) = MessageReader::of(message)?;
        if kind == MessageKind::PartialSums {
            self.replica.receive_partial_sums(rank, message);
            return self.advance(transport);
        }
        if kind != MessageKind::Evaluation || reader.word()? != self.generation {
            return None;
        }
        let chunk = self.worker(rank)?.chunk.take()?;
        self.evaluation.as_mut()?.set(chunk, reader.evaluation());
        self.send_chunk(rank, evaluated, transport);
        self.finish_evaluation()
    }
}
