//! Direct convolution (cross-correlation) and its two gradients, summed as they are defined, over one block
//! of samples.
//!
//! A linear layer is a 1x1 convolution of images of one pixel, but has other kernels for the forward pass and
//! the weight gradient ([`crate::linear`]). `winograd.rs` splits a large convolution into several small ones
//! of this kind. [`Convolution`](super::Convolution) chooses between them.
//!
//! Inputs are `[in_channel][row][column]`, outputs `[out_channel][row][column]`, weights
//! `[out_channel][in_channel][row][column]` where they are not packed, biases `[out_channel]`, each pixel the
//! [`Lanes`] of sixteen samples. Kernels panic if a length is not that of the geometry.
//!
//! Each SIMD lane works on a sample of its own: weights are broadcast, loads are contiguous. A tile keeps
//! some channels x two or four vectors in registers. V8 has 15 vector registers to give, and every sum that
//! does not fit costs a store and a load: tiles of 4 x 2 ran forward at 55-72 % of the multiply-add peak, of
//! 6 x 2 at 42-55 % (Chromium 156, Zen 3, five variants interleaved in one run). Backward, 2 x 4 ran at 61-67
//! %, 3 x 4 and 5 x 2 at about 50 %. Inner loops are not unrolled by hand: LLVM then groups all products of
//! one sum, and V8 keeps sums in memory. `cargo xtask bench kernels` measures the kernels.

#![allow(clippy::needless_range_loop, reason = "register tiles are indexed alike on both sides")]

use crate::conv2d::extent::{Extent, hull, reached};
use crate::conv2d::geometry::Conv2d;
use crate::{BLOCK, Budget, Lanes, Shape, ZERO, lanes::sum4, lanes::sum16};
use std::ops::Range;
use wide::f32x4;

/// Output channels computed together forward, and input channels backward.
const FORWARD_TILE: usize = 2;
const BACKWARD_TILE: usize = 2;

/// Splits `n` into tiles of at most `max`, as even as can be: `(first, size)`.
fn tiles(n: usize, max: usize) -> impl Iterator<Item = (usize, usize)> {
    let count = n.div_ceil(max);
    (0..count).map(move |i| {
        let (from, to) = (i * n / count, (i + 1) * n / count);
        (from, to - from)
    })
}

/// Packs weights in the order in which [`forward`] reads them:
/// `[tile][in_channel][row][column][out_channel]`.
pub fn pack_forward(g: &Conv2d, weight: &[f32], packed: &mut [f32]) {
    assert!(weight.len() == g.weights() && packed.len() == g.weights());
    let per_map = g.input.channels * g.taps();
    for (first, size) in tiles(g.out_channels, FORWARD_TILE) {
        let (weight, packed) =
            (&weight[first * per_map..][..size * per_map], &mut packed[first * per_map..][..size * per_map]);
        for (map, weight) in weight.chunks_exact(per_map).enumerate() {
            packed[map..].iter_mut().step_by(size).zip(weight).for_each(|(packed, weight)| *packed = *weight);
        }
    }
}

/// Packs weights in the order in which [`input_gradient`] reads them:
/// `[tile][row][column][out_channel][in_channel]`. Those of 1x1 kernels are copied as they are, since input
/// channels lie side by side already.
pub fn pack_backward(g: &Conv2d, weight: &[f32], packed: &mut [f32]) {
    assert!(weight.len() == g.weights() && packed.len() == g.weights());
    if g.taps() == 1 {
        return packed.copy_from_slice(weight);
    }
    let mut out = packed.iter_mut();
    for (first, size) in tiles(g.input.channels, BACKWARD_TILE) {
        for tap in 0..g.taps() {
            for map in 0..g.out_channels {
                for channel in first..first + size {
                    *out.next().expect("as many as weights") =
                        weight[(map * g.input.channels + channel) * g.taps() + tap];
                }
            }
        }
    }
}

/// `y[out] = bias[out] + sum over (in, row, column) of weight * x`, with a padded `x` and weights packed by
/// [`pack_forward`]. What lies outside the extent of `x`, if that is given, is left out. Returns false if the
/// budget is spent before all is done.
pub fn forward(
    g: &Conv2d,
    (x, extent): (&[Lanes], Option<&Extent>),
    packed: &[f32],
    bias: &[f32],
    y: &mut [Lanes],
    budget: &mut Budget,
) -> bool {
    assert!(extent.is_none_or(|extent| extent.len() == g.input.channels * g.input.height));
    let x = (x, extent);
    assert!(g.stride > 0 && g.kernel_size[0] <= g.input.height && g.kernel_size[1] <= g.input.width);
    assert!(x.0.len() == g.input.len() && y.len() == g.output().len());
    assert!(packed.len() == g.weights() && bias.len() == g.out_channels);
    let mut at = 0;
    for (first, size) in tiles(g.out_channels, FORWARD_TILE) {
        let weights = &packed[at..][..size * g.input.channels * g.taps()];
        at += weights.len();
        let (bias, y) = (&bias[first..first + size], &mut y[first * g.output().plane()..]);
        let done = budget.run(weights.len().saturating_mul(g.output().plane() * BLOCK), || match size {
            1 => forward_tile::<1>(g, x, weights, bias, y),
            _ => forward_tile::<2>(g, x, weights, bias, y),
        });
        if !done {
            return false;
        }
    }
    true
}

