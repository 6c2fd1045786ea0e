//! The network's input: `shaders/input.wgsl`.

use super::builder::Builder;
use crate::dispatch::{Dispatch, constants};
use crate::kernel::Kernel;
use crate::layout::{TEST_IMAGES_OFFSET, TEST_LABELS_OFFSET, TRAIN_LABELS_OFFSET};
use nn::mnist;
use nn::plan::Op;

/// Workgroups that make the input of four samples: seven rows each.
const WORKGROUPS_PER_QUAD: u32 = 4;

/// Adds the kernel that makes the input, padded if the first layer pads it.
pub(super) fn forward(builder: &mut Builder<'_>) {
    let padded = builder.plan.ops.iter().find_map(|op| match op {
        Op::Pad { input, output, padding } if builder.is_input(*input) => Some((*output, *padding)),
        _ => None,
    });
    let (output, padding) = padded.unwrap_or((builder.plan.input, 0));
    let (images, labels, window) = if builder.is_training() {
        (0, TRAIN_LABELS_OFFSET, mnist::SHARD_IMAGES)
    } else {
        (TEST_IMAGES_OFFSET, TEST_LABELS_OFFSET, 0)
    };
    let constants = constants([
        ("OUTPUT", output.offset),
        ("PADDING", padding),
        ("IMAGES", images as usize),
        ("LABELS", labels as usize),
        ("WINDOW", window),
        ("BATCH_LABELS", builder.layout.labels() as usize),
    ]);
    let workgroups = WORKGROUPS_PER_QUAD * builder.layout.quads;
    builder.forward.push(Dispatch { kernel: Kernel::Input, constants, workgroups });
}

/// The same kernel for steps that distort their images.
pub(super) fn distorting(forward: &Dispatch) -> Dispatch {
    let mut dispatch = forward.clone();
    dispatch.constants.push(("DISTORTS", 1.0));
    dispatch
}
