//! Inner kernels of [`MaxPoolBackward`](super::MaxPoolBackward): sums of rows of numbers, each times a
//! gradient.

#![allow(clippy::needless_range_loop, reason = "register tiles are indexed alike on both sides")]

use wide::f32x4;

/// The widths of tiles, in vectors.
const VECTORS: [usize; 7] = [2, 3, 4, 6, 8, 9, 10];

/// A gradient that is not zero, and the index of the first number that it is multiplied by.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct NonZero {
    gradient: f32,
    at: u32,
}

/// The gradients of a plane that are not zero, in sparse form.
pub(super) struct NonZeros<'a> {
    entries: &'a mut [NonZero],
    len: usize,
}

impl<'a> NonZeros<'a> {
    pub(super) fn new(entries: &'a mut [NonZero]) -> Self {
        Self { entries, len: 0 }
    }

    /// Appends a gradient unless it is zero. Without a branch, which would be mispredicted.
    pub(super) fn push(&mut self, gradient: f32, at: u32) {
        self.entries[self.len] = NonZero { gradient, at };
        self.len += usize::from(gradient != 0.0);
    }

    pub(super) fn entries(&self) -> &[NonZero] {
        &self.entries[..self.len]
    }
}

/// A row of numbers divided into tiles of equal width.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    tiles: usize,
    vectors: usize,
}

impl Row {
    /// Divides a row of at least `numbers` numbers.
    pub(super) fn new(numbers: usize) -> Self {
        let vectors = numbers.div_ceil(4);
        let tiles = vectors.div_ceil(VECTORS[VECTORS.len() - 1]);
        let enough = |size: &&usize| **size * tiles >= vectors;
        Self { tiles, vectors: *VECTORS.iter().find(enough).expect("the largest are enough") }
    }

    /// Numbers in all tiles, less than a tile more than in the row.
    pub(super) const fn len(self) -> usize {
        4 * self.tiles * self.vectors
    }
}

pub(super) fn vector(numbers: &[f32]) -> f32x4 {
    let four: [f32; 4] = numbers[..4].try_into().expect("four numbers");
    f32x4::from(four)
}

/// `sums[row * sums_line + number] += sum over entries of gradient * x[at + row * x_line + number]`, for
/// `rows` rows.
pub(super) fn add_products(
    entries: &[NonZero],
    (x, x_line): (&[f32], usize),
    (row, rows): (Row, usize),
    (sums, sums_line): (&mut [f32], usize),
) {
    for tile in 0..row.tiles {
        let first = 4 * row.vectors * tile;
        let mut y = 0;
        while y < rows {
            let x = (&x[y * x_line + first..], x_line);
            let sums = (&mut sums[y * sums_line + first..], sums_line);
            y += match (row.vectors, rows - y) {
                (2, 1) => add_tile::<1, 2>(entries, x, sums),
                (2, 2) => add_tile::<2, 2>(entries, x, sums),
                (2, 3 | 6) => add_tile::<3, 2>(entries, x, sums),
                (2, 4 | 7..9) => add_tile::<4, 2>(entries, x, sums),
                (2, _) => add_tile::<5, 2>(entries, x, sums),
                (3, 1) => add_tile::<1, 3>(entries, x, sums),
                (3, 2 | 4) => add_tile::<2, 3>(entries, x, sums),
                (3, _) => add_tile::<3, 3>(entries, x, sums),
                (4, 1) => add_tile::<1, 4>(entries, x, sums),
                (4, _) => add_tile::<2, 4>(entries, x, sums),
                (6, _) => add_tile::<1, 6>(entries, x, sums),
                (8, _) => add_tile::<1, 8>(entries, x, sums),
                (9, _) => add_tile::<1, 9>(entries, x, sums),
                _ => add_tile::<1, 10>(entries, x, sums),
            };
        }
    }
}

/// `R` rows of `V` vectors, which stay in the registers: V8 has 15 to give. Returns the number of rows.
#[inline(never)]
fn add_tile<const R: usize, const V: usize>(
    entries: &[NonZero],
    (x, x_line): (&[f32], usize),
    (sums, sums_line): (&mut [f32], usize),
) -> usize {
    let mut tile: [[f32x4; V]; R] =
        std::array::from_fn(|r| std::array::from_fn(|v| vector(&sums[r * sums_line + 4 * v..])));
    for entry in entries {
        let gradient = f32x4::splat(entry.gradient);
        for r in 0..R {
            let x = &x[entry.at as usize + r * x_line..][..4 * V];
            for v in 0..V {
                tile[r][v] += gradient * vector(&x[4 * v..]);
            }
        }
    }
    for r in 0..R {
        for v in 0..V {
            sums[r * sums_line + 4 * v..][..4].copy_from_slice(&tile[r][v].to_array());
        }
    }
    R
}
