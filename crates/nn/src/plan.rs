//! A network lowered to kernel calls over numbered buffers: everything known before the first step.
//!
//! Batch statistics are those of the whole batch, but the batch is worked on in blocks (and by several cores). A plan is
//! therefore cut into segments, wherever all blocks must have come before any can go on: between [`Op::Moments`] and
//! [`Op::Normalize`]. A step runs in [phases](Plan::phases); after each, what the blocks contributed is added up.

use crate::spec::{NetworkSpec, Shape};
use crate::summary::SpecError;
use std::ops::Range;
use tensor::{activation::Activation, conv2d::Conv2d, pool::Pool2d};

/// A buffer: the values of one shape for one block of samples, and beside them room for their gradient.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Buffer {
    /// Shape of one sample.
    pub shape: Shape,
    /// Where it begins in the arena, in values per sample.
    pub offset: usize,
}

impl Buffer {
    /// Where it lies in the arena.
    pub const fn range(self) -> Range<usize> {
        self.offset..self.offset + self.shape.len()
    }
}

/// A trainable tensor: a stretch of the network's one flat parameter vector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// As PyTorch would name it: `conv1.weight`, `fc3.bias`. Counted by kind, so that a layer without
    /// parameters can come or go and what was learned keeps its name.
    pub name: String,
    /// Its layer in `NetworkSpec::layers`.
    pub layer: usize,
    /// Dimensions, outermost first: conv2d `[map, channel, row, column]`, dense `[unit, input]`, else `[channel]`.
    pub dims: Vec<usize>,
    /// Where it begins in the flat vector.
    pub offset: usize,
    /// What it is, which decides where it begins and whether it is penalised.
    pub role: Role,
}

/// What a parameter is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Weights of sums over so many inputs, each input going into so many outputs.
    Weight {
        /// Inputs that each output sums over.
        fan_in: usize,
        /// Outputs that each input goes into.
        fan_out: usize,
    },
    /// A factor per channel; begins at 1.
    Scale,
    /// An addend; begins at 0.
    Bias,
}

impl Parameter {
    /// Where it lies in the flat vector.
    pub fn range(&self) -> Range<usize> {
        self.offset..self.offset + self.dims.iter().product::<usize>()
    }

    /// Whether it weighs inputs: penalties and pictures are about these.
    pub const fn is_weight(&self) -> bool {
        matches!(self.role, Role::Weight { .. })
    }
}

/// A batch normalisation's statistics. Each is two numbers per channel, means first, then variances.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statistics {
    /// `bn_conv1`, `bn_fc2`, ..., after the layer before it, so that it keeps its name when others come and go; PyTorch
    /// keeps `bn_conv1.running_mean` and `bn_conv1.running_var`.
    pub name: String,
    /// Its layer in `NetworkSpec::layers`.
    pub layer: usize,
    /// Channels.
    pub channels: usize,
    /// Values per sample that each channel has.
    pub plane: usize,
    /// Where it begins in the flat vector of running estimates.
    pub offset: usize,
}

impl Statistics {
    /// Where it lies in the flat vector of running estimates.
    pub const fn range(&self) -> Range<usize> {
        self.offset..self.offset + 2 * self.channels
    }
}

/// One kernel forward, and its gradients backward. Gradients lie beside the values they belong to.
#[derive(Clone, Debug, PartialEq)]
pub enum Op {
    /// Zeros around maps.
    Pad {
        /// What is padded.
        input: Buffer,
        /// The larger maps.
        output: Buffer,
        /// Zeros on each side.
        padding: usize,
    },
    /// Convolution, or a dense layer (maps of one pixel, a 1x1 kernel).
    Conv2d {
        /// The padded input's geometry.
        geometry: Conv2d,
        /// Zeros that the geometry's input has on each side.
        padding: usize,
        /// Before padding: where the gradient goes. `None` for the first layer, which needs none.
        source: Option<Buffer>,
        /// The padded input.
        input: Buffer,
        /// The output.
        output: Buffer,
        /// Weights in the flat vector.
        weight: Range<usize>,
        /// Biases in the flat vector.
        bias: Range<usize>,
    },
    /// The largest of each window.
    MaxPool2d {
        /// Windows.
        geometry: Pool2d,
        /// The input.
        input: Buffer,
        /// The output.
        output: Buffer,
    },
    /// The mean of each window.
    AvgPool2d {
        /// Windows.
        geometry: Pool2d,
        /// The input.
        input: Buffer,
        /// The output.
        output: Buffer,
    },
    /// An activation function.
    Activation {
        /// Which.
        function: Activation,
        /// The input.
        input: Buffer,
        /// The output; the same buffer if the input is needed no more.
        output: Buffer,
    },
    /// A factor and an addend per channel.
    Affine {
        /// The input.
        input: Buffer,
        /// The output.
        output: Buffer,
        /// Factors in the flat vector.
        scale: Range<usize>,
        /// Addends in the flat vector.
        shift: Range<usize>,
    },
    /// Sums for the batch statistics of `input`; ends a segment. Backward, the gradient through [`Op::Normalize`].
    Moments {
        /// What is measured.
        input: Buffer,
        /// What `Normalize` makes of it.
        output: Buffer,
        /// Which of [`Plan::statistics`].
        statistics: usize,
    },
    /// Mean 0 and variance 1 by the statistics of the batch (in training) or the running ones. Backward, sums; ends a segment.
    Normalize {
        /// What is normalised.
        input: Buffer,
        /// The output.
        output: Buffer,
        /// Which of [`Plan::statistics`].
        statistics: usize,
    },
    /// Units zeroed by chance, in training.
    Dropout {
        /// Share of units that are zeroed.
        p: f32,
        /// Tells the masks of several dropouts apart.
        layer: usize,
        /// The input.
        input: Buffer,
        /// 0 or `1 / (1 - p)` for each unit.
        mask: Buffer,
        /// The output.
        output: Buffer,
    },
}

