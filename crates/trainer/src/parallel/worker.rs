//! A worker: a core that shares no memory with the session, and learns everything from
//! [messages](super::protocol).

use super::protocol::{MessageKind, MessageReader, MessageWriter};
use super::replica::Replica;
use super::transport::Transport;
use crate::evaluation::evaluate;
use nn::train::Training;

/// A worker of a process group.
pub struct Worker {
    rank: u32,
    replica: Replica,
    /// Images to be evaluated once all steps are done: a message of kind [`MessageKind::Evaluate`].
    evaluation: Option<Vec<u32>>,
    writer: MessageWriter,
}

impl Worker {
    /// A worker of this rank, from 1 up, that has received nothing.
    pub fn new(rank: u32) -> Self {
        Self {
            rank,
            replica: Replica::new(Training::default()),
            evaluation: None,
            writer: MessageWriter::default(),
        }
    }

    /// Takes a message of the core of rank `from`, and does all the work that is possible now. `message` may
    /// be kept, and replaced by a vector of any content.
    pub fn on_message(&mut self, from: usize, message: &mut Vec<u32>, transport: &dyn Transport) {
        // All messages are this program's own. One that cannot be read is a bug, and is ignored.
        let _ = self.receive(from, message);
        while self.replica.advance(transport).is_some() {}
        if self.replica.steps() == 0
            && let Some(message) = self.evaluation.take()
        {
            let _ = self.evaluate(&message, transport);
        }
    }

    fn receive(&mut self, from: usize, message: &mut Vec<u32>) -> Option<()> {
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
            MessageKind::Evaluate => self.evaluation = Some(std::mem::take(message)),
            MessageKind::Evaluation => {}
        }
        Some(())
    }

    fn evaluate(&mut self, message: &[u32], transport: &dyn Transport) -> Option<()> {
        let (_, mut reader) = MessageReader::of(message)?;
        let (generation, images, labels) = (reader.word()?, reader.bytes()?, reader.bytes()?);
        if generation == self.replica.generation() {
            let network = &mut self.replica.training.network;
            network.prepare();
            let evaluation = evaluate(network, images, labels);
            transport.post(0, &[self.writer.evaluation(generation, &evaluation)]);
        }
        Some(())
    }
}
