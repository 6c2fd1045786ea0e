//! A linear (fully connected) layer over one block of samples, with sparse inputs.
//!
//! `x` is `[in_feature]`, `y` is `[out_feature]`, each value the [`Lanes`] of sixteen samples. Weights are
//! `[out_feature][in_feature]` as they lie in the flat vector, not packed. The gradient of the input is that
//! of a 1x1 convolution ([`crate::conv2d::direct::input_gradient`]).
//!
//! Four of five pixels of MNIST are zero, and so are half of the values after a ReLU. The forward sum skips
//! inputs that are zero in all samples of a block; the weight gradient takes four inputs at a time, and skips
//! the samples in which all four are zero. Only terms that are zero are skipped, so the sums keep their bits.

#![allow(clippy::needless_range_loop, reason = "register tiles are indexed alike on both sides")]

use crate::memory::grow;
use crate::{BLOCK, Lanes, ZERO};
use std::ops::Range;
use wide::f32x4;

/// The positions of an input's values that are not zero: scratch memory, shared by all layers.
#[derive(Clone, Debug, Default)]
pub struct Sparse {
    /// Ranges of inputs that are not zero in at least one sample.
    stretches: Vec<Range<usize>>,
    /// Four neighbouring inputs of one sample, not all zero, group by group in the order of the samples.
    /// Items after the end of the last group have no meaning.
    fours: Vec<f32x4>,
    /// The sample of each four.
    samples: Vec<u32>,
    /// The end of each group.
    ends: Vec<u32>,
    /// The gradient of the output, `[sample][out_feature]`.
    dy: Vec<f32>,
}

/// Sizes of the parts of [`Sparse`], in items.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SparseSize {
    stretches: usize,
    /// Groups of four inputs.
    groups: usize,
    dy: usize,
}

impl SparseSize {
    /// What a layer needs.
    pub(crate) fn of(in_features: usize, out_features: usize) -> Self {
        Self {
            stretches: in_features.div_ceil(2),
            groups: in_features.div_ceil(4),
            dy: BLOCK * out_features.next_multiple_of(4),
        }
    }

    /// What is enough for both.
    pub(crate) fn max(self, other: Self) -> Self {
        Self {
            stretches: self.stretches.max(other.stretches),
            groups: self.groups.max(other.groups),
            dy: self.dy.max(other.dy),
        }
    }

    /// Bytes of all parts.
    pub(crate) fn bytes(&self) -> u64 {
        let of_group = BLOCK * (size_of::<f32x4>() + 4) + 4;
        (size_of::<Range<usize>>() * self.stretches + of_group * self.groups + 4 * self.dy) as u64
    }
}

impl Sparse {
    /// Allocates memory of this size.
    pub(crate) fn reserve(&mut self, size: &SparseSize) {
        grow(&mut self.stretches, size.stretches, 0..0);
        grow(&mut self.fours, BLOCK * size.groups, f32x4::ZERO);
        grow(&mut self.samples, BLOCK * size.groups, 0);
        grow(&mut self.ends, size.groups, 0);
        grow(&mut self.dy, size.dy, 0.0);
    }

    /// Finds the inputs that are not zero in all samples.
    fn find_stretches(&mut self, x: &[Lanes]) {
        self.stretches.clear();
        let mut start = None;
        for (i, lanes) in x.iter().enumerate() {
            match (start, *lanes == ZERO) {
                (None, false) => start = Some(i),
                (Some(from), true) => {
                    self.stretches.push(from..i);
                    start = None;
                }
                _ => {}
            }
        }
        self.stretches.extend(start.map(|from| from..x.len()));
    }

    /// Finds the fours that are not all zero. Without a branch, which would be mispredicted.
    fn find_fours(&mut self, x: &[Lanes]) {
        let mut found = 0;
        self.ends.clear();
        for rows in x.chunks(4) {
            for quarter in 0..4 {
                let four = std::array::from_fn(|i| rows.get(i).map_or(f32x4::ZERO, |row| row[quarter]));
                for (i, four) in f32x4::transpose(four).into_iter().enumerate() {
                    (self.fours[found], self.samples[found]) = (four, (quarter * 4 + i) as u32);
                    found += usize::from(four != f32x4::ZERO);
                }
            }
            self.ends.push(found as u32);
        }
    }
}

/// `y[out] = bias[out] + sum over in of weight[out][in] * x[in]`.
///
/// # Panics
/// If the lengths do not agree.
pub fn forward(x: &[Lanes], weight: &[f32], bias: &[f32], y: &mut [Lanes], sparse: &mut Sparse) {
    assert!(weight.len() == x.len() * y.len() && bias.len() == y.len());
    sparse.find_stretches(x);
    let mut unit = 0;
    while unit < y.len() {
        let size = match y.len() - unit {
            1 => forward_tile::<1, 4>(x, weight, bias, y, sparse, unit),
            2 => forward_tile::<2, 4>(x, weight, bias, y, sparse, unit),
            3 => forward_tile::<3, 4>(x, weight, bias, y, sparse, unit),
            _ => forward_tile::<4, 2>(x, weight, bias, y, sparse, unit),
        };
        unit += size;
    }
}

