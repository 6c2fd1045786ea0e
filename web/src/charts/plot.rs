//! Curves drawn on a canvas.

use wasm_bindgen::prelude::*;
use web_sys::{CanvasRenderingContext2d, CssStyleDeclaration};

use crate::charts::axis::{Axis, Window, decimals};
use crate::runs::curve;
use crate::runs::{DASHES, Measure, Part};

/// Height and width of the letter at a curve's end, in pixels.
const MARK: f64 = 13.0;

/// One curve, as it is drawn.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Line {
    /// The slot of its run; none for the present one.
    pub(crate) slot: Option<usize>,
    pub(crate) part: Part,
    /// What its end is marked with.
    pub(crate) mark: String,
    /// The points as they were measured.
    pub(crate) raw: Vec<(f64, f64)>,
    /// The curve through them.
    pub(crate) points: Vec<(f64, f64)>,
}

impl Line {
    /// A curve of a run. Only training is noisy: the test set is always the same.
    pub(crate) fn new(
        slot: Option<usize>,
        part: Part,
        mark: String,
        raw: &[(f64, f64)],
        smoothing: f64,
    ) -> Self {
        let points = if part == Part::Training { curve::smoothed(raw, smoothing) } else { raw.to_vec() };
        Self { slot, part, mark, raw: raw.to_vec(), points }
    }

    /// The custom property of the stylesheet with its colour.
    pub(crate) fn color(&self) -> String {
        color(self.slot, self.part)
    }

    /// Dashes and gaps; nothing where it is solid.
    pub(crate) fn dashes(&self) -> &'static [f64] {
        self.slot.map_or(&[], |slot| DASHES[slot])
    }

    /// Test curves are the thick ones.
    pub(crate) const fn width(&self) -> f64 {
        width(self.slot, self.part)
    }
}

/// The custom property of the stylesheet with the colour of a run's curve.
pub(crate) fn color(slot: Option<usize>, part: Part) -> String {
    match (slot, part) {
        (Some(slot), _) => format!("--run-{slot}"),
        (None, Part::Training) => "--train".to_owned(),
        (None, Part::Test) => "--test".to_owned(),
    }
}

/// How thick a run's curve is, in pixels.
pub(crate) const fn width(slot: Option<usize>, part: Part) -> f64 {
    match (slot, part) {
        (Some(_), Part::Training) => 1.25,
        (Some(_), Part::Test) => 2.25,
        (None, _) => 2.0,
    }
}

/// What a chart shows.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Plot {
    pub(crate) measure: Measure,
    pub(crate) lines: Vec<Line>,
    pub(crate) window: Window,
    /// Somebody looks closely: the axis of values holds what is seen and no more.
    pub(crate) close: bool,
    pub(crate) log: bool,
}

/// Where things are in a chart of some size, in CSS pixels.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frame {
    pub(crate) width: f64,
    pub(crate) height: f64,
}

impl Frame {
    const LEFT: f64 = 46.0;
    const RIGHT: f64 = 20.0;
    const TOP: f64 = 10.0;
    const BOTTOM: f64 = 40.0;

    fn inner_width(self) -> f64 {
        (self.width - Self::LEFT - Self::RIGHT).max(1.0)
    }

    fn inner_height(self) -> f64 {
        (self.height - Self::TOP - Self::BOTTOM).max(1.0)
    }

    /// Where an epoch is.
    pub(crate) fn x_of(self, epoch: f64, window: Window) -> f64 {
        Self::LEFT + (epoch - window.from) / window.span() * self.inner_width()
    }

    /// Which epoch is there; beside the axis, its end.
    pub(crate) fn epoch_at(self, x: f64, window: Window) -> f64 {
        window.from + ((x - Self::LEFT) / self.inner_width()).clamp(0.0, 1.0) * window.span()
    }

    /// Where a share of the axis of values is.
    fn y_of(self, share: f64) -> f64 {
        Self::TOP + (1.0 - share) * self.inner_height()
    }
}

impl Plot {
    /// The axis of values.
    pub(crate) fn axis(&self) -> Axis {
        let seen =
            |point: &&(f64, f64)| !self.close || (self.window.from..=self.window.to).contains(&point.0);
        // Those of the present run are drawn as they were measured, too.
        let points = self.lines.iter().flat_map(|line| {
            let drawn = if line.slot.is_none() { &line.raw } else { &line.points };
            drawn.iter().filter(seen).map(|point| point.1)
        });
        Axis::over(points, (!self.close).then_some(self.measure.least(self.log)), self.log)
    }

