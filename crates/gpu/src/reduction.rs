//! Sums over the batch: a table by which one dispatch makes the partial sums of all gradients, and another adds them up and updates
//! the parameters.

use crate::layout::{LOSS_CHUNK, Layout};
use bytemuck::{Pod, Zeroable};
use nn::plan::Parameter;

/// The sums for one parameter tensor, or for losses and hits; laid out as `Reduction` in `shaders/lib/reduction.wgsl`, where the fields
/// are explained.
#[derive(Clone, Copy, Debug, Default, PartialEq, Pod, Zeroable)]
#[repr(C)]
pub(crate) struct Reduction {
    pub(crate) kind: u32,
    pub(crate) first_workgroup: u32,
    pub(crate) parameter: u32,
    pub(crate) count: u32,
    pub(crate) partial: u32,
    pub(crate) chunks: u32,
    pub(crate) input: u32,
    pub(crate) in_channels: u32,
    pub(crate) height: u32,
    pub(crate) width: u32,
    pub(crate) kernel_height: u32,
    pub(crate) kernel_width: u32,
    pub(crate) stride: u32,
    pub(crate) output_gradient: u32,
    pub(crate) out_channels: u32,
    pub(crate) out_height: u32,
    pub(crate) out_width: u32,
    pub(crate) chunk_quads: u32,
    pub(crate) forward_weights: u32,
    pub(crate) backward_weights: u32,
    pub(crate) out_channel_tile: u32,
    pub(crate) in_channel_tile: u32,
    pub(crate) penalized: u32,
    pub(crate) first_update_workgroup: u32,
}

/// `Reduction::kind`: the weights of a convolution.
pub(crate) const CONV2D_WEIGHT: u32 = 0;
/// `Reduction::kind`: the weights of a linear layer.
pub(crate) const LINEAR_WEIGHT: u32 = 1;
/// `Reduction::kind`: the biases of either.
pub(crate) const BIAS: u32 = 2;
/// `Reduction::kind`: parameters whose partial sums another kernel makes.
pub(crate) const OTHER: u32 = 3;
/// `Reduction::kind`: losses and hits of the batch.
pub(crate) const LOSS_AND_HITS: u32 = 4;

/// Parameters that a workgroup updates: several to an invocation, which has to find its reduction first.
pub(crate) const UPDATES_PER_WORKGROUP: u32 = 512;

/// Parts into which the batch is split at most for a gradient, however large it is.
const MAX_BATCH_PARTS: u32 = 4;

impl Reduction {
    /// The sums of losses and hits.
    pub(crate) fn loss_and_hits(layout: &Layout) -> Self {
        Self {
            kind: LOSS_AND_HITS,
            count: 2,
            input: layout.losses(),
            output_gradient: layout.hits(),
            partial: layout.loss_sums(),
            ..Self::default()
        }
    }

    /// A parameter tensor, whose layer has not yet said how its gradient is summed.
    pub(crate) fn new(parameter: &Parameter) -> Self {
        let range = parameter.range();
        Self {
            kind: OTHER,
            parameter: range.start as u32,
            count: range.len() as u32,
            penalized: u32::from(parameter.is_weight()),
            ..Self::default()
        }
    }

    /// Splits the sums into chunks, and returns the number of invocations that make the partial sums: enough to keep a GPU busy, while one
    /// invocation per parameter still adds them up in little time.
    pub(crate) fn split(&mut self, quads: u32) -> u32 {
        // Invocations for each chunk; rows of the output, each a chunk of its own; the least quads of samples in a chunk.
        let (tiles, rows, min_quads) = match self.kind {
            CONV2D_WEIGHT => {
                let taps = self.kernel_height.div_ceil(3) * self.kernel_width.div_ceil(5);
                (self.out_channels.div_ceil(4) * self.in_channels * taps, self.out_height, 4)
            }
            LINEAR_WEIGHT => (self.out_channels.div_ceil(4) * self.in_channels.div_ceil(8), 1, 16),
            BIAS => (self.out_channels, self.out_height, 16),
            LOSS_AND_HITS => {
                self.chunks = (4 * quads).div_ceil(LOSS_CHUNK);
                return self.count * self.chunks;
            }
            _ => return 0,
        };
        self.chunk_quads = min_quads.max(quads.div_ceil(MAX_BATCH_PARTS));
        self.chunks = rows * quads.div_ceil(self.chunk_quads);
        tiles * self.chunks
    }
}
