//! A core that helps: it shares no memory with the trainer, and hears of everything by [messages](crate::parallel::protocol).

use crate::batch::PIXELS;
use crate::parallel::group::{Host, Measured};
use crate::parallel::protocol::{Reader, Words, kind};
use crate::parallel::replica::Member;
use nn::network::Network;
use nn::train::Training;
use tensor::BLOCK;

/// A helper. The trainer is core 0; a helper has a number of its own from 1 up.
pub struct Helper {
    number: u32,
    member: Option<Member>,
    /// Images to be measured once all steps are done.
    measure: Option<Vec<u32>>,
    words: Words,
}

impl Helper {
    /// A helper that has heard nothing yet.
    pub fn new(number: u32) -> Self {
        Self { number, member: None, measure: None, words: Words::default() }
    }

    /// Hears a message from another core, and does what can be done now. The words may be kept and replaced by others of no
    /// meaning.
    pub fn hear(&mut self, from: usize, words: &mut Vec<u32>, host: &dyn Host) {
        // Messages are the program's own: one that cannot be read would be a mistake in it, and asks for nothing.
        let _ = self.try_hear(from, words, host);
    }

    fn try_hear(&mut self, from: usize, words: &mut Vec<u32>, host: &dyn Host) -> Option<()> {
        let mut reader = Reader(words);
        match reader.word()? {
            kind::STATE => self.take_state(reader)?,
            kind::SUMS => self.member.get_or_insert_with(nobody).hear(from, words),
            kind::STEPS => {
                let (ticket, steps, member) = (reader.word()?, reader.word()?, self.member.as_mut()?);
                for _ in 0..if ticket == member.ticket() { steps } else { 0 } {
                    let mut batch = member.spare_batch();
                    let (epoch, size) = reader.step(&mut batch)?;
                    member.add(epoch, size, batch);
                }
            }
            _ => self.measure = Some(std::mem::take(words)),
        }
        let member = self.member.as_mut()?;
        while member.go_on(host).is_some() {}
        if member.steps() == 0
            && let Some(words) = self.measure.take()
        {
            let mut reader = Reader(&words[1..]);
            let (ticket, images, labels) = (reader.word()?, reader.bytes()?, reader.bytes()?);
            if ticket == member.ticket() {
                member.training.network.prepare();
                let measured = measure(&mut member.training.network, images, labels);
                host.post(0, &[self.words.measured(ticket, &measured)]);
            }
        }
        Some(())
    }

    fn take_state(&mut self, mut reader: Reader<'_>) -> Option<()> {
        let (ticket, crew) = (reader.word()?, reader.words()?);
        let (network, spec, state) = reader.state()?;
        let member = self.member.get_or_insert_with(nobody);
        member.training.configure(network, spec).ok()?;
        member.training.restore(&state);
        member.join(ticket, crew, self.number);
        Some(())
    }
}

/// A core that knows of no network yet.
fn nobody() -> Member {
    Member::new(Training::default())
}

/// How a [prepared](Network::prepare) network does on images.
pub(crate) fn measure(network: &mut Network, images: &[u8], labels: &[u8]) -> Measured {
    let mut total = Measured::default();
    for (images, labels) in images.chunks(BLOCK * PIXELS).zip(labels.chunks(BLOCK)) {
        network.infer(images.chunks_exact(PIXELS));
        total.add_block(network, labels);
    }
    total
}
