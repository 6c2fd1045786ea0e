//! Keeping what was learned when layers come and go during a training.
//!
//! Parameters whose name and dimensions stay are kept. A batch normalisation that goes is folded into the
//! layer before it, and a new one starts as the identity, so that the network's outputs hardly change.

use crate::network::Network;
use crate::plan::Op;
use crate::spec::BATCH_NORM_EPS;
use crate::train::shard::SampleFn;
use crate::train::step::SingleReplica;
use crate::train::training::Training;

impl Network {
    /// Copies the parameters and running estimates of `other` whose name and dimensions are also here, as
    /// PyTorch's `load_state_dict(strict=False)`, and folds the batch normalisations of `other` that are not.
    /// Returns the batch normalisations (indices into [`Plan::statistics`](crate::plan::Plan::statistics))
    /// that `other` has not.
    pub fn load_matching(&mut self, other: &Self) -> Vec<usize> {
        let (plan, other_plan) = (self.cpu.plan(), other.plan());
        plan.copy_matching(&mut self.parameters, other_plan, &other.parameters);
        let mut new = Vec::new();
        for (i, statistics) in plan.statistics.iter().enumerate() {
            match other_plan.find_statistics(statistics) {
                Some(same) => self.running[statistics.range()].copy_from_slice(&other.running[same.range()]),
                None => new.push(i),
            }
        }
        for (i, statistics) in other_plan.statistics.iter().enumerate() {
            if self.plan().find_statistics(statistics).is_none() {
                self.fold_batch_norm(other, i);
            }
        }
        new
    }

    /// Folds batch normalisation number `statistics` of `other`, which is not here, into the layer before it:
    /// in inference `scale * (w x + b - mean) / sqrt(variance + eps) + shift` is that layer with other
    /// weights and biases.
    fn fold_batch_norm(&mut self, other: &Self, statistics: usize) {
        let other_plan = other.plan();
        let at = other_plan
            .ops
            .iter()
            .position(|op| matches!(op, Op::Moments { statistics: s, .. } if *s == statistics));
        let ops =
            at.and_then(|at| Some((other_plan.ops.get(at.checked_sub(1)?)?, other_plan.ops.get(at + 2)?)));
        let Some((Op::Conv2d { weight, .. }, Op::Affine { scale, shift, .. })) = ops else { return };
        let owner = other_plan.parameters.iter().position(|p| p.range() == *weight);
        let here = owner.and_then(|owner| {
            let [weight, bias] =
                [owner, owner + 1].map(|i| self.plan().find_parameter(&other_plan.parameters[i]));
            Some((weight?.range(), bias?.range()))
        });
        let Some((weight, bias)) = here else { return };
        let channels = other_plan.statistics[statistics].channels;
        let (mean, variance) = other.running[other_plan.statistics[statistics].range()].split_at(channels);
        let (scale, shift) = (&other.parameters[scale.clone()], &other.parameters[shift.clone()]);
        let per_channel = weight.len() / channels;
        for channel in 0..channels {
            let factor = scale[channel] / (variance[channel] + BATCH_NORM_EPS).sqrt();
            let row = &mut self.parameters[weight.start + channel * per_channel..][..per_channel];
            row.iter_mut().for_each(|w| *w *= factor);
            let bias = &mut self.parameters[bias.start + channel];
            *bias = (*bias - mean[channel]) * factor + shift[channel];
        }
    }
}

impl Training {
    /// Makes new batch normalisations (indices into [`Plan::statistics`](crate::plan::Plan::statistics)) the
    /// identity on this batch: their scale and shift become the deviation and mean that they divide by and
    /// subtract.
    ///
    /// # Panics
    /// If a label is not below the number of classes.
    pub fn calibrate_batch_norm(&mut self, new: &[usize], labels: &[u8], fill: &SampleFn<'_>) {
        for &statistics in new {
            // From the first phase every time: the normalisations before this one may have changed.
            self.begin(labels.len(), 0..labels.len(), labels);
            self.run_phases_below(statistics + 1, fill, &mut SingleReplica);
            let (mean, inverse_deviation) = self.shards[0].moments(statistics);
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
            self.abandon();
        }
    }
}
