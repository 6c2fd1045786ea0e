//! The last healthy checkpoint, restored when training diverges.

use crate::cursor::DataCursor;
use nn::network::Score;
use nn::train::{Training, TrainingState};

/// Steps between checkpoints: copying a state costs less than a hundredth of this many steps.
const INTERVAL: u32 = 32;
/// Steps are healthy if their mean loss is at most this multiple of the lowest so far.
const MAX_RISE: f64 = 2.0;

/// Keeps the last state after which training stayed healthy for [`INTERVAL`] steps.
#[derive(Default)]
pub(crate) struct LastHealthyCheckpoint {
    healthy: (TrainingState, DataCursor),
    /// Becomes the healthy one if the steps since then are healthy.
    candidate: (TrainingState, DataCursor),
    // Of the steps since the candidate:
    steps: u32,
    images: usize,
    loss: f64,
    lowest_loss: f64,
}

impl LastHealthyCheckpoint {
    /// A checkpoint of the present state.
    pub(crate) fn new(training: &Training, cursor: DataCursor) -> Self {
        let mut checkpoint = Self::default();
        checkpoint.restart(training, cursor);
        checkpoint
    }

    /// Takes the present state as healthy, and forgets all before it.
    pub(crate) fn restart(&mut self, training: &Training, cursor: DataCursor) {
        training.save(&mut self.healthy.0);
        self.healthy.1 = cursor;
        self.candidate.clone_from(&self.healthy);
        (self.steps, self.images, self.loss, self.lowest_loss) = (0, 0, 0.0, f64::INFINITY);
    }

    /// Records `steps` steps on `images` images, with their summed loss, that led to the present state.
    pub(crate) fn record(
        &mut self,
        steps: u32,
        images: usize,
        score: Score,
        training: &Training,
        cursor: DataCursor,
    ) {
        self.steps += steps;
        self.images += images;
        self.loss += score.loss;
        if self.steps < INTERVAL {
            return;
        }
        let loss = self.loss / self.images as f64;
        self.lowest_loss = self.lowest_loss.min(loss);
        if loss <= MAX_RISE * self.lowest_loss {
            std::mem::swap(&mut self.healthy, &mut self.candidate);
            training.save(&mut self.candidate.0);
            self.candidate.1 = cursor;
        }
        (self.steps, self.images, self.loss) = (0, 0, 0.0);
    }

    /// The healthy state, and its position in the data.
    pub(crate) fn state(&self) -> (&TrainingState, DataCursor) {
        (&self.healthy.0, self.healthy.1)
    }
}
