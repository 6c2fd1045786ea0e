//! The curves of a chart, prepared for drawing.

use trainer::messages::Split;

use crate::charts::axis::{Axis, Scale};
use crate::charts::zoom::EpochRange;
use crate::runs::curve;
use crate::runs::record::Measure;
use crate::runs::swatch;

/// Height and width of the letter at the end of a curve, in pixels.
const LETTER: f64 = 13.0;

/// One curve of a chart.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct PlotLine {
    /// The slot of its run; none for the present run.
    pub(crate) slot: Option<usize>,
    pub(crate) split: Split,
    /// The letter at its end; empty for none.
    pub(crate) letter: String,
    /// The measured points.
    pub(crate) raw: Vec<(f64, f64)>,
    /// The smoothed points.
    pub(crate) points: Vec<(f64, f64)>,
}

impl PlotLine {
    /// A curve of a run. Only training is smoothed: the test set is always the same, so its measurements are not noisy.
    pub(crate) fn new(
        slot: Option<usize>,
        split: Split,
        letter: String,
        raw: &[(f64, f64)],
        smoothing: f64,
    ) -> Self {
        let points = if split == Split::Train { curve::smoothed(raw, smoothing) } else { raw.to_vec() };
        Self { slot, split, letter, raw: raw.to_vec(), points }
    }

    /// Its rightmost point that can be drawn.
    pub(crate) fn end(&self) -> Option<(f64, f64)> {
        self.points.iter().rev().copied().find(|(_, y)| y.is_finite())
    }

    /// The custom CSS property with its colour.
    pub(crate) fn color(&self) -> String {
        swatch::color(self.slot, self.split)
    }

    /// Lengths of its dashes and gaps; empty for a solid curve.
    pub(crate) fn dashes(&self) -> &'static [f64] {
        swatch::dashes(self.slot)
    }

    /// Its width in pixels.
    pub(crate) const fn width(&self) -> f64 {
        swatch::width(self.slot, self.split)
    }
}

/// The content of a chart.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Plot {
    pub(crate) measure: Measure,
    pub(crate) lines: Vec<PlotLine>,
    /// The visible epochs.
    pub(crate) range: EpochRange,
    /// Whether not all epochs are visible. Then the axis of values covers only the visible points.
    pub(crate) zoomed: bool,
    /// How the axis of values is scaled.
    pub(crate) scale: Scale,
    /// The epoch to which the page is wound back.
    pub(crate) moment: Option<f64>,
}

/// The range of values that a chart shows at least.
const fn default_range(measure: Measure, scale: Scale) -> (f64, f64) {
    match (measure, scale) {
        (Measure::Loss, Scale::Log) => (0.1, 1.0),
        (Measure::Loss, _) => (0.0, 0.5),
        (Measure::Accuracy, Scale::Error) => (0.9, 0.99),
        (Measure::Accuracy, _) => (0.9, 1.0),
    }
}

impl Plot {
    /// The axis of values.
    pub(crate) fn axis(&self) -> Axis {
        let visible =
            |point: &&(f64, f64)| !self.zoomed || (self.range.from..=self.range.to).contains(&point.0);
        // The measured points of the present run are drawn, too.
        let points = self.lines.iter().flat_map(|line| {
            let drawn = if line.slot.is_none() { &line.raw } else { &line.points };
            drawn.iter().filter(visible).map(|point| point.1)
        });
        let default_range = (!self.zoomed).then_some(default_range(self.measure, self.scale));
        Axis::covering(points, default_range, self.scale)
    }

    /// The curves with letters, and the positions of the letters: right of the ends of the curves, and one below the other where
    /// they would overlap.
    pub(crate) fn letters(
        &self,
        x_of: impl Fn(f64) -> f64,
        y_of: impl Fn(f64) -> f64,
    ) -> Vec<(&PlotLine, f64, f64)> {
        let EpochRange { from, to } = self.range;
        let ends = self.lines.iter().filter(|line| !line.letter.is_empty()).filter_map(|line| {
            let (x, y) = line.end().filter(|(x, _)| (from..=to).contains(x))?;
            Some((line, x_of(x) + 7.0, y_of(y)))
        });
        let mut letters: Vec<_> = ends.collect();
        letters.sort_by(|a, b| a.2.total_cmp(&b.2));
        for i in 1..letters.len() {
            let (x, y) = (letters[i].1, letters[i].2);
            let above = letters[..i].iter().filter(|other| (other.1 - x).abs() < LETTER).map(|other| other.2);
            letters[i].2 = above.fold(y, |y, above| if y - above < LETTER { above + LETTER } else { y });
        }
        letters
    }

    /// The distance beyond the end of a curve, in epochs, at which its last point is still read.
    pub(crate) fn reach(&self) -> f64 {
        0.02 * self.range.span()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plot(range: EpochRange, zoomed: bool, scale: Scale) -> Plot {
        let raw = [(0.0, 2.5), (1.0, 0.2), (2.0, 0.1)];
        let lines = vec![PlotLine::new(None, Split::Test, String::new(), &raw, 12.0)];
        Plot { measure: Measure::Loss, lines, range, zoomed, scale, moment: None }
    }

    #[test]
    fn the_axis_of_a_zoomed_chart_covers_only_the_visible_points() {
        let range = |plot: Plot| (plot.axis().from, plot.axis().to);
        assert_eq!(range(plot(EpochRange::all(2.0), false, Scale::Linear)), (0.0, 2.5));
        assert_eq!(range(plot(EpochRange::all(2.0), false, Scale::Log)), (0.1, 2.5));
        assert_eq!(range(plot(EpochRange { from: 0.9, to: 2.0 }, true, Scale::Linear)), (0.1, 0.2));
    }

    #[test]
    fn letters_at_the_ends_do_not_overlap() {
        let line = |letter: &str, x, y| PlotLine::new(Some(0), Split::Test, letter.into(), &[(x, y)], 1.0);
        let lines = vec![
            line("A", 2.0, 51.0),
            line("B", 2.0, 50.0),
            line("C", 2.0, 60.0),
            line("D", 1.0, 51.0),
            line("E", 3.0, 0.0),
        ];
        let plot = Plot { lines, ..plot(EpochRange::all(2.0), false, Scale::Linear) };
        let letters = plot.letters(|x| 100.0 * x, |y| y);
        let positions: Vec<_> = letters.iter().map(|(line, x, y)| (line.letter.as_str(), *x, *y)).collect();
        assert_eq!(
            positions,
            [("B", 207.0, 50.0), ("A", 207.0, 63.0), ("D", 107.0, 51.0), ("C", 207.0, 76.0)]
        );
    }

    #[test]
    fn training_is_smoothed_and_the_test_is_not() {
        let noisy: Vec<_> = (0..100).map(|i| (f64::from(i), f64::from(i % 2))).collect();
        let line = |split| PlotLine::new(Some(1), split, "B".into(), &noisy, 20.0);
        assert_eq!(line(Split::Test).points, noisy);
        assert!(line(Split::Train).points[99].1 < 0.7);
        assert_eq!(
            (line(Split::Test).color().as_str(), line(Split::Test).dashes()),
            ("--run-1", swatch::dashes(Some(1)))
        );
    }
}
