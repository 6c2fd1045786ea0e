//! From the ops of a plan to dispatches of kernels, a file for each kind of layer.
//!
//! What follows a convolution, a linear layer or a normalisation is fused to it ([`crate::fuse`]). Every kernel that writes a gradient
//! takes it back through the epilogue of the op below at once.

mod batch_norm;
mod builder;
mod conv2d;
mod elementwise;
mod input;
mod linear;
mod loss;
mod pool;
mod weights;

use crate::dispatch::{Constants, Dispatch, constants};
use crate::epilogue::Epilogue;
use crate::fuse::{FusedOp, fuse};
use crate::kernel::Kernel;
use crate::layout::{BufferLengths, Layout, Pass};
use crate::reduction::{CONV2D_WEIGHT, Reduction, UPDATES_PER_WORKGROUP};
use builder::Builder;
use nn::plan::{Op, Plan};
use nn::spec::NetworkSpec;
use nn::summary::SpecError;

/// Workgroups in one dimension of a dispatch (WebGPU's default limit).
const MAX_WORKGROUPS: u32 = 65_535;
/// Classes that the loss can tell apart: `MAX_CLASSES` in `shaders/lib/softmax.wgsl`.
pub(crate) const MAX_CLASSES: usize = 16;

/// A plan as dispatches.
#[derive(Clone, Debug)]
pub(crate) struct Lowered {
    /// One training step, or the evaluation of one batch.
    pub(crate) dispatches: Vec<Dispatch>,
    /// In training, replaces the first dispatch in steps that distort their images.
    pub(crate) distorting: Option<Dispatch>,
    /// Packs the weights, after parameters were loaded.
    pub(crate) pack: Dispatch,
    pub(crate) reductions: Vec<Reduction>,
    pub(crate) layout: Layout,
    pub(crate) lengths: BufferLengths,
}

/// Lowers a network for batches of up to `batch_size` samples.
///
/// # Errors
/// A network whose layers do not fit together, or that is too large for a GPU.
pub(crate) fn lower(network: &NetworkSpec, batch_size: usize, pass: Pass) -> Result<Lowered, SpecError> {
    // Its ops are in the order of the layers, and no buffer is overwritten.
    let plan = Plan::for_inspection(network)?;
    let fail = |message: String| Err(SpecError { layer: network.layers.len(), message });
    let classes = plan.logits().shape.len();
    if classes > MAX_CLASSES {
        return fail(format!("On a GPU a network has at most {MAX_CLASSES} classes, not {classes}."));
    }
    let mut builder = Builder::new(&plan, batch_size, pass);
    input::forward(&mut builder);
    let fused = fuse(&plan, builder.is_training());
    fused.iter().for_each(|fused| forward(&mut builder, fused));
    loss_and_backward(&mut builder, &fused);
    let lowered = finish(builder);
    if lowered.dispatches.iter().any(|dispatch| dispatch.workgroups > MAX_WORKGROUPS) {
        return fail("This network, or this batch size, is too large for a GPU.".into());
    }
    Ok(lowered)
}

/// Adds the forward kernels of an op.
fn forward(builder: &mut Builder<'_>, fused: &FusedOp<'_>) {
    match fused.op {
        Op::Permute { seed, input, output, .. } => elementwise::permute(builder, *input, *output, *seed),
        Op::Pad { input, output, padding } => elementwise::pad(builder, *input, *output, *padding),
        Op::Conv2d { geometry, padding, input, weight, bias, .. } => {
            if geometry.input.is_vector() {
                linear::forward(builder, fused, geometry, *input, [weight, bias]);
            } else {
                conv2d::forward(builder, fused, geometry, *padding, *input, [weight, bias]);
            }
        }
        Op::MaxPool2d { geometry, input, output } => {
            pool::forward(builder, Kernel::MaxPoolForward, geometry, *input, *output);
        }
        Op::AvgPool2d { geometry, input, output } => {
            pool::forward(builder, Kernel::AvgPoolForward, geometry, *input, *output);
        }
        Op::Activation { function, input, output } => {
            elementwise::forward(builder, Epilogue::activation(*function), *input, *output);
        }
        Op::Dropout { p, layer, input, mask, output } => {
            let epilogue = Epilogue::dropout(builder.dropout(*p, *layer, *mask));
            elementwise::forward(builder, epilogue, *input, *output);
        }
        Op::Affine { input, scale, shift, .. } => {
            batch_norm::affine_forward(builder, fused, *input, [scale, shift]);
        }
        Op::Normalize { input, output, statistics } => {
            batch_norm::normalize_forward(builder, fused, *input, *output, *statistics);
        }
        // Part of the normalisation.
        Op::Moments { .. } => {}
    }
}

