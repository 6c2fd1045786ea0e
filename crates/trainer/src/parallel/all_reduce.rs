//! The all-reduce of partial sums by messages between the cores of a group.

use super::protocol::{MessageReader, MessageWriter, PhaseId};
use super::transport::Transport;
use nn::train::AllReduce;
use nn::train::pairwise_sum::{PairwiseSum, PartialSum};
use std::collections::VecDeque;

/// Received messages with partial sums that are not used yet.
#[derive(Default)]
pub(super) struct Inbox {
    /// By rank, oldest first.
    messages: Vec<VecDeque<Vec<u32>>>,
    /// Used messages, whose memory is used again.
    free: Vec<Vec<u32>>,
}

impl Inbox {
    /// Keeps a message of another core, and replaces it by unused memory.
    pub(super) fn push(&mut self, rank: usize, message: &mut Vec<u32>) {
        if self.messages.len() <= rank {
            self.messages.resize_with(rank + 1, VecDeque::new);
        }
        let spare = self.free.pop().unwrap_or_default();
        self.messages[rank].push_back(std::mem::replace(message, spare));
    }

    /// Drops the messages of generations before `generation`.
    pub(super) fn drop_before(&mut self, generation: u32) {
        for queue in &mut self.messages {
            let is_old = |message: &Vec<u32>| phase_of(message).is_none_or(|id| id.generation < generation);
            while queue.front().is_some_and(is_old) {
                self.free.extend(queue.pop_front());
            }
        }
    }

    /// Frees the memory that waits to be used again.
    pub(super) fn free_unused(&mut self) {
        self.free = Vec::new();
    }

    /// Whether the partial sums of a rank for a phase have arrived. Drops those of abandoned steps before it.
    fn has(&mut self, rank: usize, phase: PhaseId) -> bool {
        let Some(queue) = self.messages.get_mut(rank) else { return false };
        while let Some(message) = queue.front() {
            match phase_of(message) {
                Some(id) if id == phase => return true,
                Some(id) if id > phase => return false,
                _ => self.free.extend(queue.pop_front()),
            }
        }
        false
    }
}

/// The phase whose partial sums a message holds.
fn phase_of(message: &[u32]) -> Option<PhaseId> {
    MessageReader::of(message)?.1.phase_id()
}

/// The all-reduce of one phase.
pub(super) struct MessageAllReduce<'a> {
    /// The ranks in the group, and the index of this core's.
    pub(super) ranks: &'a [u32],
    pub(super) shard: usize,
    pub(super) phase: &'a mut PhaseId,
    pub(super) inbox: &'a mut Inbox,
    pub(super) writer: &'a mut MessageWriter,
    pub(super) transport: &'a dyn Transport,
}

impl<'a> MessageAllReduce<'a> {
    /// The ranks of the other cores.
    fn others(&self) -> impl Iterator<Item = usize> + use<'a> {
        let Self { ranks, shard, .. } = *self;
        ranks.iter().enumerate().filter(move |(i, _)| *i != shard).map(|(_, rank)| *rank as usize)
    }
}

impl AllReduce for MessageAllReduce<'_> {
    fn send<'a>(&mut self, exchange: usize, partial_sums: impl Iterator<Item = &'a PartialSum> + Clone) {
        self.phase.phase = exchange as u32;
        if self.ranks.len() > 1 {
            let (others, transport) = (self.others(), self.transport);
            self.writer.partial_sums(*self.phase, partial_sums, |parts| {
                others.for_each(|rank| transport.post(rank, parts));
            });
        }
    }

    fn receive(&mut self, _: usize, sum: &mut PairwiseSum) -> bool {
        if !self.others().all(|rank| self.inbox.has(rank, *self.phase)) {
            return false;
        }
        for rank in self.others() {
            if let Some(message) = self.inbox.messages[rank].pop_front() {
                if let Some((_, mut reader)) = MessageReader::of(&message)
                    && reader.phase_id().is_some()
                {
                    let sums = reader.partial_sums();
                    sums.for_each(|(level, index, values)| sum.push_values(level, index, values));
                }
                self.inbox.free.push(message);
            }
        }
        true
    }
}
