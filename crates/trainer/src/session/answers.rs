//! How the network reads each test image, for those who look at its mistakes.
//!
//! A copy of the network reads them in slices, on this core alone: training goes on meanwhile, and the answers are all of
//! one and the same network. It is the same pass on whatever device trains, and before anything was trained.

use super::{SLICE_MS, Session};
use crate::batch::PIXELS;
use crate::crew::Host;
use crate::messages::{Answers, Command, Event, Images, RunState, Source, Split};
use data::DataSet;
use nn::network::Network;
use nn::training::Training;
use tensor::BLOCK;

/// How long a slice may be while training waits for it.
const SLICE_IN_TRAINING_MS: f64 = 4.0;

/// A copy of the network that reads the test set, and what it has answered so far.
pub(super) struct Pass {
    network: Network,
    answers: Answers,
    /// So many answers were told.
    told: usize,
}

impl Pass {
    fn new(mut network: Network, source: Source) -> Self {
        network.prepare();
        let answers = Answers { source, classes: Vec::new(), confidences: Vec::new() };
        Self { network, answers, told: 0 }
    }

    /// Reads the next block of images.
    fn go_on(&mut self, test: &DataSet) {
        let first = self.answers.classes.len();
        let images = first..(first + BLOCK).min(test.len());
        self.network.infer(test.images[first * PIXELS..images.end * PIXELS].chunks_exact(PIXELS));
        for answer in self.network.answers() {
            let (class, confidence) = answer.unwrap_or((data::CLASSES, f32::NAN));
            self.answers.classes.push(class as u8);
            self.answers.confidences.push(confidence);
        }
    }
}

/// The network that answers now: the session's own once it was trained, or is another one than the checkpoint; else that.
pub(super) fn answering<'a>(
    pretrained: &'a mut Option<Network>,
    training: &'a mut Training,
) -> (&'a mut Network, Source) {
    let step = training.steps();
    match pretrained {
        Some(pretrained) if step == 0 && pretrained.spec() == training.network.spec() => {
            (pretrained, Source::Pretrained)
        }
        _ => (&mut training.network, Source::Session { step }),
    }
}

impl Session {
    /// The network is another one now: if its answers are watched, all images are read anew.
    pub(super) fn ask_anew(&mut self) {
        self.pass = self.watch.answers.then(|| {
            let (network, source) = answering(&mut self.pretrained, self.crew.training_to_look_at());
            Pass::new(network.clone(), source)
        });
    }

    /// The network was measured: its answers are wanted, too. Where reading takes longer than the way to the next evaluation,
    /// some are left out, or no pass would ever end.
    pub(super) fn ask_after_test(&mut self) {
        if !self.is_asked() {
            self.ask_anew();
        }
    }

    /// Takes over whether answers are watched.
    pub(super) fn watch_answers(&mut self, watched_before: bool) {
        if self.watch.answers != watched_before {
            self.ask_anew();
        }
    }

    /// Whether images are still to be read.
    pub(super) fn is_asked(&self) -> bool {
        self.pass.as_ref().is_some_and(|pass| pass.answers.classes.len() < self.test.len())
    }

    /// Reads images for a slice. Gives the answers once all that are here were read; more may come later.
    pub(super) fn answer(&mut self, host: &dyn Host) -> Option<Event> {
        let pass = self.pass.as_mut()?;
        let start = host.now();
        let slice = if self.state == RunState::Training { SLICE_IN_TRAINING_MS } else { SLICE_MS };
        while pass.answers.classes.len() < self.test.len() && host.now() - start < slice {
            pass.go_on(&self.test);
        }
        let read = pass.answers.classes.len();
        if read < self.test.len() || read == pass.told {
            return None;
        }
        pass.told = read;
        Some(Event::Answers(pass.answers.clone()))
    }

    /// What is in the data.
    pub(super) fn look_up(&self, command: &Command) -> Option<Event> {
        let of = |split: &Split| if *split == Split::Train { &self.train } else { &self.test };
        match command {
            Command::Labels(split) => Some(Event::Labels { split: *split, labels: of(split).labels.clone() }),
            Command::Images { split, indices } => {
                let data = of(split);
                let here = |index: &u32| (*index as usize) < data.len();
                let indices: Vec<u32> = indices.iter().copied().filter(here).collect();
                let pixels = indices.iter().flat_map(|&i| data.image(i as usize)).copied().collect();
                Some(Event::Images(Images { split: *split, indices, pixels }))
            }
            _ => None,
        }
    }
}
