//! What is done to each channel alone: normalising, scaling and shifting, by `shaders/batch_norm.wgsl`.

use super::{Dispatch, Lowering, PARTS};
use crate::constants::Constants;
use crate::fuse::Fused;
use crate::kernel::Kernel;
use nn::plan::{Buffer, Op};
use std::ops::Range;

impl Lowering<'_> {
    pub(super) fn affine(
        &self,
        input: Buffer,
        normalized: Buffer,
        output: Buffer,
        scale: &Range<usize>,
        shift: &Range<usize>,
    ) -> Constants {
        vec![
            ("INPUT", input.offset as f64),
            ("NORMALIZED", normalized.offset as f64),
            ("OUTPUT", output.offset as f64),
            ("CHANNELS", input.shape.channels as f64),
            ("PLANE", input.shape.plane() as f64),
            ("SCALE", scale.start as f64),
            ("SHIFT", shift.start as f64),
        ]
    }

    pub(super) fn normalization(
        &self,
        fused: &Fused<'_>,
        input: Buffer,
        normalized: Buffer,
        statistics: usize,
    ) -> Constants {
        let offset = self.plan.statistics[statistics].offset as u32;
        let (scale, shift) = self.scale_of(normalized);
        let mut constants = self.affine(input, normalized, fused.output, &scale, &shift);
        constants.push(("RUNNING", f64::from(self.layout.running + offset)));
        constants.push(("STATISTICS", f64::from(self.layout.statistics() + 2 * offset)));
        constants
    }

    /// Scale and shift of the op that follows a normalisation.
    pub(super) fn scale_of(&self, normalized: Buffer) -> (Range<usize>, Range<usize>) {
        let affine = self.plan.ops.iter().find_map(|op| match op {
            Op::Affine { input, scale, shift, .. } if input.offset == normalized.offset => {
                Some((scale.clone(), shift.clone()))
            }
            _ => None,
        });
        affine.expect("a plan scales and shifts what it normalises")
    }

    /// Sums for the gradients of a scale and a shift; gives where they are.
    pub(super) fn scale_gradients(
        &mut self,
        constants: &[(&'static str, f64)],
        scale: &Range<usize>,
        shift: &Range<usize>,
    ) -> u32 {
        let channels = scale.len() as u32;
        let partial = self.sums(2 * PARTS * channels);
        for (i, parameter) in [scale, shift].into_iter().enumerate() {
            let job = self.job(parameter);
            job.chunks = PARTS;
            job.partial = partial + i as u32 * PARTS * channels;
        }
        let mut constants = constants.to_vec();
        constants.extend([("PARTIAL", f64::from(partial)), ("PARTS", f64::from(PARTS))]);
        self.backward.push(Dispatch { kernel: Kernel::GradientSums, constants, groups: PARTS * channels });
        partial
    }
}