/// `U` output features of `V` vectors at a time; see `conv2d/direct.rs` on registers.
#[inline(never)]
fn forward_tile<const U: usize, const V: usize>(
    x: &[Lanes],
    weight: &[f32],
    bias: &[f32],
    y: &mut [Lanes],
    sparse: &Sparse,
    unit: usize,
) -> usize {
    let inputs = x.len();
    let rows: [&[f32]; U] = std::array::from_fn(|u| &weight[(unit + u) * inputs..][..inputs]);
    for first in (0..4).step_by(V) {
        let mut sums: [[f32x4; V]; U] = std::array::from_fn(|u| [f32x4::splat(bias[unit + u]); V]);
        for stretch in &sparse.stretches {
            for input in stretch.clone() {
                // SAFETY: stretches are made of the inputs of x, and the rows are as long; first + V is at
                // most 4.
                unsafe {
                    let x = x.get_unchecked(input);
                    for u in 0..U {
                        let weight = f32x4::splat(*rows[u].get_unchecked(input));
                        for v in 0..V {
                            sums[u][v] += weight * *x.get_unchecked(first + v);
                        }
                    }
                }
            }
        }
        for u in 0..U {
            y[unit + u][first..first + V].copy_from_slice(&sums[u]);
        }
    }
    U
}

/// `dw[out][in] = sum over samples of dy[out] * x[in]`.
///
/// # Panics
/// If the lengths do not agree.
pub fn weight_gradient(x: &[Lanes], dy: &[Lanes], dw: &mut [f32], sparse: &mut Sparse) {
    assert!(dw.len() == dy.len() * x.len());
    sparse.find_fours(x);
    let stride = dy.len().next_multiple_of(4);
    transpose(dy, &mut sparse.dy[..BLOCK * stride], stride);
    let mut unit = 0;
    while unit < dy.len() {
        unit += match dy.len() - unit {
            1 => gradient_rows::<1>(x.len(), stride, dw, sparse, unit),
            2 | 3 => gradient_rows::<2>(x.len(), stride, dw, sparse, unit),
            4..8 => gradient_rows::<4>(x.len(), stride, dw, sparse, unit),
            _ => gradient_rows::<8>(x.len(), stride, dw, sparse, unit),
        };
    }
}

/// `U` rows of the gradient.
#[inline(never)]
fn gradient_rows<const U: usize>(
    inputs: usize,
    stride: usize,
    dw: &mut [f32],
    sparse: &Sparse,
    unit: usize,
) -> usize {
    let Sparse { fours, samples, ends, dy, .. } = sparse;
    assert!(dy.len() >= BLOCK * stride && unit + U <= stride && fours.len() == samples.len());
    let rows = &mut dw[unit * inputs..][..U * inputs];
    let mut at = 0;
    for (group, end) in ends.iter().enumerate() {
        let mut sums = [f32x4::ZERO; U];
        while at < *end as usize {
            // SAFETY: ends are at most the number of fours, which is that of their samples; a sample is less
            // than BLOCK, and the length of dy is asserted.
            unsafe {
                let four = *fours.get_unchecked(at);
                let sample = *samples.get_unchecked(at) as usize;
                let dy = &*dy.as_ptr().add(sample * stride + unit).cast::<[f32; U]>();
                for u in 0..U {
                    sums[u] += f32x4::splat(dy[u]) * four;
                }
            }
            at += 1;
        }
        let column = group * 4;
        // A copy of unknown length would be a call, which took a fifth of the step in V8.
        if column + 4 <= inputs {
            for u in 0..U {
                rows[u * inputs + column..][..4].copy_from_slice(&sums[u].to_array());
            }
        } else {
            for u in 0..U {
                let rest = rows[u * inputs + column..][..inputs - column].iter_mut();
                rest.zip(sums[u].to_array()).for_each(|(dw, sum)| *dw = sum);
            }
        }
    }
    U
}

/// Transposes `[row][sample]` to `[sample][row]`, with samples `stride` floats apart.
fn transpose(x: &[Lanes], transposed: &mut [f32], stride: usize) {
    for (group, rows) in x.chunks(4).enumerate() {
        for quarter in 0..4 {
            let four = std::array::from_fn(|i| rows.get(i).map_or(f32x4::ZERO, |row| row[quarter]));
            for (i, four) in f32x4::transpose(four).into_iter().enumerate() {
                transposed[(quarter * 4 + i) * stride + group * 4..][..4].copy_from_slice(&four.to_array());
            }
        }
    }
}
