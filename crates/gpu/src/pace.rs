//! How many steps go into one submission.

use crate::executor::STEPS;

/// Milliseconds that a submission should take: so long that the work between two of them does not count, so short that a
/// press of a button is heard in the next frame.
const TARGET_MS: f64 = 12.0;

/// Measures how long steps take.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pace {
    /// Milliseconds a step; nothing is known at first.
    step_ms: Option<f64>,
    /// When the last submission came back.
    last: f64,
}

impl Pace {
    /// Steps for the next submission.
    pub fn steps(&self) -> usize {
        self.step_ms.map_or(1, |ms| ((TARGET_MS / ms) as usize).clamp(1, STEPS as usize))
    }

    /// So many steps, submitted at some time, came back now. The GPU had begun with them when those before came back.
    pub fn add(&mut self, steps: usize, submitted: f64, now: f64) {
        let ms = (now - self.last.max(submitted)).max(0.01) / steps.max(1) as f64;
        self.last = now;
        // The first submission of all waits for pipelines to be compiled: the second one forgets it.
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
            for _ in 0..20 {
                let (submitted, n) = (now, pace.steps());
                now += step_ms * n as f64;
                pace.add(n, submitted, 900.0 + now);
            }
            assert_eq!(pace.steps(), steps, "{step_ms} ms a step");
        }
    }
}
