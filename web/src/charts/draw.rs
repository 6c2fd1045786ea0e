//! A chart drawn on a canvas.

use trainer::messages::Split;
use wasm_bindgen::prelude::*;
use web_sys::{CanvasRenderingContext2d, HtmlCanvasElement};

use crate::charts::axis::Axis;
use crate::charts::frame::Frame;
use crate::charts::plot::{Plot, PlotLine};
use crate::charts::surface::Surface;
use crate::runs::curve;

/// Draws a chart on the page, with one pixel of the canvas for each pixel of the screen. `cursor` is the position that is read.
pub(super) fn draw(
    canvas: &HtmlCanvasElement,
    surface: &Surface,
    plot: &Plot,
    cursor: Option<f64>,
) -> Result<(), JsValue> {
    let (width, height) = surface.pixels;
    canvas.set_width(width);
    canvas.set_height(height);
    if width == 0 || height == 0 {
        return Ok(());
    }
    let context = context_of(canvas)?;
    context.scale(f64::from(width) / surface.frame.width, f64::from(height) / surface.frame.height)?;
    Painter::new(plot, &context, surface).draw(cursor)
}

/// The drawing context of a canvas.
pub(super) fn context_of(canvas: &HtmlCanvasElement) -> Result<CanvasRenderingContext2d, JsValue> {
    Ok(canvas.get_context("2d")?.ok_or("no canvas")?.unchecked_into())
}

/// Sets the width and the dashes of the lines drawn next to those of a curve.
pub(super) fn set_line_style(context: &CanvasRenderingContext2d, line: &PlotLine) -> Result<(), JsValue> {
    context.set_line_width(line.width());
    let dashes: js_sys::Array = line.dashes().iter().map(|dash| JsValue::from_f64(*dash)).collect();
    context.set_line_dash(&dashes)
}

/// Draws a plot on a surface.
pub(super) struct Painter<'a> {
    plot: &'a Plot,
    context: &'a CanvasRenderingContext2d,
    frame: Frame,
    surface: &'a Surface,
    /// The axis of values.
    axis: Axis,
}

impl<'a> Painter<'a> {
    pub(super) fn new(plot: &'a Plot, context: &'a CanvasRenderingContext2d, surface: &'a Surface) -> Self {
        Self { plot, context, frame: surface.frame, surface, axis: plot.axis() }
    }

    /// Draws the axes, the moment that is shown, the cursor and the curves.
    pub(super) fn draw(&self, cursor: Option<f64>) -> Result<(), JsValue> {
        self.draw_axes()?;
        if let Some(moment) = self.plot.moment {
            self.context.set_line_width(2.0);
            self.draw_upright(moment, "--accent");
            self.context.set_line_width(1.0);
        }
        if let Some(position) = cursor {
            self.draw_upright(position, "--edge");
        }
        self.draw_curves(cursor)?;
        self.draw_steepest()?;
        self.draw_letters()
    }

    fn draw_axes(&self) -> Result<(), JsValue> {
        let Self { context, frame, .. } = self;
        context.set_font("12px system-ui, sans-serif");
        context.set_fill_style_str(&self.surface.color("--muted"));
        context.set_stroke_style_str(&self.surface.color("--line"));
        context.set_line_width(1.0);
        context.set_text_baseline("middle");
        context.set_text_align("right");
        for (value, step) in self.axis.ticks(5.0) {
            let y = self.y_of(value).round() + 0.5;
            self.stroke_line((Frame::LEFT, y), (Frame::LEFT + frame.inner_width(), y));
            context.fill_text(&self.plot.measure.tick(value, step), Frame::LEFT - 8.0, y)?;
        }
        context.set_text_align("center");
        let x_axis = self.plot.x_axis;
        for (position, text) in x_axis.ticks(self.plot.range, (frame.width / 80.0).max(2.0)) {
            context.fill_text(&text, self.x_of(position), Frame::TOP + frame.inner_height() + 14.0)?;
        }
        context.fill_text(x_axis.title(), Frame::LEFT + frame.inner_width() / 2.0, frame.height - 8.0)
    }

    /// Marks where the loss of a range test falls most steeply: a ring on the curve, and a line down to the axis with the rate beside it.
    fn draw_steepest(&self) -> Result<(), JsValue> {
        let Self { context, frame, .. } = self;
        let range = self.plot.range;
        let bottom = Frame::TOP + frame.inner_height();
        for (line, (x, y)) in self.plot.steepest() {
            if !(range.from..=range.to).contains(&x) {
                continue;
            }
            let text = format!("{}steepest: {}", line.label(), self.plot.x_axis.number(x));
            let (x, y) = (self.x_of(x), self.y_of(y));
            context.set_stroke_style_str(&self.surface.color("--text"));
            context.set_fill_style_str(&self.surface.color("--text"));
            context.set_line_width(1.5);
            context.begin_path();
            context.arc(x, y, 6.0, 0.0, std::f64::consts::TAU)?;
            context.stroke();
            self.stroke_line((x, y + 6.0), (x, bottom));
            context.set_line_width(1.0);
            context.set_font("600 12px system-ui, sans-serif");
            // On the side of the descent, where the loss is still high.
            let is_right = x > frame.width / 2.0;
            context.set_text_align(if is_right { "right" } else { "left" });
            context.fill_text(&text, if is_right { x - 6.0 } else { x + 6.0 }, bottom - 9.0)?;
        }
        Ok(())
    }

