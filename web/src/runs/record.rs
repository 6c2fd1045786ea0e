//! The curves and the last figures of a run.

use serde::{Deserialize, Serialize};
use trainer::messages::{Progress, Split, Tested};

use crate::runs::curve::Curve;
use crate::ui::format::{NOT_FINITE, decimals, percent};

/// A measure of the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Measure {
    Loss,
    Accuracy,
}

impl Measure {
    /// The title of its chart.
    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Loss => "Loss",
            Self::Accuracy => "Accuracy",
        }
    }

    /// The text of a tick; `step` is the distance to the next one.
    pub(crate) fn tick(self, value: f64, step: f64) -> String {
        match self {
            Self::Loss if value >= 1e6 => format!("{value:e}"),
            Self::Loss => format!("{value:.*}", decimals(step)),
            Self::Accuracy => format!("{:.*} %", decimals(100.0 * step), 100.0 * value),
        }
    }

    /// The text of a value.
    pub(crate) fn value(self, value: f64) -> String {
        match (self, value) {
            (_, value) if !value.is_finite() => NOT_FINITE.to_owned(),
            (Self::Loss, 1e5..) => format!("{value:.2e}"),
            (Self::Loss, value) => format!("{value:.*}", if value < 0.01 { 5 } else { 4 }),
            (Self::Accuracy, share) => percent(share, 2),
        }
    }
}

/// The history of a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Record {
    /// Indexed by [`Split`].
    loss: [Curve; 2],
    accuracy: [Curve; 2],
    /// The learning rates of the training curves' points; none in files of earlier versions.
    #[serde(default)]
    rate: Curve,
    pub(crate) progress: Progress,
    /// The last training loss that was reported.
    pub(crate) last_loss: Option<f32>,
    pub(crate) tested: Option<Tested>,
    /// The step after which the run diverged: its next numbers were not finite.
    pub(crate) diverged: Option<u64>,
}

impl Record {
    /// The curve of a measure on a set.
    pub(crate) const fn curve(&self, measure: Measure, split: Split) -> &Curve {
        match measure {
            Measure::Loss => &self.loss[split as usize],
            Measure::Accuracy => &self.accuracy[split as usize],
        }
    }

    /// The learning rates with which the points of the training curves were measured, by epoch.
    pub(crate) const fn rates(&self) -> &Curve {
        &self.rate
    }

    /// All curves.
    fn curves_mut(&mut self) -> impl Iterator<Item = &mut Curve> {
        self.loss.iter_mut().chain(&mut self.accuracy).chain([&mut self.rate])
    }

    /// Whether a step was taken.
    pub(crate) const fn is_trained(&self) -> bool {
        self.progress.step > 0
    }

    /// Appends a progress report. After a jump back (reset, restore), later points are dropped.
    pub(crate) fn on_progress(&mut self, progress: Progress) {
        if progress.epoch < self.progress.epoch || progress.step == 0 {
            (self.last_loss, self.diverged) = (None, None);
            self.tested = self.tested.filter(|tested| progress.step > 0 && tested.step <= progress.step);
            self.curves_mut().for_each(|curve| curve.cut(progress.epoch));
        }
        // A run that takes further steps was continued in spite of the divergence.
        self.diverged = self.diverged.filter(|step| progress.step <= *step);
        if let Some(loss) = progress.train_loss {
            self.last_loss = Some(loss);
            self.loss[Split::Train as usize].push(progress.epoch, loss.into());
        }
        if let Some(accuracy) = progress.train_accuracy {
            self.accuracy[Split::Train as usize].push(progress.epoch, accuracy.into());
        }
        if let Some(rate) = progress.train_rate {
            self.rate.push(progress.epoch, rate.into());
        }
        self.progress = progress;
    }

    /// Appends a progress report of a run of a comparison. Where it diverges, it ends, even before its first step: the report of where it
    /// stopped comes later.
    pub(crate) fn on_compared_progress(&mut self, progress: Progress) {
        let diverged = self.diverged;
        self.on_progress(progress);
        self.diverged = diverged;
    }

    /// Appends a measurement on the test set, unless the network was measured at this step already.
    pub(crate) fn on_tested(&mut self, tested: Tested) {
        if self.tested.is_none_or(|before| before.step != tested.step) {
            self.loss[Split::Test as usize].push(tested.epoch, tested.loss.into());
            self.accuracy[Split::Test as usize].push(tested.epoch, tested.accuracy.into());
        }
        self.tested = Some(tested);
    }

    /// The last training loss up to an epoch.
    pub(crate) fn training_loss_at(&self, epoch: f64) -> Option<f32> {
        let points = self.curve(Measure::Loss, Split::Train).points();
        // Points that were stored have the precision of a chart.
        let end = epoch * (1.0 + 1e-6);
        let (_, loss) = points[..points.partition_point(|point| point.0 <= end)].last()?;
        Some(*loss as f32).filter(|loss| !loss.is_nan())
    }

    /// The record as JSON, which has no text for NaN and infinity.
    pub(crate) fn to_json(&self) -> String {
        let mut record = self.clone();
        record.tested = record.tested.filter(|tested| tested.loss.is_finite());
        // Numbers and lists of them can always be written.
        serde_json::to_string(&record).unwrap_or_default()
    }

