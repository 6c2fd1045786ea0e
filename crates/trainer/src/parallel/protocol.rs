//! The messages between the cores of a group, as 32-bit words: weights and gradients are sent as they lie in
//! memory.
//!
//! The session sends the whole state once, and then steps: the samples of each worker's shard. After each
//! phase of a step, every core sends its partial sums to every other. Between steps, the session sends
//! workers images to evaluate the network on.
//!
//! Numbers that are not words stand in one or two words; a sequence begins with its length. Headers are not
//! serialized by serde: partial sums must be sent from where they lie, and read where they arrive, with a
//! header of whole words before each.

use crate::batch::Batch;
use crate::evaluation::Evaluation;
use nn::network::Score;
use nn::spec::{Augmentation, NetworkSpec, TrainingSpec};
use nn::train::TrainingState;
use nn::train::optimizer::OptimizerState;
use nn::train::pairwise_sum::PartialSum;
use std::ops::Range;

/// The first word of a message.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum MessageKind {
    /// From the session: everything that a replica consists of.
    State,
    /// From the session: the samples of steps.
    Steps,
    /// Between all cores: the partial sums of a phase.
    PartialSums,
    /// From the session: images to evaluate the network on.
    Evaluate,
    /// To the session: the result.
    Evaluation,
    /// From the session: the worker is not needed now, and frees its memory.
    Release,
    /// From the session: whether the worker answers.
    Ping,
    /// To the session: it does.
    Pong,
}

impl MessageKind {
    const ALL: [Self; 8] = [
        Self::State,
        Self::Steps,
        Self::PartialSums,
        Self::Evaluate,
        Self::Evaluation,
        Self::Release,
        Self::Ping,
        Self::Pong,
    ];
}

/// The phase that partial sums belong to. Later phases are greater.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct PhaseId {
    /// Number of the state that was sent last.
    pub(super) generation: u32,
    /// Steps since that state.
    pub(super) step: u32,
    /// Phase of the step, counted anew each time that one is run.
    pub(super) phase: u32,
}

/// Writes messages into memory that is used again.
#[derive(Debug, Default)]
pub(super) struct MessageWriter(Vec<u32>);

impl MessageWriter {
    fn start(&mut self, kind: MessageKind, generation: u32) -> &mut Self {
        self.0.clear();
        self.0.extend([kind as u32, generation]);
        self
    }

    fn word(&mut self, word: u32) -> &mut Self {
        self.0.push(word);
        self
    }

    fn long(&mut self, value: u64) -> &mut Self {
        self.0.extend([(value >> 32) as u32, value as u32]);
        self
    }

    fn words(&mut self, words: &[u32]) -> &mut Self {
        self.0.push(words.len() as u32);
        self.0.extend_from_slice(words);
        self
    }

    fn floats(&mut self, floats: &[f32]) -> &mut Self {
        self.words(bytemuck::cast_slice(floats))
    }

    fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.push(bytes.len() as u32);
        let from = self.0.len();
        self.0.resize(from + bytes.len().div_ceil(4), 0);
        bytemuck::cast_slice_mut(&mut self.0[from..])[..bytes.len()].copy_from_slice(bytes);
        self
    }

    /// A message with the ranks in the group, and the state of all replicas.
    pub(super) fn state(
        &mut self,
        generation: u32,
        ranks: &[u32],
        specs: (&NetworkSpec, &TrainingSpec),
        state: &TrainingState,
    ) -> &[u32] {
        let TrainingState { parameters, running, optimizer, steps } = state;
        self.start(MessageKind::State, generation).words(ranks).bytes(&crate::messages::encode(&specs));
        self.floats(parameters).floats(running).floats(&optimizer.first).floats(&optimizer.second);
        &self.word(optimizer.steps).long(*steps).0
    }

    /// A message with steps: the epoch of the schedule, the batch, and the samples of the batch that are
    /// sent.
    pub(super) fn steps<'a>(
        &mut self,
        generation: u32,
        steps: impl ExactSizeIterator<Item = (f64, &'a Batch, Range<usize>)>,
    ) -> &[u32] {
        self.start(MessageKind::Steps, generation).word(steps.len() as u32);
        steps.for_each(|(epoch, batch, samples)| self.step(epoch, batch, samples));
        &self.0
    }

    fn step(&mut self, epoch: f64, batch: &Batch, samples: Range<usize>) {
        let Augmentation { rotation, shift, zoom, shear, elastic, crop } = batch.augmentation;
        self.long(epoch.to_bits()).words(&[samples.start as u32, batch.labels.len() as u32]);
        self.words(&[batch.seed, batch.epoch, crop]).floats(&[rotation, shift, zoom, shear, elastic]);
        self.words(&batch.indices[samples.clone()]).bytes(&batch.labels[samples.clone()]);
        self.bytes(batch.images(samples));
    }

    /// A message with the partial sums of a phase, for `send` to concatenate. The sums are large, and stay
    /// where they lie until they are sent.
    pub(super) fn partial_sums<'a>(
        &mut self,
        phase: PhaseId,
        sums: impl Iterator<Item = &'a PartialSum> + Clone,
        send: impl FnOnce(&[&[u32]]),
    ) {
        const HEAD: usize = 5;
        const MAX_SUMS: usize = 64;
        let count = sums.clone().count();
        assert!(count < MAX_SUMS, "a shard is a few nodes of the tree");
        self.start(MessageKind::PartialSums, phase.generation).0.extend([
            phase.step,
            phase.phase,
            count as u32,
        ]);
        sums.clone().for_each(|sum| self.0.extend([sum.level, sum.index, sum.values.len() as u32]));
        let (head, heads) = self.0.split_at(HEAD);
        let mut parts: [&[u32]; 2 * MAX_SUMS] = [&[]; 2 * MAX_SUMS];
        parts[0] = head;
        for ((parts, head), sum) in parts[1..].chunks_exact_mut(2).zip(heads.chunks_exact(3)).zip(sums) {
            (parts[0], parts[1]) = (head, bytemuck::cast_slice(&sum.values));
        }
        send(&parts[..1 + 2 * count]);
    }

    /// A message with images to evaluate the network on, `[image][28][28]` bytes, and their labels.
    pub(super) fn evaluate(&mut self, generation: u32, (images, labels): (&[u8], &[u8])) -> &[u32] {
        &self.start(MessageKind::Evaluate, generation).bytes(images).bytes(labels).0
    }

    /// Lets a worker free its memory.
    pub(super) const RELEASE: &[u32] = &[MessageKind::Release as u32];
    /// Asks a worker for an answer.
    pub(super) const PING: &[u32] = &[MessageKind::Ping as u32];
    /// The answer.
    pub(super) const PONG: &[u32] = &[MessageKind::Pong as u32];

    /// The answer to [`MessageWriter::evaluate`].
    pub(super) fn evaluation(&mut self, generation: u32, evaluation: &Evaluation) -> &[u32] {
        let Evaluation { score, classes, confidences } = evaluation;
        self.start(MessageKind::Evaluation, generation).long(score.loss.to_bits()).word(score.correct as u32);
        &self.bytes(classes).floats(confidences).0
    }
}

/// Reads a message. Every method returns `None` where the message is too short.
pub(super) struct MessageReader<'a>(&'a [u32]);

impl<'a> MessageReader<'a> {
    /// The kind of a message, and a reader of what follows; `None` if there is no such kind.
    pub(super) fn of(message: &'a [u32]) -> Option<(MessageKind, Self)> {
        let (kind, rest) = message.split_first()?;
        Some((*MessageKind::ALL.get(*kind as usize)?, Self(rest)))
    }

