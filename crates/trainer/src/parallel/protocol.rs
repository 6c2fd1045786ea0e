//! What the cores of a crew tell each other, as 32-bit words: weights and gradients cross as they lie in memory.
//!
//! The trainer tells its helpers the whole state once, and then each of their steps: which images they work on. After each
//! phase of a step every core tells every other its sums. In between helpers are given images to measure the network on.

use crate::batch::Batch;
use crate::parallel::group::Measured;
use nn::network::Score;
use nn::spec::{Augmentation, NetworkSpec, TrainingSpec};
use nn::train::TrainingState;
use nn::train::optimizer::OptimizerState;
use nn::train::pairwise_sum::PartialSum;
use std::ops::Range;

/// The first word of a message.
pub(crate) mod kind {
    /// All that a helper must know to take the same steps as the others.
    pub(crate) const STATE: u32 = 0;
    /// The images of steps.
    pub(crate) const STEPS: u32 = 1;
    /// What came of a phase at one core.
    pub(crate) const SUMS: u32 = 2;
    /// Images to measure the network on.
    pub(crate) const MEASURE: u32 = 3;
    /// How it did, and how it read each image.
    pub(crate) const MEASURED: u32 = 4;
}

/// When a core's sums came to be. The first two say which step is meant: steps are counted anew with each new state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment {
    /// Number of the state that was told before.
    pub(crate) ticket: u32,
    /// Steps since then.
    pub(crate) step: u32,
    /// Phase of the step.
    pub(crate) phase: u32,
}

/// A message being written, into memory that is used again.
#[derive(Debug, Default)]
pub(crate) struct Words(Vec<u32>);

impl Words {
    fn start(&mut self, words: &[u32]) -> &mut Self {
        self.0.clear();
        self.0.extend_from_slice(words);
        self
    }

    fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.push(bytes.len() as u32);
        let from = self.0.len();
        self.0.resize(from + bytes.len().div_ceil(4), 0);
        bytemuck::cast_slice_mut(&mut self.0[from..])[..bytes.len()].copy_from_slice(bytes);
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

    fn long(&mut self, value: u64) -> &mut Self {
        self.0.extend([(value >> 32) as u32, value as u32]);
        self
    }

    /// Tells the whole state, and the numbers of all cores in the crew.
    pub(crate) fn state(
        &mut self,
        ticket: u32,
        crew: &[u32],
        specs: (&NetworkSpec, &TrainingSpec),
        state: &TrainingState,
    ) -> &[u32] {
        let TrainingState { parameters, running, optimizer, steps } = state;
        self.start(&[kind::STATE, ticket]).words(crew).bytes(&crate::messages::encode(&specs));
        self.floats(parameters).floats(running).floats(&optimizer.first).floats(&optimizer.second);
        self.0.push(optimizer.steps);
        &self.long(*steps).0
    }

    /// Tells steps: after how many epochs each is, and which samples of its batch are told.
    pub(crate) fn steps<'a>(
        &mut self,
        ticket: u32,
        steps: impl ExactSizeIterator<Item = (f64, &'a Batch, Range<usize>)>,
    ) -> &[u32] {
        self.start(&[kind::STEPS, ticket, steps.len() as u32]);
        steps.for_each(|(epoch, batch, samples)| self.step(epoch, batch, samples));
        &self.0
    }

    fn step(&mut self, epoch: f64, batch: &Batch, samples: Range<usize>) {
        let Augmentation { rotation, shift, zoom, shear, elastic, crop } = batch.augmentation;
        let place = [samples.start as u32, batch.labels.len() as u32];
        self.long(epoch.to_bits()).words(&place);
        self.words(&[batch.seed, batch.epoch, crop]).floats(&[rotation, shift, zoom, shear, elastic]);
        self.words(&batch.indices[samples.clone()]).bytes(&batch.labels[samples.clone()]);
        self.bytes(batch.images(samples));
    }

