//! What the trainer and its helpers tell each other, as 32-bit words: parameters and gradients cross as they lie in memory.
//!
//! A helper is told the network once; then, for every step, its share of the batch and the parameters, and after each phase
//! but the last the statistics of the whole batch. It answers each time with the sums over its blocks. In between it is given
//! images to measure the network on.

use crate::batch::Batch;
use nn::network::Score;
use nn::part::Job;
use nn::spec::{Augmentation, NetworkSpec};
use nn::sum::BlockSum;

/// The first word of a message to a helper.
pub(crate) mod kind {
    /// The network, for the messages after it.
    pub(crate) const NETWORK: u32 = 0;
    /// A share of a step.
    pub(crate) const BEGIN: u32 = 1;
    /// What the whole batch came to.
    pub(crate) const ABSORB: u32 = 2;
    /// Images to be measured on.
    pub(crate) const MEASURE: u32 = 3;
}

/// A message being written, into memory that is used again.
#[derive(Debug, Default)]
pub(crate) struct Words(pub(crate) Vec<u32>);

impl Words {
    fn start(&mut self, words: &[u32]) -> &mut Self {
        self.0.clear();
        self.0.extend_from_slice(words);
        self
    }

    fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.push(bytes.len() as u32);
        let (words, rest) = bytes.as_chunks();
        self.0.extend(words.iter().map(|word| u32::from_le_bytes(*word)));
        if !rest.is_empty() {
            let mut word = [0; 4];
            word[..rest.len()].copy_from_slice(rest);
            self.0.push(u32::from_le_bytes(word));
        }
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

    /// Tells a helper the network.
    pub(crate) fn network(&mut self, network: &NetworkSpec) -> &[u32] {
        &self.start(&[kind::NETWORK]).bytes(&crate::messages::encode(network)).0
    }

    /// Tells a helper its share of a step: `job`, those images of `batch`, and where the weights are.
    pub(crate) fn begin(
        &mut self,
        ticket: u32,
        job: &Job,
        batch: &Batch,
        (parameters, running): (&[f32], &[f32]),
    ) -> &[u32] {
        let samples = job.samples.clone();
        let Augmentation { rotation, shift, zoom, shear, elastic, crop } = batch.augmentation;
        let head = [kind::BEGIN, ticket, samples.start as u32, job.batch as u32, job.seed, job.step];
        self.start(&head).0.extend([batch.epoch, crop]);
        self.floats(&[job.smoothing, rotation, shift, zoom, shear, elastic]);
        self.words(&batch.indices[samples.clone()]).bytes(&batch.labels[samples.clone()]);
        self.bytes(batch.images(samples)).floats(parameters).floats(running);
        &self.0
    }

    /// Tells a helper what the whole batch came to in a phase.
    pub(crate) fn absorb(&mut self, ticket: u32, phase: usize, statistics: &[f32]) -> &[u32] {
        &self.start(&[kind::ABSORB, ticket, phase as u32]).floats(statistics).0
    }

    /// Gives a helper images to measure the network on.
    pub(crate) fn measure(
        &mut self,
        ticket: u32,
        (images, labels): (&[u8], &[u8]),
        (parameters, running): (&[f32], &[f32]),
    ) -> &[u32] {
        let head = [kind::MEASURE, ticket];
        &self.start(&head).bytes(images).bytes(labels).floats(parameters).floats(running).0
    }

    /// A helper's answer to [`Words::begin`] and [`Words::absorb`]: its sums.
    pub(crate) fn sums(&mut self, ticket: u32, phase: usize, sum: &BlockSum) -> &[u32] {
        self.start(&[ticket, phase as u32, sum.nodes().len() as u32]);
        for node in sum.nodes() {
            self.0.extend([node.level, node.index]);
            self.floats(&node.values);
        }
        &self.0
    }

    /// A helper's answer to [`Words::measure`].
    pub(crate) fn score(&mut self, ticket: u32, score: Score) -> &[u32] {
        let loss = score.loss.to_bits();
        &self.start(&[ticket, (loss >> 32) as u32, loss as u32, score.correct as u32]).0
    }
}

