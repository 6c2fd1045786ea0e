//! The x axis of both charts: epochs, or the learning rates of a range test.

use nn::spec::Schedule;
use nn::train::optimizer::RANGE_TEST_POWERS;
use trainer::messages::Split;

use crate::charts::axis::{Axis, Scale};
use crate::charts::range_test::TestedRates;
use crate::charts::zoom::XRange;
use crate::runs::record::{Measure, Record};
use crate::settings::Setup;
use crate::ui::format::{decimals, three_digits};

/// The shortest axis of epochs, however short training was.
const MIN_EPOCHS: f64 = 0.1;

/// What lies along the x axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum XAxis {
    /// Positions are epochs.
    Epochs,
    /// Positions are powers of ten of the learning rate, counted from `start`: the axis is logarithmic.
    Rates {
        /// The rate with which the first of the range tests begins.
        start: f64,
    },
}

impl XAxis {
    /// The axis for a present run with these settings, beside others: of a range test, the rates of all range tests.
    pub(crate) fn of<'a>(present: &'a Setup, others: impl Iterator<Item = &'a Setup>) -> Self {
        if !is_range_test(present) {
            return Self::Epochs;
        }
        let (first, _) = RANGE_TEST_POWERS;
        let tests = std::iter::once(present).chain(others.filter(|setup| is_range_test(setup)));
        // In decimal digits, 0.003 in single precision is 0.003.
        let rates = tests.map(|setup| setup.training.learning_rate.to_string().parse().unwrap_or(1.0));
        Self::Rates { start: rates.fold(f64::INFINITY, f64::min) * 10f64.powf(first) }
    }

    /// Whether a run with these settings is drawn: beside a range test, only range tests are.
    pub(crate) fn draws(self, setup: &Setup) -> bool {
        self == Self::Epochs || is_range_test(setup)
    }

    /// The points of a curve of a run.
    pub(crate) fn points(self, record: &Record, measure: Measure, split: Split) -> Vec<(f64, f64)> {
        let points = record.curve(measure, split).points();
        match self {
            Self::Epochs => points.to_vec(),
            Self::Rates { start } => TestedRates::of(record.rates()).along(points, start),
        }
    }

    /// The position of a moment of a run; none where it is on no range test.
    pub(crate) fn position(self, record: &Record, epoch: f64) -> Option<f64> {
        match self {
            Self::Epochs => Some(epoch),
            Self::Rates { start } => {
                TestedRates::of(record.rates()).at(epoch).map(|rate| (rate / start).log10())
            }
        }
    }

    /// Where the curves of a run end.
    pub(crate) fn end_of(self, record: &Record) -> f64 {
        match self {
            Self::Epochs => record.end(),
            Self::Rates { start } => {
                TestedRates::of(record.rates()).last().map_or(0.0, |rate| (rate / start).log10())
            }
        }
    }

    /// Where the axis ends at least: a range test's is as long as the test.
    pub(crate) fn min_end(self) -> f64 {
        match self {
            Self::Epochs => MIN_EPOCHS,
            Self::Rates { .. } => RANGE_TEST_POWERS.1 - RANGE_TEST_POWERS.0,
        }
    }

    /// What the axis shows.
    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Epochs => "epochs",
            Self::Rates { .. } => "learning rate (logarithmic)",
        }
    }

    /// What the curves go over, in words.
    pub(crate) const fn over(self) -> &'static str {
        match self {
            Self::Epochs => "epochs",
            Self::Rates { .. } => "learning rates",
        }
    }

    /// What is shown where nothing is zoomed.
    pub(crate) const fn all(self) -> &'static str {
        match self {
            Self::Epochs => "All epochs",
            Self::Rates { .. } => "All rates",
        }
    }

    /// The number at a position, as the axis has it.
    pub(crate) fn number(self, position: f64) -> String {
        match self {
            Self::Epochs => format!("{position:.2}"),
            Self::Rates { start } => three_digits((start * 10f64.powf(position)) as f32),
        }
    }

    /// A position in words.
    pub(crate) fn words(self, position: f64) -> String {
        let name = if self == Self::Epochs { "epoch" } else { "learning rate" };
        format!("{name} {}", self.number(position))
    }

    /// The heading of what is read at a position.
    pub(crate) fn heading(self, position: f64) -> String {
        let name = if self == Self::Epochs { "epoch" } else { "rate" };
        format!("{name} {}", self.number(position))
    }

    /// Ticks at round numbers, about `max` of them, with their texts.
    pub(crate) fn ticks(self, range: XRange, max: f64) -> Vec<(f64, String)> {
        match self {
            Self::Epochs => {
                let axis = Axis { from: range.from, to: range.to, scale: Scale::Linear };
                axis.ticks(max)
                    .into_iter()
                    .map(|(tick, step)| (tick, format!("{tick:.*}", decimals(step))))
                    .collect()
            }
            Self::Rates { start } => {
                let [from, to] = [range.from, range.to].map(|position| start * 10f64.powf(position));
                let ticks = Axis { from, to, scale: Scale::Log }.ticks(max).into_iter();
                ticks.map(|(rate, step)| ((rate / start).log10(), tick_text(rate, step))).collect()
            }
        }
    }
}

/// The text of a rate, whose neighbours are `step` away.
fn tick_text(rate: f64, step: f64) -> String {
    if rate < 1e-3 && step >= rate * 0.99 {
        return format!("{:e}", (rate as f32));
    }
    format!("{rate:.*}", decimals(step))
}

/// Whether a run with these settings is a range test.
fn is_range_test(setup: &Setup) -> bool {
    matches!(setup.training.schedule, Schedule::RangeTest { .. })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Setting;

    fn setup(schedule: &str, lr: &str) -> Setup {
        let mut setup = Setup::default();
        for (id, text) in [("schedule", schedule), ("lr", lr)] {
            Setting::find(id).unwrap().set_text(&mut setup, text).unwrap();
        }
        setup
    }

    #[test]
    fn a_range_test_has_the_rates_of_all_range_tests() {
        let (test, slow, other) =
            (setup("range-test", "0.01"), setup("range-test", "0.001"), setup("constant", "0.0001"));
        assert_eq!(XAxis::of(&other, [&test].into_iter()), XAxis::Epochs);
        let axis = XAxis::of(&test, [&slow, &other].into_iter());
        assert!(matches!(axis, XAxis::Rates { start } if (start / 1e-7 - 1.0).abs() < 1e-9), "{axis:?}");
        assert!(axis.draws(&slow) && !axis.draws(&other) && XAxis::Epochs.draws(&slow));
        assert_eq!(axis.words(5.0), "learning rate 0.0100");
        assert_eq!(XAxis::Epochs.words(5.0), "epoch 5.00");
    }

    #[test]
    fn ticks_of_rates_are_powers_of_ten_and_round_between_them() {
        let texts = |from, to| {
            let ticks = XAxis::Rates { start: 3e-7 }.ticks(XRange { from, to }, 7.0);
            assert!(ticks.iter().all(|(at, _)| (from - 1e-3..=to + 1e-3).contains(at)));
            ticks.into_iter().map(|(_, text)| text).collect::<Vec<_>>()
        };
        assert_eq!(texts(0.0, 7.0), ["1e-6", "1e-5", "1e-4", "0.001", "0.01", "0.1", "1"]);
        assert_eq!(texts(3.0, 5.0), ["5e-4", "0.001", "0.002", "0.005", "0.01", "0.02"]);
    }
}
