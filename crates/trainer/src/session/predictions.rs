//! How the network reads each test image, for those who look at its mistakes.
//!
//! While the cores train, each evaluation tells it. At other times, and while a GPU trains, a copy of the network reads them
//! in slices, on this core alone: work goes on meanwhile, and the answers are all of one and the same network.

use super::comparison::Comparison;
use super::{SLICE_MS, Session};
use crate::batch::PIXELS;
use crate::messages::{Command, Event, Images, Predictions, RunState, Source, Split};
use crate::parallel::group::{Host, Measured};
use data::DataSet;
use nn::network::Network;
use nn::train::Training;
use tensor::BLOCK;

/// How long a slice may be while training waits for it.
const SLICE_IN_TRAINING_MS: f64 = 4.0;

/// A copy of the network that reads the test set, and how it read what it has read so far.
pub(super) struct Pass {
    network: Network,
    source: Source,
    read: Measured,
    /// So many answers were told.
    told: usize,
}

impl Pass {
    fn new(mut network: Network, source: Source) -> Self {
        network.prepare();
        Self { network, source, read: Measured::default(), told: 0 }
    }

    /// Images that were read.
    fn images(&self) -> usize {
        self.read.classes.len()
    }

    /// Reads the next block of images.
    fn go_on(&mut self, test: &DataSet) {
        let images = self.images()..(self.images() + BLOCK).min(test.len());
        let pixels = &test.images[images.start * PIXELS..images.end * PIXELS];
        self.network.infer(pixels.chunks_exact(PIXELS));
        self.read.add_block(&mut self.network, &test.labels[images]);
    }
}

fn told(source: Source, measured: Measured) -> Event {
    let Measured { classes, confidences, .. } = measured;
    Event::Predictions(Predictions { source, classes, confidences })
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
        self.pass = self.watch.predictions.then(|| {
            let training = match self.comparison.as_mut().and_then(Comparison::first_aside) {
                Some(first) => first,
                None => self.crew.training_mut(),
            };
            let (network, source) = answering(&mut self.pretrained, training);
            Pass::new(network.clone(), source)
        });
    }

    /// The cores have measured the network: with that, all images are read.
    pub(super) fn answered(&mut self, measured: Measured) -> Option<Event> {
        (self.watch.predictions && self.is_shown()).then(|| {
            self.pass = None;
            told(Source::Session { step: self.crew.training().steps() }, measured)
        })
    }

    /// A GPU has measured the network, which tells how many are read right, not which. Where reading takes longer than the
    /// way to the next evaluation, some are left out, or no pass would ever end.
    pub(super) fn ask_after_test(&mut self) {
        if !self.is_asked() {
            self.ask_anew();
        }
    }

    /// Takes over whether answers are watched.
    pub(super) fn watch_answers(&mut self, watched_before: bool) {
        if self.watch.predictions != watched_before {
            self.ask_anew();
        }
    }

    /// Whether images are still to be read.
    pub(super) fn is_asked(&self) -> bool {
        self.pass.as_ref().is_some_and(|pass| pass.images() < self.test.len())
    }

    /// Reads images for a slice. Gives the answers once all that are here were read; more may come later.
    pub(super) fn answer(&mut self, host: &dyn Host) -> Option<Event> {
        let pass = self.pass.as_mut()?;
        let start = host.now();
        let slice = if self.state == RunState::Training { SLICE_IN_TRAINING_MS } else { SLICE_MS };
        while pass.images() < self.test.len() && host.now() - start < slice {
            pass.go_on(&self.test);
        }
        if pass.images() < self.test.len() || pass.images() == pass.told {
            return None;
        }
        pass.told = pass.images();
        Some(told(pass.source, pass.read.clone()))
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
