//! Batch normalisation, and scale and shift by themselves: `shaders/batch_norm.wgsl`.

use super::builder::Builder;
use crate::dispatch::{Constants, Dispatch, constants};
use crate::fuse::FusedOp;
use crate::kernel::Kernel;
use nn::plan::{Buffer, Op};
use std::ops::Range;

/// Workgroups that sum up one channel, each a part of it.
const PARTS: u32 = 8;

fn affine_constants(
    input: Buffer,
    normalized: Buffer,
    output: Buffer,
    [scale, shift]: [&Range<usize>; 2],
) -> Constants {
    constants([
        ("INPUT", input.offset),
        ("NORMALIZED", normalized.offset),
        ("OUTPUT", output.offset),
        ("CHANNELS", input.shape.channels),
        ("PLANE", input.shape.plane()),
        ("SCALE", scale.start),
        ("SHIFT", shift.start),
    ])
}

fn normalize_constants(
    builder: &Builder<'_>,
    fused: &FusedOp<'_>,
    input: Buffer,
    normalized: Buffer,
    statistics: usize,
) -> Constants {
    let offset = builder.plan.statistics[statistics].offset;
    let [scale, shift] = scale_and_shift_of(builder, normalized);
    let mut constants = affine_constants(input, normalized, fused.output, [&scale, &shift]);
    constants.push(("RUNNING", (builder.layout.running() as usize + offset) as f64));
    constants.push(("STATISTICS", (builder.layout.statistics() as usize + 2 * offset) as f64));
    constants
}

/// Scale and shift of the op that follows a normalisation.
fn scale_and_shift_of(builder: &Builder<'_>, normalized: Buffer) -> [Range<usize>; 2] {
    let affine = builder.plan.ops.iter().find_map(|op| match op {
        Op::Affine { input, scale, shift, .. } if input.offset == normalized.offset => {
            Some([scale.clone(), shift.clone()])
        }
        _ => None,
    });
    affine.expect("a plan scales and shifts what it normalises")
}

fn with_partials(mut constants: Constants, partial: u32) -> Constants {
    constants.extend([("PARTIAL", f64::from(partial)), ("PARTS", f64::from(PARTS))]);
    constants
}

/// Adds the statistics and the normalisation: three kernels in training, two in an evaluation.
pub(super) fn normalize_forward(
    builder: &mut Builder<'_>,
    fused: &FusedOp<'_>,
    input: Buffer,
    output: Buffer,
    statistics: usize,
) {
    let mut constants = normalize_constants(builder, fused, input, output, statistics);
    let channels = input.shape.channels as u32;
    let of_statistics = if builder.is_training() {
        let partial = builder.reserve_partials(2 * PARTS * channels);
        let constants = with_partials(constants.clone(), partial);
        builder.forward.push(Dispatch {
            kernel: Kernel::MomentSums,
            constants: constants.clone(),
            workgroups: PARTS * channels,
        });
        constants
    } else {
        constants.push(("TRAINING", 0.0));
        constants.clone()
    };
    builder.forward.push(Dispatch::of_invocations(Kernel::BatchStatistics, of_statistics, channels));
    constants.extend(fused.epilogue.constants());
    builder.push_forward(Kernel::Normalize, constants, output.shape.len());
}

/// Adds the gradients of scale and shift, and through them and the statistics that of `input`.
pub(super) fn normalize_backward(
    builder: &mut Builder<'_>,
    fused: &FusedOp<'_>,
    input: Buffer,
    output: Buffer,
    statistics: usize,
) {
    let constants = normalize_constants(builder, fused, input, output, statistics);
    let [scale, shift] = scale_and_shift_of(builder, output);
    let mut constants = scale_gradients(builder, constants, [&scale, &shift]);
    if builder.is_input(input) {
        return;
    }
    let channels = input.shape.channels as u32;
    builder.backward.push(Dispatch::of_invocations(Kernel::GradientMeans, constants.clone(), channels));
    constants.extend(fused.input_epilogue.constants());
    builder.push_backward(Kernel::NormalizeBackward, constants, input.shape.len());
}

pub(super) fn affine_forward(
    builder: &mut Builder<'_>,
    fused: &FusedOp<'_>,
    input: Buffer,
    scale_and_shift: [&Range<usize>; 2],
) {
    let mut constants = affine_constants(input, input, fused.output, scale_and_shift);
    constants.extend(fused.epilogue.constants());
    builder.push_forward(Kernel::Affine, constants, fused.output.shape.len());
}

pub(super) fn affine_backward(
    builder: &mut Builder<'_>,
    fused: &FusedOp<'_>,
    input: Buffer,
    scale_and_shift: [&Range<usize>; 2],
) {
    let mut constants = affine_constants(input, input, fused.output, scale_and_shift);
    scale_gradients(builder, constants.clone(), scale_and_shift);
    if !builder.is_input(input) {
        constants.extend(fused.input_epilogue.constants());
        builder.push_backward(Kernel::AffineBackward, constants, input.shape.len());
    }
}

/// Adds the partial sums for the gradients of a scale and a shift, and returns the kernel's constants.
fn scale_gradients(
    builder: &mut Builder<'_>,
    constants: Constants,
    [scale, shift]: [&Range<usize>; 2],
) -> Constants {
    let channels = scale.len() as u32;
    let partial = builder.reserve_partials(2 * PARTS * channels);
    for (parameter, partial) in [(scale, partial), (shift, partial + PARTS * channels)] {
        let reduction = builder.reduction(parameter);
        (reduction.chunks, reduction.partial) = (PARTS, partial);
    }
    let constants = with_partials(constants, partial);
    builder.backward.push(Dispatch {
        kernel: Kernel::GradientSums,
        constants: constants.clone(),
        workgroups: PARTS * channels,
    });
    constants
}
