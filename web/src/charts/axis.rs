//! Axes: where their ticks are, what part of them is seen, and how that part is moved.

/// Numbers along an axis, evenly or by their logarithm.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Axis {
    pub(crate) from: f64,
    pub(crate) to: f64,
    pub(crate) log: bool,
}

impl Axis {
    /// An axis on which all `points` are seen that are finite (and, for logarithms, above 0), and `least` besides.
    pub(crate) fn over(points: impl Iterator<Item = f64>, least: Option<(f64, f64)>, log: bool) -> Self {
        let seen = points.filter(|y| y.is_finite() && (!log || *y > 0.0));
        let start = least.unwrap_or((f64::INFINITY, f64::NEG_INFINITY));
        let (from, to) = seen.fold(start, |(low, high), y| (low.min(y), high.max(y)));
        match (from <= to, from < to) {
            (false, _) => Self { from: if log { 0.1 } else { 0.0 }, to: 1.0, log },
            // One value has no range: some room around it.
            (true, false) => Self { from: from - 0.1 * from.abs(), to: to + 0.1 * to.abs() + 1e-6, log },
            (true, true) => Self { from, to, log },
        }
    }

    /// Where a value is, from 0 to 1. What a logarithm cannot show is at 0.
    pub(crate) fn place(&self, value: f64) -> f64 {
        if !self.log {
            return (value - self.from) / (self.to - self.from);
        }
        if value <= 0.0 { 0.0 } else { (value / self.from).ln() / (self.to / self.from).ln() }
    }

    /// Ticks at round numbers, at most about `most`; with each, the step to its neighbours, which tells the decimals.
    pub(crate) fn ticks(&self, most: f64) -> Vec<(f64, f64)> {
        if self.log {
            let round = logarithmic(self.from, self.to, most);
            if round.len() >= 2 {
                return round.into_iter().map(|tick| (tick, tick)).collect();
            }
        }
        let (at, step) = linear(self.from, self.to, most);
        at.into_iter().map(|tick| (tick, step)).collect()
    }
}

/// Decimals that tell apart what is so far apart.
pub(crate) fn decimals(step: f64) -> usize {
    (-(step.log10() + 1e-9).floor()).clamp(0.0, 9.0) as usize
}

fn linear(from: f64, to: f64, most: f64) -> (Vec<f64>, f64) {
    let rough = (to - from) / most;
    if rough <= 0.0 || !rough.is_finite() {
        return (vec![from], 1.0);
    }
    let power = 10f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].iter().map(|m| m * power).find(|s| *s >= rough).unwrap_or(power);
    let first = (from / step - 1e-9).ceil() as i64;
    ((first..=(to / step + 1e-9).floor() as i64).map(|i| i as f64 * step).collect(), step)
}

/// Powers of ten, with 2 and 5, or 3, between them as far as there is room.
fn logarithmic(from: f64, to: f64, most: f64) -> Vec<f64> {
    let (low, high) = (from.log10().floor() as i32, to.log10().ceil() as i32);
    let between = |parts: &[f64]| -> Vec<f64> {
        let all = (low..=high).flat_map(|power| parts.iter().map(move |part| part * 10f64.powi(power)));
        all.filter(|tick| (from * 0.999..=to * 1.001).contains(tick)).collect()
    };
    let tries = [between(&[1.0, 2.0, 5.0]), between(&[1.0, 3.0])];
    tries.into_iter().find(|ticks| ticks.len() as f64 <= most + 1.0).unwrap_or_else(|| between(&[1.0]))
}

/// The part of the epochs that is seen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Window {
    pub(crate) from: f64,
    pub(crate) to: f64,
}

impl Window {
    /// Epochs that are seen at the least.
    const LEAST: f64 = 0.005;

    /// All there is.
    pub(crate) fn all(end: f64) -> Self {
        Self { from: 0.0, to: end }
    }

    /// How much is seen.
    pub(crate) fn span(self) -> f64 {
        self.to - self.from
    }

    /// The part between two epochs, in whatever order, of what ends at `end`; nothing, if that is all of it.
    pub(crate) fn between(a: f64, b: f64, end: f64) -> Option<Self> {
        let span = (b - a).abs().max(Self::LEAST);
        if span >= end {
            return None;
        }
        let from = a.min(b).clamp(0.0, end - span);
        Some(Self { from, to: from + span })
    }

    /// Makes what is seen `factor` times as long, with `fixed` staying where it is.
    pub(crate) fn zoomed(self, factor: f64, fixed: f64, end: f64) -> Option<Self> {
        let moved = |x: f64| fixed + (x - fixed) * factor;
        Self::between(moved(self.from), moved(self.to), end)
    }

    /// Moves on by a share of what is seen.
    pub(crate) fn panned(self, share: f64, end: f64) -> Option<Self> {
        let by = share * self.span();
        Self::between(self.from + by, self.to + by, end)
    }
}

/// What part is seen, and the epoch that is read, if they are chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Look {
    pub(crate) window: Option<Window>,
    pub(crate) cursor: Option<f64>,
}

impl Look {
    /// The part that is seen of what ends at `end`.
    pub(crate) fn seen(&self, end: f64) -> Window {
        self.window.unwrap_or(Window::all(end))
    }

