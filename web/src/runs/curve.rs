//! Curves of limited length, and how they are smoothed and read.

use serde::{Deserialize, Serialize};

/// The points of a curve, fewer than [`Curve::CAPACITY`]: when that many are reached, neighbours are averaged.
///
/// A point whose value is NaN is a gap: the network had other tricks left and right of it, and no line joins these. A
/// measurement that is not finite is infinite here.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(into = "Vec<(f32, Option<f32>)>", try_from = "Vec<(f32, Option<f32>)>")]
pub(crate) struct Curve {
    points: Vec<(f64, f64)>,
    /// The number of measurements whose mean is a point.
    weight: u32,
    /// The sums of the measurements since the last point, and their number.
    pending: (f64, f64, u32),
}

impl Curve {
    const CAPACITY: usize = 1200;

    /// Appends a measurement.
    pub(crate) fn push(&mut self, x: f64, y: f64) {
        let y = if y.is_finite() { y } else { f64::INFINITY };
        self.weight = self.weight.max(1);
        let (sum_x, sum_y, n) = self.pending;
        self.pending = (sum_x + x, sum_y + y, n + 1);
        if n + 1 < self.weight {
            return;
        }
        let n = f64::from(n + 1);
        self.points.push((self.pending.0 / n, self.pending.1 / n));
        self.pending = (0.0, 0.0, 0);
        if self.points.len() == Self::CAPACITY {
            let mean = |pair: &[(f64, f64)]| ((pair[0].0 + pair[1].0) / 2.0, (pair[0].1 + pair[1].1) / 2.0);
            self.points = self.points.chunks_exact(2).map(mean).collect();
            self.weight *= 2;
        }
    }

    /// Ends the line here: what comes next is joined to nothing.
    pub(crate) fn end_line(&mut self) {
        self.pending = (0.0, 0.0, 0);
        if let Some((x, _)) = self.points.last().copied().filter(|(_, y)| !y.is_nan()) {
            self.points.push((x, f64::NAN));
        }
    }

    /// Drops the points from `x` on.
    pub(crate) fn cut(&mut self, x: f64) {
        self.points.retain(|point| point.0 < x);
        self.pending = (0.0, 0.0, 0);
        if self.points.is_empty() {
            *self = Self::default();
        }
    }

    /// The points, from left to right.
    pub(crate) fn points(&self) -> &[(f64, f64)] {
        &self.points
    }

    /// The rightmost point; none before the first one, and where a line has ended.
    pub(crate) fn last(&self) -> Option<(f64, f64)> {
        self.points.last().copied().filter(|(_, y)| !y.is_nan())
    }
}

/// Stored are the points with the precision of a chart, and gaps as well as values that are not finite as none.
impl From<Curve> for Vec<(f32, Option<f32>)> {
    fn from(curve: Curve) -> Self {
        let points = curve.points.into_iter().filter(|(x, _)| x.is_finite());
        points.map(|(x, y)| (x as f32, Some(y as f32).filter(|y| y.is_finite()))).collect()
    }
}

impl TryFrom<Vec<(f32, Option<f32>)>> for Curve {
    type Error = &'static str;

    fn try_from(points: Vec<(f32, Option<f32>)>) -> Result<Self, Self::Error> {
        if points.len() > Self::CAPACITY || !points.is_sorted_by(|a, b| a.0 <= b.0) {
            return Err("no curve: points must go from left to right");
        }
        let points: Vec<_> =
            points.into_iter().map(|(x, y)| (x.into(), y.map_or(f64::NAN, f64::from))).collect();
        Ok(Self { points, weight: 1, pending: (0.0, 0.0, 0) })
    }
}

/// The running mean of noisy points: over about the last `max_span`, and over fewer at the start, where the curve falls too
/// steeply for a long memory. It begins anew after a gap, and skips values that are infinite. A span of one point leaves the points
/// as they are.
pub(crate) fn smoothed(points: &[(f64, f64)], max_span: f64) -> Vec<(f64, f64)> {
    let (mut mean, mut seen) = (f64::NAN, 0.0);
    let mut smooth = |&(x, y): &(f64, f64)| {
        if y.is_nan() {
            (mean, seen) = (f64::NAN, 0.0);
        } else if y.is_finite() {
            let span = f64::min(max_span, 1.0 + seen / 8.0);
            mean = if seen == 0.0 { y } else { mean + (y - mean) / span };
            seen += 1.0;
        }
        (x, mean)
    };
    points.iter().map(&mut smooth).collect()
}

/// The mean of about `span` points around each, as many left as right of it: unlike [`smoothed`], it moves no slope to the right. Values
/// that are infinite are skipped, and where there are none, a value is infinite.
pub(crate) fn centred(points: &[(f64, f64)], span: f64) -> Vec<(f64, f64)> {
    let reach = ((span - 1.0) / 2.0).ceil().max(0.0) as usize;
    let mean = |at: usize| {
        // At the ends, too: else the mean would be of one side.
        let reach = reach.min(at).min(points.len() - 1 - at);
        let around = points[at - reach..=at + reach].iter().map(|point| point.1).filter(|y| y.is_finite());
        let (sum, n) = around.fold((0.0, 0.0), |(sum, n), y| (sum + y, n + 1.0));
        if n > 0.0 { sum / n } else { f64::INFINITY }
    };
    points.iter().enumerate().map(|(at, (x, _))| (*x, mean(at))).collect()
}

