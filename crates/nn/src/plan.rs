//! A network lowered to kernel calls over numbered buffers: everything known before the first step.
//!
//! Batch normalisation needs the statistics of the whole batch, but a batch is worked on in blocks, by
//! several cores. A plan is therefore cut into segments between [`Op::Moments`] and [`Op::Normalize`], where
//! every block waits for all others. A training step runs in [phases](Plan::phases); after each one the
//! contributions of all blocks are added up.

use crate::spec::Shape;
use std::ops::Range;
use tensor::{activation::Activation, conv2d::Conv2d, pool::Pool2d};

/// A buffer: the values of one shape for one block of samples, with room for their gradients beside them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Buffer {
    /// Shape of one sample.
    pub shape: Shape,
    /// Its first value in the arena, counted in values per sample.
    pub offset: usize,
}

impl Buffer {
    /// Its values in the arena.
    pub const fn range(self) -> Range<usize> {
        self.offset..self.offset + self.shape.len()
    }
}

/// A trainable tensor: a range of the network's flat parameter vector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// Its name in the manner of PyTorch: `conv1.weight`, `fc3.bias`. Layers are counted by kind, so that
    /// parameters keep their names when a layer without parameters comes or goes.
    pub name: String,
    /// Its layer in `NetworkSpec::layers`.
    pub layer: usize,
    /// Dimensions, outermost first, as PyTorch's: `[out_channels, in_channels, height, width]` of a
    /// convolution, `[out_features, in_features]` of a linear layer, otherwise `[channels]`.
    pub dims: Vec<usize>,
    /// Its first element in the flat vector.
    pub offset: usize,
    /// Its role, which decides its initial values and whether it is penalised.
    pub role: Role,
}

/// The role of a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Weights of sums over inputs.
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
    /// Its elements in the flat vector.
    pub fn range(&self) -> Range<usize> {
        self.offset..self.offset + self.dims.iter().product::<usize>()
    }

    /// Whether it is a weight, neither a bias nor a scale.
    pub const fn is_weight(&self) -> bool {
        matches!(self.role, Role::Weight { .. })
    }
}

/// The statistics of a batch normalisation: two numbers per channel, `[means, variances]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statistics {
    /// `bn_conv1`, `bn_fc2`, ..., after the layer before it, so that it keeps its name when others come and
    /// go. Files hold `bn_conv1.running_mean` and `bn_conv1.running_var`, as PyTorch's do.
    pub name: String,
    /// Its layer in `NetworkSpec::layers`.
    pub layer: usize,
    /// Channels.
    pub channels: usize,
    /// Values of each channel per sample: height times width.
    pub plane: usize,
    /// Its first element in the flat vector of running estimates.
    pub offset: usize,
}

impl Statistics {
    /// Its elements in the flat vector of running estimates.
    pub const fn range(&self) -> Range<usize> {
        self.offset..self.offset + 2 * self.channels
    }
}

/// One kernel forward, and its gradients backward. Each buffer holds the gradients beside the values.
#[derive(Clone, Debug, PartialEq)]
pub enum Op {
    /// The values of the network's input in another order.
    Permute {
        /// Seed of the order.
        seed: u32,
        /// For each value of the output the index of that of the input.
        order: Vec<u32>,
        /// The input.
        input: Buffer,
        /// The output.
        output: Buffer,
    },
    /// Zeros around maps.
    Pad {
        /// What is padded.
        input: Buffer,
        /// The larger maps.
        output: Buffer,
        /// Zeros on each side.
        padding: usize,
    },
    /// A convolution, or a linear layer as a 1x1 convolution of images of one pixel.
    Conv2d {
        /// The geometry, whose input is padded already.
        geometry: Conv2d,
        /// Zeros on each side of the geometry's input.
        padding: usize,
        /// The input before padding, whose gradient is computed; `None` for the first layer, unless the plan is
        /// [for the gradient of the input](Plan::for_input_gradient).
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
        /// The function.
        function: Activation,
        /// The input.
        input: Buffer,
        /// The output; the input's buffer if the activation is computed in place.
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
    /// Sums for the batch statistics of `input`; ends a segment. Backward, the gradient through
    /// [`Op::Normalize`].
    Moments {
        /// The values whose moments are computed.
        input: Buffer,
        /// The output of the `Normalize` that follows.
        output: Buffer,
        /// Index into [`Plan::statistics`].
        statistics: usize,
    },
    /// Mean 0 and variance 1 by the statistics of the batch (in training) or the running ones. Backward,
    /// sums; ends a segment.
    Normalize {
        /// The input.
        input: Buffer,
        /// The output.
        output: Buffer,
        /// Index into [`Plan::statistics`].
        statistics: usize,
    },
    /// Units zeroed at random, in training.
    Dropout {
        /// Share of units that are zeroed.
        p: f32,
        /// Index of the layer, by which the masks of several dropouts differ.
        layer: usize,
        /// The input.
        input: Buffer,
        /// 0 or `1 / (1 - p)` for each unit.
        mask: Buffer,
        /// The output.
        output: Buffer,
    },
}

impl Op {
    /// The buffer that it writes.
    pub const fn output(&self) -> Buffer {
        match self {
            Self::Permute { output, .. }
            | Self::Pad { output, .. }
            | Self::Conv2d { output, .. }
            | Self::MaxPool2d { output, .. }
            | Self::AvgPool2d { output, .. }
            | Self::Activation { output, .. }
            | Self::Affine { output, .. }
            | Self::Moments { output, .. }
            | Self::Normalize { output, .. }
            | Self::Dropout { output, .. } => *output,
        }
    }
}

/// The ops between two points at which every block waits for all others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Indices into [`Plan::ops`].
    pub ops: Range<usize>,
    /// The parameters of these ops in the flat vector.
    pub parameters: Range<usize>,
}

