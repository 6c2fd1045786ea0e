//! Batch normalisation (Ioffe and Szegedy 2015) over one block of samples: sums for the statistics,
//! normalisation, and the scale and shift of every channel, which trained sub-sampling has, too.
//!
//! Buffers are `[channel][row][column]`, each value the [`Lanes`] of sixteen samples; all other arguments
//! have one number per channel, and their length is the number of channels. Kernels panic if the lengths do
//! not agree.
//!
//! A block that is not full has unused lanes, which must not enter the statistics: `used` has all bits set in
//! the lanes in use.

use crate::lanes::{ZERO, sum16};
use crate::{BLOCK, Lanes};
use wide::f32x4;

/// All bits set in the first `samples` lanes, none in the others: the mask `used`.
pub fn lanes_in_use(samples: usize) -> Lanes {
    let bits: [u32; BLOCK] = std::array::from_fn(|lane| if lane < samples { !0 } else { 0 });
    bytemuck::cast(bits)
}

/// `y = scale[channel] * x + shift[channel]`.
pub fn affine_forward(scale: &[f32], shift: &[f32], x: &[Lanes], y: &mut [Lanes]) {
    assert!(x.len() == y.len() && scale.len() == shift.len() && x.len().is_multiple_of(scale.len()));
    let plane = x.len() / scale.len();
    for (channel, (x, y)) in x.chunks_exact(plane).zip(y.chunks_exact_mut(plane)).enumerate() {
        let (scale, shift) = (f32x4::splat(scale[channel]), f32x4::splat(shift[channel]));
        for (x, y) in x.iter().zip(y) {
            for q in 0..4 {
                y[q] = x[q] * scale + shift;
            }
        }
    }
}

/// `dx = scale[channel] * dy`; over pixels and samples, `dscale[channel] = sum of dy * x`,
/// `dshift[channel] = sum of dy`.
pub fn affine_backward(
    scale: &[f32],
    x: &[Lanes],
    dy: &[Lanes],
    dx: &mut [Lanes],
    (dscale, dshift): (&mut [f32], &mut [f32]),
) {
    assert!(x.len() == dy.len() && x.len() == dx.len() && x.len().is_multiple_of(scale.len()));
    product_sums(dy, x, dshift, dscale);
    let plane = x.len() / scale.len();
    for (channel, (dy, dx)) in dy.chunks_exact(plane).zip(dx.chunks_exact_mut(plane)).enumerate() {
        let scale = f32x4::splat(scale[channel]);
        for (dy, dx) in dy.iter().zip(dx) {
            *dx = dy.map(|dy| dy * scale);
        }
    }
}

/// `sums[channel] = sum of a`, `products[channel] = sum of a * b`, over pixels and samples.
pub fn product_sums(a: &[Lanes], b: &[Lanes], sums: &mut [f32], products: &mut [f32]) {
    assert!(a.len() == b.len() && sums.len() == products.len() && a.len().is_multiple_of(sums.len()));
    let plane = a.len() / sums.len();
    for (channel, (a, b)) in a.chunks_exact(plane).zip(b.chunks_exact(plane)).enumerate() {
        let (mut sum, mut product) = (ZERO, ZERO);
        for (a, b) in a.iter().zip(b) {
            for q in 0..4 {
                sum[q] += a[q];
                product[q] += a[q] * b[q];
            }
        }
        (sums[channel], products[channel]) = (sum16(&sum), sum16(&product));
    }
}

/// Sums, over pixels and samples in use, of `x - pivot[channel]` and of its square. A pivot near the mean
/// avoids cancellation in the variance.
pub fn moment_sums(x: &[Lanes], pivot: &[f32], used: &Lanes, sums: &mut [f32], squares: &mut [f32]) {
    assert!(x.len().is_multiple_of(pivot.len()) && sums.len() == pivot.len() && squares.len() == pivot.len());
    let plane = x.len() / pivot.len();
    for (channel, x) in x.chunks_exact(plane).enumerate() {
        let pivot = f32x4::splat(pivot[channel]);
        let (mut sum, mut square) = (ZERO, ZERO);
        for x in x {
            for q in 0..4 {
                let d = (x[q] - pivot) & used[q];
                sum[q] += d;
                square[q] += d * d;
            }
        }
        (sums[channel], squares[channel]) = (sum16(&sum), sum16(&square));
    }
}

/// `y = (x - mean[channel]) * inverse_deviation[channel]`.
pub fn normalize_forward(mean: &[f32], inverse_deviation: &[f32], x: &[Lanes], y: &mut [Lanes]) {
    assert!(x.len() == y.len() && x.len().is_multiple_of(mean.len()));
    let plane = x.len() / mean.len();
    for (channel, (x, y)) in x.chunks_exact(plane).zip(y.chunks_exact_mut(plane)).enumerate() {
        let (mean, scale) = (f32x4::splat(mean[channel]), f32x4::splat(inverse_deviation[channel]));
        for (x, y) in x.iter().zip(y) {
            *y = x.map(|x| (x - mean) * scale);
        }
    }
}

/// The gradient through normalisation by the statistics of the batch itself (Ioffe and Szegedy 2015, section
/// 3), where `y` is the normalised value: `dx = (dy - mean(dy) - y * mean(dy * y)) * inverse_deviation`, the
/// means taken over the whole batch.
pub fn normalize_backward(
    inverse_deviation: &[f32],
    (mean_dy, mean_dy_y): (&[f32], &[f32]),
    used: &Lanes,
    (y, dy): (&[Lanes], &[Lanes]),
    dx: &mut [Lanes],
) {
    assert!(y.len() == dx.len() && dy.len() == dx.len() && y.len().is_multiple_of(mean_dy.len()));
    let plane = y.len() / mean_dy.len();
    for (channel, dx) in dx.chunks_exact_mut(plane).enumerate() {
        let splat = |of: &[f32]| f32x4::splat(of[channel]);
        let (scale, mean, slope) = (splat(inverse_deviation), splat(mean_dy), splat(mean_dy_y));
        let at = channel * plane;
        for ((y, dy), dx) in y[at..].iter().zip(&dy[at..]).zip(dx) {
            for q in 0..4 {
                dx[q] = ((dy[q] - mean - y[q] * slope) * scale) & used[q];
            }
        }
    }
}
