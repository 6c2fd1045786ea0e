//! Which ops of a plan become one kernel, and how what they leave is finished.

use crate::constants::Constants;
use nn::plan::{Buffer, Op, Plan};
use tensor::activation::Activation;
use tensor::pool::Pool2d;

/// How a buffer's values were finished by the kernel that wrote them.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Finish {
    pub(crate) activation: u32,
    pub(crate) slope: f32,
    pub(crate) dropout: Option<(f32, usize, usize)>,
    /// What 2x2 max pooling took its largest from, if it is part of the kernel.
    pub(crate) pooled: Option<Buffer>,
}

impl Finish {
    pub(crate) fn constants(self) -> Constants {
        let mut all = vec![("ACTIVATION", f64::from(self.activation)), ("SLOPE", f64::from(self.slope))];
        if let Some((p, layer, mask)) = self.dropout {
            all.extend([("DROPOUT", f64::from(p)), ("DROPOUT_LAYER", layer as f64), ("MASK", mask as f64)]);
        }
        if let Some(Buffer { offset, shape }) = self.pooled {
            all.extend([
                ("POOLED", 1.0),
                ("UNPOOLED", offset as f64),
                ("UNPOOLED_HEIGHT", shape.height as f64),
                ("UNPOOLED_WIDTH", shape.width as f64),
            ]);
        }
        all
    }
}

/// Ops that became one kernel forward.
pub(crate) struct Fused<'a> {
    pub(crate) op: &'a Op,
    /// The input's own finish, and this one's.
    pub(crate) before: Finish,
    pub(crate) finish: Finish,
    pub(crate) output: Buffer,
}

impl Fused<'_> {
    /// Where the gradient of the op's own output is found, before what was fused to it.
    pub(crate) fn unfinished(&self) -> usize {
        self.finish.pooled.map_or(self.output.offset, |buffer| buffer.offset)
    }
}

/// Chooses what becomes one kernel: a convolution, or a normalisation, with the activation, pooling and dropout that follow it.
pub(crate) fn fuse(plan: &Plan, training: bool) -> Vec<Fused<'_>> {
    let ops = &plan.ops;
    let mut all: Vec<Fused<'_>> = Vec::new();
    let mut at = 0;
    while let Some(op) = ops.get(at) {
        at += 1;
        let before = all.last().map_or(Finish::default(), |last| last.finish);
        let mut fused = Fused { op, before, finish: Finish::default(), output: output_of(op) };
        match op {
            // Part of the normalisation that comes next, or of the gather.
            Op::Moments { .. } => continue,
            Op::Pad { input, .. } if input.offset == plan.input.offset => continue,
            Op::Pad { .. } => fused.finish = before,
            Op::Normalize { .. } => {
                // With the scale and shift that follow it.
                fused.output = output_of(&ops[at]);
                at += 1;
            }
            _ => {}
        }
        let finishes = matches!(op, Op::Conv2d { .. } | Op::Normalize { .. } | Op::Affine { .. });
        let conv = matches!(op, Op::Conv2d { geometry, .. } if !geometry.input.is_vector());
        let mut end = at;
        if finishes {
            let (mut finish, mut output) = (Finish::default(), fused.output);
            if let Some(Op::Activation { function, output: o, .. }) = ops.get(end) {
                (finish, output, end) = (activation(*function), *o, end + 1);
            }
            if let Some(Op::MaxPool2d {
                geometry: Pool2d { kernel_size: 2, stride: 2, .. }, output: o, ..
            }) = ops.get(end)
                && conv
            {
                finish.pooled = Some(output_of(op));
                (output, end) = (*o, end + 1);
            }
            if let Some(Op::Dropout { p, layer, mask, output: o, .. }) = ops.get(end) {
                // Where nothing is struck out, it is no work at all.
                finish.dropout = (training && *p > 0.0).then_some((*p, *layer, mask.offset));
                (output, end) = (*o, end + 1);
            }
            // What is finished must be unfinished by the kernel that writes the gradient, and these two undo themselves only.
            if !matches!(ops.get(end), Some(Op::Activation { .. } | Op::Dropout { .. })) {
                (fused.finish, fused.output) = (finish, output);
                at = end;
            }
        }
        all.push(fused);
    }
    all
}

pub(crate) fn activation(function: Activation) -> Finish {
    let (activation, slope) = match function {
        Activation::Relu => (1, 0.0),
        Activation::LeakyRelu { negative_slope } => (2, negative_slope),
        Activation::Sigmoid => (3, 0.0),
        Activation::Tanh => (4, 0.0),
        Activation::Elu { alpha } => (5, alpha),
    };
    Finish { activation, slope, ..Finish::default() }
}

fn output_of(op: &Op) -> Buffer {
    match op {
        Op::Pad { output, .. }
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
