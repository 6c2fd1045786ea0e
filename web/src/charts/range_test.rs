//! What a learning rate range test says (Smith 2015, [arXiv:1506.01186](https://arxiv.org/abs/1506.01186)): its curves over the rate, and
//! where the training loss falls most steeply.

use crate::runs::curve::Curve;

/// Half of the window in which a slope is measured, in powers of ten of the rate. Batches are noisy: a window of half a power has seven
/// of the hundred points of a test.
const HALF_WINDOW: f64 = 0.25;
/// A window with fewer points has no slope to speak of.
const MIN_POINTS: usize = 4;
/// A loss that has not fallen by this share of its first value is noise.
const MIN_FALL: f64 = 0.1;

/// The rates that a run has tested: those of its last stretch on which every rate is larger than the one before, by epoch. Behind a
/// range test, the rate stays.
pub(crate) struct TestedRates {
    /// Epochs and rates.
    points: Vec<(f64, f64)>,
    /// The first epoch at which the rate has stayed.
    end: Option<f64>,
}

impl TestedRates {
    /// Those of a run with these rates over epochs.
    pub(crate) fn of(rates: &Curve) -> Self {
        let (mut rising, mut end, mut stays) = (Vec::<(f64, f64)>::new(), None, None);
        for (epoch, rate) in
            rates.points().iter().copied().filter(|(_, rate)| rate.is_finite() && *rate > 0.0)
        {
            if stays == Some(rate) {
                continue;
            }
            match rising.last().copied() {
                // The rate has stayed since the point before, which is behind the test, too.
                Some((since, last)) if rate == last => {
                    rising.pop();
                    (end, stays) = (Some(since), Some(rate));
                    continue;
                }
                Some((_, last)) if rate < last => rising.clear(),
                _ => {}
            }
            rising.push((epoch, rate));
            (end, stays) = (None, None);
        }
        Self { points: rising, end }
    }

    /// The largest one.
    pub(crate) fn last(&self) -> Option<f64> {
        self.points.last().map(|(_, rate)| *rate)
    }

    /// The rate at an epoch; none before and behind the test.
    pub(crate) fn at(&self, epoch: f64) -> Option<f64> {
        let next = self.points.partition_point(|point| point.0 < epoch);
        let (right, left) =
            (self.points.get(next), next.checked_sub(1).and_then(|left| self.points.get(left)));
        match (left, right) {
            (_, Some((at, rate))) if *at == epoch => Some(*rate),
            (Some(left), Some(right)) => {
                let share = (epoch - left.0) / (right.0 - left.0);
                Some(left.1 * (right.1 / left.1).powf(share))
            }
            // The test set may have been measured on the way to the next point.
            (Some(last), None) => {
                let before = self.points.get(next.checked_sub(2)?)?;
                let is_inside = self.end.is_none_or(|end| epoch < end) && epoch - last.0 <= last.0 - before.0;
                is_inside.then_some(last.1)
            }
            (None, _) => None,
        }
    }

    /// The points of a curve over epochs as points over powers of ten of the rate from `start` on.
    pub(crate) fn along(&self, points: &[(f64, f64)], start: f64) -> Vec<(f64, f64)> {
        let along = points.iter().filter(|(_, value)| !value.is_nan());
        along.filter_map(|(epoch, value)| Some(((self.at(*epoch)? / start).log10(), *value))).collect()
    }
}

/// Where a training loss falls most steeply on its way to its lowest value: position and smoothed loss. Slope and loss are those of a
/// straight line through the points around a position (least squares). None before the loss has fallen.
pub(crate) fn steepest(points: &[(f64, f64)]) -> Option<(f64, f64)> {
    let (first, last) = (points.first()?.0, points.last()?.0);
    let inside = points.iter().filter(|(x, _)| *x >= first + HALF_WINDOW && *x <= last - HALF_WINDOW);
    let lines: Vec<_> = inside.filter_map(|(x, _)| Some((*x, line_around(points, *x)?))).collect();
    let first_loss = lines.first()?.1.0;
    let lowest = (0..lines.len()).min_by(|a, b| lines[*a].1.0.total_cmp(&lines[*b].1.0))?;
    if lines[lowest].1.0 > (1.0 - MIN_FALL) * first_loss {
        return None;
    }
    let (x, (loss, _)) = lines[..=lowest].iter().min_by(|a, b| a.1.1.total_cmp(&b.1.1))?;
    Some((*x, *loss))
}

