//! The loss by itself: `shaders/loss.wgsl`. (A linear layer at the end computes it in its own backward kernel.)

use super::builder::Builder;
use crate::dispatch::{Constants, Dispatch, constants};
use crate::epilogue::Epilogue;
use crate::fuse::FusedOp;
use crate::kernel::Kernel;
use crate::layout::Layout;
use nn::plan::Op;

/// Values of the constants in `shaders/lib/softmax.wgsl`.
pub(super) fn loss_constants(layout: &Layout) -> Constants {
    constants([
        ("BATCH_LABELS", layout.labels() as usize),
        ("LOSSES", layout.losses() as usize),
        ("HITS", layout.hits() as usize),
    ])
}

/// Whether the last op computes the loss where it needs the gradient of its output: a linear layer without epilogue, which is not the
/// first layer.
pub(super) fn is_fused(last: &FusedOp<'_>) -> bool {
    let is_linear =
        matches!(last.op, Op::Conv2d { geometry, source: Some(_), .. } if geometry.input.is_vector());
    is_linear && last.epilogue == Epilogue::default()
}

/// Adds the loss, and in training the gradient of the last op's output.
pub(super) fn loss(builder: &mut Builder<'_>, last: Option<&FusedOp<'_>>) {
    let logits = builder.plan.logits();
    let mut constants = constants([
        ("OUTPUT", logits.offset),
        ("CLASSES", logits.shape.len()),
        ("TRAINING", usize::from(builder.is_training())),
    ]);
    constants.extend(loss_constants(&builder.layout));
    constants.extend(last.map_or(Epilogue::default(), |last| last.epilogue).constants());
    builder.backward.push(Dispatch::of_invocations(Kernel::Loss, constants, builder.layout.quads));
}
