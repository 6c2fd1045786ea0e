//! Axes and their ticks.

/// How values lie along an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scale {
    Linear,
    /// By the logarithm of the value.
    Log,
    /// By the logarithm of what is missing to 1: 97 % and 98 % are as far apart as 99 % and 99.33 %.
    Error,
}

/// The least error that an axis of errors tells from none: one of MNIST's test images.
const LEAST_ERROR: f64 = 1e-4;

/// An axis of values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Axis {
    pub(crate) from: f64,
    pub(crate) to: f64,
    pub(crate) scale: Scale,
}

impl Axis {
    /// The axis that covers `range` and all `points` that it can show: finite ones, and on a logarithmic axis those above 0.
    pub(crate) fn covering(
        points: impl Iterator<Item = f64>,
        range: Option<(f64, f64)>,
        scale: Scale,
    ) -> Self {
        let shown = |y: f64| match scale {
            Scale::Linear => Some(y),
            Scale::Log => Some(y).filter(|y| *y > 0.0),
            Scale::Error => Some(y.min(1.0 - LEAST_ERROR)),
        };
        let visible = points.filter(|y| y.is_finite()).filter_map(shown);
        let start = range.unwrap_or((f64::INFINITY, f64::NEG_INFINITY));
        let (from, to) = visible.fold(start, |(low, high), y| (low.min(y), high.max(y)));
        match (from <= to, from < to) {
            (false, _) => {
                let (from, to) = match scale {
                    Scale::Linear => (0.0, 1.0),
                    Scale::Log => (0.1, 1.0),
                    Scale::Error => (0.0, 0.99),
                };
                Self { from, to, scale }
            }
            // One value has no range: it gets some room around it.
            (true, false) if scale == Scale::Error => {
                Self { from: 1.0 - 1.1 * (1.0 - from), to: 1.0 - 0.9 * (1.0 - to), scale }
            }
            (true, false) => Self { from: from - 0.1 * from.abs(), to: to + 0.1 * to.abs() + 1e-6, scale },
            (true, true) => Self { from, to, scale },
        }
    }

    /// The position of a value, from 0 to 1. Values that a logarithmic axis cannot show are at its end.
    pub(crate) fn position(&self, value: f64) -> f64 {
        let Self { from, to, .. } = *self;
        match self.scale {
            Scale::Linear => (value - from) / (to - from),
            Scale::Log if value <= 0.0 => 0.0,
            Scale::Log => (value / from).ln() / (to / from).ln(),
            Scale::Error => {
                let [most, least, error] = [1.0 - from, 1.0 - to, (1.0 - value).max(1.0 - to)];
                (most / error).ln() / (most / least).ln()
            }
        }
    }

    /// Ticks at round numbers, about `max` of them, each with the step to its neighbours, on which its decimals depend.
    pub(crate) fn ticks(&self, max: f64) -> Vec<(f64, f64)> {
        let round: Vec<(f64, f64)> = match self.scale {
            Scale::Linear => Vec::new(),
            Scale::Log => logarithmic(self.from, self.to, max).into_iter().map(|tick| (tick, tick)).collect(),
            Scale::Error => {
                let errors = logarithmic(1.0 - self.to, 1.0 - self.from, max);
                errors.into_iter().map(|error| (1.0 - error, error)).collect()
            }
        };
        if round.len() >= 2 {
            return round;
        }
        let (at, step) = linear(self.from, self.to, max);
        at.into_iter().map(|tick| (tick, step)).collect()
    }
}

/// Ticks at multiples of 1, 2 or 5 times a power of ten, and that step.
fn linear(from: f64, to: f64, max: f64) -> (Vec<f64>, f64) {
    let rough = (to - from) / max;
    if rough <= 0.0 || !rough.is_finite() {
        return (vec![from], 1.0);
    }
    let power = 10f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].iter().map(|m| m * power).find(|s| *s >= rough).unwrap_or(power);
    let first = (from / step - 1e-9).ceil() as i64;
    ((first..=(to / step + 1e-9).floor() as i64).map(|i| i as f64 * step).collect(), step)
}

