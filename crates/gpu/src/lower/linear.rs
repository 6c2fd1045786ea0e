//! Linear layers: `shaders/linear.wgsl`. In a plan they are convolutions of one pixel.

use super::builder::Builder;
use super::{loss, weights};
use crate::dispatch::{Constants, Dispatch, constants};
use crate::fuse::FusedOp;
use crate::kernel::Kernel;
use crate::reduction::Reduction;
use nn::plan::Buffer;
use std::ops::Range;
use tensor::conv2d::Conv2d;

/// Output features, and quads of samples, of one workgroup forward.
const WORKGROUP_TILE: [u32; 2] = [8, 16];
/// Input features whose gradients one invocation computes.
const INPUT_TILE: usize = 4;

fn linear_constants(reduction: &Reduction, bias: &Range<usize>, output: Buffer) -> Constants {
    constants([
        ("INPUT", reduction.input as usize),
        ("IN_FEATURES", reduction.in_channels as usize),
        ("OUTPUT", output.offset),
        ("OUT_FEATURES", reduction.out_channels as usize),
        ("FORWARD_WEIGHTS", reduction.forward_weights as usize),
        ("BACKWARD_WEIGHTS", reduction.backward_weights as usize),
        ("BIAS", bias.start),
    ])
}

pub(super) fn forward(
    builder: &mut Builder<'_>,
    fused: &FusedOp<'_>,
    geometry: &Conv2d,
    input: Buffer,
    [weight, bias]: [&Range<usize>; 2],
) {
    let reduction = weights::reserve(builder, fused, geometry, input, [weight, bias]);
    let mut constants = linear_constants(&reduction, bias, fused.output);
    constants.extend(fused.epilogue.constants());
    let [features, quads] = WORKGROUP_TILE;
    let workgroups = reduction.out_channels.div_ceil(features) * builder.layout.quads.div_ceil(quads);
    builder.forward.push(Dispatch { kernel: Kernel::LinearForward, constants, workgroups });
}

/// Adds the gradient of the layer's input `source`. The last layer computes the loss and its gradient at once, if `computes_loss`.
pub(super) fn backward(
    builder: &mut Builder<'_>,
    fused: &FusedOp<'_>,
    source: Buffer,
    [weight, bias]: [&Range<usize>; 2],
    computes_loss: bool,
) {
    let reduction = *builder.reduction(weight);
    let mut constants = linear_constants(&reduction, bias, fused.output);
    if computes_loss {
        constants.push(("LOSS", 1.0));
        constants.extend(loss::loss_constants(&builder.layout));
    }
    constants.extend(fused.input_epilogue.constants());
    builder.push_backward(Kernel::LinearInputGradient, constants, source.shape.len().div_ceil(INPUT_TILE));
}
