//! Axes and their ticks.

/// A linear or logarithmic axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Axis {
    pub(crate) from: f64,
    pub(crate) to: f64,
    pub(crate) log: bool,
}

impl Axis {
    /// The axis that covers `range` and all `points` that are finite (and, if it is logarithmic, above 0).
    pub(crate) fn covering(points: impl Iterator<Item = f64>, range: Option<(f64, f64)>, log: bool) -> Self {
        let visible = points.filter(|y| y.is_finite() && (!log || *y > 0.0));
        let start = range.unwrap_or((f64::INFINITY, f64::NEG_INFINITY));
        let (from, to) = visible.fold(start, |(low, high), y| (low.min(y), high.max(y)));
        match (from <= to, from < to) {
            (false, _) => Self { from: if log { 0.1 } else { 0.0 }, to: 1.0, log },
            // One value has no range: it gets some room around it.
            (true, false) => Self { from: from - 0.1 * from.abs(), to: to + 0.1 * to.abs() + 1e-6, log },
            (true, true) => Self { from, to, log },
        }
    }

    /// The position of a value, from 0 to 1. Values that a logarithmic axis cannot show are at 0.
    pub(crate) fn position(&self, value: f64) -> f64 {
        if !self.log {
            return (value - self.from) / (self.to - self.from);
        }
        if value <= 0.0 { 0.0 } else { (value / self.from).ln() / (self.to / self.from).ln() }
    }

    /// Ticks at round numbers, about `max` of them, each with the step to its neighbours, on which its decimals depend.
    pub(crate) fn ticks(&self, max: f64) -> Vec<(f64, f64)> {
        if self.log {
            let round = logarithmic(self.from, self.to, max);
            if round.len() >= 2 {
                return round.into_iter().map(|tick| (tick, tick)).collect();
            }
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
            let axis = Axis { from, to, log: true };
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
        let even = Axis { from: 2.0, to: 4.0, log: false };
        assert_eq!([2.0, 3.0, 4.0].map(|v| even.position(v)), [0.0, 0.5, 1.0]);
        let log = Axis { from: 0.01, to: 1.0, log: true };
        assert!((log.position(0.1) - 0.5).abs() < 1e-12 && log.position(1.0) == 1.0);
        assert_eq!([0.0, -1.0].map(|v| log.position(v)), [0.0; 2]);
    }

    #[test]
    fn the_range_covers_the_points_that_can_be_shown() {
        let range = |points: &[f64], range, log| {
            let axis = Axis::covering(points.iter().copied(), range, log);
            (axis.from, axis.to)
        };
        assert_eq!(range(&[0.5, f64::INFINITY], Some((0.9, 1.0)), false), (0.5, 1.0));
        assert_eq!(range(&[0.5, 0.0, f64::NAN, 2.0], None, true), (0.5, 2.0));
        assert_eq!(range(&[], None, false), (0.0, 1.0));
        let (from, to) = range(&[0.5], None, true);
        assert!(0.0 < from && from < 0.5 && 0.5 < to);
    }
}