/// Ticks at powers of ten and, as far as there is room, at 2 and 5 or at 3 times these.
fn logarithmic(from: f64, to: f64, max: f64) -> Vec<f64> {
    let (low, high) = (from.log10().floor() as i32, to.log10().ceil() as i32);
    let between = |parts: &[f64]| -> Vec<f64> {
        let all = (low..=high).flat_map(|power| parts.iter().map(move |part| part * 10f64.powi(power)));
        all.filter(|tick| (from * 0.999..=to * 1.001).contains(tick)).collect()
    };
    let tries = [between(&[1.0, 2.0, 5.0]), between(&[1.0, 3.0])];
    tries.into_iter().find(|ticks| ticks.len() as f64 <= max + 1.0).unwrap_or_else(|| between(&[1.0]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::format::decimals;

    #[test]
    fn ticks_are_round() {
        assert_eq!(linear(0.0, 2.4, 4.0), (vec![0.0, 1.0, 2.0], 1.0));
        let (at, step) = linear(0.0, 0.25, 6.0);
        assert_eq!((at.len(), step), (6, 0.05));
        assert_eq!(linear(3.0, 3.0, 4.0), (vec![3.0], 1.0));
    }

    #[test]
    fn ticks_of_a_logarithmic_axis_are_round_and_few() {
        let ticks = |from, to| {
            let axis = Axis { from, to, scale: Scale::Log };
            axis.ticks(5.0)
                .iter()
                .map(|(tick, step)| format!("{tick:.*}", decimals(*step)))
                .collect::<Vec<_>>()
        };
        assert_eq!(ticks(0.09, 2.3), ["0.1", "0.2", "0.5", "1", "2"]);
        assert_eq!(ticks(0.009, 2.3), ["0.01", "0.03", "0.1", "0.3", "1"]);
        assert_eq!(ticks(1e-4, 2.3), ["0.0001", "0.001", "0.01", "0.1", "1"]);
        // A range without two such ticks has those of a linear axis.
        assert_eq!(ticks(0.31, 0.42), ["0.35", "0.40"]);
    }

    #[test]
    fn positions_run_from_0_to_1() {
        let even = Axis { from: 2.0, to: 4.0, scale: Scale::Linear };
        assert_eq!([2.0, 3.0, 4.0].map(|v| even.position(v)), [0.0, 0.5, 1.0]);
        let log = Axis { from: 0.01, to: 1.0, scale: Scale::Log };
        assert!((log.position(0.1) - 0.5).abs() < 1e-12 && log.position(1.0) == 1.0);
        assert_eq!([0.0, -1.0].map(|v| log.position(v)), [0.0; 2]);
    }

    #[test]
    fn an_axis_of_errors_tells_good_networks_apart() {
        let points = [0.1, 0.97, 0.978, 1.0];
        let axis = Axis::covering(points.into_iter(), Some((0.9, 0.99)), Scale::Error);
        assert_eq!((axis.from, axis.to), (0.1, 1.0 - LEAST_ERROR));
        let [worst, good, better, perfect] = points.map(|value| axis.position(value));
        assert_eq!((worst, perfect), (0.0, 1.0));
        assert!(better - good > 0.03, "a linear axis has 0.009: {}", better - good);
        let axis = Axis { from: 0.9, to: 0.999, scale: Scale::Error };
        let ticks: Vec<_> = axis
            .ticks(7.0)
            .iter()
            .map(|(tick, step)| format!("{:.*}", decimals(100.0 * step), 100.0 * tick))
            .collect();
        assert_eq!(ticks, ["99.9", "99.8", "99.5", "99", "98", "95", "90"]);
        let one = Axis::covering([0.98].into_iter(), None, Scale::Error);
        assert!(one.from < 0.98 && 0.98 < one.to && one.to < 1.0);
        // It covers all of the axis, however good a network is.
        let best = Axis::covering([0.9999, 1.0].into_iter(), None, Scale::Error);
        assert!((0.0..=1.0).contains(&best.position(1.0)) && best.position(0.9999).is_finite());
    }

    #[test]
    fn the_range_covers_the_points_that_can_be_shown() {
        let range = |points: &[f64], range, scale| {
            let axis = Axis::covering(points.iter().copied(), range, scale);
            (axis.from, axis.to)
        };
        assert_eq!(range(&[0.5, f64::INFINITY], Some((0.9, 1.0)), Scale::Linear), (0.5, 1.0));
        assert_eq!(range(&[0.5, 0.0, f64::NAN, 2.0], None, Scale::Log), (0.5, 2.0));
        assert_eq!(range(&[], None, Scale::Linear), (0.0, 1.0));
        let (from, to) = range(&[0.5], None, Scale::Log);
        assert!(0.0 < from && from < 0.5 && 0.5 < to);
    }
}
