//! Stopping: training ends by itself where the rule of its options says so.

use crate::messages::Tested;
use nn::spec::StopRule;

/// What the rules look at: the evaluations of a run since training began last.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Stopping {
    /// The epoch of the last evaluation, or where training began.
    epoch: f64,
    /// The last evaluation, whenever it was.
    last: Option<Tested>,
    /// The one with the lowest loss since training began.
    best: Option<Tested>,
    /// Evaluations since that one.
    since_best: u32,
}

impl Stopping {
    /// Training begins or goes on at this epoch: a rule that has stopped it before stops it later again at the earliest.
    pub(super) fn begin(&mut self, epoch: f64) {
        *self = Self { epoch, last: self.last, ..Self::default() };
    }

    /// Takes notice of an evaluation. Returns why training stops with it, in a sentence, if the rule says so.
    pub(super) fn observe(&mut self, rule: StopRule, tested: Tested) -> Option<String> {
        // A network that was measured where it stopped is measured once more by whoever looks at its mistakes.
        if self.last.is_some_and(|last| last.step == tested.step) {
            return None;
        }
        let before = self.last.replace(tested);
        let epoch_before = std::mem::replace(&mut self.epoch, tested.epoch);
        // A loss that is not a number is no lower than any.
        if self.best.is_none_or(|best| tested.loss < best.loss) {
            (self.best, self.since_best) = (Some(tested), 0);
        } else {
            self.since_best += 1;
        }
        match rule {
            StopRule::Never => None,
            StopRule::Epoch { epochs } => {
                let is_behind = |epoch: f64| epoch as f32 >= epochs;
                (!is_behind(epoch_before) && is_behind(tested.epoch)).then(|| {
                    format!("Training stopped at epoch {:.2}: it is set to stop at {epochs}.", tested.epoch)
                })
            }
            StopRule::Accuracy { accuracy } => {
                let was_there = before.is_some_and(|before| before.accuracy >= accuracy);
                (!was_there && tested.accuracy >= accuracy).then(|| {
                    format!(
                        "Training stopped: {:.2} % of the test images are read right, and it is set to stop at {} %.",
                        100.0 * tested.accuracy,
                        // Without the digits that a share of 1 in single precision has too many.
                        (f64::from(accuracy) * 1e6).round() / 1e4
                    )
                })
            }
            StopRule::Patience { evaluations } => {
                let best = self.best.filter(|_| self.since_best as f32 >= evaluations)?;
                let times = if self.since_best == 1 { "evaluation" } else { "evaluations" };
                Some(format!(
                    "Training stopped: the test loss has not fallen in {} {times}. It was lowest, {:.4}, at epoch {:.2}.",
                    self.since_best, best.loss, best.epoch
                ))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tested(step: u64, loss: f32, accuracy: f32) -> Tested {
        Tested { step, epoch: step as f64 / 10.0, loss, accuracy, certainty: None }
    }

    /// The steps at which the rule stops a training that goes on each time.
    fn stops(rule: StopRule, losses: &[f32], accuracies: &[f32]) -> Vec<u64> {
        let mut stopping = Stopping::default();
        let mut stops = Vec::new();
        for (at, (loss, accuracy)) in losses.iter().zip(accuracies).enumerate() {
            let tested = tested(at as u64 + 1, *loss, *accuracy);
            if stopping.observe(rule, tested).is_some() {
                stops.push(tested.step);
                stopping.begin(tested.epoch);
                assert_eq!(stopping.observe(rule, tested), None, "the same network, measured again");
            }
        }
        stops
    }

    #[test]
    fn a_rule_stops_once_where_it_says() {
        let (losses, accuracies) = ([0.5, 0.4, 0.45, 0.41, 0.39, 0.42], [0.8, 0.9, 0.89, 0.95, 0.96, 0.97]);
        let stops = |rule| stops(rule, &losses, &accuracies);
        assert!(stops(StopRule::Never).is_empty());
        assert_eq!(stops(StopRule::Epoch { epochs: 0.3 }), [3]);
        assert_eq!(stops(StopRule::Epoch { epochs: 0.25 }), [3]);
        // It falls below once, and is reached again.
        assert_eq!(stops(StopRule::Accuracy { accuracy: 0.9 }), [2, 4]);
        assert_eq!(stops(StopRule::Patience { evaluations: 2.0 }), [4]);
        assert_eq!(stops(StopRule::Patience { evaluations: 1.0 }), [3, 6]);
    }

    #[test]
    fn a_loss_that_is_no_number_has_not_fallen() {
        let losses = [0.5, f32::NAN, f32::NAN];
        assert_eq!(stops(StopRule::Patience { evaluations: 2.0 }, &losses, &[0.9; 3]), [3]);
    }

    #[test]
    fn sentences_say_what_happened() {
        let mut stopping = Stopping::default();
        let at = |rule, tested| Stopping::default().observe(rule, tested).unwrap();
        assert_eq!(
            at(StopRule::Epoch { epochs: 2.5 }, tested(25, 0.1, 0.97)),
            "Training stopped at epoch 2.50: it is set to stop at 2.5."
        );
        assert_eq!(
            at(StopRule::Accuracy { accuracy: 0.97 }, tested(25, 0.1, 0.9731)),
            "Training stopped: 97.31 % of the test images are read right, and it is set to stop at 97 %."
        );
        let rule = StopRule::Patience { evaluations: 1.0 };
        stopping.observe(rule, tested(10, 0.0812, 0.97));
        assert_eq!(
            stopping.observe(rule, tested(20, 0.09, 0.97)).unwrap(),
            "Training stopped: the test loss has not fallen in 1 evaluation. It was lowest, 0.0812, at epoch 1.00."
        );
    }
}
