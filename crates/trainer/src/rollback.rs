//! The last state of a training that was well: where to go back to when it has diverged.

use crate::batch::Place;
use nn::network::Score;
use nn::train::{Training, TrainingState};

/// How often a state is kept: copying one costs less than a hundredth of so many steps.
const STEPS: u32 = 32;
/// Steps are well as long as their loss is at most this times the least so far.
const RISE: f64 = 2.0;

/// Keeps a state for some steps, to see whether what follows from it is well.
#[derive(Default)]
pub(crate) struct Good {
    good: (TrainingState, Place),
    candidate: (TrainingState, Place),
    steps: u32,
    images: usize,
    loss: f64,
    least: f64,
}

impl Good {
    /// Begins anew from here.
    pub(crate) fn start(&mut self, training: &Training, place: Place) {
        training.save(&mut self.good.0);
        self.good.1 = place;
        self.candidate.clone_from(&self.good);
        (self.steps, self.images, self.loss, self.least) = (0, 0, 0.0, f64::INFINITY);
    }

    /// Hears how so many steps went that were taken.
    pub(crate) fn add(&mut self, steps: u32, images: usize, score: Score, training: &Training, place: Place) {
        self.steps += steps;
        self.images += images;
        self.loss += score.loss;
        if self.steps < STEPS {
            return;
        }
        let loss = self.loss / self.images as f64;
        self.least = self.least.min(loss);
        if loss <= RISE * self.least {
            std::mem::swap(&mut self.good, &mut self.candidate);
            training.save(&mut self.candidate.0);
            self.candidate.1 = place;
        }
        (self.steps, self.images, self.loss) = (0, 0, 0.0);
    }

    /// The state, and where it was in the data.
    pub(crate) fn state(&self) -> (&TrainingState, Place) {
        (&self.good.0, self.good.1)
    }
}
