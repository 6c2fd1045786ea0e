//! Where everything lies in the buffers that all kernels share.

use nn::plan::Plan;

/// Results of so many steps are kept: those of one submission, which copies them out.
pub(crate) const RESULTS: u32 = 64;

/// Places in `state` and `partials`, in numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Layout {
    /// Vectors of four samples.
    pub(crate) quads: u32,
    pub(crate) parameters: u32,
    pub(crate) running: u32,
    /// Length of the running estimates, mean and variance.
    pub(crate) running_count: u32,
}

impl Layout {
    pub(crate) fn new(plan: &Plan, batch: usize) -> Self {
        let parameters = plan.parameter_count() as u32;
        Self {
            quads: batch.div_ceil(4) as u32,
            parameters,
            running: 4 * parameters,
            running_count: plan.running_count() as u32,
        }
    }

    pub(crate) const fn gradients(&self) -> u32 {
        self.parameters
    }

    pub(crate) const fn first_moments(&self) -> u32 {
        2 * self.parameters
    }

    pub(crate) const fn second_moments(&self) -> u32 {
        3 * self.parameters
    }

    /// All that is read back together: up to the end of the running estimates.
    pub(crate) const fn saved(&self) -> u32 {
        self.running + self.running_count
    }

    /// Four numbers for each channel that is normalised, where the running estimates have two.
    pub(crate) const fn statistics(&self) -> u32 {
        self.saved()
    }

    pub(crate) const fn results(&self) -> u32 {
        self.statistics() + 2 * self.running_count
    }

    pub(crate) const fn state(&self) -> u32 {
        self.results() + 2 * RESULTS
    }

    /// Labels, losses and hits of the samples come first in `partials`.
    pub(crate) const fn labels(&self) -> u32 {
        0
    }

    pub(crate) const fn losses(&self) -> u32 {
        4 * self.quads
    }

    pub(crate) const fn hits(&self) -> u32 {
        8 * self.quads
    }

    /// Sums of losses and hits, of four quads each; then come the other sums.
    pub(crate) const fn loss_sums(&self) -> u32 {
        12 * self.quads
    }

    pub(crate) const fn sums(&self) -> u32 {
        self.loss_sums() + 2 * self.quads.div_ceil(4)
    }
}
