//! A network lowered to kernel calls over numbered buffers: everything known before the first step.

use crate::spec::{LayerSpec, NetworkSpec};
use crate::summary::SpecError;
use tensor::{Shape, conv2d::Conv2d, pool::Pool2d};

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
    pub const fn range(self) -> std::ops::Range<usize> {
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
    /// Dimensions, outermost first: conv2d `[map, channel, row, column]`, dense `[unit, input]`, bias `[map]`.
    pub dims: Vec<usize>,
    /// Where it begins in the flat vector.
    pub offset: usize,
    /// Inputs that each output sums over; 0 for a bias.
    pub fan_in: usize,
}

impl Parameter {
    /// Where it lies in the flat vector.
    pub fn range(&self) -> std::ops::Range<usize> {
        self.offset..self.offset + self.dims.iter().product::<usize>()
    }
}

/// One kernel forward, and its gradients backward. Gradients lie beside the values they belong to.
#[derive(Clone, Debug, PartialEq, Eq)]
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
        weight: std::ops::Range<usize>,
        /// Biases in the flat vector.
        bias: std::ops::Range<usize>,
    },
    /// Max pooling.
    MaxPool2d {
        /// Windows.
        geometry: Pool2d,
        /// The input.
        input: Buffer,
        /// The output.
        output: Buffer,
    },
    /// Rectified linear units.
    Relu {
        /// The input.
        input: Buffer,
        /// The output.
        output: Buffer,
    },
}

/// A lowered network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Where a batch is put.
    pub input: Buffer,
    /// The output of every layer, in the order of `NetworkSpec::layers`. The last is the logits.
    pub layers: Vec<Buffer>,
    /// Forward in this order, backward in reverse.
    pub ops: Vec<Op>,
    /// Trainable tensors in the order of the flat vector.
    pub parameters: Vec<Parameter>,
    /// Values per sample in the arena.
    pub arena: usize,
}

impl Plan {
    /// Lowers `spec`.
    ///
    /// # Errors
    /// The first layer that does not fit, or that there is none.
    pub fn new(spec: &NetworkSpec) -> Result<Self, SpecError> {
        let summary = spec.summary()?;
        let input = Buffer { shape: spec.input, offset: 0 };
        let mut plan = Self {
            input,
            layers: Vec::new(),
            ops: Vec::new(),
            parameters: Vec::new(),
            arena: spec.input.len(),
        };
        let (mut convolutions, mut dense) = (0, 0);
        let mut at = input;
        for (index, layer) in summary.iter().enumerate() {
            at = match layer.spec {
                LayerSpec::Conv2d { kernel, stride, padding, .. } => {
                    convolutions += 1;
                    let name = format!("conv{convolutions}");
                    plan.convolution(index, &name, at, layer.output, (kernel, stride, padding))
                }
                LayerSpec::Dense { .. } => {
                    dense += 1;
                    plan.convolution(index, &format!("fc{dense}"), at, layer.output, (1, 1, 0))
                }
                LayerSpec::MaxPool2d { kernel, stride } => {
                    let output = plan.buffer(layer.output);
                    let geometry = Pool2d { input: at.shape, kernel, stride };
                    plan.ops.push(Op::MaxPool2d { geometry, input: at, output });
                    output
                }
                LayerSpec::Relu => {
                    let output = plan.buffer(layer.output);
                    plan.ops.push(Op::Relu { input: at, output });
                    output
                }
                // Batch-last maps are a vector already.
                LayerSpec::Flatten => Buffer { shape: layer.output, ..at },
            };
            plan.layers.push(at);
        }
        if plan.layers.is_empty() {
            return Err(SpecError { layer: 0, message: "A network needs at least one layer.".into() });
        }
        Ok(plan)
    }

    /// Length of the flat parameter vector.
    pub fn parameter_count(&self) -> usize {
        self.parameters.last().map_or(0, |last| last.range().end)
    }

    /// What the network ends in.
    pub fn logits(&self) -> Buffer {
        *self.layers.last().expect("a plan has layers")
    }

    fn buffer(&mut self, shape: Shape) -> Buffer {
        let buffer = Buffer { shape, offset: self.arena };
        self.arena += shape.len();
        buffer
    }

    fn parameter(
        &mut self,
        layer: usize,
        name: String,
        dims: &[usize],
        fan_in: usize,
    ) -> std::ops::Range<usize> {
        let offset = self.parameter_count();
        let parameter = Parameter { name, layer, dims: dims.to_vec(), offset, fan_in };
        let range = parameter.range();
        self.parameters.push(parameter);
        range
    }

    fn convolution(
        &mut self,
        layer: usize,
        name: &str,
        source: Buffer,
        shape: Shape,
        (kernel, stride, padding): (usize, usize, usize),
    ) -> Buffer {
        let mut input = source;
        if padding > 0 {
            let Shape { channels, height, width } = source.shape;
            input = self.buffer(Shape::maps(channels, height + 2 * padding, width + 2 * padding));
            self.ops.push(Op::Pad { input: source, output: input, padding });
        }
        let output = self.buffer(shape);
        let geometry = Conv2d { input: input.shape, maps: shape.channels, kernel, stride };
        let fan_in = source.shape.channels * kernel * kernel;
        let dims = match geometry.input.is_vector() {
            true => vec![shape.channels, fan_in],
            false => vec![shape.channels, source.shape.channels, kernel, kernel],
        };
        let weight = self.parameter(layer, format!("{name}.weight"), &dims, fan_in);
        let bias = self.parameter(layer, format!("{name}.bias"), &[shape.channels], 0);
        let source = (source.offset != self.input.offset).then_some(source);
        self.ops.push(Op::Conv2d { geometry, padding, source, input, output, weight, bias });
        output
    }
}
