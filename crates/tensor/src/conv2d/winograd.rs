//! Winograd convolution F(2, 5) along rows (Winograd 1980; Lavin and Gray 2016), for kernels of five columns:
//! two outputs cost six multiplications instead of ten.
//!
//! Six inputs of a row are transformed to six values of a polynomial, the kernel's row to six values of
//! another: their products at the same six points take the place of the convolution. So a 5x5 convolution
//! becomes, at each of the six points, a 5x1 convolution on half as many columns. [`direct`](super::direct)
//! computes these, with rows and columns exchanged so that its kernels find the five taps side by side. Both
//! gradients use the transposed transforms, and cost as little.
//!
//! The points 0, 1, -1, 2, -1/2 and infinity keep rounding errors close to those of direct convolution: on
//! layers like LeNet's second one the largest error is 0.7 to 0.9 millionths of the largest output, directly
//! 0.5; with -2 for -1/2 it is 2.2 (Barabasz et al. 2020 explain why).

#![allow(clippy::needless_range_loop, reason = "points are indexed alike on both sides")]

use crate::conv2d::geometry::Conv2d;
use crate::{Lanes, Shape, ZERO};
use wide::f32x4;

/// Points at which the polynomials are evaluated.
pub(crate) const POINTS: usize = 6;
/// Columns of the kernel.
const TAPS: usize = 5;

/// The kernel's row at the points: `[point][column]`.
const KERNEL: [[f32; TAPS]; POINTS] = [
    [1.0, 0.0, 0.0, 0.0, 0.0],
    [-1.0 / 3.0, -1.0 / 3.0, -1.0 / 3.0, -1.0 / 3.0, -1.0 / 3.0],
    [1.0 / 3.0, -1.0 / 3.0, 1.0 / 3.0, -1.0 / 3.0, 1.0 / 3.0],
    [1.0 / 15.0, 2.0 / 15.0, 4.0 / 15.0, 8.0 / 15.0, 16.0 / 15.0],
    [-16.0 / 15.0, 8.0 / 15.0, -4.0 / 15.0, 2.0 / 15.0, -1.0 / 15.0],
    [0.0, 0.0, 0.0, 0.0, 1.0],
];

/// Whether this algorithm can compute a convolution, and is faster: the transforms cost time for each channel
/// of the input and of the output, the products save time for each pair of them.
pub(crate) const fn suits(g: &Conv2d) -> bool {
    g.kernel_size[1] == TAPS && g.stride == 1 && g.input.channels >= 4 && g.out_channels >= 4
}

/// Pairs of output columns; if their number is odd, half of the last pair is unused.
const fn pairs(g: &Conv2d) -> usize {
    g.output().width.div_ceil(2)
}

/// The convolution at each point: 5x1 on the pairs, rows and columns exchanged.
pub(crate) const fn at_point(g: &Conv2d) -> Conv2d {
    Conv2d {
        input: Shape::maps(g.input.channels, pairs(g), g.input.height),
        out_channels: g.out_channels,
        kernel_size: [1, g.kernel_size[0]],
        stride: 1,
    }
}

/// Transforms weights `[out_channel][in_channel][row][column]` to `[point][out_channel][in_channel][row]`.
pub(crate) fn transform_weights(weight: &[f32], at_points: &mut [f32]) {
    let rows = weight.len() / TAPS;
    assert!(at_points.len() == POINTS * rows);
    for (point, out) in KERNEL.iter().zip(at_points.chunks_exact_mut(rows)) {
        for (out, row) in out.iter_mut().zip(weight.as_chunks::<TAPS>().0) {
            *out = point[0] * row[0]
                + point[1] * row[1]
                + point[2] * row[2]
                + point[3] * row[3]
                + point[4] * row[4];
        }
    }
}

/// The transpose of [`transform_weights`]: from gradients at the points to those of the weights.
pub(crate) fn transform_weight_gradient(at_points: &[f32], dw: &mut [f32]) {
    let rows = dw.len() / TAPS;
    assert!(at_points.len() == POINTS * rows);
    for (i, row) in dw.as_chunks_mut::<TAPS>().0.iter_mut().enumerate() {
        for (column, dw) in row.iter_mut().enumerate() {
            *dw = (0..POINTS).map(|point| KERNEL[point][column] * at_points[point * rows + i]).sum();
        }
    }
}

/// Transforms the (padded) input to `[point][channel][pair][row]`.
pub(crate) fn transform_input(g: &Conv2d, x: &[Lanes], at_points: &mut [Lanes]) {
    let (Shape { channels, height, width }, pairs) = (g.input, pairs(g));
    let plane = channels * pairs * height;
    assert!(x.len() == g.input.len() && at_points.len() == POINTS * plane);
    for (line, row) in x.chunks_exact(width).enumerate() {
        let (channel, y) = (line / height, line % height);
        for pair in 0..pairs {
            let at = (channel * pairs + pair) * height + y;
            let pixel = |i: usize| row.get(2 * pair + i).unwrap_or(&ZERO);
            let [x0, x1, x2, x3, x4, x5] = [pixel(0), pixel(1), pixel(2), pixel(3), pixel(4), pixel(5)];
            for q in 0..4 {
                let (p, r) = (x4[q] - x2[q], x3[q] - x1[q]);
                let half = |v: f32x4| v * f32x4::splat(0.5);
                let much = |v: f32x4| v * f32x4::splat(1.5);
                let more = |v: f32x4| v * f32x4::splat(2.5);
                at_points[at][q] = (x0[q] - x2[q]) + p - much(r);
                at_points[at + plane][q] = (x4[q] - x1[q]) - more(x2[q]) - half(x3[q]);
                at_points[at + 2 * plane][q] = (x4[q] + x1[q]) + half(x2[q]) - more(x3[q]);
                at_points[at + 3 * plane][q] = p + half(r);
                at_points[at + 4 * plane][q] = p - (r + r);
                at_points[at + 5 * plane][q] = (x5[q] - x3[q]) - r - much(p);
            }
        }
    }
}