    /// Draws it. `style` has the colours; `read` is the epoch that is read.
    pub(crate) fn draw(
        &self,
        context: &CanvasRenderingContext2d,
        frame: Frame,
        style: &CssStyleDeclaration,
        read: Option<f64>,
    ) -> Result<(), JsValue> {
        let property = |name: &str| style.get_property_value(name).unwrap_or_default();
        let axis = self.axis();
        let x_of = |epoch: f64| frame.x_of(epoch, self.window);
        let y_of = |value: f64| frame.y_of(axis.place(value));
        let (right, bottom) = (Frame::LEFT + frame.inner_width(), Frame::TOP + frame.inner_height());

        context.set_font("12px system-ui, sans-serif");
        context.set_fill_style_str(&property("--muted"));
        context.set_stroke_style_str(&property("--line"));
        context.set_line_width(1.0);
        context.set_text_baseline("middle");
        context.set_text_align("right");
        for (value, step) in axis.ticks(5.0) {
            let line = y_of(value).round() + 0.5;
            context.begin_path();
            context.move_to(Frame::LEFT, line);
            context.line_to(right, line);
            context.stroke();
            context.fill_text(&self.measure.tick(value, step), Frame::LEFT - 8.0, line)?;
        }
        context.set_text_align("center");
        let epochs = Axis { from: self.window.from, to: self.window.to, log: false };
        for (epoch, step) in epochs.ticks((frame.width / 80.0).max(2.0)) {
            context.fill_text(&format!("{epoch:.*}", decimals(step)), x_of(epoch), bottom + 14.0)?;
        }
        context.fill_text("epochs", Frame::LEFT + frame.inner_width() / 2.0, frame.height - 8.0)?;

        if let Some(epoch) = read {
            context.set_stroke_style_str(&property("--edge"));
            let line = x_of(epoch).round() + 0.5;
            context.begin_path();
            context.move_to(line, Frame::TOP);
            context.line_to(line, bottom);
            context.stroke();
        }
        context.save();
        context.begin_path();
        // A little more than the axes, for the dots at the ends.
        context.rect(
            Frame::LEFT - 4.0,
            Frame::TOP - 5.0,
            frame.inner_width() + Frame::RIGHT + 4.0,
            frame.inner_height() + 10.0,
        );
        context.clip();
        let reach = self.reach();
        for line in &self.lines {
            let color = property(&line.color());
            context.set_stroke_style_str(&color);
            context.set_fill_style_str(&color);
            self.draw_line(context, line, (&x_of, &y_of))?;
            if let Some((x, y)) = read.and_then(|epoch| curve::nearest(&line.points, epoch, reach)) {
                context.begin_path();
                context.arc(x_of(x), y_of(y), 4.5, 0.0, std::f64::consts::TAU)?;
                context.fill();
            }
        }
        context.restore();
        context.set_font("600 12px system-ui, sans-serif");
        context.set_text_align("left");
        for (line, x, y) in self.marks(x_of, y_of) {
            context.set_fill_style_str(&property(&line.color()));
            context.fill_text(&line.mark, x, y)?;
        }
        Ok(())
    }

    /// Where the marks of the curves' ends go: beside them, and below each other where they would lie on one another.
    fn marks(&self, x_of: impl Fn(f64) -> f64, y_of: impl Fn(f64) -> f64) -> Vec<(&Line, f64, f64)> {
        let Window { from, to } = self.window;
        let ends = self.lines.iter().filter(|line| !line.mark.is_empty()).filter_map(|line| {
            let (x, y) = line.points.last().copied().filter(|(x, _)| (from..=to).contains(x))?;
            Some((line, x_of(x) + 7.0, y_of(y)))
        });
        let mut marks: Vec<_> = ends.collect();
        marks.sort_by(|a, b| a.2.total_cmp(&b.2));
        for i in 1..marks.len() {
            let (x, y) = (marks[i].1, marks[i].2);
            let above = marks[..i].iter().filter(|mark| (mark.1 - x).abs() < MARK).map(|mark| mark.2);
            marks[i].2 = above.fold(y, |y, above| if y - above < MARK { above + MARK } else { y });
        }
        marks
    }

    /// How far from a point of a curve's end it can still be read.
    pub(crate) fn reach(&self) -> f64 {
        0.02 * self.window.span()
    }