/// The value at `x` and the slope of a straight line through the points around.
fn line_around(points: &[(f64, f64)], x: f64) -> Option<(f64, f64)> {
    let around = points.iter().filter(|point| (point.0 - x).abs() <= HALF_WINDOW && point.1.is_finite());
    let (mut n, mut sx, mut sy, mut sxx, mut sxy) = (0, 0.0, 0.0, 0.0, 0.0);
    for (at, y) in around {
        let dx = at - x;
        (n, sx, sy, sxx, sxy) = (n + 1, sx + dx, sy + y, sxx + dx * dx, sxy + dx * y);
    }
    let count = n as f64;
    let spread = count * sxx - sx * sx;
    if n < MIN_POINTS || spread <= 0.0 {
        return None;
    }
    let slope = (count * sxy - sx * sy) / spread;
    Some(((sy - slope * sx) / count, slope))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curve(points: &[(f64, f64)]) -> Curve {
        let mut curve = Curve::default();
        points.iter().for_each(|(x, y)| curve.push(*x, *y));
        curve
    }

    #[test]
    fn tested_rates_are_those_that_rise_last() {
        // A training at a constant rate, a test, and what follows it at the rate that stays.
        let rates = curve(&[
            (0.1, 5.0),
            (0.2, 5.0),
            (0.3, 0.01),
            (0.4, 0.1),
            (0.5, 1.0),
            (0.6, 2.0),
            (0.7, 2.0),
            (0.9, 2.0),
        ]);
        let tested = TestedRates::of(&rates);
        assert_eq!(tested.points, [(0.3, 0.01), (0.4, 0.1), (0.5, 1.0)]);
        assert_eq!(tested.last(), Some(1.0));
        assert_eq!(
            [0.2, 0.3, 0.5, 0.55, 0.9].map(|epoch| tested.at(epoch)),
            [None, Some(0.01), Some(1.0), Some(1.0), None]
        );
        let between = tested.at(0.35).unwrap();
        assert!((between / 0.1f64.powf(1.5) - 1.0).abs() < 1e-9, "{between}");
        let along = tested.along(&[(0.1, 9.0), (0.3, 2.0), (0.4, f64::NAN), (0.5, 1.0)], 0.001);
        assert_eq!(along.len(), 2);
        assert!((along[0].0 - 1.0).abs() < 1e-9 && (along[1].0 - 3.0).abs() < 1e-9);
        assert!(TestedRates::of(&Curve::default()).at(0.0).is_none());
    }

    /// A loss that falls from 2.3 by a logistic curve around `x`, and runs away behind 5.5.
    fn test_curve(x: f64, noise: f64) -> Vec<(f64, f64)> {
        let at = |i: i32| 0.07 * f64::from(i);
        let fall = |at: f64| 0.3 + 2.0 / (1.0 + (3.0 * (at - x)).exp());
        let rise = |at: f64| if at > 5.5 { (8.0 * (at - 5.5)).exp() - 1.0 } else { 0.0 };
        let jitter = |i: i32| noise * (f64::from(i * 7919 % 13) / 6.0 - 1.0);
        (0..100).map(|i| (at(i), fall(at(i)) + rise(at(i)) + jitter(i))).collect()
    }

    #[test]
    fn the_steepest_place_is_where_the_loss_falls_not_where_it_shakes() {
        for (x, noise) in [(2.0, 0.0), (3.5, 0.0), (3.5, 0.1), (4.5, 0.1)] {
            let (found, loss) = steepest(&test_curve(x, noise)).unwrap();
            assert!((found - x).abs() < 0.25, "at {found}, not {x}");
            assert!((loss - 1.3).abs() < 0.4, "{loss}");
        }
        // Behind its explosion a loss may fall by thousands: that is no descent to learn by.
        let mut wild = test_curve(3.5, 0.0);
        wild.iter_mut()
            .filter(|point| point.0 > 6.0)
            .enumerate()
            .for_each(|(i, point)| point.1 = 900.0 - 60.0 * i as f64);
        assert!((steepest(&wild).unwrap().0 - 3.5).abs() < 0.25);
        wild.last_mut().unwrap().1 = f64::INFINITY;
        assert!(steepest(&wild).is_some());
    }

    #[test]
    fn a_loss_that_has_not_fallen_has_no_steepest_place() {
        assert_eq!(steepest(&[]), None);
        assert_eq!(steepest(&test_curve(3.5, 0.05)[..30]), None, "noise before the descent");
        assert_eq!(steepest(&test_curve(3.5, 0.0)[..3]), None);
    }
}