/// A phase of a training step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// This segment forward; each block contributes sums for the statistics with the same index.
    Forward(usize),
    /// The last segment, which this is, forward; the loss; and the same segment backward.
    LossAndBackward(usize),
    /// This segment backward.
    Backward(usize),
}

/// A lowered network.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// The buffer of the network's input.
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
    /// Length of the flat parameter vector.
    pub fn parameter_count(&self) -> usize {
        self.parameters.last().map_or(0, |last| last.range().end)
    }

    /// Length of the flat vector of running estimates.
    pub fn running_count(&self) -> usize {
        self.statistics.last().map_or(0, |last| last.range().end)
    }

    /// The buffer of the logits, `[class]`.
    pub fn logits(&self) -> Buffer {
        *self.layers.last().expect("a plan has layers")
    }

    /// If max pooling of its output follows op number `at`: the windows, and the pooled output.
    pub fn pooling(&self, at: usize) -> Option<(Pool2d, Buffer)> {
        match self.ops.get(at + 1)? {
            Op::MaxPool2d { geometry, output, .. } => Some((*geometry, *output)),
            _ => None,
        }
    }

    /// The parameter with the name and dimensions of `other`.
    pub fn find_parameter(&self, other: &Parameter) -> Option<&Parameter> {
        self.parameters.iter().find(|p| p.name == other.name && p.dims == other.dims)
    }

    /// The statistics with the name and number of channels of `other`.
    pub fn find_statistics(&self, other: &Statistics) -> Option<&Statistics> {
        self.statistics.iter().find(|s| s.name == other.name && s.channels == other.channels)
    }

    /// Copies from `from`, a vector laid out like the parameters of `other`, the parameters that are also in
    /// this plan, to `to`, which is laid out like those of this plan.
    ///
    /// # Panics
    /// If a vector is shorter than its plan says.
    pub fn copy_matching(&self, to: &mut [f32], other: &Self, from: &[f32]) {
        for parameter in &self.parameters {
            if let Some(same) = other.find_parameter(parameter) {
                to[parameter.range()].copy_from_slice(&from[same.range()]);
            }
        }
    }

    /// Number of phases of a training step.
    pub fn phases(&self) -> usize {
        2 * self.segments.len() - 1
    }

    /// Phase number `phase`, below [`Plan::phases`].
    pub fn phase(&self, phase: usize) -> Phase {
        let last = self.segments.len() - 1;
        match phase.cmp(&last) {
            std::cmp::Ordering::Less => Phase::Forward(phase),
            std::cmp::Ordering::Equal => Phase::LossAndBackward(last),
            std::cmp::Ordering::Greater => Phase::Backward(2 * last - phase),
        }
    }

    /// The numbers that a block contributes in a phase: `[sums of statistics][gradients][loss, hits]`.
    pub fn contribution(&self, phase: Phase) -> Contribution {
        let sums = |statistics: Option<usize>| statistics.map_or(0, |s| 2 * self.statistics[s].channels);
        match phase {
            Phase::Forward(segment) => {
                Contribution { sums: sums(Some(segment)), gradients: 0..0, score: false }
            }
            Phase::LossAndBackward(segment) | Phase::Backward(segment) => Contribution {
                sums: sums(segment.checked_sub(1)),
                gradients: self.segments[segment].parameters.clone(),
                score: matches!(phase, Phase::LossAndBackward(_)),
            },
        }
    }
}

/// The layout of a block's contribution to a phase.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contribution {
    /// First come this many sums for batch statistics, two per channel.
    pub sums: usize,
    /// Then come the gradients of these parameters.
    pub gradients: Range<usize>,
    /// Whether loss and hits come last.
    pub score: bool,
}

impl Contribution {
    /// Length of the contribution.
    pub fn len(&self) -> usize {
        self.sums + self.gradients.len() + if self.score { 2 } else { 0 }
    }

    /// Whether the contribution is empty.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
