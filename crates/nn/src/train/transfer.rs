//! What becomes of what was learned when layers come and go in the middle of a training.
//!
//! Parameters whose name and dimensions stay are kept. A batch normalisation that goes is folded into the layer before it,
//! and one that comes starts as the identity, so that the network goes on where it was.

use crate::cpu::EPSILON;
use crate::network::Network;
use crate::plan::{Op, Parameter, Plan, Statistics};
use crate::train::Training;
use crate::train::shard::Fill;

/// Copies stretches of one flat vector to another where names and dimensions agree.
pub(crate) fn copy_matching(plan: &Plan, to: &mut [f32], other: &Plan, from: &[f32]) {
    for parameter in &plan.parameters {
        if let Some(same) = same(other, parameter) {
            to[parameter.range()].copy_from_slice(&from[same.range()]);
        }
    }
}

fn same<'a>(plan: &'a Plan, parameter: &Parameter) -> Option<&'a Parameter> {
    plan.parameters.iter().find(|p| p.name == parameter.name && p.dims == parameter.dims)
}

fn has(plan: &Plan, statistics: &Statistics) -> bool {
    plan.statistics.iter().any(|s| s.name == statistics.name && s.channels == statistics.channels)
}

impl Network {
    /// Takes over what `other` learned. Gives the normalisations (as in [`Plan::statistics`]) that are new here.
    pub fn adopt(&mut self, other: &Self) -> Vec<usize> {
        let (plan, theirs) = (self.cpu.plan(), other.plan());
        copy_matching(plan, &mut self.parameters, theirs, &other.parameters);
        let mut new = Vec::new();
        for (i, statistics) in plan.statistics.iter().enumerate() {
            let mut all = theirs.statistics.iter();
            match all.find(|s| s.name == statistics.name && s.channels == statistics.channels) {
                Some(same) => self.running[statistics.range()].copy_from_slice(&other.running[same.range()]),
                None => new.push(i),
            }
        }
        for (i, statistics) in theirs.statistics.iter().enumerate() {
            if !has(self.plan(), statistics) {
                self.fold(other, i);
            }
        }
        new
    }

    /// Makes the layer before a normalisation of `other`, which is not here, do its work, too.
    fn fold(&mut self, other: &Self, statistics: usize) {
        let theirs = other.plan();
        let at = theirs
            .ops
            .iter()
            .position(|op| matches!(op, Op::Moments { statistics: s, .. } if *s == statistics));
        let ops = at.and_then(|at| Some((theirs.ops.get(at.checked_sub(1)?)?, theirs.ops.get(at + 2)?)));
        let Some((Op::Conv2d { weight, .. }, Op::Affine { scale, shift, .. })) = ops else { return };
        let owner = theirs.parameters.iter().position(|p| p.range() == *weight);
        let here = owner.and_then(|owner| {
            let [weight, bias] = [owner, owner + 1].map(|i| same(self.cpu.plan(), &theirs.parameters[i]));
            Some((weight?.range(), bias?.range()))
        });
        let Some((weight, bias)) = here else { return };
        let channels = theirs.statistics[statistics].channels;
        let (mean, variance) = other.running[theirs.statistics[statistics].range()].split_at(channels);
        let (scale, shift) = (&other.parameters[scale.clone()], &other.parameters[shift.clone()]);
        let per_map = weight.len() / channels;
        for map in 0..channels {
            let factor = scale[map] / (variance[map] + EPSILON).sqrt();
            let row = &mut self.parameters[weight.start + map * per_map..][..per_map];
            row.iter_mut().for_each(|w| *w *= factor);
            let bias = &mut self.parameters[bias.start + map];
            *bias = (*bias - mean[map]) * factor + shift[map];
        }
    }
}

impl Training {
    /// Makes new normalisations the identity for batches like this one: they give back the mean and the deviation that
    /// they take away.
    pub fn calibrate(&mut self, new: &[usize], labels: &[u8], fill: &Fill<'_>) {
        for &statistics in new {
            // Those before it may have changed: from the beginning, every time.
            self.begin(labels.len(), 0..labels.len(), labels);
            for phase in 0..=statistics {
                self.run(phase, fill);
                self.merge_own();
                self.finish_phase(phase);
            }
            let (mean, inverse_deviation) = self.parts[0].moments(statistics);
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
                    *variance = (1.0 / (inverse * inverse) - EPSILON).max(0.0);
                }
            }
            self.abandon();
        }
    }
}