    fn take(&mut self, words: usize) -> Option<&'a [u32]> {
        let (taken, rest) = self.0.split_at_checked(words)?;
        self.0 = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u32; N]> {
        self.take(N)?.try_into().ok()
    }

    pub(super) fn word(&mut self) -> Option<u32> {
        self.take(1).map(|word| word[0])
    }

    fn long(&mut self) -> Option<u64> {
        let [high, low] = self.array()?;
        Some(u64::from(high) << 32 | u64::from(low))
    }

    pub(super) fn words(&mut self) -> Option<&'a [u32]> {
        let len = self.word()? as usize;
        self.take(len)
    }

    pub(super) fn bytes(&mut self) -> Option<&'a [u8]> {
        let len = self.word()? as usize;
        let words = self.take(len.div_ceil(4))?;
        Some(&bytemuck::cast_slice(words)[..len])
    }

    fn floats(&mut self) -> Option<&'a [f32]> {
        self.words().map(bytemuck::cast_slice)
    }

    /// The state, after generation and ranks.
    pub(super) fn state(&mut self) -> Option<(NetworkSpec, TrainingSpec, TrainingState)> {
        let (network, training) = crate::messages::decode(self.bytes()?)?;
        let mut floats = || self.floats().map(<[f32]>::to_vec);
        let (parameters, running) = (floats()?, floats()?);
        let optimizer = OptimizerState { first: floats()?, second: floats()?, steps: self.word()? };
        Some((network, training, TrainingState { parameters, running, optimizer, steps: self.long()? }))
    }

    /// The next step, after generation and number of steps. Fills `batch` with the samples that were sent.
    /// Returns the epoch of the step's schedule, and the size of the whole batch.
    pub(super) fn step(&mut self, batch: &mut Batch) -> Option<(f64, usize)> {
        let epoch = f64::from_bits(self.long()?);
        let [first, size] = self.words()?.try_into().ok()?;
        let [seed, number, crop] = self.words()?.try_into().ok()?;
        let [rotation, shift, zoom, shear, elastic] = self.floats()?.try_into().ok()?;
        (batch.first, batch.seed, batch.epoch) = (first as usize, seed, number);
        batch.augmentation = Augmentation { rotation, shift, zoom, shear, elastic, crop };
        batch.indices.clear();
        batch.indices.extend_from_slice(self.words()?);
        batch.labels.clear();
        batch.labels.extend_from_slice(self.bytes()?);
        batch.pixels.clear();
        batch.pixels.extend_from_slice(self.bytes()?);
        Some((epoch, size as usize))
    }

    /// The phase of partial sums.
    pub(super) fn phase_id(&mut self) -> Option<PhaseId> {
        let [generation, step, phase] = self.array()?;
        Some(PhaseId { generation, step, phase })
    }

    /// The partial sums, after the phase: level, index and values of each.
    pub(super) fn partial_sums(mut self) -> impl Iterator<Item = (u32, u32, &'a [f32])> {
        let count = self.word().unwrap_or(0);
        (0..count).map_while(move |_| Some((self.word()?, self.word()?, self.floats()?)))
    }

    /// An evaluation, after the generation.
    pub(super) fn evaluation(&mut self) -> Option<Evaluation> {
        let score = Score { loss: f64::from_bits(self.long()?), correct: self.word()? as usize };
        let (classes, confidences) = (self.bytes()?.to_vec(), self.floats()?.to_vec());
        Some(Evaluation { score, classes, confidences })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_read_as_written() {
        let mut batch = Batch { epoch: 9, seed: 3, ..Batch::default() };
        batch.augmentation = Augmentation { zoom: 0.25, crop: 2, ..Augmentation::default() };
        batch.indices = (0..40).collect();
        batch.labels = (0..40).map(|i| i % 10).collect();
        batch.pixels = (0..40 * 784).map(|i| (i % 251) as u8).collect();
        let mut writer = MessageWriter::default();
        let steps = [(1.25, &batch, 16..35), (1.5, &batch, 0..16)];
        let message = writer.steps(3, steps.into_iter()).to_vec();
        assert_eq!(message[..3], [MessageKind::Steps as u32, 3, 2]);
        let (mut reader, mut got) = (MessageReader(&message[3..]), Batch::default());
        for (epoch, samples) in [(1.25, 16..35), (1.5, 0..16)] {
            assert_eq!(reader.step(&mut got), Some((epoch, 40)));
            assert_eq!(
                (got.first, got.seed, got.epoch, got.augmentation),
                (samples.start, 3, 9, batch.augmentation)
            );
            assert_eq!(
                (&got.indices[..], &got.labels[..]),
                (&batch.indices[samples.clone()], &batch.labels[samples.clone()])
            );
            assert_eq!(got.pixels, batch.images(samples));
        }
        assert!(reader.0.is_empty());
        let first = writer.steps(3, [(1.25, &batch, 16..35)].into_iter()).to_vec();
        for short in 3..first.len() {
            assert!(MessageReader(&first[3..short]).step(&mut got).is_none(), "{short} words");
        }
    }

    #[test]
    fn states_partial_sums_and_evaluations_are_read_as_written() {
        let network = nn::preset::Preset::Mlp30.network();
        let spec = TrainingSpec { seed: 77, ..TrainingSpec::default() };
        let mut state = TrainingState { parameters: vec![1.5, f32::NAN], ..TrainingState::default() };
        state.optimizer.first = vec![0.25];
        (state.optimizer.steps, state.steps) = (9, 1 << 40);
        let mut writer = MessageWriter::default();
        let message = writer.state(3, &[0, 2], (&network, &spec), &state).to_vec();
        let mut reader = MessageReader(&message[2..]);
        assert_eq!(reader.words(), Some(&[0u32, 2][..]));
        let (network_again, spec_again, got) = reader.state().unwrap();
        assert!(network_again == network && spec_again == spec);
        assert_eq!(got.parameters[1].to_bits(), f32::NAN.to_bits());
        assert_eq!((got.optimizer, got.steps), (state.optimizer, 1 << 40));

        let phase = PhaseId { generation: 1, step: 2, phase: 3 };
        let sums = [
            PartialSum { level: 1, index: 4, values: vec![0.5; 3] },
            PartialSum { level: 0, index: 10, values: vec![] },
        ];
        let mut message = Vec::new();
        writer.partial_sums(phase, sums.iter(), |parts| message = parts.concat());
        let mut reader = MessageReader(&message[1..]);
        assert_eq!(reader.phase_id(), Some(phase));
        let got: Vec<_> = reader.partial_sums().collect();
        assert_eq!(got, [(1, 4, &[0.5f32; 3][..]), (0, 10, &[])]);

        let score = Score { loss: -1.5e-300, correct: 12 };
        let evaluation = Evaluation { score, classes: vec![7, 10, 3], confidences: vec![0.5, 0.25, 1.0] };
        let message = writer.evaluation(1, &evaluation).to_vec();
        assert_eq!(MessageReader(&message[2..]).evaluation(), Some(evaluation));
        for short in 0..message.len() - 2 {
            assert!(MessageReader(&message[2..2 + short]).evaluation().is_none(), "{short} words");
        }
    }
}
