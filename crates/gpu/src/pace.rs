//! How many steps go into one submission.

use crate::layout::MAX_STEPS;

/// Milliseconds that a submission should take: so long that the work between two of them does not count, so short that a press of a
/// button takes effect in the next frame.
const TARGET_MS: f64 = 12.0;

/// Milliseconds of a measurement: the clocks of some browsers advance by up to 100 ms at once.
const MEASUREMENT_MS: f64 = 40.0;

/// An estimate of the duration of a step, and the number of steps that take 12 ms.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pace {
    /// Milliseconds a step; unknown before the first submission has finished.
    step_ms: Option<f64>,
    /// When the last submission finished, in milliseconds.
    last: f64,
    /// Steps and milliseconds of the measurement under way.
    under_way: (usize, f64),
}

impl Pace {
    /// Steps for the next submission, from 1 to 64.
    pub fn steps(&self) -> usize {
        self.step_ms.map_or(1, |ms| ((TARGET_MS / ms) as usize).clamp(1, MAX_STEPS as usize))
    }

    /// Milliseconds that a submission is expected to take; `None` before the first has finished.
    pub fn submission_ms(&self) -> Option<f64> {
        self.step_ms.map(|ms| ms * self.steps() as f64)
    }

    /// Takes the times, in milliseconds, of a submission of `steps` steps. The GPU starts on it when the one before has finished.
    pub fn add(&mut self, steps: usize, submitted: f64, now: f64) {
        self.under_way.0 += steps;
        self.under_way.1 += now - self.last.max(submitted);
        self.last = now;
        if self.under_way.1 < MEASUREMENT_MS {
            return;
        }
        let (steps, ms) = std::mem::take(&mut self.under_way);
        let ms = ms / steps.max(1) as f64;
        // The first submission waits for pipelines to be compiled, so a step that is more than twice as fast replaces the estimate.
        self.step_ms = Some(
            self.step_ms.map_or(ms, |before| if ms < 0.5 * before { ms } else { 0.75 * before + 0.25 * ms }),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::Pace;

    #[test]
    fn submissions_take_a_frame() {
        for (step_ms, steps) in [(0.05, 64), (1.0, 12), (5.0, 2), (130.0, 1)] {
            let mut pace = Pace::default();
            let mut now = 0.0;
            assert_eq!(pace.steps(), 1, "the first is small");
            pace.add(1, 0.0, 900.0);
            while now < 2_000.0 {
                let (submitted, n) = (now, pace.steps());
                now += step_ms * n as f64;
                pace.add(n, submitted, 900.0 + now);
            }
            assert_eq!(pace.steps(), steps, "{step_ms} ms a step");
        }
    }
}
