//! A core that helps: it shares no memory with the trainer, and hears of everything by [messages](crate::wire).

use crate::batch::{Batch, PIXELS};
use crate::wire::{Reader, Words, kind};
use nn::network::{Network, Score};
use nn::part::Part;
use nn::plan::Plan;
use nn::spec::{Initializer, NetworkSpec};
use tensor::BLOCK;

/// A helper: one share of every step.
#[derive(Default)]
pub struct Helper {
    part: Option<Part>,
    /// What the network is measured with.
    network: Option<Network>,
    batch: Batch,
    answer: Words,
}

impl Helper {
    /// Does what a message asks for. The answer, if there is one, is to be sent back before the next message is heard.
    pub fn hear(&mut self, words: &[u32]) -> Option<&[u32]> {
        let mut reader = Reader(words);
        match reader.word()? {
            kind::NETWORK => {
                let network: NetworkSpec = crate::messages::decode(reader.bytes()?)?;
                self.part = Some(Part::new(Plan::new(&network).ok()?));
                self.network = Some(Network::new(network, Initializer::Zeros, 0).ok()?);
                None
            }
            kind::MEASURE => {
                let ticket = reader.word()?;
                let (images, labels) = (reader.bytes()?, reader.bytes()?);
                let network = self.network.as_mut()?;
                network.parameters.copy_from_slice(reader.floats()?);
                network.running.copy_from_slice(reader.floats()?);
                network.prepare();
                Some(self.answer.score(ticket, measure(network, images, labels)))
            }
            kind => {
                let (ticket, part) = (reader.word()?, self.part.as_mut()?);
                let phase = if kind == kind::BEGIN {
                    let job = reader.begin(&mut self.batch)?;
                    part.begin(job, &self.batch.labels, reader.floats()?, reader.floats()?);
                    0
                } else {
                    let phase = reader.word()? as usize;
                    part.absorb(phase, reader.floats()?);
                    phase + 1
                };
                // An abandoned step may have left something.
                part.sum.clear();
                part.run(phase, &|sample, input| self.batch.fill(sample, input));
                Some(self.answer.sums(ticket, phase, &part.sum))
            }
        }
    }
}

/// How a [prepared](Network::prepare) network does on images.
pub(crate) fn measure(network: &mut Network, images: &[u8], labels: &[u8]) -> Score {
    let mut total = Score::default();
    for (images, labels) in images.chunks(BLOCK * PIXELS).zip(labels.chunks(BLOCK)) {
        network.infer(images.chunks_exact(PIXELS));
        let score = network.score(labels);
        total.loss += score.loss;
        total.correct += score.correct;
    }
    total
}
