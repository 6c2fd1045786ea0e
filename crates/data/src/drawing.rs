//! Turning a drawing into an image as MNIST has them.

use nn::mnist::{PIXELS, SIDE};

/// Rows and columns of the box into which the ink is fitted.
const BOX: usize = 20;

/// Fainter ink than this is taken for the soft edge of a stroke, and does not widen the bounding box.
const FAINTEST: u8 = 32;

/// Normalises a drawing as MNIST's digits were: the bounding box of the ink is scaled, keeping its aspect, to fit
/// 20x20, with the grey levels of area averaging; the result is moved by whole pixels so that its centre of mass
/// comes to lie on pixel (14, 14) of 28x28, as near as the ink stays in the field.
///
/// `gray` is row-major, 0 = no ink, 255 = full ink. `None` if there is (almost) no ink, or if `gray` is no image of
/// `width` x `height`.
///
/// Source: Y. LeCun, C. Cortes, C. Burges, "The MNIST database of handwritten digits"; also LeCun, Bottou, Bengio,
/// Haffner, "Gradient-based learning applied to document recognition", Proc. IEEE 86 (1998), section III.A. That the
/// long side is exactly 20 pixels, and the centre of mass within half a pixel of (14, 14) counted from 0, was
/// measured on the test set.
pub fn to_mnist(gray: &[u8], width: usize, height: usize) -> Option<[u8; PIXELS]> {
    if width == 0 || width.checked_mul(height) != Some(gray.len()) {
        return None;
    }
    let (rows, columns) = bounding_box(gray, width)?;
    let long = rows.len().max(columns.len());
    let (down, across) = (Axis::new(rows.len(), long), Axis::new(columns.len(), long));

    // Rows of the source are summed into the box one by one, each shrunk to the box's columns first.
    let mut sums = [0.0f64; BOX * BOX];
    for (y, into) in down.weights.iter().enumerate() {
        for &(row, weight) in into {
            let start = (rows.start + row) * width + columns.start;
            let ink = &gray[start..start + columns.len()];
            for (x, from) in across.weights.iter().enumerate() {
                let sum: f64 = from.iter().map(|&(column, weight)| f64::from(ink[column]) * weight).sum();
                sums[y * BOX + x] += weight * sum;
            }
        }
    }
    let boxed = sums.map(|level| (level + 0.5) as u8);

    let (mut mass, mut moment_y, mut moment_x) = (0, 0, 0);
    for (at, level) in boxed.iter().map(|&level| usize::from(level)).enumerate() {
        mass += level;
        moment_y += level * (at / BOX);
        moment_x += level * (at % BOX);
    }
    if mass == 0 {
        return None;
    }
    let (top, left) = (down.offset(moment_y, mass), across.offset(moment_x, mass));
    let mut image = [0; PIXELS];
    for y in 0..down.weights.len() {
        let at = (top + y) * SIDE + left;
        let length = across.weights.len();
        image[at..at + length].copy_from_slice(&boxed[y * BOX..y * BOX + length]);
    }
    Some(image)
}

/// The rows and the columns that hold ink.
fn bounding_box(gray: &[u8], width: usize) -> Option<(std::ops::Range<usize>, std::ops::Range<usize>)> {
    let (mut rows, mut columns) = (0..0, 0..0);
    for (y, row) in gray.chunks_exact(width).enumerate() {
        let inked = |level: &u8| *level >= FAINTEST;
        let Some(first) = row.iter().position(inked) else { continue };
        let last = row.iter().rposition(inked).unwrap_or(first);
        if rows.is_empty() {
            (rows, columns) = (y..y, first..last);
        }
        rows.end = y + 1;
        columns = columns.start.min(first)..columns.end.max(last + 1);
    }
    (!rows.is_empty()).then_some((rows, columns))
}

/// One axis of the box: for each of its pixels, the source pixels under it and the share of each.
struct Axis {
    weights: Vec<Vec<(usize, f64)>>,
}

impl Axis {
    /// Scales `length` source pixels so that `long` would become the whole [`BOX`].
    fn new(length: usize, long: usize) -> Self {
        // In units of 1/BOX source pixel everything but the margin is whole: `long` units to a pixel of the box.
        let pixels = (length * BOX).div_ceil(long);
        // A short side rarely fills whole pixels: its edges share what is missing.
        let margin = (pixels * long - length * BOX) as f64 / 2.0;
        let weights = (0..pixels)
            .map(|pixel| {
                let begin = ((pixel * long) as f64 - margin).max(0.0);
                let end = (((pixel + 1) * long) as f64 - margin).min((length * BOX) as f64);
                let first = begin as usize / BOX;
                let last = (end.ceil() as usize).div_ceil(BOX).clamp(first + 1, length.max(first + 1));
                (first..last.min(length))
                    .map(|source| {
                        let (from, to) = ((source * BOX) as f64, ((source + 1) * BOX) as f64);
                        (source, (end.min(to) - begin.max(from)).max(0.0) / long as f64)
                    })
                    .collect()
            })
            .collect();
        Self { weights }
    }

    /// Where the box begins in the field, so that the centre of mass `moment / mass` comes nearest to pixel 14.
    fn offset(&self, moment: usize, mass: usize) -> usize {
        // round(14 - moment / mass), in whole numbers so that equal drawings stay equal.
        let twice = (SIDE + 1) * mass;
        (twice.saturating_sub(2 * moment) / (2 * mass)).min(SIDE - self.weights.len())
    }
}
