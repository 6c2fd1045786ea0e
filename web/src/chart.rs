//! Live curves on a canvas.

use leptos::html;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{CanvasRenderingContext2d, HtmlCanvasElement};

/// Points of a curve. However long a run, there are never more than [`Curve::MOST`]: then neighbours are averaged.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Curve {
    points: Vec<(f64, f64)>,
    /// Points that one entry stands for.
    weight: u32,
    pending: (f64, f64, u32),
}

impl Curve {
    const MOST: usize = 1200;

    /// Adds a point to the right.
    pub(crate) fn push(&mut self, x: f64, y: f64) {
        self.weight = self.weight.max(1);
        let (sum_x, sum_y, n) = self.pending;
        self.pending = (sum_x + x, sum_y + y, n + 1);
        if n + 1 < self.weight {
            return;
        }
        let n = f64::from(n + 1);
        self.points.push((self.pending.0 / n, self.pending.1 / n));
        self.pending = (0.0, 0.0, 0);
        if self.points.len() == Self::MOST {
            let mean = |pair: &[(f64, f64)]| ((pair[0].0 + pair[1].0) / 2.0, (pair[0].1 + pair[1].1) / 2.0);
            self.points = self.points.chunks_exact(2).map(mean).collect();
            self.weight *= 2;
        }
    }

    fn last(&self) -> Option<(f64, f64)> {
        self.points.last().copied()
    }
}

/// Ticks at round numbers, at most about `most` from `from` to `to`.
fn ticks(from: f64, to: f64, most: f64) -> Vec<f64> {
    let rough = (to - from) / most;
    if rough <= 0.0 || !rough.is_finite() {
        return vec![from];
    }
    let power = 10f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].iter().map(|m| m * power).find(|s| *s >= rough).unwrap_or(power);
    let first = (from / step).ceil() as i64;
    (first..=(to / step + 1e-9).floor() as i64).map(|i| i as f64 * step).collect()
}

/// One curve over epochs, with its title and latest value in words.
#[component]
pub(crate) fn Chart(
    /// What is drawn.
    title: &'static str,
    /// The points.
    curve: RwSignal<Curve>,
    /// Name of the colour's custom property in the stylesheet.
    color: &'static str,
    /// Smallest and largest value that are always shown; values outside widen it.
    range: (f64, f64),
    /// Text of a value.
    format: fn(f64) -> String,
) -> impl IntoView {
    let canvas = NodeRef::<html::Canvas>::new();
    Effect::new(move |_| {
        curve.with(|curve| {
            if let Some(canvas) = canvas.get() {
                draw(&canvas, curve, color, range, format);
            }
        });
    });
    let latest = move || curve.with(|c| c.last().map_or("no points yet".into(), |(_, y)| format(y)));
    view! {
        <figure class="chart">
            <figcaption>{title}<span class="unit">" over epochs"</span></figcaption>
            <canvas node_ref=canvas role="img" aria-label=move || format!("{title}: {}", latest())></canvas>
        </figure>
    }
}

fn draw(
    canvas: &HtmlCanvasElement,
    curve: &Curve,
    color: &str,
    range: (f64, f64),
    format: fn(f64) -> String,
) {
    let scale = window().device_pixel_ratio();
    let (width, height) = (f64::from(canvas.client_width()), f64::from(canvas.client_height()));
    canvas.set_width((width * scale) as u32);
    canvas.set_height((height * scale) as u32);
    let Some(context) = canvas.get_context("2d").ok().flatten() else { return };
    let context: CanvasRenderingContext2d = context.unchecked_into();
    let _ = context.scale(scale, scale);
    let Ok(Some(style)) = window().get_computed_style(canvas) else { return };
    let property = |name: &str| style.get_property_value(name).unwrap_or_default();
    let (left, right, top, bottom) = (46.0, 12.0, 10.0, 22.0);
    let low = curve.points.iter().map(|p| p.1).fold(range.0, f64::min);
    let high = curve.points.iter().map(|p| p.1).filter(|y| y.is_finite()).fold(range.1, f64::max);
    let end = curve.last().map_or(1.0, |p| p.0).max(0.25);
    let x_of = |x: f64| left + x / end * (width - left - right);
    let y_of = |y: f64| top + (high - y) / (high - low) * (height - top - bottom);

    context.set_font("12px system-ui, sans-serif");
    context.set_fill_style_str(&property("--muted"));
    context.set_stroke_style_str(&property("--line"));
    context.set_line_width(1.0);
    context.set_text_baseline("middle");
    context.set_text_align("right");
    for y in ticks(low, high, 4.0) {
        let at = y_of(y).round() + 0.5;
        context.begin_path();
        context.move_to(left, at);
        context.line_to(width - right, at);
        context.stroke();
        let _ = context.fill_text(&format(y), left - 6.0, at);
    }
    context.set_text_align("center");
    for x in ticks(0.0, end, 6.0) {
        let text = if end < 2.0 { format!("{x:.2}") } else { format!("{x:.0}") };
        let _ = context.fill_text(&text, x_of(x), height - 8.0);
    }
    context.set_stroke_style_str(&property(color));
    context.set_line_width(2.0);
    context.set_line_join("round");
    context.begin_path();
    for (i, (x, y)) in curve.points.iter().enumerate() {
        if i == 0 { context.move_to(x_of(*x), y_of(*y)) } else { context.line_to(x_of(*x), y_of(*y)) }
    }
    context.stroke();
    if let Some((x, y)) = curve.last() {
        context.set_fill_style_str(&property(color));
        context.begin_path();
        let _ = context.arc(x_of(x), y_of(y), 3.5, 0.0, std::f64::consts::TAU);
        context.fill();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round() {
        assert_eq!(ticks(0.0, 2.4, 4.0), [0.0, 1.0, 2.0]);
        assert_eq!(ticks(0.0, 0.25, 6.0), [0.0, 0.05, 0.1, 0.15000000000000002, 0.2, 0.25]);
        assert_eq!(ticks(3.0, 3.0, 4.0), [3.0]);
    }

    #[test]
    fn long_curves_stay_short_and_keep_their_mean() {
        let mut curve = Curve::default();
        (0..100_000).for_each(|i| curve.push(f64::from(i), f64::from(i % 2)));
        assert!(curve.points.len() <= Curve::MOST);
        assert!(curve.points.iter().all(|p| (p.1 - 0.5).abs() < 0.51));
        assert!(curve.last().is_some_and(|p| p.0 > 99_000.0));
    }
}
