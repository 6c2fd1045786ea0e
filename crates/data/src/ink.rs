//! Strokes of a pen as grey levels.

use std::ops::Range;

/// Half the width of the soft edge of a line, in pixels.
const EDGE: f64 = 0.5;

/// Square paper and the ink on it. A pixel takes the darkest of the lines over it, so the same lines give the
/// same ink in any order, however they are divided into calls.
#[derive(Clone, Debug)]
pub struct Ink {
    side: usize,
    /// `[row][column]`, 0 = no ink, 255 = full ink.
    levels: Vec<u8>,
}

/// A rectangle of pixels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Area {
    /// The rows.
    pub rows: Range<usize>,
    /// The columns.
    pub columns: Range<usize>,
}

impl Area {
    /// A square with a corner at the origin.
    #[must_use]
    pub fn square(side: usize) -> Self {
        Self { rows: 0..side, columns: 0..side }
    }

    /// Whether it has no pixel.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty() || self.columns.is_empty()
    }

    /// The smallest rectangle that covers this one and `other`.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        if self.is_empty() || other.is_empty() {
            return if self.is_empty() { other } else { self };
        }
        let span =
            |a: Range<usize>, b: Range<usize>| Range { start: a.start.min(b.start), end: a.end.max(b.end) };
        Self { rows: span(self.rows, other.rows), columns: span(self.columns, other.columns) }
    }
}

impl Ink {
    /// Blank paper of `side` x `side` pixels.
    #[must_use]
    pub fn new(side: usize) -> Self {
        Self { side, levels: vec![0; side * side] }
    }

    /// Rows, and columns.
    #[must_use]
    pub fn side(&self) -> usize {
        self.side
    }

    /// The grey levels, `[row][column]`, 0 = no ink, 255 = full ink.
    #[must_use]
    pub fn levels(&self) -> &[u8] {
        &self.levels
    }

    /// Removes all ink.
    pub fn clear(&mut self) {
        self.levels.fill(0);
    }

    /// Gives a rectangle one level. What lies beyond the paper is cut off.
    pub fn fill(&mut self, area: &Area, level: u8) {
        let columns = area.columns.start..area.columns.end.min(self.side);
        for row in area.rows.start..area.rows.end.min(self.side) {
            if let Some(pixels) = self.levels[row * self.side..][..self.side].get_mut(columns.clone()) {
                pixels.fill(level);
            }
        }
    }

    /// Draws a line with round ends, `width` pixels wide. A line of length 0 is a disc. Positions are (x, y) in
    /// pixels from the upper left corner. Returns the rectangle that may have changed.
    pub fn line(&mut self, from: (f64, f64), to: (f64, f64), width: f64) -> Area {
        let finite = [from.0, from.1, to.0, to.1, width].iter().all(|number| number.is_finite());
        if !finite || width <= 0.0 {
            return Area { rows: 0..0, columns: 0..0 };
        }
        let radius = width / 2.0;
        let (outer, inner) = (radius + EDGE, (radius - EDGE).max(0.0));
        let reach = |a: f64, b: f64| {
            let (low, high) = ((a.min(b) - outer).floor(), (a.max(b) + outer).ceil());
            // `as` saturates: what lies beyond the paper is cut off.
            (low as usize).min(self.side)..(high as usize).min(self.side)
        };
        let area = Area { rows: reach(from.1, to.1), columns: reach(from.0, to.0) };
        let (across, down) = (to.0 - from.0, to.1 - from.1);
        let inverse = 1.0 / (across * across + down * down).max(f64::MIN_POSITIVE);
        for row in area.rows.clone() {
            let y = row as f64 + 0.5 - from.1;
            for column in area.columns.clone() {
                let x = column as f64 + 0.5 - from.0;
                let along = ((x * across + y * down) * inverse).clamp(0.0, 1.0);
                let (dx, dy) = (x - along * across, y - along * down);
                let squared = dx * dx + dy * dy;
                if squared < outer * outer {
                    let pixel = &mut self.levels[row * self.side + column];
                    let level = if squared <= inner * inner {
                        255
                    } else {
                        ((outer - squared.sqrt()) * 255.0).min(255.0) as u8
                    };
                    *pixel = level.max(*pixel);
                }
            }
        }
        area
    }
}
