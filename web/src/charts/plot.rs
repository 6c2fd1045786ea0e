//! The curves of a chart, prepared for drawing.

use trainer::messages::Split;

use crate::charts::axis::{Axis, Scale};
use crate::charts::range_test::steepest;
use crate::charts::x_axis::XAxis;
use crate::charts::zoom::XRange;
use crate::runs::record::Measure;
use crate::runs::run::letter;
use crate::runs::swatch;

/// The losses of a range test are shown up to this multiple of the first one.
const MAX_RISE: f64 = 1.5;
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
        raw: Vec<(f64, f64)>,
        smooth: impl Fn(&[(f64, f64)]) -> Vec<(f64, f64)>,
    ) -> Self {
        let points = if split == Split::Train { smooth(&raw) } else { raw.clone() };
        Self { slot, split, letter, raw, points }
    }

    /// Its rightmost point that can be drawn.
    pub(crate) fn end(&self) -> Option<(f64, f64)> {
        self.points.iter().rev().copied().find(|(_, y)| y.is_finite())
    }

    /// What its marks begin with: its letter, if it has one.
    pub(crate) fn label(&self) -> String {
        self.slot.map_or_else(String::new, |slot| format!("{} ", letter(slot)))
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
    /// What lies along the x axis.
    pub(crate) x_axis: XAxis,
    /// The visible positions on it.
    pub(crate) range: XRange,
    /// Whether these are not all. Then the axis of values covers only the visible points.
    pub(crate) zoomed: bool,
    /// How the axis of values is scaled.
    pub(crate) scale: Scale,
    /// The position to which the page is wound back.
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
        let ceiling = self.ceiling();
        // The measured points of the present run are drawn, too.
        let points = self.lines.iter().flat_map(|line| {
            let drawn = if line.slot.is_none() { &line.raw } else { &line.points };
            drawn.iter().filter(visible).map(|point| point.1.min(ceiling))
        });
        let default_range = (!self.zoomed).then_some(default_range(self.measure, self.scale));
        Axis::covering(points, default_range, self.scale)
    }

    /// Larger values are out of sight: a range test ends in losses of thousands, beside which its descent would be a flat line.
    fn ceiling(&self) -> f64 {
        let is_test = self.x_axis != XAxis::Epochs && self.measure == Measure::Loss;
        let first = self.lines.iter().filter_map(|line| line.points.first()).map(|point| point.1);
        let first = first.filter(|loss| loss.is_finite()).fold(0.0, f64::max);
        if is_test && first > 0.0 { MAX_RISE * first } else { f64::INFINITY }
    }

    /// Where the training loss of each range test falls most steeply: the curve, and the point.
    pub(crate) fn steepest(&self) -> Vec<(&PlotLine, (f64, f64))> {
        if self.x_axis == XAxis::Epochs || self.measure != Measure::Loss {
            return Vec::new();
        }
        let training = self.lines.iter().filter(|line| line.split == Split::Train);
        training.filter_map(|line| Some((line, steepest(&line.raw)?))).collect()
    }

    /// The same in words, if the chart is one of range tests and shows the training loss.
    pub(crate) fn steepest_in_words(&self) -> Option<String> {
        let is_test = self.x_axis != XAxis::Epochs && self.measure == Measure::Loss;
        if !is_test || self.lines.iter().all(|line| line.split != Split::Train || line.raw.is_empty()) {
            return None;
        }
        let mut places = self.steepest();
        places.sort_by_key(|(line, _)| line.slot);
        if places.is_empty() {
            return Some("Steepest descent of the training loss: not found yet.".to_owned());
        }
        let place = |(line, (x, _)): &(&PlotLine, (f64, f64))| {
            let rate = self.x_axis.number(*x);
            line.slot.map_or_else(|| rate.clone(), |slot| format!("{rate} ({})", letter(slot)))
        };
        let places: Vec<_> = places.iter().map(place).collect();
        Some(format!("Steepest descent of the training loss: at learning rate {}.", places.join(", ")))
    }

    /// The curves with letters, and the positions of the letters: right of the ends of the curves, and one below the other where
    /// they would overlap.
    pub(crate) fn letters(
        &self,
        x_of: impl Fn(f64) -> f64,
        y_of: impl Fn(f64) -> f64,
    ) -> Vec<(&PlotLine, f64, f64)> {
        let XRange { from, to } = self.range;
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

    /// The distance beyond the end of a curve at which its last point is still read.
    pub(crate) fn reach(&self) -> f64 {
        0.02 * self.range.span()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runs::curve;

    fn line(slot: Option<usize>, split: Split, letter: &str, raw: &[(f64, f64)]) -> PlotLine {
        PlotLine::new(slot, split, letter.into(), raw.to_vec(), |raw| curve::smoothed(raw, 20.0))
    }

    fn plot(range: XRange, zoomed: bool, scale: Scale) -> Plot {
        let raw = [(0.0, 2.5), (1.0, 0.2), (2.0, 0.1)];
        let lines = vec![line(None, Split::Test, "", &raw)];
        let x_axis = XAxis::Epochs;
        Plot { measure: Measure::Loss, lines, x_axis, range, zoomed, scale, moment: None }
    }

    #[test]
    fn the_axis_of_a_zoomed_chart_covers_only_the_visible_points() {
        let range = |plot: Plot| (plot.axis().from, plot.axis().to);
        assert_eq!(range(plot(XRange::all(2.0), false, Scale::Linear)), (0.0, 2.5));
        assert_eq!(range(plot(XRange::all(2.0), false, Scale::Log)), (0.1, 2.5));
        assert_eq!(range(plot(XRange { from: 0.9, to: 2.0 }, true, Scale::Linear)), (0.1, 0.2));
    }

    #[test]
    fn letters_at_the_ends_do_not_overlap() {
        let line = |letter, x, y| line(Some(0), Split::Test, letter, &[(x, y)]);
        let lines = vec![
            line("A", 2.0, 51.0),
            line("B", 2.0, 50.0),
            line("C", 2.0, 60.0),
            line("D", 1.0, 51.0),
            line("E", 3.0, 0.0),
        ];
        let plot = Plot { lines, ..plot(XRange::all(2.0), false, Scale::Linear) };
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
        let line = |split| line(Some(1), split, "B", &noisy);
        assert_eq!(line(Split::Test).points, noisy);
        assert!(line(Split::Train).points[99].1 < 0.7);
        assert_eq!(
            (line(Split::Test).color().as_str(), line(Split::Test).dashes()),
            ("--run-1", swatch::dashes(Some(1)))
        );
    }

    #[test]
    fn a_range_test_names_its_steepest_place_and_hides_its_explosion() {
        let loss = |i: i32| match 0.07 * f64::from(i) {
            x if x > 5.5 => 5_000.0,
            x => 0.3 + 2.0 / (1.0 + (3.0 * (x - 4.0)).exp()),
        };
        let raw: Vec<_> = (0..100).map(|i| (0.07 * f64::from(i), loss(i))).collect();
        let lines = vec![line(Some(0), Split::Train, "", &raw), line(None, Split::Train, "", &raw)];
        let test = Plot {
            lines,
            x_axis: XAxis::Rates { start: 1e-6 },
            ..plot(XRange::all(7.0), false, Scale::Linear)
        };
        let words = test.steepest_in_words().unwrap();
        assert!(words.starts_with("Steepest descent of the training loss: at learning rate 0.0"), "{words}");
        assert!(words.ends_with(" (A)."), "{words}");
        let rate: f64 = words.split(' ').nth(9).unwrap().trim_end_matches(',').parse().unwrap();
        assert!((0.007..0.014).contains(&rate), "{words}");
        let ceiling = 1.5 * test.lines[0].points[0].1;
        assert_eq!(test.axis().to, ceiling);
        let early = Plot { lines: vec![line(None, Split::Train, "", &raw[..20])], ..test.clone() };
        assert_eq!(
            early.steepest_in_words().unwrap(),
            "Steepest descent of the training loss: not found yet."
        );
        assert_eq!(Plot { x_axis: XAxis::Epochs, ..test.clone() }.steepest_in_words(), None);
        assert_eq!(Plot { lines: Vec::new(), ..test }.steepest_in_words(), None);
    }
}
