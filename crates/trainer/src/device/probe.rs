//! How fast a device trains, found out in a short time on a machine that does other things as well.

/// Milliseconds of work that are measured.
const TRIAL_MS: f64 = 400.0;
/// Pieces of work that are measured.
const PIECES: usize = 8;

/// Measures a device by pieces of its work: steps of the cores, submissions to a GPU.
///
/// The median counts. In a page that has just begun, data arrives and code is compiled between two steps: one that took half a
/// second once made two cores look slower (142 images/s) than a GPU in software (299), which then trained for good.
#[derive(Debug, Default)]
pub(crate) struct Trial {
    /// Images a second, piece by piece.
    speeds: Vec<f32>,
    ms: f64,
}

impl Trial {
    /// Takes a piece of work.
    pub(crate) fn add(&mut self, images: usize, ms: f64) {
        self.speeds.push((1000.0 * images as f64 / ms.max(0.01)) as f32);
        self.ms += ms;
    }

    /// Images a second, once enough was measured.
    pub(crate) fn speed(&mut self) -> Option<f32> {
        if self.ms < TRIAL_MS || self.speeds.len() < PIECES {
            return None;
        }
        let middle = self.speeds.len() / 2;
        Some(*self.speeds.select_nth_unstable_by(middle, f32::total_cmp).1)
    }
}

#[cfg(test)]
mod tests {
    use super::Trial;

    #[test]
    fn one_stall_does_not_count() {
        let mut trial = Trial::default();
        trial.add(64, 500.0);
        assert_eq!(trial.speed(), None, "one piece is not enough");
        for _ in 0..6 {
            trial.add(64, 10.0);
        }
        assert_eq!(trial.speed(), None);
        trial.add(60, 10.0);
        assert_eq!(trial.speed(), Some(6400.0));
    }

    #[test]
    fn short_pieces_are_measured_for_a_while() {
        let mut trial = Trial::default();
        for _ in 0..399 {
            trial.add(10, 1.0);
            assert_eq!(trial.speed(), None);
        }
        trial.add(10, 1.0);
        assert_eq!(trial.speed(), Some(10_000.0));
    }
}