    fn draw_line(
        &self,
        context: &CanvasRenderingContext2d,
        line: &Line,
        (x_of, y_of): (&dyn Fn(f64) -> f64, &dyn Fn(f64) -> f64),
    ) -> Result<(), JsValue> {
        let Window { from, to } = self.window;
        let trace = |points: &[(f64, f64)]| {
            // One point beyond either edge, where the line comes from and goes to.
            let first = points.partition_point(|point| point.0 < from).saturating_sub(1);
            let last = (points.partition_point(|point| point.0 <= to) + 1).min(points.len());
            context.begin_path();
            for (i, (x, y)) in points[first.min(last)..last].iter().enumerate() {
                if i == 0 { context.move_to(x_of(*x), y_of(*y)) } else { context.line_to(x_of(*x), y_of(*y)) }
            }
            context.stroke();
        };
        context.set_line_join("round");
        if line.slot.is_none() && line.raw != line.points {
            context.set_line_width(1.0);
            context.set_global_alpha(0.35);
            trace(&line.raw);
            context.set_global_alpha(1.0);
        }
        context.set_line_width(line.width());
        let dashes: js_sys::Array = line.dashes().iter().map(|dash| JsValue::from_f64(*dash)).collect();
        context.set_line_dash(&dashes)?;
        trace(&line.points);
        context.set_line_dash(&js_sys::Array::new())?;
        if let Some((x, y)) = line.points.last().filter(|(x, _)| (from..=to).contains(x)) {
            let (x, y) = (x_of(*x), y_of(*y));
            context.begin_path();
            context.arc(x, y, 3.5, 0.0, std::f64::consts::TAU)?;
            context.fill();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plot(window: Window, close: bool, log: bool) -> Plot {
        let raw = [(0.0, 2.5), (1.0, 0.2), (2.0, 0.1)];
        let lines = vec![Line::new(None, Part::Test, String::new(), &raw, 12.0)];
        Plot { measure: Measure::Loss, lines, window, close, log }
    }

    #[test]
    fn looking_closely_shows_only_what_is_there() {
        let range = |plot: Plot| (plot.axis().from, plot.axis().to);
        assert_eq!(range(plot(Window::all(2.0), false, false)), (0.0, 2.5));
        assert_eq!(range(plot(Window::all(2.0), false, true)), (0.1, 2.5));
        assert_eq!(range(plot(Window { from: 0.9, to: 2.0 }, true, false)), (0.1, 0.2));
    }

    #[test]
    fn pixels_and_epochs_belong_together() {
        let (frame, window) = (Frame { width: 366.0, height: 200.0 }, Window { from: 1.0, to: 3.0 });
        assert_eq!(frame.x_of(2.0, window), 46.0 + 150.0);
        assert_eq!([0.0, 46.0, 196.0, 366.0].map(|x| frame.epoch_at(x, window)), [1.0, 1.0, 2.0, 3.0]);
    }

    #[test]
    fn letters_at_the_ends_do_not_lie_on_one_another() {
        let line = |mark: &str, x, y| Line::new(Some(0), Part::Test, mark.into(), &[(x, y)], 1.0);
        let lines = vec![
            line("A", 2.0, 51.0),
            line("B", 2.0, 50.0),
            line("C", 2.0, 60.0),
            line("D", 1.0, 51.0),
            line("E", 3.0, 0.0),
        ];
        let plot = Plot { lines, ..plot(Window::all(2.0), false, false) };
        let marks = plot.marks(|x| 100.0 * x, |y| y);
        let places: Vec<_> = marks.iter().map(|(line, x, y)| (line.mark.as_str(), *x, *y)).collect();
        assert_eq!(places, [("B", 207.0, 50.0), ("A", 207.0, 63.0), ("D", 107.0, 51.0), ("C", 207.0, 76.0)]);
    }

    #[test]
    fn training_is_smoothed_and_the_test_is_not() {
        let noisy: Vec<_> = (0..100).map(|i| (f64::from(i), f64::from(i % 2))).collect();
        let line = |part| Line::new(Some(1), part, "B".into(), &noisy, 20.0);
        assert_eq!(line(Part::Test).points, noisy);
        assert!(line(Part::Training).points[99].1 < 0.7);
        assert_eq!((line(Part::Test).color().as_str(), line(Part::Test).dashes()), ("--run-1", DASHES[1]));
    }
}