/// Adds the loss and, in training, the backward kernels from the last op to the first.
fn loss_and_backward(builder: &mut Builder<'_>, fused: &[FusedOp<'_>]) {
    let fuses_loss = builder.is_training() && fused.last().is_some_and(loss::is_fused);
    if !fuses_loss {
        loss::loss(builder, fused.last());
    }
    if builder.is_training() {
        for (i, op) in fused.iter().enumerate().rev() {
            backward(builder, op, fuses_loss && i + 1 == fused.len());
        }
    }
}

/// Adds the backward kernels of an op: the gradient of its input, and the sums that are not in [`Kernel::WeightGradient`].
fn backward(builder: &mut Builder<'_>, fused: &FusedOp<'_>, computes_loss: bool) {
    match fused.op {
        // A convolution writes its gradient to its input before padding, statistics are part of the normalisation, and nobody needs the
        // gradient of the image.
        Op::Pad { .. } | Op::Moments { .. } | Op::Permute { .. } => {}
        // The first layer needs no gradient of its input.
        Op::Conv2d { source: None, .. } => {}
        Op::Conv2d { geometry, padding, source: Some(source), weight, bias, .. } => {
            if geometry.input.is_vector() {
                linear::backward(builder, fused, *source, [weight, bias], computes_loss);
            } else {
                conv2d::backward(builder, fused, *padding, *source, [weight, bias]);
            }
        }
        Op::MaxPool2d { geometry, input, output } => {
            pool::backward(builder, Kernel::MaxPoolBackward, fused, geometry, *input, *output);
        }
        Op::AvgPool2d { geometry, input, output } => {
            pool::backward(builder, Kernel::AvgPoolBackward, fused, geometry, *input, *output);
        }
        Op::Activation { function, input, output } => {
            elementwise::backward(builder, Epilogue::activation(*function), *input, *output);
        }
        Op::Dropout { p, layer, input, mask, output } => {
            let epilogue = Epilogue::dropout(builder.dropout(*p, *layer, *mask));
            elementwise::backward(builder, epilogue, *input, *output);
        }
        Op::Affine { input, scale, shift, .. } => {
            batch_norm::affine_backward(builder, fused, *input, [scale, shift]);
        }
        Op::Normalize { input, output, statistics } => {
            batch_norm::normalize_backward(builder, fused, *input, *output, *statistics);
        }
    }
}

/// Adds the kernels that end a step, and puts everything together.
fn finish(mut builder: Builder<'_>) -> Lowered {
    let (gradient_workgroups, update_workgroups) = number_workgroups(&mut builder);
    let layout = builder.layout;
    let optimizer: Constants = constants([
        ("GRADIENTS", layout.gradients() as usize),
        ("FIRST_MOMENTS", layout.first_moments() as usize),
        ("SECOND_MOMENTS", layout.second_moments() as usize),
        ("RESULTS", layout.results() as usize),
    ]);
    let has_unit_strides = builder.reductions.iter().all(|r| r.kind != CONV2D_WEIGHT || r.stride == 1);
    let is_training = builder.is_training();
    // An evaluation only sums losses and hits, which come first in the table.
    let limited = |workgroups| if is_training { workgroups } else { 1 };
    let distorting = is_training.then(|| input::distorting(&builder.forward[0]));
    let mut dispatches = builder.forward;
    dispatches.extend(builder.backward);
    dispatches.push(Dispatch {
        kernel: Kernel::WeightGradient,
        constants: constants([("UNIT_STRIDES", usize::from(has_unit_strides))]),
        workgroups: limited(gradient_workgroups),
    });
    dispatches.push(Dispatch {
        kernel: Kernel::OptimizerStep,
        constants: optimizer.clone(),
        workgroups: limited(update_workgroups),
    });
    Lowered {
        dispatches,
        distorting,
        pack: Dispatch { kernel: Kernel::PackWeights, constants: optimizer, workgroups: update_workgroups },
        layout,
        lengths: BufferLengths {
            state: layout.state_len().into(),
            packed: builder.packed.max(1).into(),
            values: builder.plan.arena as u64 * u64::from(layout.quads),
            partials: builder.partials.into(),
            reductions: builder.reductions.len() as u64,
        },
        reductions: builder.reductions,
    }
}

/// Gives each reduction its workgroups in [`Kernel::WeightGradient`] and in [`Kernel::OptimizerStep`], one behind the other. Returns how
/// many workgroups both kernels have.
fn number_workgroups(builder: &mut Builder<'_>) -> (u32, u32) {
    let (mut gradients, mut updates) = (0, 0);
    for reduction in &mut builder.reductions {
        (reduction.first_workgroup, reduction.first_update_workgroup) = (gradients, updates);
        let invocations = reduction.split(builder.layout.quads);
        gradients += invocations.div_ceil(Kernel::WeightGradient.workgroup_size());
        updates += reduction.count.div_ceil(UPDATES_PER_WORKGROUP);
    }
    (gradients, updates)
}