    /// What a key makes of it; nothing, if it means nothing here.
    pub(crate) fn after_key(self, key: &str, shift: bool, end: f64) -> Option<Self> {
        let seen = self.seen(end);
        let cursor = self.cursor.unwrap_or(seen.to).clamp(seen.from, seen.to);
        let at = |cursor: f64| {
            let cursor = cursor.clamp(0.0, end);
            let seen_there = (seen.from..=seen.to).contains(&cursor);
            // What is read stays in sight.
            let by = if cursor < seen.from { cursor - seen.from } else { cursor - seen.to };
            let window =
                if seen_there { self.window } else { Window::between(seen.from + by, seen.to + by, end) };
            Self { window, cursor: Some(cursor) }
        };
        let step = seen.span() / 50.0;
        let pan = |share: f64| {
            let window = self.window.and_then(|window| window.panned(share, end));
            let seen = window.unwrap_or(Window::all(end));
            Self { window, cursor: Some(cursor.clamp(seen.from, seen.to)) }
        };
        let zoom = |factor| Self { window: seen.zoomed(factor, cursor, end), cursor: Some(cursor) };
        Some(match key {
            "ArrowLeft" if shift => pan(-0.25),
            "ArrowRight" if shift => pan(0.25),
            "ArrowLeft" => at(cursor - step),
            "ArrowRight" => at(cursor + step),
            "Home" => at(0.0),
            "End" => at(end),
            "+" | "=" => zoom(0.5),
            "-" => zoom(2.0),
            "0" => Self { window: None, ..self },
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round() {
        assert_eq!(linear(0.0, 2.4, 4.0), (vec![0.0, 1.0, 2.0], 1.0));
        let (at, step) = linear(0.0, 0.25, 6.0);
        assert_eq!((at.len(), step), (6, 0.05));
        assert_eq!(linear(3.0, 3.0, 4.0), (vec![3.0], 1.0));
    }

    #[test]
    fn ticks_of_logarithms_are_round_and_few() {
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
        // Where there is hardly a round power, as on an even axis.
        assert_eq!(ticks(0.31, 0.42), ["0.35", "0.40"]);
    }

    #[test]
    fn decimals_tell_neighbours_apart() {
        assert_eq!([1.0, 20.0, 0.5, 0.1, 0.05, 0.01, 0.002].map(decimals), [0, 0, 1, 1, 2, 2, 3]);
    }

    #[test]
    fn places_run_from_0_to_1() {
        let even = Axis { from: 2.0, to: 4.0, log: false };
        assert_eq!([2.0, 3.0, 4.0].map(|v| even.place(v)), [0.0, 0.5, 1.0]);
        let log = Axis { from: 0.01, to: 1.0, log: true };
        assert!((log.place(0.1) - 0.5).abs() < 1e-12 && log.place(1.0) == 1.0);
        assert_eq!([0.0, -1.0].map(|v| log.place(v)), [0.0; 2]);
    }

    #[test]
    fn the_range_widens_for_points_but_not_for_what_cannot_be_shown() {
        let range = |points: &[f64], least, log| {
            let axis = Axis::over(points.iter().copied(), least, log);
            (axis.from, axis.to)
        };
        assert_eq!(range(&[0.5, f64::INFINITY], Some((0.9, 1.0)), false), (0.5, 1.0));
        assert_eq!(range(&[0.5, 0.0, f64::NAN, 2.0], None, true), (0.5, 2.0));
        assert_eq!(range(&[], None, false), (0.0, 1.0));
        let (from, to) = range(&[0.5], None, true);
        assert!(0.0 < from && from < 0.5 && 0.5 < to);
    }

    #[test]
    fn a_window_stays_within_what_there_is() {
        let window = |from, to| Some(Window { from, to });
        assert_eq!(Window::between(3.0, 1.0, 10.0), window(1.0, 3.0));
        assert_eq!(Window::between(-1.0, 1.0, 10.0), window(0.0, 2.0));
        assert_eq!(Window::between(9.0, 11.0, 10.0), window(8.0, 10.0));
        assert_eq!(Window::between(-5.0, 20.0, 10.0), None);
        let half = Window::all(10.0).zoomed(0.5, 8.0, 10.0);
        assert_eq!(half, window(4.0, 9.0));
        assert_eq!(half.and_then(|w| w.zoomed(4.0, 8.0, 10.0)), None);
        assert_eq!(half.and_then(|w| w.panned(1.0, 10.0)), window(5.0, 10.0));
        // However often one zooms.
        let tiny = (0..60).try_fold(Window::all(10.0), |w, _| w.zoomed(0.5, 3.0, 10.0)).unwrap();
        assert!((tiny.span() - Window::LEAST).abs() < 1e-9 && (tiny.from..=tiny.to).contains(&3.0));
    }

    #[test]
    fn keys_move_what_is_read_and_what_is_seen() {
        let start = Look::default();
        let press = |look: Look, key| look.after_key(key, false, 10.0).unwrap();
        assert_eq!(press(start, "Home").cursor, Some(0.0));
        let read = press(start, "ArrowLeft");
        assert_eq!((read.window, read.cursor), (None, Some(9.8)));
        assert_eq!(press(read, "End").cursor, Some(10.0));
        assert_eq!(press(press(read, "End"), "ArrowRight").cursor, Some(10.0));
        let close = press(Look { cursor: Some(6.0), ..start }, "+");
        assert_eq!(close.window, Some(Window { from: 3.0, to: 8.0 }));
        // Walking out of what is seen takes it along.
        let out = (0..30).fold(close, |look, _| press(look, "ArrowRight"));
        assert!(out.window.is_some_and(|w| w.to > 8.9 && Some(w.to) == out.cursor));
        let panned = close.after_key("ArrowLeft", true, 10.0).unwrap();
        assert_eq!(panned.window, Some(Window { from: 1.75, to: 6.75 }));
        assert_eq!(press(press(close, "-"), "-").window, None);
        assert_eq!(press(close, "0"), Look { window: None, cursor: Some(6.0) });
        assert_eq!(start.after_key("x", false, 10.0), None);
    }
}