    /// Reads a text of [`Record::to_json`].
    pub(crate) fn from_json(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// From now on the record is about another network, at the step that it has taken over: nothing of the one before stays.
    pub(crate) fn begin_anew(&mut self) {
        *self = Self { progress: self.progress, ..Self::default() };
    }

    /// From now on the record is about the same network with other tricks. Figures that it had without them are dropped, and its curves
    /// go on as lines of their own.
    pub(crate) fn on_other_tricks(&mut self) {
        (self.last_loss, self.tested, self.diverged) = (None, None, None);
        self.curves_mut().for_each(Curve::end_line);
    }

    /// The epoch at which the curves end.
    pub(crate) fn end(&self) -> f64 {
        let curves = self.loss.iter().chain(&self.accuracy);
        curves.filter_map(|curve| curve.last()).fold(self.progress.epoch, |end, (x, _)| end.max(x))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn progress(step: u64, epoch: f64) -> Progress {
        Progress { step, epoch, train_loss: Some(1.0), train_accuracy: Some(0.5), ..Progress::default() }
    }

    #[test]
    fn a_record_follows_training_and_its_jumps_back() {
        let mut record = Record::default();
        (1..=4).for_each(|step| record.on_progress(progress(step, step as f64 / 4.0)));
        record.on_tested(Tested { step: 4, epoch: 1.0, loss: 0.25, accuracy: 0.75, certainty: None });
        let points = |record: &Record, measure, split| record.curve(measure, split).points().to_vec();
        assert_eq!(points(&record, Measure::Loss, Split::Train).len(), 4);
        assert_eq!(points(&record, Measure::Accuracy, Split::Test), [(1.0, 0.75)]);
        assert_eq!(record.end(), 1.0);
        record.on_progress(Progress { train_loss: None, train_accuracy: None, ..progress(2, 0.5) });
        assert_eq!(points(&record, Measure::Loss, Split::Train), [(0.25, 1.0)]);
        assert_eq!((record.tested, record.last_loss, record.end()), (None, None, 0.5));
        record.on_progress(Progress::default());
        assert_eq!(record, Record::default());
    }

    #[test]
    fn a_compared_run_may_diverge_before_its_first_step() {
        let mut record = Record { diverged: Some(0), ..Record::default() };
        record.on_compared_progress(Progress::default());
        assert_eq!(record.diverged, Some(0));
        record.on_progress(Progress::default());
        assert_eq!(record.diverged, None, "the present run was reset");
    }

    #[test]
    fn the_loss_at_an_epoch_is_the_last_one_before() {
        let mut record = Record::default();
        for (epoch, loss) in [(0.25, 2.0), (0.5, 1.0)] {
            record.on_progress(Progress { train_loss: Some(loss), ..progress(1, epoch) });
        }
        let losses = [0.0, 0.25, 0.4, 9.0].map(|epoch| record.training_loss_at(epoch));
        assert_eq!(losses, [None, Some(2.0), Some(2.0), Some(1.0)]);
    }

    #[test]
    fn another_network_has_a_record_of_its_own() {
        let mut record = Record::default();
        (1..=4).for_each(|step| record.on_progress(progress(step, step as f64 / 4.0)));
        record.on_tested(Tested { step: 4, epoch: 1.0, loss: 0.25, accuracy: 0.75, certainty: None });
        record.begin_anew();
        assert_eq!((record.tested, record.last_loss, record.progress.step), (None, None, 4));
        record.on_progress(progress(5, 1.25));
        assert_eq!(record.curve(Measure::Loss, Split::Train).points(), [(1.25, 1.0)]);
    }

    #[test]
    fn other_tricks_leave_no_figures_of_before() {
        let mut record = Record::default();
        (1..=4).for_each(|step| record.on_progress(progress(step, step as f64 / 4.0)));
        record.on_tested(Tested { step: 4, epoch: 1.0, loss: 0.25, accuracy: 0.75, certainty: None });
        record.on_other_tricks();
        assert_eq!((record.tested, record.last_loss), (None, None));
        assert_eq!(record.curve(Measure::Accuracy, Split::Test).last(), None);
        record.on_progress(progress(5, 1.25));
        let points = record.curve(Measure::Loss, Split::Train).points();
        assert!(points[4].1.is_nan() && points[5] == (1.25, 1.0));
    }

    #[test]
    fn a_network_that_was_measured_twice_has_one_point() {
        let mut record = Record::default();
        record.on_progress(progress(4, 1.0));
        for accuracy in [0.75, 0.75] {
            record.on_tested(Tested { step: 4, epoch: 1.0, loss: 0.25, accuracy, certainty: None });
        }
        assert_eq!(record.curve(Measure::Accuracy, Split::Test).points(), [(1.0, 0.75)]);
    }

    #[test]
    fn values_that_are_not_finite_have_a_word_and_large_ones_are_short() {
        let texts = [f64::NAN, f64::INFINITY, 2e19, 99_999.0].map(|value| Measure::Loss.value(value));
        assert_eq!(texts, ["not finite", "not finite", "2.00e19", "99999.0000"]);
        assert_eq!(Measure::Accuracy.value(0.99996), "99.99 %");
        assert_eq!(Measure::Loss.tick(2e19, 1e19), "2e19");
    }

    #[test]
    fn values_have_the_decimals_they_need() {
        assert_eq!(Measure::Loss.tick(0.05, 0.05), "0.05");
        assert_eq!(Measure::Accuracy.tick(0.925, 0.005), "92.5 %");
        assert_eq!(Measure::Accuracy.tick(0.92, 0.02), "92 %");
        assert_eq!(
            (Measure::Loss.value(0.12345), Measure::Loss.value(0.001234)),
            ("0.1235".into(), "0.00123".into())
        );
        assert_eq!(Measure::Accuracy.value(0.98765), "98.77 %");
    }
}
