//! Convolutions: `shaders/conv2d.wgsl`.

use super::builder::Builder;
use super::weights;
use crate::dispatch::{Constants, constants};
use crate::fuse::FusedOp;
use crate::kernel::Kernel;
use crate::reduction::Reduction;
use nn::plan::Buffer;
use nn::spec::Shape;
use std::ops::Range;
use tensor::conv2d::Conv2d;

/// Pixels of an input's row whose gradients one invocation computes.
const GRADIENT_PIXELS: usize = 5;

fn conv2d_constants(reduction: &Reduction, padding: usize, bias: &Range<usize>, output: Buffer) -> Constants {
    constants([
        ("INPUT", reduction.input as usize),
        ("IN_CHANNELS", reduction.in_channels as usize),
        ("HEIGHT", reduction.height as usize),
        ("WIDTH", reduction.width as usize),
        ("PADDING", padding),
        ("KERNEL_HEIGHT", reduction.kernel_height as usize),
        ("KERNEL_WIDTH", reduction.kernel_width as usize),
        ("STRIDE", reduction.stride as usize),
        ("OUT_CHANNELS", reduction.out_channels as usize),
        ("OUT_HEIGHT", reduction.out_height as usize),
        ("OUT_WIDTH", reduction.out_width as usize),
        ("OUTPUT_GRADIENT", reduction.output_gradient as usize),
        ("OUTPUT", output.offset),
        ("FORWARD_WEIGHTS", reduction.forward_weights as usize),
        ("BACKWARD_WEIGHTS", reduction.backward_weights as usize),
        ("BIAS", bias.start),
    ])
}

pub(super) fn forward(
    builder: &mut Builder<'_>,
    fused: &FusedOp<'_>,
    geometry: &Conv2d,
    padding: usize,
    input: Buffer,
    [weight, bias]: [&Range<usize>; 2],
) {
    let reduction = weights::reserve(builder, fused, geometry, input, [weight, bias]);
    let mut constants = conv2d_constants(&reduction, padding, bias, fused.output);
    constants.extend(fused.epilogue.constants());
    constants.push(("TILE", f64::from(reduction.out_channel_tile)));
    // An invocation computes 2x2 pixels.
    let Shape { height, width, .. } = geometry.output();
    let pixels = match fused.epilogue.unpooled {
        Some(_) => (height / 2) * (width / 2),
        None => height.div_ceil(2) * width.div_ceil(2),
    };
    let tiles = reduction.out_channels.div_ceil(reduction.out_channel_tile) as usize;
    builder.push_forward(Kernel::Conv2dForward, constants, pixels * tiles);
}

/// Adds the gradient of `source`, the layer's input before padding.
pub(super) fn backward(
    builder: &mut Builder<'_>,
    fused: &FusedOp<'_>,
    padding: usize,
    source: Buffer,
    [weight, bias]: [&Range<usize>; 2],
) {
    let reduction = *builder.reduction(weight);
    let mut constants = conv2d_constants(&reduction, padding, bias, fused.output);
    constants.push(("SOURCE", source.offset as f64));
    constants.push(("TILE", f64::from(reduction.in_channel_tile)));
    constants.extend(fused.input_epilogue.constants());
    let Shape { channels, height, width } = source.shape;
    let tiles =
        channels.div_ceil(reduction.in_channel_tile as usize) * height * width.div_ceil(GRADIENT_PIXELS);
    builder.push_backward(Kernel::Conv2dInputGradient, constants, tiles);
}
