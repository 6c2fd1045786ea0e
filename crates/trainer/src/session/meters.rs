//! Measurements of the training: score, throughput, and when to report them.

use nn::network::Score;
use std::collections::VecDeque;

/// Milliseconds between two events that draw something: at most 30 a second.
const FRAME_MS: f64 = 1000.0 / 30.0;
/// The most milliseconds between them, however long the page takes to paint: 8 a second still look like movement.
const MAX_FRAME_MS: f64 = 125.0;
/// The part of a core's time that the page's thread may take for painting. Where all cores train, one that paints holds the others
/// up: with 17 frames a second of 22 ms, two cores trained at 44 % of the speed that they had while nothing was painted.
const PAINTING_SHARE: f64 = 0.1;
/// So long a report waits for the page to paint the last one (ms).
const MAX_WAIT_MS: f64 = 1000.0;

/// Score and throughput of a run.
#[derive(Default)]
pub(super) struct Meters {
    pub(super) throughput: Throughput,
    pub(super) since_report: Tally,
}

/// The score of the steps since the last report of one.
#[derive(Default)]
pub(super) struct Tally {
    images: usize,
    score: Score,
    /// The learning rates of the steps, each as often as the step has images.
    rates: f64,
    /// Whether the last step completed a point of a range test's curve; `None` where no range test is under way.
    point: Option<bool>,
}

/// Means over the images of several steps.
pub(super) struct Means {
    pub(super) loss: f32,
    pub(super) accuracy: f32,
    pub(super) rate: f32,
}

impl Tally {
    /// Adds a step with this learning rate.
    pub(super) fn add(&mut self, images: usize, score: Score, rate: f32, point: Option<bool>) {
        self.images += images;
        self.score.loss += score.loss;
        self.score.correct += score.correct;
        self.rates += images as f64 * f64::from(rate);
        self.point = point;
    }

    /// Whether a point of a range test's curve is complete, or is still to be completed; `None` where no range test is under way.
    pub(super) fn point(&self) -> Option<bool> {
        self.point
    }

    /// The means; `None` without a step.
    pub(super) fn means(&self) -> Option<Means> {
        let mean = |sum: f64| (sum / self.images as f64) as f32;
        (self.images > 0).then(|| Means {
            loss: mean(self.score.loss),
            accuracy: mean(self.score.correct as f64),
            rate: mean(self.rates),
        })
    }
}

/// Milliseconds of work over which throughput is measured.
const WINDOW_MS: f64 = 1_000.0;
/// Milliseconds of work before throughput is known. The clocks of some browsers advance by up to 100 ms at once.
const MIN_WORK_MS: f64 = 300.0;
/// Work is added up until it has taken this many milliseconds, so that there are few entries.
const ENTRY_MS: f64 = 40.0;
/// Work that takes this many times as long as before did not take so long: the machine slept.
const MAX_SLOWDOWN: f64 = 20.0;
/// A sleep is longer than this.
const MIN_SLEEP_MS: f64 = 2_000.0;

/// Images a second over the last second of training time.
#[derive(Default)]
pub(super) struct Throughput {
    /// Images and milliseconds of work, oldest first.
    entries: VecDeque<(f64, f64)>,
    /// Sums of the entries.
    images: f64,
    ms: f64,
}

impl Throughput {
    /// Adds work on `images` images that took `ms` milliseconds. Returns how much of that was work: none, if the machine slept.
    pub(super) fn add(&mut self, images: usize, ms: f64) -> f64 {
        let images = images as f64;
        let is_sleep = ms >= MIN_SLEEP_MS && ms * self.images > MAX_SLOWDOWN * images * self.ms;
        if is_sleep && self.ms > 0.0 {
            return 0.0;
        }
        match self.entries.back_mut() {
            Some(last) if last.1 < ENTRY_MS => *last = (last.0 + images, last.1 + ms),
            _ => self.entries.push_back((images, ms)),
        }
        (self.images, self.ms) = (self.images + images, self.ms + ms);
        while let Some((images, ms)) = self.entries.front().copied()
            && self.ms - ms >= WINDOW_MS
        {
            self.entries.pop_front();
            (self.images, self.ms) = (self.images - images, self.ms - ms);
        }
        ms
    }