    /// Tells what came of a phase: the words of all that is given to `tell`, one after the other. Sums are large, and lie
    /// where they are until they are sent.
    pub(crate) fn sums<'a>(
        &mut self,
        moment: Moment,
        nodes: impl Iterator<Item = &'a PartialSum> + Clone,
        tell: impl FnOnce(&[&[u32]]),
    ) {
        const MOST: usize = 64;
        let count = nodes.clone().count();
        assert!(count < MOST, "a crew's share is a few nodes of the tree");
        self.start(&[kind::SUMS, moment.ticket, moment.step, moment.phase, count as u32]);
        nodes.clone().for_each(|node| self.0.extend([node.level, node.index, node.values.len() as u32]));
        let (head, heads) = self.0.split_at(5);
        let mut parts: [&[u32]; 2 * MOST] = [&[]; 2 * MOST];
        parts[0] = head;
        for ((parts, head), node) in parts[1..].chunks_exact_mut(2).zip(heads.chunks_exact(3)).zip(nodes) {
            (parts[0], parts[1]) = (head, bytemuck::cast_slice(&node.values));
        }
        tell(&parts[..1 + 2 * count]);
    }

    /// Gives a helper images to measure the network on.
    pub(crate) fn measure(&mut self, ticket: u32, (images, labels): (&[u8], &[u8])) -> &[u32] {
        &self.start(&[kind::MEASURE, ticket]).bytes(images).bytes(labels).0
    }

    /// A helper's answer to [`Words::measure`].
    pub(crate) fn measured(&mut self, ticket: u32, measured: &Measured) -> &[u32] {
        let Measured { score, classes, confidences } = measured;
        self.start(&[kind::MEASURED, ticket]).long(score.loss.to_bits()).0.push(score.correct as u32);
        &self.bytes(classes).floats(confidences).0
    }
}

/// Reads a message; nothing where it is too short.
pub(crate) struct Reader<'a>(pub(crate) &'a [u32]);

impl<'a> Reader<'a> {
    pub(crate) fn word(&mut self) -> Option<u32> {
        self.take(1).map(|word| word[0])
    }

    fn long(&mut self) -> Option<u64> {
        let [high, low] = self.several()?;
        Some(u64::from(high) << 32 | u64::from(low))
    }