/// The transpose of [`transform_input`]: from the gradient of the input at the points to that of the unpadded
/// input, without the border of `padding`.
pub(crate) fn transform_input_gradient(g: &Conv2d, padding: usize, at_points: &[Lanes], dx: &mut [Lanes]) {
    let (Shape { channels, height, width }, pairs) = (g.input, pairs(g));
    let plane = channels * pairs * height;
    let (inner_height, inner_width) = (height - 2 * padding, width - 2 * padding);
    assert!(at_points.len() == POINTS * plane && dx.len() == channels * inner_height * inner_width);
    dx.fill(ZERO);
    for (line, row) in dx.chunks_exact_mut(inner_width).enumerate() {
        let (channel, y) = (line / inner_height, line % inner_height + padding);
        for pair in 0..pairs {
            let at = (channel * pairs + pair) * height + y;
            let [v0, v1, v2, v3, v4, v5] = std::array::from_fn(|point| &at_points[at + point * plane]);
            let mut parts = [ZERO; POINTS];
            for q in 0..4 {
                let half = |v: f32x4| v * f32x4::splat(0.5);
                let much = |v: f32x4| v * f32x4::splat(1.5);
                let more = |v: f32x4| v * f32x4::splat(2.5);
                let twice = |v: f32x4| v + v;
                parts[0][q] = v0[q];
                parts[1][q] = much(v0[q]) - v1[q] + v2[q] - half(v3[q]) + twice(v4[q]) + v5[q];
                parts[2][q] = much(v5[q]) - twice(v0[q]) - more(v1[q]) + half(v2[q]) - v3[q] - v4[q];
                parts[3][q] =
                    half(v3[q]) - much(v0[q]) - half(v1[q]) - more(v2[q]) - twice(v4[q]) - twice(v5[q]);
                parts[4][q] = v0[q] + v1[q] + v2[q] + v3[q] + v4[q] - much(v5[q]);
                parts[5][q] = v5[q];
            }
            for (i, part) in parts.iter().enumerate() {
                // Neighbouring pairs share columns; those of the border are dropped.
                let column = (2 * pair + i).checked_sub(padding).filter(|column| *column < inner_width);
                if let Some(column) = column {
                    row[column].iter_mut().zip(part).for_each(|(dx, part)| *dx += *part);
                }
            }
        }
    }
}

/// Transforms the output at the points, `[point][out_channel][pair][row]`, to the output, and adds biases.
pub(crate) fn transform_output(g: &Conv2d, at_points: &[Lanes], bias: &[f32], y: &mut [Lanes]) {
    let (out, pairs) = (g.output(), pairs(g));
    let plane = out.channels * pairs * out.height;
    assert!(at_points.len() == POINTS * plane && y.len() == out.len() && bias.len() == out.channels);
    for (line, row) in y.chunks_exact_mut(out.width).enumerate() {
        let (map, y) = (line / out.height, line % out.height);
        let bias = f32x4::splat(bias[map]);
        for (pair, outputs) in row.chunks_mut(2).enumerate() {
            let at = (map * pairs + pair) * out.height + y;
            let [m0, m1, m2, m3, m4, m5] = std::array::from_fn(|point| &at_points[at + point * plane]);
            for q in 0..4 {
                outputs[0][q] = bias + m0[q] + (m1[q] + m2[q]) + (m3[q] + m4[q]);
            }
            if let Some(output) = outputs.get_mut(1) {
                for q in 0..4 {
                    let far = (m3[q] + m3[q]) - m4[q] * f32x4::splat(0.5);
                    output[q] = bias + (m1[q] - m2[q]) + far + m5[q];
                }
            }
        }
    }
}

/// The transpose of [`transform_output`]: from the gradient of the output to that at the points.
pub(crate) fn transform_output_gradient(g: &Conv2d, dy: &[Lanes], at_points: &mut [Lanes]) {
    let (out, pairs) = (g.output(), pairs(g));
    let plane = out.channels * pairs * out.height;
    assert!(at_points.len() == POINTS * plane && dy.len() == out.len());
    for (line, row) in dy.chunks_exact(out.width).enumerate() {
        let (map, y) = (line / out.height, line % out.height);
        for (pair, outputs) in row.chunks(2).enumerate() {
            let at = (map * pairs + pair) * out.height + y;
            let (first, second) = (&outputs[0], outputs.get(1).unwrap_or(&ZERO));
            at_points[at] = *first;
            at_points[at + 5 * plane] = *second;
            for q in 0..4 {
                at_points[at + plane][q] = first[q] + second[q];
                at_points[at + 2 * plane][q] = first[q] - second[q];
                at_points[at + 3 * plane][q] = first[q] + (second[q] + second[q]);
                at_points[at + 4 * plane][q] = first[q] - second[q] * f32x4::splat(0.5);
            }
        }
    }
}