/// Reads a message; nothing where it is too short.
pub(crate) struct Reader<'a>(pub(crate) &'a [u32]);

impl<'a> Reader<'a> {
    pub(crate) fn word(&mut self) -> Option<u32> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn take(&mut self, words: usize) -> Option<&'a [u32]> {
        let (taken, rest) = self.0.split_at_checked(words)?;
        self.0 = rest;
        Some(taken)
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

    pub(crate) fn floats(&mut self) -> Option<&'a [f32]> {
        self.words().map(bytemuck::cast_slice)
    }

    /// A share of a step, for a helper: fills `batch` and gives the job.
    pub(crate) fn begin(&mut self, batch: &mut Batch) -> Option<Job> {
        let [start, of, seed, step, epoch, crop] = *self.take(6)?.first_chunk()?;
        let [smoothing, rotation, shift, zoom, shear, elastic] = *self.floats()?.first_chunk()?;
        batch.first = start as usize;
        (batch.seed, batch.epoch) = (seed, epoch);
        batch.augmentation = Augmentation { rotation, shift, zoom, shear, elastic, crop };
        batch.indices.clear();
        batch.indices.extend_from_slice(self.words()?);
        batch.labels.clear();
        batch.labels.extend_from_slice(self.bytes()?);
        batch.pixels.clear();
        batch.pixels.extend_from_slice(self.bytes()?);
        let samples = batch.first..batch.first + batch.labels.len();
        Some(Job { samples, batch: of as usize, seed, step, smoothing })
    }

    /// The nodes of a helper's answer to [`Words::begin`] or [`Words::absorb`]: level, index and sums.
    pub(crate) fn sums(mut self) -> impl Iterator<Item = (u32, u32, &'a [f32])> {
        let nodes = self.take(3).map_or(0, |head| head[2]);
        (0..nodes).map_while(move |_| Some((self.word()?, self.word()?, self.floats()?)))
    }

    /// A helper's answer to [`Words::measure`], after its ticket.
    pub(crate) fn score(&mut self) -> Option<Score> {
        let [high, low, correct] = *self.take(3)?.first_chunk()?;
        let loss = f64::from_bits(u64::from(high) << 32 | u64::from(low));
        Some(Score { loss, correct: correct as usize })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let mut batch = Batch { epoch: 9, ..Batch::default() };
        batch.augmentation = Augmentation { zoom: 0.25, crop: 2, ..Augmentation::default() };
        batch.indices = (0..40).collect();
        batch.labels = (0..40).map(|i| i % 10).collect();
        batch.pixels = (0..40 * 784).map(|i| (i % 251) as u8).collect();
        let job = Job { samples: 16..35, batch: 40, seed: 7, step: 8, smoothing: 0.5 };
        let mut words = Words::default();
        let message = words.begin(3, &job, &batch, (&[1.0, 2.0], &[3.0])).to_vec();
        let mut reader = Reader(&message[2..]);
        let mut got = Batch::default();
        assert_eq!(reader.begin(&mut got), Some(job));
        assert_eq!((reader.floats(), reader.floats()), (Some(&[1.0f32, 2.0][..]), Some(&[3.0f32][..])));
        assert_eq!((got.first, got.seed, got.epoch, got.augmentation), (16, 7, 9, batch.augmentation));
        assert_eq!((&got.indices[..], &got.labels[..]), (&batch.indices[16..35], &batch.labels[16..35]));
        assert_eq!(got.pixels, batch.images(16..35));
        for short in 0..message.len() - 2 {
            let mut reader = Reader(&message[2..2 + short]);
            let all = reader.begin(&mut got).and_then(|_| reader.floats()).and_then(|_| reader.floats());
            assert!(all.is_none(), "{short} words");
        }
        let score = Score { loss: -1.5e-300, correct: 12 };
        assert_eq!(Reader(&words.score(1, score)[1..]).score(), Some(score));
    }
}