    fn take(&mut self, words: usize) -> Option<&'a [u32]> {
        let (taken, rest) = self.0.split_at_checked(words)?;
        self.0 = rest;
        Some(taken)
    }

    fn several<const N: usize>(&mut self) -> Option<[u32; N]> {
        self.take(N)?.try_into().ok()
    }

    pub(crate) fn words(&mut self) -> Option<&'a [u32]> {
        let len = self.word()? as usize;
        self.take(len)
    }

    pub(crate) fn bytes(&mut self) -> Option<&'a [u8]> {
        let len = self.word()? as usize;
        let words = self.take(len.div_ceil(4))?;
        Some(&bytemuck::cast_slice(words)[..len])
    }

    fn floats(&mut self) -> Option<&'a [f32]> {
        self.words().map(bytemuck::cast_slice)
    }

    /// A whole state, after ticket and crew.
    pub(crate) fn state(&mut self) -> Option<(NetworkSpec, TrainingSpec, TrainingState)> {
        let (network, training) = crate::messages::decode(self.bytes()?)?;
        let mut floats = || self.floats().map(<[f32]>::to_vec);
        let (parameters, running) = (floats()?, floats()?);
        let optimizer = OptimizerState { first: floats()?, second: floats()?, steps: self.word()? };
        Some((network, training, TrainingState { parameters, running, optimizer, steps: self.long()? }))
    }

    /// One of several steps: fills `batch` with those samples that are to be worked on. Gives the epochs before, and
    /// the size of the whole batch.
    pub(crate) fn step(&mut self, batch: &mut Batch) -> Option<(f64, usize)> {
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

    /// When sums came to be.
    pub(crate) fn moment(&mut self) -> Option<Moment> {
        let [ticket, step, phase] = self.several()?;
        Some(Moment { ticket, step, phase })
    }

    /// The sums themselves: level, index and values of each node.
    pub(crate) fn sums(mut self) -> impl Iterator<Item = (u32, u32, &'a [f32])> {
        let nodes = self.word().unwrap_or(0);
        (0..nodes).map_while(move |_| Some((self.word()?, self.word()?, self.floats()?)))
    }

    /// What was measured, after the ticket.
    pub(crate) fn measured(&mut self) -> Option<Measured> {
        let score = Score { loss: f64::from_bits(self.long()?), correct: self.word()? as usize };
        let (classes, confidences) = (self.bytes()?.to_vec(), self.floats()?.to_vec());
        Some(Measured { score, classes, confidences })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_come_across() {
        let mut batch = Batch { epoch: 9, seed: 3, ..Batch::default() };
        batch.augmentation = Augmentation { zoom: 0.25, crop: 2, ..Augmentation::default() };
        batch.indices = (0..40).collect();
        batch.labels = (0..40).map(|i| i % 10).collect();
        batch.pixels = (0..40 * 784).map(|i| (i % 251) as u8).collect();
        let mut words = Words::default();
        let steps = [(1.25, &batch, 16..35), (1.5, &batch, 0..16)];
        let message = words.steps(3, steps.into_iter()).to_vec();
        assert_eq!(message[..3], [kind::STEPS, 3, 2]);
        let (mut reader, mut got) = (Reader(&message[3..]), Batch::default());
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
        let first = words.steps(3, [(1.25, &batch, 16..35)].into_iter()).to_vec();
        for short in 3..first.len() {
            assert!(Reader(&first[3..short]).step(&mut got).is_none(), "{short} words");
        }
    }

    #[test]
    fn states_sums_and_scores_come_across() {
        let network = nn::preset::Preset::Mlp30.network();
        let spec = TrainingSpec { seed: 77, ..TrainingSpec::default() };
        let mut state = TrainingState { parameters: vec![1.5, f32::NAN], ..TrainingState::default() };
        state.optimizer.first = vec![0.25];
        (state.optimizer.steps, state.steps) = (9, 1 << 40);
        let mut words = Words::default();
        let message = words.state(3, &[0, 2], (&network, &spec), &state).to_vec();
        let mut reader = Reader(&message[2..]);
        assert_eq!(reader.words(), Some(&[0u32, 2][..]));
        let (network_again, spec_again, got) = reader.state().unwrap();
        assert!(network_again == network && spec_again == spec);
        assert_eq!(got.parameters[1].to_bits(), f32::NAN.to_bits());
        assert_eq!((got.optimizer, got.steps), (state.optimizer, 1 << 40));

        let moment = Moment { ticket: 1, step: 2, phase: 3 };
        let nodes = [
            PartialSum { level: 1, index: 4, values: vec![0.5; 3] },
            PartialSum { level: 0, index: 10, values: vec![] },
        ];
        let mut message = Vec::new();
        words.sums(moment, nodes.iter(), |parts| message = parts.concat());
        let mut reader = Reader(&message[1..]);
        assert_eq!(reader.moment(), Some(moment));
        let got: Vec<_> = reader.sums().collect();
        assert_eq!(got, [(1, 4, &[0.5f32; 3][..]), (0, 10, &[])]);

        let score = Score { loss: -1.5e-300, correct: 12 };
        let measured = Measured { score, classes: vec![7, 10, 3], confidences: vec![0.5, 0.25, 1.0] };
        let message = words.measured(1, &measured).to_vec();
        assert_eq!(Reader(&message[2..]).measured(), Some(measured));
        for short in 0..message.len() - 2 {
            assert!(Reader(&message[2..2 + short]).measured().is_none(), "{short} words");
        }
    }
}