    /// Images a second; `None` before there are 300 ms of work.
    pub(super) fn images_per_second(&self) -> Option<f32> {
        (self.ms >= MIN_WORK_MS).then(|| (1000.0 * self.images / self.ms) as f32)
    }
}

/// When the last frame was reported, and whether it has been painted.
pub(super) struct FrameTimer {
    last: f64,
    /// Whether the page says when it has painted a frame.
    is_paced: bool,
    is_painted: bool,
    /// How long the page takes to paint a frame (ms): a mean in which older frames count less.
    painting_ms: f64,
}

impl Default for FrameTimer {
    fn default() -> Self {
        Self { last: f64::NEG_INFINITY, is_paced: false, is_painted: true, painting_ms: 0.0 }
    }
}

impl FrameTimer {
    /// Whether it is time for another frame, and the page has painted the last: else reports would pile up before a page that is
    /// slower, and what somebody presses there would wait behind them. A hidden page paints nothing: it gets a frame a second.
    pub(super) fn is_due(&self, now: f64) -> bool {
        let wait = if self.is_paced && !self.is_painted { MAX_WAIT_MS } else { self.interval_ms() };
        now - self.last >= wait
    }

    /// Milliseconds from one frame to the next, so that painting takes no more than its share of the time, as far as
    /// [`MAX_FRAME_MS`] allows.
    pub(super) fn interval_ms(&self) -> f64 {
        (self.painting_ms / PAINTING_SHARE).clamp(FRAME_MS, MAX_FRAME_MS)
    }

    /// Records a frame.
    pub(super) fn reset(&mut self, now: f64) {
        (self.last, self.is_painted) = (now, false);
    }

    /// The page has painted the last frame, in `ms` milliseconds.
    pub(super) fn on_painted(&mut self, ms: f64) {
        (self.is_paced, self.is_painted) = (true, true);
        if ms.is_finite() {
            // Work of a hidden page, which paints none of it, adds up.
            self.painting_ms += (ms.clamp(0.0, MAX_FRAME_MS) - self.painting_ms) / 4.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Throughput;

    /// Images a second after `ms` milliseconds of steps of 3 ms on 64 images, by a clock with ticks of `tick` ms.
    fn rate(throughput: &mut Throughput, ms: f64, tick: f64) -> Option<f32> {
        let seen = |ms: f64| (ms / tick).floor() * tick;
        let mut now = 0.0;
        while now < ms {
            throughput.add(64, seen(now + 3.0) - seen(now));
            now += 3.0;
        }
        throughput.images_per_second()
    }

    #[test]
    fn a_coarse_clock_gives_the_same_rate() {
        let right = 64_000.0 / 3.0;
        for tick in [0.1, 16.0, 100.0] {
            for ms in [1_300.0, 2_500.0] {
                let rate = rate(&mut Throughput::default(), ms, tick).unwrap();
                assert!((rate / right - 1.0).abs() < 0.1, "{rate} images/s by ticks of {tick} ms");
            }
        }
        assert_eq!(rate(&mut Throughput::default(), 90.0, 0.1), None, "too early");
    }

    #[test]
    fn a_sleep_is_no_work_and_slow_steps_are() {
        let mut throughput = Throughput::default();
        let before = rate(&mut throughput, 2_000.0, 0.1);
        assert_eq!(throughput.add(64, 3_600_000.0), 0.0, "it is not added to the time of training either");
        assert_eq!(throughput.images_per_second(), before);
        // The first step of a training may be interrupted by a sleep as well.
        let mut throughput = Throughput::default();
        throughput.add(64, 3_600_000.0);
        let after = rate(&mut throughput, 1_300.0, 0.1).unwrap();
        assert!((after / before.unwrap() - 1.0).abs() < 0.1, "{after} images/s, {before:?} before");
        // Steps that take ten seconds each, from the beginning or after a change.
        let mut throughput = Throughput::default();
        (0..3).for_each(|_| assert_eq!(throughput.add(64, 10_000.0), 10_000.0));
        assert_eq!(throughput.images_per_second(), Some(6.4));
    }
}
