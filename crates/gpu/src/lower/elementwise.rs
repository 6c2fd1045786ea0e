//! Activation, dropout and padding by themselves: `shaders/elementwise.wgsl`.

use super::builder::Builder;
use crate::dispatch::{Constants, constants};
use crate::epilogue::Epilogue;
use crate::kernel::Kernel;
use nn::plan::Buffer;

fn elementwise_constants(input: Buffer, output: Buffer) -> Constants {
    constants([("INPUT", input.offset), ("OUTPUT", output.offset), ("VALUES", input.shape.len())])
}

/// Adds an activation or dropout, as `epilogue` of a copy.
pub(super) fn forward(builder: &mut Builder<'_>, epilogue: Epilogue, input: Buffer, output: Buffer) {
    let mut constants = elementwise_constants(input, output);
    constants.extend(epilogue.constants());
    builder.push_forward(Kernel::ElementwiseForward, constants, output.shape.len());
}

/// Adds the gradient of the same.
pub(super) fn backward(builder: &mut Builder<'_>, epilogue: Epilogue, input: Buffer, output: Buffer) {
    let mut constants = elementwise_constants(input, output);
    constants.extend(epilogue.constants());
    builder.push_backward(Kernel::ElementwiseBackward, constants, input.shape.len());
}

/// Adds a copy in the order that [`nn::random::permutation`] gives for `seed`. It has no backward kernel: it is the first layer.
pub(super) fn permute(builder: &mut Builder<'_>, input: Buffer, output: Buffer, seed: u32) {
    let mut constants = elementwise_constants(input, output);
    constants.push(("PERMUTATION", f64::from(seed)));
    builder.push_forward(Kernel::Permute, constants, input.shape.len());
}

/// Adds a copy into larger maps. It has no backward kernel: a convolution writes its gradient to its input before padding.
pub(super) fn pad(builder: &mut Builder<'_>, input: Buffer, output: Buffer, padding: usize) {
    let mut constants = elementwise_constants(input, output);
    constants.extend([
        ("HEIGHT", input.shape.height as f64),
        ("WIDTH", input.shape.width as f64),
        ("PADDING", padding as f64),
    ]);
    builder.push_forward(Kernel::Pad, constants, input.shape.len());
}
