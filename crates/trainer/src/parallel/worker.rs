//! A worker: a core that shares no memory with the session, and learns everything from
//! [messages](super::protocol).

use super::protocol::{MessageKind, MessageReader, MessageWriter};
use super::replica::Replica;
use super::transport::Transport;
use crate::evaluation::EvaluationTask;
use nn::spec::{LayerSpec, NetworkSpec, Shape, TrainingSpec};
use nn::train::Training;

/// Milliseconds of a slice of work: between two slices, a worker takes messages.
const SLICE_MS: f64 = 16.0;

/// A worker of a process group.
pub struct Worker {
    rank: u32,
    replica: Replica,
    /// Images to be evaluated once all steps are done: a message of kind [`MessageKind::Evaluate`].
    evaluation: Option<Vec<u32>>,
    /// How far that is.
    task: EvaluationTask,
    writer: MessageWriter,
}

/// A training of a network of a single weight: a worker that is not needed holds no memory.
fn idle() -> Training {
    let layers = vec![LayerSpec::Linear { out_features: 1 }];
    let network = NetworkSpec { input: Shape::vector(1), layers };
    Training::new(network, TrainingSpec::default()).expect("a vector goes into a linear layer")
}

impl Worker {
    /// A worker of this rank, from 1 up, that has received nothing.
    pub fn new(rank: u32) -> Self {
        Self {
            rank,
            replica: Replica::new(idle()),
            evaluation: None,
            task: EvaluationTask::default(),
            writer: MessageWriter::default(),
        }
    }

    /// Takes a message of the core of rank `from`, and works for a slice. `message` may be kept, and replaced
    /// by a vector of any content.
    pub fn on_message(&mut self, from: usize, message: &mut Vec<u32>, transport: &dyn Transport) {
        // All messages are this program's own. One that cannot be read is a bug, and is ignored.
        let _ = self.receive(from, message, transport);
        self.work(transport);
    }

    /// Whether [`Worker::work`] has something to do.
    pub fn busy(&self) -> bool {
        self.replica.is_interrupted() || (self.replica.steps() == 0 && self.evaluation.is_some())
    }

    /// Works for one slice, or until other cores must answer.
    pub fn work(&mut self, transport: &dyn Transport) {
        let until = transport.now() + SLICE_MS;
        while self.replica.advance(transport, until).is_some() {}
        if self.replica.steps() == 0
            && let Some(message) = self.evaluation.take()
            && self.evaluate(&message, transport, until) == Some(false)
        {
            self.evaluation = Some(message);
        }
    }

    fn receive(&mut self, from: usize, message: &mut Vec<u32>, transport: &dyn Transport) -> Option<()> {
        let (kind, mut reader) = MessageReader::of(message)?;
        match kind {
            MessageKind::State => {
                let (generation, ranks) = (reader.word()?, reader.words()?);
                let (network, spec, state) = reader.state()?;
                self.replica.training.configure(network, spec).ok()?;
                self.replica.training.restore(&state);
                self.replica.join(generation, ranks, self.rank);
            }
            MessageKind::Steps => {
                let (generation, steps) = (reader.word()?, reader.word()?);
                for _ in 0..if generation == self.replica.generation() { steps } else { 0 } {
                    let mut batch = self.replica.spare_batch();
                    let (epoch, size) = reader.step(&mut batch)?;
                    self.replica.push_step(epoch, size, batch);
                }
            }
            MessageKind::PartialSums => self.replica.receive_partial_sums(from, message),
            MessageKind::Evaluate => {
                self.evaluation = Some(std::mem::take(message));
                self.task = EvaluationTask::default();
            }
            MessageKind::Release => {
                self.replica.release(idle());
                self.writer = MessageWriter::default();
            }
            MessageKind::Ping => transport.post(0, &[MessageWriter::PONG]),
            MessageKind::Evaluation | MessageKind::Pong => {}
        }
        Some(())
    }

    /// Goes on with the evaluation in `message`. Returns whether it is done.
    fn evaluate(&mut self, message: &[u32], transport: &dyn Transport, until: f64) -> Option<bool> {
        let (_, mut reader) = MessageReader::of(message)?;
        let (generation, images, labels) = (reader.word()?, reader.bytes()?, reader.bytes()?);
        if generation != self.replica.generation() {
            return Some(true);
        }
        let network = &mut self.replica.training.network;
        if self.task.is_new() {
            network.prepare();
        }
        let is_done = self.task.advance(network, images, labels, &|| transport.now() < until);
        if is_done {
            transport.post(0, &[self.writer.evaluation(generation, &self.task.take())]);
        }
        Some(is_done)
    }
}
