//! Max and average pooling over one block of samples, as PyTorch's `MaxPool2d` and `AvgPool2d`.
//!
//! Inputs, outputs and gradients are `[channel][row][column]`, each value the [`Lanes`] of sixteen samples.
//! Kernels panic if a length is not that of the geometry.

use crate::{Lanes, Shape, lanes::ZERO};
use wide::f32x4;

/// The sizes of a pooling with square windows. Rows and columns that no whole window covers are ignored, as
/// PyTorch does.
///
/// ```
/// use tensor::{Shape, pool::Pool2d};
///
/// let pool = Pool2d { input: Shape::maps(6, 28, 28), kernel_size: 2, stride: 2 };
/// assert_eq!(pool.output(), Shape::maps(6, 14, 14));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pool2d {
    /// Shape of the input.
    pub input: Shape,
    /// Height, and width, of the window.
    pub kernel_size: usize,
    /// Step of the window.
    pub stride: usize,
}

impl Pool2d {
    /// Shape of the output.
    pub const fn output(&self) -> Shape {
        Shape::maps(
            self.input.channels,
            (self.input.height - self.kernel_size) / self.stride + 1,
            (self.input.width - self.kernel_size) / self.stride + 1,
        )
    }

    /// Calls `visit` for every output, with its index and the index of its window's first pixel.
    fn for_each_window(self, mut visit: impl FnMut(usize, usize)) {
        let Shape { channels, height, width } = self.output();
        let mut at = 0;
        for channel in 0..channels {
            for row in 0..height {
                let line = (channel * self.input.height + row * self.stride) * self.input.width;
                for column in 0..width {
                    visit(at, line + column * self.stride);
                    at += 1;
                }
            }
        }
    }

    /// Calls `visit` for every pixel of a window, with its distance from the first pixel.
    fn for_each_tap(self, mut visit: impl FnMut(usize)) {
        for row in 0..self.kernel_size {
            for column in 0..self.kernel_size {
                visit(row * self.input.width + column);
            }
        }
    }

    /// Whether every pixel lies in exactly one window; then gradients need no accumulation.
    pub(crate) fn is_partition(self) -> bool {
        let Shape { height, width, .. } = self.input;
        self.kernel_size == self.stride
            && height.is_multiple_of(self.kernel_size)
            && width.is_multiple_of(self.kernel_size)
    }
}

/// The largest value of each window; NaN if one of them is NaN, as in PyTorch, so that a diverging training is
/// noticed.
pub fn max_forward(g: &Pool2d, x: &[Lanes], y: &mut [Lanes]) {
    assert!(x.len() == g.input.len() && y.len() == g.output().len());
    g.for_each_window(|at, first| {
        let mut best = x[first];
        g.for_each_tap(|tap| {
            for (best, value) in best.iter_mut().zip(&x[first + tap]) {
                // Compare and select rather than max: +0, -0 and NaN then come out alike on every machine.
                // Nothing is greater than a NaN, which therefore stays.
                *best = (value.simd_gt(*best) | value.is_nan()).bitselect(*value, *best);
            }
        });
        y[at] = best;
    });
}

/// The gradient: that of an output goes to the argmax of its window, of several the first, as in PyTorch.
pub fn max_backward(g: &Pool2d, x: &[Lanes], y: &[Lanes], dy: &[Lanes], dx: &mut [Lanes]) {
    assert!(x.len() == g.input.len() && dx.len() == x.len());
    assert!(y.len() == g.output().len() && dy.len() == y.len());
    let overwrite = g.is_partition();
    if !overwrite {
        dx.fill(ZERO);
    }
    g.for_each_window(|at, first| {
        let mut open = dy[at];
        g.for_each_tap(|tap| {
            let (x, dx) = (&x[first + tap], &mut dx[first + tap]);
            for q in 0..4 {
                // The whole gradient goes to the first pixel that equals the output; `open` is zero after
                // that.
                let hit = x[q].simd_eq(y[at][q]);
                let share = hit & open[q];
                dx[q] = if overwrite { share } else { dx[q] + share };
                open[q] = hit.bitselect(f32x4::ZERO, open[q]);
            }
        });
    });
}