    /// Draws an upright line at a position.
    fn draw_upright(&self, position: f64, color: &str) {
        self.context.set_stroke_style_str(&self.surface.color(color));
        let x = self.x_of(position).round() + 0.5;
        self.stroke_line((x, Frame::TOP), (x, Frame::TOP + self.frame.inner_height()));
    }

    /// Draws all curves, with dots where the cursor reads them.
    fn draw_curves(&self, cursor: Option<f64>) -> Result<(), JsValue> {
        let Self { context, frame, plot, .. } = self;
        context.save();
        context.begin_path();
        // Somewhat larger than the axes, for the dots at the ends.
        context.rect(
            Frame::LEFT - 4.0,
            Frame::TOP - 5.0,
            frame.inner_width() + Frame::RIGHT + 4.0,
            frame.inner_height() + 10.0,
        );
        context.clip();
        for line in &plot.lines {
            let color = self.surface.color(&line.color());
            context.set_stroke_style_str(&color);
            context.set_fill_style_str(&color);
            self.draw_curve(line)?;
            if let Some(point) = cursor.and_then(|x| curve::nearest(&line.points, x, plot.reach())) {
                self.draw_dot(point, 4.5)?;
            }
        }
        context.restore();
        Ok(())
    }

    /// Draws a curve with a dot at its end. Of the present run, the measured points are drawn behind it.
    fn draw_curve(&self, line: &PlotLine) -> Result<(), JsValue> {
        let context = self.context;
        context.set_line_join("round");
        if line.slot.is_none() && line.split == Split::Train && line.raw != line.points {
            context.set_line_width(1.0);
            context.set_global_alpha(0.35);
            self.trace(&line.raw);
            context.set_global_alpha(1.0);
        }
        set_line_style(context, line)?;
        self.trace(&line.points);
        context.set_line_dash(&js_sys::Array::new())?;
        let range = self.plot.range;
        if let Some(end) = line.end().filter(|(x, _)| (range.from..=range.to).contains(x)) {
            self.draw_dot(end, 3.5)?;
        }
        Ok(())
    }

    /// Strokes the visible part of a curve.
    fn trace(&self, points: &[(f64, f64)]) {
        let range = self.plot.range;
        // One point beyond either edge, where the curve comes from and goes to.
        let first = points.partition_point(|point| point.0 < range.from).saturating_sub(1);
        let last = (points.partition_point(|point| point.0 <= range.to) + 1).min(points.len());
        self.context.begin_path();
        let mut is_drawing = false;
        for (x, y) in points.get(first.min(last)..last).unwrap_or_default() {
            let (x, y, was_drawing) = (self.x_of(*x), self.y_of(*y), is_drawing);
            // Nothing joins what lies left and right of a gap, or of a value that is not finite.
            is_drawing = y.is_finite();
            match (was_drawing, is_drawing) {
                (_, false) => {}
                (false, true) => self.context.move_to(x, y),
                (true, true) => self.context.line_to(x, y),
            }
        }
        self.context.stroke();
    }

    fn draw_dot(&self, (x, y): (f64, f64), radius: f64) -> Result<(), JsValue> {
        self.context.begin_path();
        self.context.arc(self.x_of(x), self.y_of(y), radius, 0.0, std::f64::consts::TAU)?;
        self.context.fill();
        Ok(())
    }

    fn draw_letters(&self) -> Result<(), JsValue> {
        self.context.set_font("600 12px system-ui, sans-serif");
        self.context.set_text_align("left");
        for (line, x, y) in self.plot.letters(|x| self.x_of(x), |y| self.y_of(y)) {
            self.context.set_fill_style_str(&self.surface.color(&line.color()));
            self.context.fill_text(&line.letter, x, y)?;
        }
        Ok(())
    }

    fn stroke_line(&self, from: (f64, f64), to: (f64, f64)) {
        self.context.begin_path();
        self.context.move_to(from.0, from.1);
        self.context.line_to(to.0, to.1);
        self.context.stroke();
    }

    fn x_of(&self, position: f64) -> f64 {
        self.frame.x_of(position, self.plot.range)
    }

    fn y_of(&self, value: f64) -> f64 {
        self.frame.y_of(self.axis.position(value))
    }
}
