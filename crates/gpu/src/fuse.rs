//! Fusion: which ops of a plan become one kernel.

use crate::epilogue::{Dropout, Epilogue};
use nn::plan::{Buffer, Op, Plan};
use tensor::pool::Pool2d;

/// An op with the ops that are fused to it.
pub(crate) struct FusedOp<'a> {
    pub(crate) op: &'a Op,
    /// The ops that are fused to it.
    pub(crate) epilogue: Epilogue,
    /// The epilogue of the op that wrote its input.
    pub(crate) input_epilogue: Epilogue,
    /// The output of the last op that is fused to it.
    pub(crate) output: Buffer,
}

impl FusedOp<'_> {
    /// Offset of the gradient of the op's own output: before pooling. (Activation and dropout change a gradient in place.)
    pub(crate) fn output_gradient(&self) -> usize {
        self.epilogue.unpooled.map_or(self.output.offset, |unpooled| unpooled.offset)
    }
}

/// Chooses what becomes one kernel: a convolution, a linear layer, a normalisation or a scale with the activation, the pooling (behind a
/// convolution) and the dropout that follow it.
pub(crate) fn fuse(plan: &Plan, is_training: bool) -> Vec<FusedOp<'_>> {
    let ops = &plan.ops;
    let mut all: Vec<FusedOp<'_>> = Vec::new();
    let mut next = 0;
    while let Some(op) = ops.get(next) {
        next += 1;
        let input_epilogue = all.last().map_or(Epilogue::default(), |last| last.epilogue);
        let mut fused = FusedOp { op, input_epilogue, epilogue: Epilogue::default(), output: op_output(op) };
        match op {
            // Part of the normalisation that comes next.
            Op::Moments { .. } => continue,
            // Part of the kernel that makes the input.
            Op::Pad { input, .. } if input.offset == plan.input.offset => continue,
            Op::Pad { .. } => fused.epilogue = input_epilogue,
            // With the scale and shift that follow it.
            Op::Normalize { .. } => {
                fused.output = op_output(&ops[next]);
                next += 1;
            }
            _ => {}
        }
        if matches!(op, Op::Conv2d { .. } | Op::Normalize { .. } | Op::Affine { .. }) {
            let (epilogue, output, end) = epilogue_of(op, fused.output, ops, next, is_training);
            // The kernel that writes a gradient applies the derivative of the epilogue, except that of an activation or a dropout, which
            // applies its own only.
            if !matches!(ops.get(end), Some(Op::Activation { .. } | Op::Dropout { .. })) {
                (fused.epilogue, fused.output, next) = (epilogue, output, end);
            }
        }
        all.push(fused);
    }
    all
}

/// The epilogue of `op` from the ops from `next` on, its output, and the index of the first op behind it.
fn epilogue_of(
    op: &Op,
    mut output: Buffer,
    ops: &[Op],
    mut next: usize,
    is_training: bool,
) -> (Epilogue, Buffer, usize) {
    let mut epilogue = Epilogue::default();
    if let Some(Op::Activation { function, output: o, .. }) = ops.get(next) {
        (epilogue.activation, output, next) = (Some(*function), *o, next + 1);
    }
    let has_maps = matches!(op, Op::Conv2d { geometry, .. } if !geometry.input.is_vector());
    if let Some(Op::MaxPool2d { geometry: Pool2d { kernel_size: 2, stride: 2, .. }, output: o, .. }) =
        ops.get(next)
        && has_maps
    {
        (epilogue.unpooled, output, next) = (Some(op_output(op)), *o, next + 1);
    }
    if let Some(Op::Dropout { p, layer, mask, output: o, .. }) = ops.get(next) {
        epilogue.dropout = Dropout::new(*p, *layer, *mask, is_training);
        (output, next) = (*o, next + 1);
    }
    (epilogue, output, next)
}

fn op_output(op: &Op) -> Buffer {
    match op {
        Op::Permute { output, .. }
        | Op::Pad { output, .. }
        | Op::Conv2d { output, .. }
        | Op::MaxPool2d { output, .. }
        | Op::AvgPool2d { output, .. }
        | Op::Activation { output, .. }
        | Op::Affine { output, .. }
        | Op::Moments { output, .. }
        | Op::Normalize { output, .. }
        | Op::Dropout { output, .. } => *output,
    }
}
