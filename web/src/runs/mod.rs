//! Runs: what was trained, how, and how it went. The present one, and others that were pinned or compared.

pub(crate) mod comparison;
pub(crate) mod curve;
pub(crate) mod panel;
pub(crate) mod storage;
pub(crate) mod table;
pub(crate) mod undo_reset;

use serde::{Deserialize, Serialize};
use trainer::messages::{Progress, Tested};

use crate::charts::axis::decimals;
use crate::runs::curve::Curve;
use crate::settings::Setup;

/// Runs that can be kept beside the present one.
pub(crate) const MOST_PINNED: usize = 4;
/// Kept ones, and the two of a comparison: each has a letter, a colour and a dash pattern of its own.
pub(crate) const SLOTS: usize = MOST_PINNED + 2;
/// Dash patterns of the slots, in pixels.
pub(crate) const DASHES: [&[f64]; SLOTS] = [
    &[8.0, 3.0],
    &[2.0, 2.5],
    &[10.0, 3.0, 2.0, 3.0],
    &[4.0, 4.0],
    &[14.0, 4.0],
    &[7.0, 2.5, 2.0, 2.5, 2.0, 2.5],
];

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Measure {
    Loss,
    Accuracy,
}

/// On which images.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Training,
    Test,
}

impl Part {
    pub(crate) const ALL: [Self; 2] = [Self::Training, Self::Test];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Training => "training",
            Self::Test => "test",
        }
    }
}

impl Measure {
    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Loss => "Loss",
            Self::Accuracy => "Accuracy",
        }
    }

    /// What is always seen of the axis, unless somebody looks closely.
    pub(crate) const fn least(self, log: bool) -> (f64, f64) {
        match (self, log) {
            (Self::Loss, false) => (0.0, 0.5),
            (Self::Loss, true) => (0.1, 1.0),
            (Self::Accuracy, _) => (0.9, 1.0),
        }
    }

    /// Text of a tick that is so far from the next.
    pub(crate) fn tick(self, value: f64, step: f64) -> String {
        match self {
            Self::Loss => format!("{value:.*}", decimals(step)),
            Self::Accuracy => format!("{:.*} %", decimals(100.0 * step), 100.0 * value),
        }
    }

    /// Text of a value.
    pub(crate) fn value(self, value: f64) -> String {
        match self {
            Self::Loss => format!("{value:.*}", if value < 0.01 { 5 } else { 4 }),
            Self::Accuracy => format!("{:.2} %", 100.0 * value),
        }
    }
}

/// How a run went.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Record {
    loss: [Curve; 2],
    accuracy: [Curve; 2],
    pub(crate) progress: Progress,
    /// The last training loss that was told.
    pub(crate) last_loss: Option<f32>,
    pub(crate) tested: Option<Tested>,
    /// It ended after this step, with numbers that were not finite.
    pub(crate) diverged: Option<u64>,
}

impl Record {
    /// A curve.
    pub(crate) const fn curve(&self, measure: Measure, part: Part) -> &Curve {
        match measure {
            Measure::Loss => &self.loss[part as usize],
            Measure::Accuracy => &self.accuracy[part as usize],
        }
    }

    /// Takes news of training. Where it jumped back, what is behind is forgotten.
    pub(crate) fn progress(&mut self, progress: Progress) {
        if progress.epoch < self.progress.epoch || progress.step == 0 {
            (self.last_loss, self.tested, self.diverged) = (None, None, None);
            self.loss.iter_mut().chain(&mut self.accuracy).for_each(|curve| curve.cut(progress.epoch));
        }
        // It was told to go on all the same.
        self.diverged = self.diverged.filter(|step| progress.step <= *step);
        if let Some(loss) = progress.train_loss {
            self.last_loss = Some(loss);
            self.loss[Part::Training as usize].push(progress.epoch, loss.into());
        }
        if let Some(accuracy) = progress.train_accuracy {
            self.accuracy[Part::Training as usize].push(progress.epoch, accuracy.into());
        }
        self.progress = progress;
    }

    /// Takes a measurement.
    pub(crate) fn tested(&mut self, tested: Tested) {
        self.loss[Part::Test as usize].push(tested.epoch, tested.loss.into());
        self.accuracy[Part::Test as usize].push(tested.epoch, tested.accuracy.into());
        self.tested = Some(tested);
    }

    /// Where its curves end.
    pub(crate) fn end(&self) -> f64 {
        let curves = self.loss.iter().chain(&self.accuracy);
        curves.filter_map(|curve| curve.last()).fold(self.progress.epoch, |end, (x, _)| end.max(x))
    }
}

/// A run beside the present one.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Run {
    /// Its place among [`SLOTS`].
    pub(crate) slot: usize,
    pub(crate) setup: Setup,
    pub(crate) record: Record,
    /// Its curves are drawn.
    pub(crate) shown: bool,
    /// It stays when something else is compared.
    pub(crate) pinned: bool,
}