/// `M` output channels at a time.
#[inline(never)]
fn forward_tile<const M: usize>(
    g: &Conv2d,
    (x, extent): (&[Lanes], Option<&Extent>),
    weights: &[f32],
    bias: &[f32],
    y: &mut [Lanes],
) {
    let [rows, k] = g.kernel_size;
    let (out, width) = (g.output(), g.input.width);
    let (plane_in, plane_out) = (g.input.plane(), out.plane());
    assert!(weights.len() == M * g.input.channels * rows * k && bias.len() == M);
    assert!(y.len() >= M * plane_out);
    let bias: [f32x4; M] = std::array::from_fn(|m| f32x4::splat(bias[m]));
    for row in 0..out.height {
        let columns = extent.map_or(0..out.width, |extent| {
            let rows = row * g.stride..row * g.stride + rows;
            let of_channel = |channel: usize| &extent[channel * g.input.height..][rows.clone()];
            let all =
                (0..g.input.channels).flat_map(of_channel).map(|one| reached(one, k, g.stride, out.width));
            all.reduce(hull).unwrap_or(0..0)
        });
        for m in 0..M {
            let y = &mut y[m * plane_out + row * out.width..][..out.width];
            y[..columns.start].fill([bias[m]; 4]);
            y[columns.end..].fill([bias[m]; 4]);
        }
        for column in columns {
            let corner = row * g.stride * width + column * g.stride;
            let mut sums = bias.map(|bias| [bias; 4]);
            let mut w = weights.as_ptr();
            for channel in 0..g.input.channels {
                for ky in 0..rows {
                    let line = channel * plane_in + corner + ky * width;
                    for kx in 0..k {
                        // SAFETY: row and column stay inside the output, so line + kx is a pixel of x (length
                        // asserted by `forward`); w walks M values a tap through `weights` (length asserted).
                        unsafe {
                            let pixel = x.get_unchecked(line + kx);
                            let tap = &*w.cast::<[f32; M]>();
                            for m in 0..M {
                                let weight = f32x4::splat(tap[m]);
                                for v in 0..4 {
                                    sums[m][v] += weight * pixel[v];
                                }
                            }
                            w = w.add(M);
                        }
                    }
                }
            }
            for m in 0..M {
                y[m * plane_out + row * out.width + column] = sums[m];
            }
        }
    }
}

/// The gradient of the unpadded input (`g.input` less `padding` on each side), with weights packed by
/// [`pack_backward`].
///
/// Every input pixel gathers from the outputs whose windows contain it; taps that padding or stride excludes
/// cost nothing. Returns false if the budget is spent before all is done.
pub fn input_gradient(
    g: &Conv2d,
    padding: usize,
    dy: &[Lanes],
    packed: &[f32],
    dx: &mut [Lanes],
    budget: &mut Budget,
) -> bool {
    let plane = (g.input.height - 2 * padding) * (g.input.width - 2 * padding);
    assert!(g.stride > 0 && dx.len() == g.input.channels * plane);
    assert!(dy.len() == g.output().len() && packed.len() == g.weights());
    for (first, size) in tiles(g.input.channels, BACKWARD_TILE) {
        // See `pack_backward`.
        let (weights, step) = match g.taps() {
            1 => (&packed[first..], g.input.channels),
            taps => (&packed[first * taps * g.out_channels..][..size * taps * g.out_channels], size),
        };
        let dx = &mut dx[first * plane..];
        let cost = (size * g.taps() * g.out_channels).saturating_mul(g.output().plane() * BLOCK);
        let done = budget.run(cost, || match size {
            1 => input_gradient_tile::<1>(g, padding, dy, (weights, step), dx),
            _ => input_gradient_tile::<2>(g, padding, dy, (weights, step), dx),
        });
        if !done {
            return false;
        }
    }
    true
}