/// Calls `visit` for every output, with its index and the argmax of its window, the pixel to which
/// [`max_backward`] sends the gradient. The argmax is given in the bits of each lane as an element of
/// `numbers`, one for each pixel of a window, row by row; no bits are set if no pixel equals the output
/// (after a ReLU).
pub(crate) fn max_indices(
    g: &Pool2d,
    numbers: &[u32],
    (x, y): (&[Lanes], &[Lanes]),
    mut visit: impl FnMut(usize, &Lanes),
) {
    assert!(x.len() == g.input.len() && y.len() == g.output().len());
    assert!(numbers.len() == g.kernel_size * g.kernel_size);
    g.for_each_window(|at, first| {
        let y = &y[at];
        let (mut done, mut argmax, mut numbers) = (ZERO, ZERO, numbers.iter());
        g.for_each_tap(|tap| {
            let number = f32x4::splat(f32::from_bits(*numbers.next().expect("as many as taps")));
            for q in 0..4 {
                let hit = x[first + tap][q].simd_eq(y[q]);
                argmax[q] |= !done[q] & hit & number;
                done[q] |= hit;
            }
        });
        visit(at, &argmax);
    });
}

/// The mean of each window.
pub fn average_forward(g: &Pool2d, x: &[Lanes], y: &mut [Lanes]) {
    assert!(x.len() == g.input.len() && y.len() == g.output().len());
    let share = f32x4::splat(1.0 / (g.kernel_size * g.kernel_size) as f32);
    g.for_each_window(|at, first| {
        let mut sum = ZERO;
        g.for_each_tap(|tap| {
            for (sum, value) in sum.iter_mut().zip(&x[first + tap]) {
                *sum += *value;
            }
        });
        y[at] = sum.map(|sum| sum * share);
    });
}

/// The gradient: every pixel of a window receives the same share.
pub fn average_backward(g: &Pool2d, dy: &[Lanes], dx: &mut [Lanes]) {
    assert!(dx.len() == g.input.len() && dy.len() == g.output().len());
    dx.fill(ZERO);
    let share = f32x4::splat(1.0 / (g.kernel_size * g.kernel_size) as f32);
    g.for_each_window(|at, first| {
        let shared = dy[at].map(|dy| dy * share);
        g.for_each_tap(|tap| {
            for (dx, shared) in dx[first + tap].iter_mut().zip(&shared) {
                *dx += *shared;
            }
        });
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasm_bindgen_test::wasm_bindgen_test;

    #[wasm_bindgen_test(unsupported = test)]
    fn a_window_with_nan_gives_nan_wherever_it_stands() {
        for (kernel_size, stride) in [(2, 2), (3, 1), (3, 2)] {
            let pool = Pool2d { input: Shape::maps(1, 6, 6), kernel_size, stride };
            for at in 0..36 {
                let mut x: Vec<Lanes> =
                    (0..36).map(|i| [f32x4::splat((i * 7 % 11) as f32 - 5.0); 4]).collect();
                x[at][1] = f32x4::from([1.0, f32::NAN, -1.0, 0.0]);
                for pools in [max_forward, average_forward] {
                    let mut y = vec![ZERO; pool.output().len()];
                    pools(&pool, &x, &mut y);
                    pool.for_each_window(|window, first| {
                        let mut is_inside = false;
                        pool.for_each_tap(|tap| is_inside |= first + tap == at);
                        let lanes: [f32; crate::BLOCK] = bytemuck::cast(y[window]);
                        for (lane, y) in lanes.iter().enumerate() {
                            assert_eq!(
                                y.is_nan(),
                                is_inside && lane == 5,
                                "{pool:?}, pixel {at}, lane {lane}"
                            );
                        }
                    });
                }
            }
        }
    }
}
