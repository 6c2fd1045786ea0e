//! Measurements of the training: score, throughput, and when to report them.

use nn::network::Score;

/// Milliseconds between two events that draw something: at most 30 a second.
pub(super) const FRAME_MS: f64 = 1000.0 / 30.0;

/// Score and throughput of a run.
#[derive(Default)]
pub(super) struct Meters {
    pub(super) throughput: Throughput,
    pub(super) since_report: Tally,
}

/// The score of the steps since the last report.
#[derive(Default)]
pub(super) struct Tally {
    images: usize,
    score: Score,
}

impl Tally {
    /// Adds a step.
    pub(super) fn add(&mut self, images: usize, score: Score) {
        self.images += images;
        self.score.loss += score.loss;
        self.score.correct += score.correct;
    }

    /// Mean loss and accuracy; `None` without a step.
    pub(super) fn means(&self) -> Option<(f32, f32)> {
        let mean = |sum: f64| (sum / self.images as f64) as f32;
        (self.images > 0).then(|| (mean(self.score.loss), mean(self.score.correct as f64)))
    }
}

/// Images a second over about the last second of training time.
#[derive(Default)]
pub(super) struct Throughput {
    images: f64,
    ms: f64,
}

impl Throughput {
    /// Adds work on `images` images that took `ms` milliseconds.
    pub(super) fn add(&mut self, images: usize, ms: f64) {
        // Older work decays with a time constant of one second of work.
        let keep = (1.0 - ms / 1000.0).clamp(0.0, 1.0);
        self.images = self.images * keep + images as f64;
        self.ms = self.ms * keep + ms;
    }

    /// Images a second; `None` before there are 20 ms of work.
    pub(super) fn images_per_second(&self) -> Option<f32> {
        (self.ms > 20.0).then(|| (1000.0 * self.images / self.ms) as f32)
    }
}

/// When the last frame was reported.
pub(super) struct FrameTimer {
    last: f64,
}

impl Default for FrameTimer {
    fn default() -> Self {
        Self { last: f64::NEG_INFINITY }
    }
}

impl FrameTimer {
    /// Whether a thirtieth of a second has passed since the last frame.
    pub(super) fn is_due(&self, now: f64) -> bool {
        now - self.last >= FRAME_MS
    }

    /// Records a frame.
    pub(super) fn reset(&mut self, now: f64) {
        self.last = now;
    }
}
