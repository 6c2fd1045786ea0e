//! Normalising a drawing to an image like those of MNIST.

use nn::mnist::{PIXELS, SIDE};

/// Rows, and columns, of the box into which the ink is scaled.
const BOX: usize = 20;

/// The grey level from which ink counts for the bounding box; fainter pixels are the soft edge of a stroke.
const FAINTEST: u8 = 32;

/// Normalises a drawing as MNIST's digits were: the bounding box of the ink is scaled to fit 20x20 pixels,
/// keeping its aspect ratio and averaging over areas; the result is moved by whole pixels so that its centre
/// of mass comes as close to pixel (14, 14) of 28x28 as the ink stays inside.
///
/// `gray` is `[height][width]`, 0 = no ink, 255 = full ink. Returns `[28][28]` grey levels, or `None` if
/// there is (almost) no ink or `gray` does not have `width * height` pixels.
///
/// ```
/// use data::{drawing::to_mnist, mnist::SIDE};
///
/// // A square of ink in the upper left corner of a large canvas is scaled to 20x20 pixels and centred.
/// let mut canvas = vec![0; 280 * 280];
/// canvas.chunks_mut(280).take(60).for_each(|row| row[..60].fill(255));
/// let image = to_mnist(&canvas, 280, 280).expect("there is ink");
/// let inked = |row: usize| image[row * SIDE..][..SIDE].iter().filter(|level| **level == 255).count();
/// assert_eq!((0..SIDE).map(inked).collect::<Vec<_>>(), [vec![0; 5], vec![20; 20], vec![0; 3]].concat());
/// ```
///
/// Source: Y. LeCun, C. Cortes, C. Burges, "The MNIST database of handwritten digits"; also LeCun, Bottou,
/// Bengio, Haffner, "Gradient-based learning applied to document recognition", Proc. IEEE 86 (1998), section
/// III.A. That the long side is exactly 20 pixels, and the centre of mass within half a pixel of (14, 14)
/// counted from 0, was measured on the test set.
pub fn to_mnist(gray: &[u8], width: usize, height: usize) -> Option<[u8; PIXELS]> {
    if width == 0 || width.checked_mul(height) != Some(gray.len()) {
        return None;
    }
    let (rows, columns) = bounding_box(gray, width)?;
    let long = rows.len().max(columns.len());
    let (down, across) = (Axis::new(rows.len(), long), Axis::new(columns.len(), long));

    // Each row of the source is scaled to the box's columns, then added to the box's rows.
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

/// The ranges of rows and columns that contain ink.
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

/// One axis of the box: for each of its pixels, the source pixels that it covers and the weight of each.
struct Axis {
    weights: Vec<Vec<(usize, f64)>>,
}

impl Axis {
    /// Scales `length` source pixels by the factor that scales `long` pixels to [`BOX`].
    fn new(length: usize, long: usize) -> Self {
        // Positions are in units of 1/BOX source pixel, in which all but the margin are integers; a pixel of
        // the box has `long` units.
        let pixels = (length * BOX).div_ceil(long);
        // A short side rarely fills whole pixels: the rest is divided between its two edges.
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

    /// The first row or column of the box in the image, such that the centre of mass `moment / mass` comes
    /// closest to pixel 14.
    fn offset(&self, moment: usize, mass: usize) -> usize {
        // round(14 - moment / mass), in integers, so that equal drawings stay equal.
        let twice = (SIDE + 1) * mass;
        (twice.saturating_sub(2 * moment) / (2 * mass)).min(SIDE - self.weights.len())
    }
}
