//! Live curves on a canvas.

use leptos::html;
use leptos::prelude::*;
use wasm_bindgen::prelude::*;
use web_sys::{CanvasRenderingContext2d, HtmlCanvasElement};

use crate::state::State;

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

    /// Forgets what is right of `x`.
    pub(crate) fn cut(&mut self, x: f64) {
        self.points.retain(|point| point.0 < x);
        self.pending = (0.0, 0.0, 0);
        if self.points.is_empty() {
            *self = Self::default();
        }
    }

    fn last(&self) -> Option<(f64, f64)> {
        self.points.last().copied()
    }
}

/// Ticks at round numbers, at most about `most` from `from` to `to`; with the step between them.
fn ticks(from: f64, to: f64, most: f64) -> (Vec<f64>, f64) {
    let rough = (to - from) / most;
    if rough <= 0.0 || !rough.is_finite() {
        return (vec![from], 1.0);
    }
    let power = 10f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].iter().map(|m| m * power).find(|s| *s >= rough).unwrap_or(power);
    let first = (from / step - 1e-9).ceil() as i64;
    ((first..=(to / step + 1e-9).floor() as i64).map(|i| i as f64 * step).collect(), step)
}

/// The running mean of noisy points that an eye would draw: over about the last twelve, and over fewer at the
/// start, where the curve falls too steeply for a long memory.
fn smoothed(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let (mut mean, mut seen) = (f64::NAN, 0.0);
    let mut smooth = |&(x, y): &(f64, f64)| {
        if f64::is_finite(y) {
            let span = f64::min(12.0, 1.0 + seen / 8.0);
            mean = if seen == 0.0 { y } else { mean + (y - mean) / span };
            seen += 1.0;
        }
        (x, mean)
    };
    points.iter().map(&mut smooth).collect()
}

/// The range of y that is shown: `least`, and what the finite points need beyond it.
fn extent<'a>(points: impl Iterator<Item = &'a (f64, f64)>, least: (f64, f64)) -> (f64, f64) {
    let finite = points.map(|p| p.1).filter(|y| y.is_finite());
    finite.fold(least, |(low, high), y| (low.min(y), high.max(y)))
}

/// One line of a chart.
#[derive(Clone, Copy)]
pub(crate) struct Series {
    /// What the legend says.
    pub(crate) name: &'static str,
    /// Custom property of the stylesheet with its colour.
    pub(crate) color: &'static str,
    /// Whether a running mean is drawn over the (then paler) points.
    pub(crate) smooth: bool,
    /// The points.
    pub(crate) curve: RwSignal<Curve>,
}

/// Text of a tick: its value and the step between ticks, which tells the decimals that are needed.
type Format = fn(f64, f64) -> String;

/// Curves over epochs, with title, legend and the latest values in words.
#[component]
pub(crate) fn Chart(
    /// What is drawn.
    title: &'static str,
    /// Its lines.
    series: Vec<Series>,
    /// Where training is: the right end of the axis.
    epoch: Signal<f64>,
    /// Smallest and largest value that are always shown; values outside widen it.
    range: (f64, f64),
    /// Text of a tick.
    format: Format,
    /// The latest values in words, for those who do not see the curves.
    words: Signal<String>,
) -> impl IntoView {
    let state = expect_context::<State>();
    let canvas = NodeRef::<html::Canvas>::new();
    let lines = series.clone();
    Effect::new(move |_| {
        state.look.track();
        if let Some(canvas) = canvas.get() {
            let lines: Vec<_> = lines.iter().map(|l| (*l, l.curve.get())).collect();
            let _ = draw(&canvas, &lines, epoch.get(), range, format);
        }
    });
    view! {
        <figure class="chart">
            <figcaption>
                <h2>{title}</h2>
                <span class="legend" aria-hidden="true">
                    {series.iter().map(|s| view! {
                        <span><i style:background=format!("var({})", s.color)></i>{s.name}</span>
                    }).collect_view()}
                </span>
            </figcaption>
            <canvas node_ref=canvas role="img" aria-label=move || format!("{title} over epochs: {}", words.get())></canvas>
        </figure>
    }
}