/// Ops between two points at which all blocks must have come together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Indices into [`Plan::ops`].
    pub ops: Range<usize>,
    /// The parameters of these ops in the flat vector.
    pub parameters: Range<usize>,
}

/// What a phase of a training step does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// A segment forward; each block contributes sums for the statistics with this index.
    Forward(usize),
    /// The last segment forward, the loss, and the same segment backward.
    Turn(usize),
    /// A segment backward.
    Backward(usize),
}

/// A lowered network.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Where a batch is put.
    pub input: Buffer,
    /// The output of every layer, in the order of `NetworkSpec::layers`. The last is the logits.
    pub layers: Vec<Buffer>,
    /// Forward in this order, backward in reverse.
    pub ops: Vec<Op>,
    /// The ops in segments; statistics `i` lie between segments `i` and `i + 1`.
    pub segments: Vec<Segment>,
    /// Trainable tensors in the order of the flat vector.
    pub parameters: Vec<Parameter>,
    /// Batch normalisations in order.
    pub statistics: Vec<Statistics>,
    /// Values per sample in the arena.
    pub arena: usize,
}

impl Plan {
    /// Lowers `spec` for training. Where nothing is lost for the way back, activations are computed in place, so that a block
    /// takes less of the cache; then the output of the layer before is that of the activation, too.
    ///
    /// # Errors
    /// The first layer that does not fit, or that there is none.
    pub fn new(spec: &NetworkSpec) -> Result<Self, SpecError> {
        crate::lower::lower(spec, true)
    }

    /// Lowers `spec` so that after a pass the output of every layer can be looked at.
    ///
    /// # Errors
    /// As [`Plan::new`].
    pub fn to_look_at(spec: &NetworkSpec) -> Result<Self, SpecError> {
        crate::lower::lower(spec, false)
    }

    /// Length of the flat parameter vector.
    pub fn parameter_count(&self) -> usize {
        self.parameters.last().map_or(0, |last| last.range().end)
    }

    /// Length of the flat vector of running estimates.
    pub fn running_count(&self) -> usize {
        self.statistics.last().map_or(0, |last| last.range().end)
    }

    /// What the network ends in: `[class]` of each sample.
    pub fn logits(&self) -> Buffer {
        *self.layers.last().expect("a plan has layers")
    }

    /// If op number `at` is followed by max pooling of its output: the windows, and what they give.
    pub fn pooling(&self, at: usize) -> Option<(Pool2d, Buffer)> {
        match self.ops.get(at + 1)? {
            Op::MaxPool2d { geometry, output, .. } => Some((*geometry, *output)),
            _ => None,
        }
    }

    /// A training step is so many phases.
    pub fn phases(&self) -> usize {
        2 * self.segments.len() - 1
    }

    /// What phase number `phase`, below [`Plan::phases`], does.
    pub fn phase(&self, phase: usize) -> Phase {
        let last = self.segments.len() - 1;
        match phase.cmp(&last) {
            std::cmp::Ordering::Less => Phase::Forward(phase),
            std::cmp::Ordering::Equal => Phase::Turn(last),
            std::cmp::Ordering::Greater => Phase::Backward(2 * last - phase),
        }
    }

    /// Numbers that a block contributes in a phase: `[sums of statistics][gradients][loss, hits]`, as far as it has them.
    pub fn contribution(&self, phase: Phase) -> Contribution {
        let sums = |statistics: Option<usize>| statistics.map_or(0, |s| 2 * self.statistics[s].channels);
        match phase {
            Phase::Forward(segment) => {
                Contribution { sums: sums(Some(segment)), gradients: 0..0, score: false }
            }
            Phase::Turn(segment) | Phase::Backward(segment) => Contribution {
                sums: sums(segment.checked_sub(1)),
                gradients: self.segments[segment].parameters.clone(),
                score: matches!(phase, Phase::Turn(_)),
            },
        }
    }
}

/// How a block's contribution to a phase is laid out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contribution {
    /// Sums for statistics come first: two per channel.
    pub sums: usize,
    /// Then the gradients of these parameters.
    pub gradients: Range<usize>,
    /// Then loss and hits.
    pub score: bool,
}

impl Contribution {
    /// Numbers in all.
    pub fn len(&self) -> usize {
        self.sums + self.gradients.len() + if self.score { 2 } else { 0 }
    }

    /// Whether there is nothing to contribute.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
