//! Weights of convolutions and linear layers: where they are packed, and how their gradients are summed.

use super::builder::Builder;
use crate::fuse::FusedOp;
use crate::reduction::{BIAS, CONV2D_WEIGHT, LINEAR_WEIGHT, Reduction};
use nn::plan::Buffer;
use std::ops::Range;
use tensor::conv2d::Conv2d;

/// Channels that a convolution's kernels compute together: four, or six where that leaves fewer of them empty. LeNet's first six channels
/// are one tile then, and not two of which a quarter is empty.
fn tile(channels: u32) -> u32 {
    if channels.next_multiple_of(6) <= channels.next_multiple_of(4) { 6 } else { 4 }
}

/// Vectors in which the weights of a tile are packed.
fn vectors(tile: u32) -> u32 {
    tile.div_ceil(4)
}

/// Reserves room for the packed weights and fills the reductions of weight and bias. Returns that of the weight.
pub(super) fn reserve(
    builder: &mut Builder<'_>,
    fused: &FusedOp<'_>,
    geometry: &Conv2d,
    input: Buffer,
    [weight, bias]: [&Range<usize>; 2],
) -> Reduction {
    let output = geometry.output();
    let taps = (geometry.kernel_size[0] * geometry.kernel_size[1]) as u32;
    let (in_channels, out_channels) = (geometry.input.channels as u32, geometry.out_channels as u32);
    let is_linear = geometry.input.is_vector();
    let [out_channel_tile, in_channel_tile] =
        [out_channels, in_channels].map(|channels| if is_linear { 4 } else { tile(channels) });
    let packed_forward = out_channels.div_ceil(out_channel_tile) * vectors(out_channel_tile) * in_channels;
    let packed_backward = in_channels.div_ceil(in_channel_tile) * vectors(in_channel_tile) * out_channels;
    let mut reduction = Reduction {
        input: input.offset as u32,
        in_channels,
        height: geometry.input.height as u32,
        width: geometry.input.width as u32,
        kernel_height: geometry.kernel_size[0] as u32,
        kernel_width: geometry.kernel_size[1] as u32,
        stride: geometry.stride as u32,
        output_gradient: fused.output_gradient() as u32,
        out_channels,
        out_height: output.height as u32,
        out_width: output.width as u32,
        forward_weights: builder.reserve_packed(packed_forward * taps),
        backward_weights: builder.reserve_packed(packed_backward * taps),
        out_channel_tile,
        in_channel_tile,
        ..Reduction::default()
    };
    for (parameter, kind) in [(bias, BIAS), (weight, if is_linear { LINEAR_WEIGHT } else { CONV2D_WEIGHT })] {
        let Reduction { parameter: offset, count, penalized, .. } = *builder.reduction(parameter);
        reduction = Reduction { kind, parameter: offset, count, penalized, ..reduction };
        reduction.split(builder.layout.quads);
        reduction.partial = builder.reserve_partials(reduction.chunks * count);
        *builder.reduction(parameter) = reduction;
    }
    reduction
}