/// The letter of a slot.
pub(crate) fn letter(slot: usize) -> char {
    (b'A' + slot as u8) as char
}

/// The runs beside the present one, in the order of their slots.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Runs(Vec<Run>);

impl Runs {
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Run> {
        self.0.iter()
    }

    pub(crate) fn get(&self, slot: usize) -> Option<&Run> {
        self.0.iter().find(|run| run.slot == slot)
    }

    pub(crate) fn get_mut(&mut self, slot: usize) -> Option<&mut Run> {
        self.0.iter_mut().find(|run| run.slot == slot)
    }

    pub(crate) fn remove(&mut self, slot: usize) {
        self.0.retain(|run| run.slot != slot);
    }

    /// Whether there is no room to keep another one.
    pub(crate) fn full(&self) -> bool {
        self.0.iter().filter(|run| run.pinned).count() >= MOST_PINNED
    }

    /// Keeps a run, if there is room.
    pub(crate) fn pin(&mut self, setup: Setup, record: Record) {
        if !self.full() {
            self.add(setup, record, true);
        }
    }

    /// Begins a comparison of these: they take the place of what was compared last and not pinned. Gives their slots.
    pub(crate) fn compare(&mut self, setups: [Setup; 2]) -> [usize; 2] {
        self.0.retain(|run| run.pinned);
        setups.map(|setup| self.add(setup, Record::default(), false))
    }

    fn add(&mut self, setup: Setup, record: Record, pinned: bool) -> usize {
        // Pinned ones leave two slots free, which only the two of a comparison take.
        let slot = (0..SLOTS).find(|slot| self.get(*slot).is_none()).unwrap_or(SLOTS - 1);
        self.put(Run { slot, setup, record, shown: true, pinned });
        slot
    }

    /// Puts a run in its slot.
    pub(crate) fn put(&mut self, run: Run) {
        self.remove(run.slot);
        self.0.push(run);
        self.0.sort_by_key(|run| run.slot);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn progress(step: u64, epoch: f64) -> Progress {
        Progress { step, epoch, train_loss: Some(1.0), train_accuracy: Some(0.5), ..Progress::default() }
    }

    fn slots(runs: &Runs) -> Vec<usize> {
        runs.iter().map(|run| run.slot).collect()
    }

    #[test]
    fn a_record_follows_training_and_its_jumps() {
        let mut record = Record::default();
        (1..=4).for_each(|step| record.progress(progress(step, step as f64 / 4.0)));
        record.tested(Tested { step: 4, epoch: 1.0, loss: 0.25, accuracy: 0.75 });
        let points = |record: &Record, measure, part| record.curve(measure, part).points().to_vec();
        assert_eq!(points(&record, Measure::Loss, Part::Training).len(), 4);
        assert_eq!(points(&record, Measure::Accuracy, Part::Test), [(1.0, 0.75)]);
        assert_eq!(record.end(), 1.0);
        record.progress(Progress { train_loss: None, train_accuracy: None, ..progress(2, 0.5) });
        assert_eq!(points(&record, Measure::Loss, Part::Training), [(0.25, 1.0)]);
        assert_eq!((record.tested, record.last_loss, record.end()), (None, None, 0.5));
        record.progress(Progress::default());
        assert_eq!(record, Record::default());
    }

    #[test]
    fn comparisons_replace_each_other_but_nothing_that_is_pinned() {
        let (setup, mut runs) = (Setup::default(), Runs::default());
        runs.pin(setup.clone(), Record::default());
        assert_eq!(runs.compare([setup.clone(), setup.clone()]), [1, 2]);
        runs.get_mut(1).unwrap().pinned = true;
        assert_eq!(runs.compare([setup.clone(), setup.clone()]), [2, 3]);
        assert_eq!(slots(&runs), [0, 1, 2, 3]);
        (0..9).for_each(|_| runs.pin(setup.clone(), Record::default()));
        assert_eq!(slots(&runs), [0, 1, 2, 3, 4, 5], "four are pinned, and two compared");
        runs.remove(1);
        assert_eq!(runs.compare([setup.clone(), setup]), [1, 2]);
        assert_eq!(slots(&runs), [0, 1, 2, 4, 5]);
        assert!(!runs.full() && runs.iter().filter(|run| run.pinned).count() == 3);
    }

    #[test]
    fn slots_look_different() {
        for (i, dash) in DASHES.iter().enumerate() {
            assert!(DASHES[..i].iter().all(|other| other != dash));
        }
        assert_eq!((letter(0), letter(SLOTS - 1)), ('A', 'F'));
    }

    #[test]
    fn figures_have_the_decimals_they_need() {
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