/// `C` input channels at a time; the weights of the next output channel begin `step` numbers further on.
#[inline(never)]
fn input_gradient_tile<const C: usize>(
    g: &Conv2d,
    padding: usize,
    dy: &[Lanes],
    (weights, step): (&[f32], usize),
    dx: &mut [Lanes],
) {
    let out = g.output();
    let (height, width) = (g.input.height - 2 * padding, g.input.width - 2 * padding);
    let (plane_in, plane_out) = (height * width, out.plane());
    assert!(weights.len() >= (g.out_channels * g.taps() - 1) * step + C && dx.len() >= C * plane_in);
    for row in 0..height {
        let rows = taps(row + padding, g.kernel_size[0], g.stride, out.height);
        for column in 0..width {
            let columns = taps(column + padding, g.kernel_size[1], g.stride, out.width);
            let mut sums = [[f32x4::ZERO; 4]; C];
            for ky in rows.clone().step_by(g.stride) {
                let y = (row + padding - ky) / g.stride;
                for kx in columns.clone().step_by(g.stride) {
                    let x = (column + padding - kx) / g.stride;
                    let tap = (ky * g.kernel_size[1] + kx) * g.out_channels * step;
                    // SAFETY: `taps` keeps y and x inside the output, whose length `input_gradient` asserts;
                    // the weights of a tap are C for each map, `step` apart, and the length of all is
                    // asserted above.
                    unsafe {
                        let mut pixel = dy.as_ptr().add(y * out.width + x);
                        let mut w = weights.as_ptr().add(tap);
                        for _ in 0..g.out_channels {
                            let map = &*w.cast::<[f32; C]>();
                            for c in 0..C {
                                let weight = f32x4::splat(map[c]);
                                for q in 0..4 {
                                    sums[c][q] += weight * (*pixel)[q];
                                }
                            }
                            // After the last output channel they point past the ends, where nothing is read.
                            w = w.wrapping_add(step);
                            pixel = pixel.wrapping_add(plane_out);
                        }
                    }
                }
            }
            for c in 0..C {
                dx[c * plane_in + row * width + column] = sums[c];
            }
        }
    }
}

/// The range of kernel positions, to be walked in steps of `stride`, by which (padded) input `at` takes part
/// in an output below `outputs`.
fn taps(at: usize, kernel: usize, stride: usize, outputs: usize) -> Range<usize> {
    // at = output * stride + tap: taps are congruent to `at`, and the output they name must exist.
    let last_start = (outputs - 1) * stride;
    let first = if at > last_start { at - last_start } else { at % stride };
    first..kernel.min(at + 1)
}

/// `dw[out][in][row][column] = sum over (sample, y, x) of dy * x`. `sums` is scratch memory, an item for each
/// row of the kernel. Pixels outside the extent of `x`, if it is given, are skipped. Returns false if the
/// budget is spent before all is done.
pub fn weight_gradient(
    g: &Conv2d,
    x: (&[Lanes], Option<&Extent>),
    dy: &[Lanes],
    sums: &mut [TapSums],
    dw: &mut [f32],
    budget: &mut Budget,
) -> bool {
    assert!(x.1.is_none_or(|extent| extent.len() == g.input.channels * g.input.height));
    assert!(x.0.len() == g.input.len() && dy.len() == g.output().len());
    assert!(dw.len() == g.weights() && g.stride > 0);
    for (map, maps) in tiles(g.out_channels, GRADIENT_TILE) {
        for channel in 0..g.input.channels {
            let columns = tiles(g.kernel_size[1], GRADIENT_TILE);
            let run = |(kx, taps)| {
                let at = [map, channel, kx];
                match (maps, taps) {
                    (3, 3) => weight_gradient_tile::<3, 3>(g, x, dy, sums, dw, at),
                    (3, 2) => weight_gradient_tile::<3, 2>(g, x, dy, sums, dw, at),
                    (3, _) => weight_gradient_tile::<3, 1>(g, x, dy, sums, dw, at),
                    (2, 3) => weight_gradient_tile::<2, 3>(g, x, dy, sums, dw, at),
                    (2, 2) => weight_gradient_tile::<2, 2>(g, x, dy, sums, dw, at),
                    (2, _) => weight_gradient_tile::<2, 1>(g, x, dy, sums, dw, at),
                    (_, 3) => weight_gradient_tile::<1, 3>(g, x, dy, sums, dw, at),
                    (_, 2) => weight_gradient_tile::<1, 2>(g, x, dy, sums, dw, at),
                    _ => weight_gradient_tile::<1, 1>(g, x, dy, sums, dw, at),
                }
            };
            if !budget.run(maps * g.taps() * g.output().plane() * BLOCK, || columns.for_each(run)) {
                return false;
            }
        }
    }
    true
}

