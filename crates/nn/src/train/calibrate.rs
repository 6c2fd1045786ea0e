//! A batch normalisation that is new in a network that has learned starts as the identity.

use crate::plan::Op;
use crate::spec::BATCH_NORM_EPS;
use crate::train::shard::SampleFn;
use crate::train::step::{SingleReplica, all_finite};
use crate::train::training::Training;

impl Training {
    /// Makes new batch normalisations (indices into [`Plan::statistics`](crate::plan::Plan::statistics),
    /// ascending) the identity on this batch: their scale and shift become the deviation and mean that they
    /// divide by and subtract. Where these are not finite, because the training diverges, they stay as they
    /// are. Every sample goes forward once.
    ///
    /// # Panics
    /// If a label is not below the number of classes.
    pub fn calibrate_batch_norm(&mut self, new: &[usize], labels: &[u8], fill: &SampleFn<'_>) {
        self.begin(labels.len(), 0..labels.len(), labels);
        for &statistics in new {
            // The phases after this one read the new scale and shift.
            self.run_phases_below(statistics + 1, fill, &mut SingleReplica);
            let (mean, inverse_deviation) = self.shards[0].moments(statistics);
            if !all_finite(mean) || !inverse_deviation.iter().all(|inverse| *inverse > 0.0) {
                continue;
            }
            let plan = self.network.cpu.plan();
            let running = &mut self.network.running[plan.statistics[statistics].range()];
            let (running_mean, running_variance) = running.split_at_mut(mean.len());
            running_mean.copy_from_slice(mean);
            let affine = plan
                .ops
                .iter()
                .skip_while(|op| !matches!(op, Op::Normalize { statistics: s, .. } if *s == statistics))
                .nth(1);
            if let Some(Op::Affine { scale, shift, .. }) = affine {
                self.network.parameters[shift.clone()].copy_from_slice(mean);
                let scale = &mut self.network.parameters[scale.clone()];
                for ((variance, scale), inverse) in
                    running_variance.iter_mut().zip(scale).zip(inverse_deviation)
                {
                    *scale = 1.0 / inverse;
                    *variance = (1.0 / (inverse * inverse) - BATCH_NORM_EPS).max(0.0);
                }
            }
        }
        self.abandon();
    }
}
