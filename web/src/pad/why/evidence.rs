//! What the panel shows for a digit, whichever way it was found.

use std::ops::Range;

use data::mnist::{PIXELS, SIDE};

use crate::ui::colormap;

/// Evidence for a digit.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Evidence {
    /// For each pixel, `[28][28]`: positive is orange, negative blue.
    pub(super) values: Vec<f32>,
    /// If no value is as large as this, all are drawn pale.
    pub(super) least: f32,
    /// Paths of the frames on the drawing: the solid one and the dashed one; empty where there is none.
    pub(super) frames: [String; 2],
    /// The same in a sentence.
    pub(super) words: String,
}

impl Evidence {
    /// The colours, darker where there is ink, as RGBA.
    pub(super) fn picture(&self, image: &[u8; PIXELS]) -> Vec<u8> {
        let largest = self.values.iter().fold(self.least, |largest, value| largest.max(value.abs()));
        let pixel = |(value, ink): (&f32, &u8)| {
            let [r, g, b] = colormap::weight(value / largest)
                .map(|level| (f32::from(level) * (1.0 - 0.45 * f32::from(*ink) / 255.0)) as u8);
            [r, g, b, 255]
        };
        self.values.iter().zip(image).flat_map(pixel).collect()
    }
}

/// The path of a square around a pixel in this row and column, `margin` pixels wider on each side, as far as it lies on the drawing.
pub(super) fn frame((row, column): (usize, usize), margin: usize) -> String {
    let around = |at: usize| at.saturating_sub(margin)..at + margin + 1;
    square(around(row), around(column))
}

/// The path of a rectangle over these rows and columns, as far as it lies on the drawing.
pub(super) fn square(rows: Range<usize>, columns: Range<usize>) -> String {
    let (right, bottom) = (columns.end.min(SIDE), rows.end.min(SIDE));
    format!("M{} {}H{right}V{bottom}H{}z", columns.start, rows.start, columns.start)
}