/// Output channels, and taps of a row of the kernel, whose gradients are summed together: nine sums, which
/// fit the registers in whatever order LLVM puts the multiplications. (It groups those of one channel, and 2
/// x 5 then spilled.)
const GRADIENT_TILE: usize = 3;

/// Sums for some taps of a row of the kernel, for some output channels.
pub type TapSums = [[f32x4; GRADIENT_TILE]; GRADIENT_TILE];

/// `db[out] = sum over (sample, y, x) of dy`; `db` has an element for each output channel.
pub fn bias_gradient(dy: &[Lanes], db: &mut [f32]) {
    assert!(dy.len().is_multiple_of(db.len()));
    for (dy, db) in dy.chunks_exact(dy.len() / db.len()).zip(db) {
        let mut sum = ZERO;
        for pixel in dy {
            for (sum, value) in sum.iter_mut().zip(pixel) {
                *sum += *value;
            }
        }
        *db = sum16(&sum);
    }
}

/// `T` neighbouring columns of the kernel, for `M` output channels.
///
/// The outer loop runs over rows of the output, the inner one over rows of the kernel, so that all reads of a
/// row but the first hit the nearest cache. (With the loops exchanged, the first layer of LeNet took a third
/// longer in training.)
#[inline(never)]
fn weight_gradient_tile<const M: usize, const T: usize>(
    g: &Conv2d,
    (x, extent): (&[Lanes], Option<&Extent>),
    dy: &[Lanes],
    all: &mut [TapSums],
    dw: &mut [f32],
    [map, channel, kx]: [usize; 3],
) {
    let out = g.output();
    let plane_out = out.plane();
    assert!(map + M <= g.out_channels && channel < g.input.channels && kx + T <= g.kernel_size[1]);
    all[..g.kernel_size[0]].fill(TapSums::default());
    for row in 0..out.height {
        for ky in 0..g.kernel_size[0] {
            let from = channel * g.input.height + row * g.stride + ky;
            let columns = extent.map_or(0..out.width, |extent| {
                let Range { start, end } = extent[from];
                // Relative to the first of the taps.
                reached(&(start.saturating_sub(kx)..end.saturating_sub(kx)), T, g.stride, out.width)
            });
            if columns.is_empty() {
                continue;
            }
            let line = from * g.input.width + kx;
            let kept = &mut all[ky];
            let mut sums: [[f32x4; T]; M] = std::array::from_fn(|m| std::array::from_fn(|t| kept[m][t]));
            // Neighbouring columns are contiguous: those of outputs always, those of inputs if the stride is
            // 1.
            let (stretches, vectors) =
                if g.stride == 1 { (1, 4 * columns.len()) } else { (columns.len(), 4) };
            for stretch in 0..stretches {
                let column = columns.start + stretch;
                // SAFETY: the asserts above keep every tap of every output inside x and dy, whose lengths
                // `weight_gradient` asserts.
                unsafe {
                    let mut x = x.as_ptr().add(line + column * g.stride).cast::<f32x4>();
                    let mut dy = dy.as_ptr().add(map * plane_out + row * out.width + column).cast::<f32x4>();
                    for _ in 0..vectors {
                        let d: [f32x4; M] = std::array::from_fn(|m| *dy.add(4 * m * plane_out));
                        for t in 0..T {
                            let value = *x.add(4 * t);
                            for m in 0..M {
                                sums[m][t] += d[m] * value;
                            }
                        }
                        (x, dy) = (x.add(1), dy.add(1));
                    }
                }
            }
            sums.iter().zip(kept).for_each(|(sums, kept)| kept[..T].copy_from_slice(sums));
        }
    }
    for (ky, sums) in all[..g.kernel_size[0]].iter().enumerate() {
        for (m, sums) in sums[..M].iter().enumerate() {
            let at =
                (((map + m) * g.input.channels + channel) * g.kernel_size[0] + ky) * g.kernel_size[1] + kx;
            dw[at..at + T].iter_mut().zip(sums).for_each(|(dw, sum)| *dw = sum4(*sum));
        }
    }
}

/// Copies an image of shape `input` into the middle of a larger one, whose border must be zero already and
/// stays so.
pub fn pad(input: Shape, padding: usize, x: &[Lanes], padded: &mut [Lanes]) {
    let width = input.width + 2 * padding;
    let plane = width * (input.height + 2 * padding);
    assert!(x.len() == input.len() && padded.len() == input.channels * plane);
    for channel in 0..input.channels {
        for row in 0..input.height {
            let from = (channel * input.height + row) * input.width;
            let to = channel * plane + (row + padding) * width + padding;
            padded[to..to + input.width].copy_from_slice(&x[from..from + input.width]);
        }
    }
}
