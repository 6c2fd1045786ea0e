//! What there is to do for the parameters: the table by which one dispatch makes all gradients, and another all updates.

use bytemuck::{Pod, Zeroable};
use nn::plan::Parameter;

/// A stretch of parameters: the same as `Job` in `shaders/lib/reduction.wgsl`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Pod, Zeroable)]
#[repr(C)]
pub(crate) struct Job {
    pub(crate) kind: u32,
    pub(crate) first_group: u32,
    pub(crate) parameter: u32,
    pub(crate) count: u32,
    pub(crate) partial: u32,
    pub(crate) chunks: u32,
    pub(crate) input: u32,
    pub(crate) channels: u32,
    pub(crate) height: u32,
    pub(crate) width: u32,
    pub(crate) kernel_rows: u32,
    pub(crate) kernel_columns: u32,
    pub(crate) stride: u32,
    pub(crate) output: u32,
    pub(crate) maps: u32,
    pub(crate) out_height: u32,
    pub(crate) out_width: u32,
    pub(crate) quads: u32,
    pub(crate) forward: u32,
    pub(crate) backward: u32,
    pub(crate) map_tile: u32,
    pub(crate) channel_tile: u32,
    pub(crate) penalized: u32,
    pub(crate) first_update: u32,
}

/// The weights of a convolution.
pub(crate) const CONVOLUTION: u32 = 0;
/// The weights of a dense layer.
pub(crate) const DENSE: u32 = 1;
/// The biases of either.
pub(crate) const BIAS: u32 = 2;
/// Parameters whose sums another kernel makes.
pub(crate) const SUMMED: u32 = 3;
/// The losses and hits of the batch.
pub(crate) const LOSSES: u32 = 4;

/// Parameters that a workgroup updates: several to an invocation, which has to find its job first.
pub(crate) const UPDATED_AT_ONCE: u32 = 512;

/// How many of `count` maps or channels a convolution's kernels do at once: four, or six where that leaves fewer empty. LeNet's first
/// six maps are one tile then, not two of which a quarter is for nothing.
pub(crate) fn tile(count: u32) -> u32 {
    if count.next_multiple_of(6) <= count.next_multiple_of(4) { 6 } else { 4 }
}

/// Vectors in which the weights of a tile are packed.
pub(crate) fn vectors(tile: u32) -> u32 {
    tile.div_ceil(4)
}

impl Job {
    /// The sums of losses and hits, which lie there in `partials` for each sample; their partial sums go to `partial`.
    pub(crate) fn losses(losses: u32, hits: u32, partial: u32) -> Self {
        Self { kind: LOSSES, count: 2, input: losses, output: hits, partial, ..Self::default() }
    }

    /// Nothing to do yet but the update itself.
    pub(crate) fn of(parameter: &Parameter) -> Self {
        let range = parameter.range();
        Self {
            kind: SUMMED,
            parameter: range.start as u32,
            count: range.len() as u32,
            penalized: u32::from(parameter.is_weight()),
            ..Self::default()
        }
    }

    /// Splits the sums into chunks, and gives the number of invocations: enough of them to keep a GPU busy, and not more partial
    /// sums than are soon added up.
    pub(crate) fn split(&mut self, quads: u32) -> u32 {
        let (items, rows, at_once) = match self.kind {
            CONVOLUTION => {
                let kernel = self.kernel_rows.div_ceil(3) * self.kernel_columns.div_ceil(5);
                (self.maps.div_ceil(4) * self.channels * kernel, self.out_height, 4)
            }
            DENSE => (self.maps.div_ceil(4) * self.channels.div_ceil(8), 1, 16),
            BIAS => (self.maps, self.out_height, 16),
            LOSSES => {
                self.chunks = quads.div_ceil(4);
                return self.count * self.chunks;
            }
            _ => return 0,
        };
        // At most four parts of the batch, however large it is.
        self.quads = at_once.max(quads.div_ceil(4));
        self.chunks = rows * quads.div_ceil(self.quads);
        items * self.chunks
    }
}
