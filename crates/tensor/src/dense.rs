//! The weight gradient of a dense layer over one block: a sum of sixteen outer products.
//!
//! With samples innermost, every weight would end in a sum over lanes. Turned round ([`transpose`]), lanes run
//! over the inputs, the samples are the loop, and the result is stored as it lies in memory.

use crate::{BLOCK, Lanes};
use wide::f32x4;

/// Floats between two samples of a transposed block: `inputs` rounded up to two vectors.
pub const fn transposed_stride(inputs: usize) -> usize {
    inputs.next_multiple_of(8)
}

/// `x[input][sample]` to `xt[sample][input]`, rows of [`transposed_stride`]; what is past the inputs may be anything.
///
/// # Panics
/// If `xt` is too short.
pub fn transpose(x: &[Lanes], xt: &mut [f32]) {
    let stride = transposed_stride(x.len());
    assert!(xt.len() >= BLOCK * stride);
    for (group, rows) in x.chunks(4).enumerate() {
        for quarter in 0..4 {
            let four = std::array::from_fn(|i| rows.get(i).map_or(f32x4::ZERO, |row| row[quarter]));
            for (i, sample) in f32x4::transpose(four).into_iter().enumerate() {
                xt[(quarter * 4 + i) * stride + group * 4..][..4].copy_from_slice(&sample.to_array());
            }
        }
    }
}

/// `dw[unit][input] = sum over samples of dy[unit] * x[input]`, with `xt` from [`transpose`].
///
/// # Panics
/// If a length does not go with the number of inputs.
pub fn weight_gradient(inputs: usize, xt: &[f32], dy: &[Lanes], dw: &mut [f32]) {
    let stride = transposed_stride(inputs);
    assert!(xt.len() >= BLOCK * stride && dw.len() == dy.len() * inputs);
    let mut unit = 0;
    while unit < dy.len() {
        match dy.len() - unit {
            1 => rows::<1>(inputs, xt, dy, dw, unit),
            2 => rows::<2>(inputs, xt, dy, dw, unit),
            3 => rows::<3>(inputs, xt, dy, dw, unit),
            // 4 ran at 59 % of the multiply-add peak in V8, 5 at 42 %: see `conv2d` on registers.
            _ => rows::<4>(inputs, xt, dy, dw, unit),
        }
        unit += 4.min(dy.len() - unit);
    }
}

#[inline(never)]
fn rows<const U: usize>(inputs: usize, xt: &[f32], dy: &[Lanes], dw: &mut [f32], unit: usize) {
    let stride = transposed_stride(inputs);
    // Sixteen samples of U units, in the order the loop below reads them.
    let d: [[f32; U]; BLOCK] =
        std::array::from_fn(|n| std::array::from_fn(|u| dy[unit + u][n / 4].to_array()[n % 4]));
    for column in (0..inputs).step_by(8) {
        let mut low = [f32x4::ZERO; U];
        let mut high = [f32x4::ZERO; U];
        for (n, d) in d.iter().enumerate() {
            // SAFETY: column + 8 <= stride and n < BLOCK; the length of xt is asserted by `weight_gradient`.
            let (a, b) = unsafe {
                let x = xt.as_ptr().add(n * stride + column);
                (x.cast::<[f32; 4]>().read(), x.add(4).cast::<[f32; 4]>().read())
            };
            let (a, b) = (f32x4::from(a), f32x4::from(b));
            for u in 0..U {
                let d = f32x4::splat(d[u]);
                low[u] += d * a;
                high[u] += d * b;
            }
        }
        let width = 8.min(inputs - column);
        for u in 0..U {
            let row = &mut dw[(unit + u) * inputs + column..][..width];
            if width == 8 {
                row[..4].copy_from_slice(&low[u].to_array());
                row[4..].copy_from_slice(&high[u].to_array());
            } else {
                let all: [f32; 8] = bytemuck::cast([low[u], high[u]]);
                row.copy_from_slice(&all[..width]);
            }
        }
    }
}