/// The point nearest to `x`; none if `x` lies more than `reach` beyond the ends of the curve.
pub(crate) fn nearest(points: &[(f64, f64)], x: f64, reach: f64) -> Option<(f64, f64)> {
    let (left, right) = points.split_at(points.partition_point(|point| point.0 < x));
    let is_point = |point: &&(f64, f64)| !point.1.is_nan();
    let around = [left.iter().rev().find(is_point), right.iter().find(is_point)];
    let far = |point: &&(f64, f64)| (point.0 - x).abs();
    let found = around.into_iter().flatten().min_by(|a, b| far(a).total_cmp(&far(b)))?;
    let inside = !left.is_empty() && !right.is_empty();
    (inside || far(&found) <= reach).then_some(*found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn smoothing_starts_at_the_first_point_and_skips_what_is_infinite() {
        let points = [(0.0, 2.0), (1.0, f64::INFINITY), (2.0, 2.0)];
        assert!(smoothed(&points, 12.0).iter().all(|p| p.1 == 2.0));
    }

    #[test]
    fn a_gap_joins_nothing_and_outlives_storage() {
        let mut curve = Curve::default();
        curve.end_line();
        assert_eq!(curve, Curve::default(), "no line, no gap");
        (0..4).for_each(|i| curve.push(f64::from(i), 1.0));
        curve.end_line();
        curve.end_line();
        assert_eq!((curve.points().len(), curve.last()), (5, None));
        curve.push(4.0, 3.0);
        curve.push(5.0, f64::NAN);
        let smooth = smoothed(curve.points(), 12.0);
        assert!(smooth[4].1.is_nan());
        assert_eq!((smooth[3].1, smooth[5].1, smooth[6].1), (1.0, 3.0, 3.0), "the mean begins anew");
        assert_eq!(nearest(curve.points(), 3.1, 0.5), Some((3.0, 1.0)));
        let stored = serde_json::to_string(&curve).unwrap();
        assert_eq!(stored, "[[0.0,1.0],[1.0,1.0],[2.0,1.0],[3.0,1.0],[3.0,null],[4.0,3.0],[5.0,null]]");
        let back: Curve = serde_json::from_str(&stored).unwrap();
        assert!(back.points()[4].1.is_nan() && back.points()[5] == (4.0, 3.0));
    }

    #[test]
    fn a_longer_span_leaves_less_noise_and_a_span_of_one_leaves_all() {
        let noisy: Vec<_> = (0..600).map(|i| (f64::from(i), f64::from(i % 2))).collect();
        let noise = |max_span: f64| {
            let late = &smoothed(&noisy, max_span)[500..];
            late.iter().map(|p| (p.1 - 0.5).abs()).fold(0.0, f64::max)
        };
        assert_eq!(smoothed(&noisy, 1.0), noisy);
        assert!(noise(1.0) > noise(5.0) && noise(5.0) > 2.0 * noise(50.0));
    }

    #[test]
    fn a_centred_mean_leaves_a_slope_where_it_is() {
        let line: Vec<_> = (0..20).map(|i| (f64::from(i), f64::from(2 * i))).collect();
        assert_eq!(centred(&line, 7.0), line);
        assert_eq!(centred(&line, 1.0), line);
        let noisy: Vec<_> = (0..100).map(|i| (f64::from(i), f64::from(i % 2))).collect();
        assert!(centred(&noisy, 12.0)[50].1 < 0.6);
        let gaps = [(0.0, f64::INFINITY), (1.0, f64::INFINITY), (2.0, 4.0)];
        assert_eq!(centred(&gaps, 3.0), [(0.0, f64::INFINITY), (1.0, 4.0), (2.0, 4.0)]);
        assert!(centred(&[], 3.0).is_empty());
    }

    #[test]
    fn long_curves_stay_short_and_keep_their_mean() {
        let mut curve = Curve::default();
        (0..100_000).for_each(|i| curve.push(f64::from(i), f64::from(i % 2)));
        assert!(curve.points.len() <= Curve::CAPACITY);
        assert!(curve.points.iter().all(|p| (p.1 - 0.5).abs() < 0.51));
        assert!(curve.last().is_some_and(|p| p.0 > 99_000.0));
        curve.cut(50_000.0);
        assert!(curve.last().is_some_and(|p| (49_000.0..50_000.0).contains(&p.0)));
        curve.cut(0.0);
        assert_eq!(curve, Curve::default());
    }

    #[test]
    fn the_nearest_point_is_found_but_not_far_beyond_the_ends() {
        let points = [(1.0, 10.0), (2.0, 20.0), (4.0, 40.0)];
        let at = |x| nearest(&points, x, 0.5).map(|p| p.1);
        assert_eq!([1.4, 1.6, 2.9, 3.1, 4.0].map(at), [10.0, 20.0, 20.0, 40.0, 40.0].map(Some));
        assert_eq!([0.6, 4.4].map(at), [10.0, 40.0].map(Some));
        assert_eq!([0.4, 4.6].map(at), [None; 2]);
        assert_eq!(nearest(&[], 1.0, 9.0), None);
    }
}
