//! The visible part of the x axis and the cursor, and how keys move them.

/// A range of positions on the x axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct XRange {
    pub(crate) from: f64,
    pub(crate) to: f64,
}

impl XRange {
    /// The shortest range that a chart shows.
    const MIN_SPAN: f64 = 0.005;

    /// The whole axis up to `end`.
    pub(crate) fn all(end: f64) -> Self {
        Self { from: 0.0, to: end }
    }

    /// The length of the range.
    pub(crate) fn span(self) -> f64 {
        self.to - self.from
    }

    /// The range between two positions, in either order, shifted into 0 to `end`; none if it would hold the whole axis.
    pub(crate) fn between(a: f64, b: f64, end: f64) -> Option<Self> {
        let span = (b - a).abs().max(Self::MIN_SPAN);
        if span >= end {
            return None;
        }
        let from = a.min(b).clamp(0.0, end - span);
        Some(Self { from, to: from + span })
    }

    /// The range `factor` times as long, in which `fixed` keeps its place.
    pub(crate) fn zoomed(self, factor: f64, fixed: f64, end: f64) -> Option<Self> {
        let moved = |x: f64| fixed + (x - fixed) * factor;
        Self::between(moved(self.from), moved(self.to), end)
    }

    /// The range shifted by a share of its length.
    pub(crate) fn panned(self, share: f64, end: f64) -> Option<Self> {
        let by = share * self.span();
        Self::between(self.from + by, self.to + by, end)
    }
}

/// The part of the charts that is visible, and where the curves are read.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Zoom {
    /// The visible positions; none for all.
    pub(crate) range: Option<XRange>,
    /// The position at which the curves are read.
    pub(crate) cursor: Option<f64>,
}

impl Zoom {
    /// The visible positions, if the axis ends at `end`.
    pub(crate) fn visible(&self, end: f64) -> XRange {
        self.range.unwrap_or(XRange::all(end))
    }

    /// The zoom after a key; none if the key has no meaning here.
    pub(crate) fn after_key(self, key: &str, shift: bool, end: f64) -> Option<Self> {
        let visible = self.visible(end);
        let cursor = self.cursor.unwrap_or(visible.to).clamp(visible.from, visible.to);
        let at = |cursor: f64| {
            let cursor = cursor.clamp(0.0, end);
            // The range follows the cursor.
            let range = if (visible.from..=visible.to).contains(&cursor) {
                self.range
            } else {
                let by = if cursor < visible.from { cursor - visible.from } else { cursor - visible.to };
                XRange::between(visible.from + by, visible.to + by, end)
            };
            Self { range, cursor: Some(cursor) }
        };
        let step = visible.span() / 50.0;
        let pan = |share: f64| {
            let range = self.range.and_then(|range| range.panned(share, end));
            let visible = range.unwrap_or(XRange::all(end));
            Self { range, cursor: Some(cursor.clamp(visible.from, visible.to)) }
        };
        let zoom = |factor| Self { range: visible.zoomed(factor, cursor, end), cursor: Some(cursor) };
        Some(match key {
            "ArrowLeft" if shift => pan(-0.25),
            "ArrowRight" if shift => pan(0.25),
            "ArrowLeft" => at(cursor - step),
            "ArrowRight" => at(cursor + step),
            "Home" => at(0.0),
            "End" => at(end),
            "+" | "=" => zoom(0.5),
            "-" => zoom(2.0),
            "0" => Self { range: None, ..self },
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_stays_within_all_epochs() {
        let range = |from, to| Some(XRange { from, to });
        assert_eq!(XRange::between(3.0, 1.0, 10.0), range(1.0, 3.0));
        assert_eq!(XRange::between(-1.0, 1.0, 10.0), range(0.0, 2.0));
        assert_eq!(XRange::between(9.0, 11.0, 10.0), range(8.0, 10.0));
        assert_eq!(XRange::between(-5.0, 20.0, 10.0), None);
        let half = XRange::all(10.0).zoomed(0.5, 8.0, 10.0);
        assert_eq!(half, range(4.0, 9.0));
        assert_eq!(half.and_then(|w| w.zoomed(4.0, 8.0, 10.0)), None);
        assert_eq!(half.and_then(|w| w.panned(1.0, 10.0)), range(5.0, 10.0));
        // The range stays long enough however often it is zoomed.
        let tiny = (0..60).try_fold(XRange::all(10.0), |w, _| w.zoomed(0.5, 3.0, 10.0)).unwrap();
        assert!((tiny.span() - XRange::MIN_SPAN).abs() < 1e-9 && (tiny.from..=tiny.to).contains(&3.0));
    }

    #[test]
    fn keys_move_the_cursor_and_the_range() {
        let start = Zoom::default();
        let press = |zoom: Zoom, key| zoom.after_key(key, false, 10.0).unwrap();
        assert_eq!(press(start, "Home").cursor, Some(0.0));
        let read = press(start, "ArrowLeft");
        assert_eq!((read.range, read.cursor), (None, Some(9.8)));
        assert_eq!(press(read, "End").cursor, Some(10.0));
        assert_eq!(press(press(read, "End"), "ArrowRight").cursor, Some(10.0));
        let close = press(Zoom { cursor: Some(6.0), ..start }, "+");
        assert_eq!(close.range, Some(XRange { from: 3.0, to: 8.0 }));
        // The range follows a cursor that walks out of it.
        let out = (0..30).fold(close, |zoom, _| press(zoom, "ArrowRight"));
        assert!(out.range.is_some_and(|w| w.to > 8.9 && Some(w.to) == out.cursor));
        let panned = close.after_key("ArrowLeft", true, 10.0).unwrap();
        assert_eq!(panned.range, Some(XRange { from: 1.75, to: 6.75 }));
        assert_eq!(press(press(close, "-"), "-").range, None);
        assert_eq!(press(close, "0"), Zoom { range: None, cursor: Some(6.0) });
        assert_eq!(start.after_key("x", false, 10.0), None);
    }
}
