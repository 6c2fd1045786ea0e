//! The dispatches of a step, as they are collected, and what the layers' lowerings have in common.

use crate::dispatch::{Constants, Dispatch};
use crate::epilogue::Dropout;
use crate::kernel::Kernel;
use crate::layout::{Layout, Pass};
use crate::reduction::Reduction;
use nn::plan::{Buffer, Plan};
use std::ops::Range;

/// Collects the dispatches of one step.
pub(super) struct Builder<'a> {
    pub(super) plan: &'a Plan,
    pub(super) pass: Pass,
    pub(super) layout: Layout,
    /// In the order in which they run, as all dispatches.
    pub(super) forward: Vec<Dispatch>,
    pub(super) backward: Vec<Dispatch>,
    /// That of losses and hits, then one for each parameter tensor of the plan.
    pub(super) reductions: Vec<Reduction>,
    /// Numbers reserved in `partials`.
    pub(super) partials: u32,
    /// Vectors reserved in `packed`.
    pub(super) packed: u32,
}

impl<'a> Builder<'a> {
    pub(super) fn new(plan: &'a Plan, batch_size: usize, pass: Pass) -> Self {
        let layout = Layout::new(plan, batch_size);
        let of_parameters = plan.parameters.iter().map(Reduction::new);
        Self {
            plan,
            pass,
            layout,
            forward: Vec::new(),
            backward: Vec::new(),
            reductions: std::iter::once(Reduction::loss_and_hits(&layout)).chain(of_parameters).collect(),
            partials: layout.partial_sums(),
            packed: 0,
        }
    }

    pub(super) fn is_training(&self) -> bool {
        self.pass == Pass::Training
    }

    /// Whether the buffer is the network's input, whose gradient nobody needs.
    pub(super) fn is_input(&self, buffer: Buffer) -> bool {
        buffer.offset == self.plan.input.offset
    }

    /// Adds a forward kernel with one invocation for each of `items` and each quad of samples.
    pub(super) fn push_forward(&mut self, kernel: Kernel, constants: Constants, items: usize) {
        let invocations = items as u32 * self.layout.quads;
        self.forward.push(Dispatch::of_invocations(kernel, constants, invocations));
    }

    /// The same for a backward kernel.
    pub(super) fn push_backward(&mut self, kernel: Kernel, constants: Constants, items: usize) {
        let invocations = items as u32 * self.layout.quads;
        self.backward.push(Dispatch::of_invocations(kernel, constants, invocations));
    }

    pub(super) fn dropout(&self, p: f32, layer: usize, mask: Buffer) -> Option<Dropout> {
        Dropout::new(p, layer, mask, self.is_training())
    }

    /// Reserves `count` numbers for partial sums, and returns their offset.
    pub(super) fn reserve_partials(&mut self, count: u32) -> u32 {
        let offset = self.partials;
        self.partials += count;
        offset
    }

    /// Reserves `count` vectors for packed weights, and returns their offset.
    pub(super) fn reserve_packed(&mut self, count: u32) -> u32 {
        let offset = self.packed;
        self.packed += count;
        offset
    }

    /// The reduction of a parameter tensor.
    pub(super) fn reduction(&mut self, parameter: &Range<usize>) -> &mut Reduction {
        let i = self.plan.parameters.iter().position(|p| p.range() == *parameter);
        &mut self.reductions[1 + i.expect("every op's parameters are the plan's")]
    }
}