fn draw(
    canvas: &HtmlCanvasElement,
    lines: &[(Series, Curve)],
    epoch: f64,
    range: (f64, f64),
    format: Format,
) -> Result<(), JsValue> {
    let scale = window().device_pixel_ratio();
    let (width, height) = (f64::from(canvas.client_width()), f64::from(canvas.client_height()));
    canvas.set_width((width * scale) as u32);
    canvas.set_height((height * scale) as u32);
    let context: CanvasRenderingContext2d = canvas.get_context("2d")?.ok_or("no canvas")?.unchecked_into();
    context.scale(scale, scale)?;
    let style = window().get_computed_style(canvas)?.ok_or("no style")?;
    let property = |name: &str| style.get_property_value(name).unwrap_or_default();
    let (left, right, top, bottom) = (44.0, 16.0, 10.0, 40.0);
    let (low, high) = extent(lines.iter().flat_map(|(_, curve)| &curve.points), range);
    let end = epoch.max(0.1);
    let x_of = |x: f64| left + x / end * (width - left - right);
    let y_of = |y: f64| top + (high - y) / (high - low) * (height - top - bottom);

    context.set_font("12px system-ui, sans-serif");
    context.set_fill_style_str(&property("--muted"));
    context.set_stroke_style_str(&property("--line"));
    context.set_line_width(1.0);
    context.set_text_baseline("middle");
    context.set_text_align("right");
    let (at, step) = ticks(low, high, 5.0);
    for y in at {
        let line = y_of(y).round() + 0.5;
        context.begin_path();
        context.move_to(left, line);
        context.line_to(width - right, line);
        context.stroke();
        context.fill_text(&format(y, step), left - 8.0, line)?;
    }
    context.set_text_align("center");
    let (at, step) = ticks(0.0, end, (width / 80.0).max(2.0));
    let decimals = (-step.log10().floor()).max(0.0) as usize;
    for x in at {
        context.fill_text(&format!("{x:.decimals$}"), x_of(x), height - bottom + 14.0)?;
    }
    context.fill_text("epochs", left + (width - left - right) / 2.0, height - 8.0)?;

    let trace = |points: &[(f64, f64)]| {
        context.begin_path();
        for (i, (x, y)) in points.iter().enumerate() {
            if i == 0 { context.move_to(x_of(*x), y_of(*y)) } else { context.line_to(x_of(*x), y_of(*y)) }
        }
        context.stroke();
    };
    context.set_line_join("round");
    for (series, curve) in lines {
        context.set_stroke_style_str(&property(series.color));
        context.set_fill_style_str(&property(series.color));
        let mut end = curve.last();
        context.set_line_width(2.0);
        if series.smooth {
            context.set_line_width(1.0);
            context.set_global_alpha(0.35);
            trace(&curve.points);
            context.set_global_alpha(1.0);
            context.set_line_width(2.0);
            let mean = smoothed(&curve.points);
            trace(&mean);
            end = mean.last().copied();
        } else {
            trace(&curve.points);
        }
        if let Some((x, y)) = end {
            context.begin_path();
            context.arc(x_of(x), y_of(y), 3.5, 0.0, std::f64::consts::TAU)?;
            context.fill();
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round() {
        assert_eq!(ticks(0.0, 2.4, 4.0), (vec![0.0, 1.0, 2.0], 1.0));
        let (at, step) = ticks(0.0, 0.25, 6.0);
        assert_eq!((at.len(), step), (6, 0.05));
        assert_eq!(ticks(3.0, 3.0, 4.0), (vec![3.0], 1.0));
    }

    #[test]
    fn smoothing_starts_at_once_and_survives_nan() {
        let points = [(0.0, 2.0), (1.0, f64::NAN), (2.0, 2.0)];
        assert!(smoothed(&points).iter().all(|p| p.1 == 2.0));
    }

    #[test]
    fn the_range_widens_for_points_but_not_for_infinities() {
        assert_eq!(extent([(0.0, 0.5), (1.0, f64::INFINITY)].iter(), (0.9, 1.0)), (0.5, 1.0));
    }

    #[test]
    fn long_curves_stay_short_and_keep_their_mean() {
        let mut curve = Curve::default();
        (0..100_000).for_each(|i| curve.push(f64::from(i), f64::from(i % 2)));
        assert!(curve.points.len() <= Curve::MOST);
        assert!(curve.points.iter().all(|p| (p.1 - 0.5).abs() < 0.51));
        assert!(curve.last().is_some_and(|p| p.0 > 99_000.0));
        curve.cut(50_000.0);
        assert!(curve.last().is_some_and(|p| (49_000.0..50_000.0).contains(&p.0)));
        curve.cut(0.0);
        assert_eq!(curve, Curve::default());
    }
}
