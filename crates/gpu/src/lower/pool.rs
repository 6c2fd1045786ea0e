//! Pooling by itself: `shaders/pool.wgsl`. (2x2 max pooling behind a convolution is part of the convolution's kernel.)

use super::builder::Builder;
use crate::dispatch::{Constants, constants};
use crate::fuse::FusedOp;
use crate::kernel::Kernel;
use nn::plan::Buffer;
use tensor::pool::Pool2d;

fn pool_constants(geometry: &Pool2d, input: Buffer, output: Buffer) -> Constants {
    constants([
        ("INPUT", input.offset),
        ("CHANNELS", input.shape.channels),
        ("HEIGHT", input.shape.height),
        ("WIDTH", input.shape.width),
        ("OUTPUT", output.offset),
        ("OUT_HEIGHT", output.shape.height),
        ("OUT_WIDTH", output.shape.width),
        ("KERNEL_SIZE", geometry.kernel_size),
        ("STRIDE", geometry.stride),
    ])
}

/// Adds `kernel`, [`Kernel::MaxPoolForward`] or [`Kernel::AvgPoolForward`].
pub(super) fn forward(
    builder: &mut Builder<'_>,
    kernel: Kernel,
    geometry: &Pool2d,
    input: Buffer,
    output: Buffer,
) {
    builder.push_forward(kernel, pool_constants(geometry, input, output), output.shape.len());
}

/// Adds `kernel`, [`Kernel::MaxPoolBackward`] or [`Kernel::AvgPoolBackward`].
pub(super) fn backward(
    builder: &mut Builder<'_>,
    kernel: Kernel,
    fused: &FusedOp<'_>,
    geometry: &Pool2d,
    input: Buffer,
    output: Buffer,
) {
    if builder.is_input(input) {
        return;
    }
    let mut constants = pool_constants(geometry, input, output);
    constants.extend(fused.input_epilogue.constants());
    builder.push_backward(kernel, constants, input.shape.len());
}
