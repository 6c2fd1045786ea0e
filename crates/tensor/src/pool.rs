//! Max and average pooling over one block of samples.

use crate::{Lanes, Shape, lanes::ZERO};
use wide::f32x4;

/// Square windows over every channel. Rows and columns that no window reaches are left out, as PyTorch does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pool2d {
    /// Shape of the input.
    pub input: Shape,
    /// Rows and columns of the window.
    pub kernel: usize,
    /// Step of the window.
    pub stride: usize,
}

impl Pool2d {
    /// Shape of the output.
    pub const fn output(&self) -> Shape {
        Shape::maps(
            self.input.channels,
            (self.input.height - self.kernel) / self.stride + 1,
            (self.input.width - self.kernel) / self.stride + 1,
        )
    }

    /// For every output, its index and that of its window's first pixel.
    fn windows(self) -> impl Iterator<Item = (usize, usize)> {
        let out = self.output();
        (0..out.len()).map(move |at| {
            let (channel, row, column) = (at / out.plane(), at % out.plane() / out.width, at % out.width);
            let line = channel * self.input.height + row * self.stride;
            (at, line * self.input.width + column * self.stride)
        })
    }

    /// Whether every pixel lies in exactly one window: then gradients need no adding up.
    fn is_partition(self) -> bool {
        let Shape { height, width, .. } = self.input;
        self.kernel == self.stride && height.is_multiple_of(self.kernel) && width.is_multiple_of(self.kernel)
    }

    fn taps(self) -> impl Iterator<Item = usize> {
        (0..self.kernel * self.kernel)
            .map(move |tap| tap / self.kernel * self.input.width + tap % self.kernel)
    }
}

/// The largest of each window.
pub fn max_forward(g: &Pool2d, x: &[Lanes], y: &mut [Lanes]) {
    assert!(x.len() == g.input.len() && y.len() == g.output().len());
    for (at, first) in g.windows() {
        let mut best = x[first];
        for tap in g.taps() {
            for (best, value) in best.iter_mut().zip(&x[first + tap]) {
                // Compare and select rather than max: +0, -0 and NaN then come out alike on every machine.
                *best = value.simd_gt(*best).bitselect(*value, *best);
            }
        }
        y[at] = best;
    }
}

/// The gradient goes to the first pixel of the window that is the largest, as in PyTorch.
pub fn max_backward(g: &Pool2d, x: &[Lanes], y: &[Lanes], dy: &[Lanes], dx: &mut [Lanes]) {
    assert!(x.len() == g.input.len() && dx.len() == x.len());
    assert!(y.len() == g.output().len() && dy.len() == y.len());
    let overwrite = g.is_partition();
    if !overwrite {
        dx.fill(ZERO);
    }
    for (at, first) in g.windows() {
        let mut open = [f32x4::splat(f32::from_bits(!0)); 4];
        for tap in g.taps() {
            for q in 0..4 {
                let hit = x[first + tap][q].simd_eq(y[at][q]) & open[q];
                let share = hit & dy[at][q];
                dx[first + tap][q] = if overwrite { share } else { dx[first + tap][q] + share };
                open[q] = hit.bitselect(f32x4::ZERO, open[q]);
            }
        }
    }
}

/// The mean of each window.
pub fn average_forward(g: &Pool2d, x: &[Lanes], y: &mut [Lanes]) {
    assert!(x.len() == g.input.len() && y.len() == g.output().len());
    let share = f32x4::splat(1.0 / (g.kernel * g.kernel) as f32);
    for (at, first) in g.windows() {
        let mut sum = ZERO;
        for tap in g.taps() {
            for (sum, value) in sum.iter_mut().zip(&x[first + tap]) {
                *sum += *value;
            }
        }
        y[at] = sum.map(|sum| sum * share);
    }
}

/// Every pixel of a window gets the same share of the gradient.
pub fn average_backward(g: &Pool2d, dy: &[Lanes], dx: &mut [Lanes]) {
    assert!(dx.len() == g.input.len() && dy.len() == g.output().len());
    dx.fill(ZERO);
    let share = f32x4::splat(1.0 / (g.kernel * g.kernel) as f32);
    for (at, first) in g.windows() {
        let shared = dy[at].map(|dy| dy * share);
        for tap in g.taps() {
            for (dx, shared) in dx[first + tap].iter_mut().zip(&shared) {
                *dx += *shared;
            }
        }
    }
}
