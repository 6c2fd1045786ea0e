//! Lowering: from layers to a [`Plan`] of kernels. To add a layer, add it to `spec.rs` and `summary.rs`, and
//! a case here.

use crate::plan::{Buffer, Op, Parameter, Plan, Role, Segment, Statistics};
use crate::random::permutation;
use crate::spec::{LayerSpec, NetworkSpec, Shape};
use crate::summary::{LayerSummary, SpecError};
use std::collections::HashMap;
use std::ops::Range;
use tensor::{activation::Activation, conv2d::Conv2d, pool::Pool2d};

impl Plan {
    /// Lowers `spec` for training and inference. An activation is computed in place where the backward pass
    /// does not need its input, so that a block takes less of the cache; the output of the layer before is
    /// then that of the activation.
    ///
    /// # Errors
    /// The first layer that does not fit, or a network without layers.
    ///
    /// ```
    /// use nn::{plan::Plan, preset::Preset};
    ///
    /// let plan = Plan::new(&Preset::LeNet5.network())?;
    /// let conv2 = &plan.parameters[2];
    /// assert_eq!((conv2.name.as_str(), conv2.dims.as_slice()), ("conv2.weight", [16, 6, 5, 5].as_slice()));
    /// assert_eq!(plan.parameter_count(), 61_706);
    /// assert_eq!(plan.phases(), 1, "without batch normalisation a step is one phase");
    /// # Ok::<(), nn::summary::SpecError>(())
    /// ```
    pub fn new(spec: &NetworkSpec) -> Result<Self, SpecError> {
        lower(spec, Purpose::Training)
    }

    /// Lowers `spec` with a buffer of its own for the output of every layer, so that all can be inspected
    /// after a pass.
    ///
    /// # Errors
    /// As [`Plan::new`].
    pub fn for_inspection(spec: &NetworkSpec) -> Result<Self, SpecError> {
        lower(spec, Purpose::Inspection)
    }

    /// As [`Plan::for_inspection`], and the backward pass reaches the network's input, whose gradient training does not need.
    ///
    /// # Errors
    /// As [`Plan::new`].
    pub fn for_input_gradient(spec: &NetworkSpec) -> Result<Self, SpecError> {
        lower(spec, Purpose::InputGradient)
    }
}

/// What a plan is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    Training,
    Inspection,
    InputGradient,
}

fn lower(spec: &NetworkSpec, purpose: Purpose) -> Result<Plan, SpecError> {
    let summary = spec.summary()?;
    let input = Buffer { shape: spec.input, offset: 0 };
    let mut lowering = Lowering {
        plan: Plan {
            input,
            layers: Vec::new(),
            ops: Vec::new(),
            segments: Vec::new(),
            parameters: Vec::new(),
            statistics: Vec::new(),
            arena: spec.input.len(),
        },
        input,
        at: input,
        layer: 0,
        names: HashMap::new(),
        owner: "input".into(),
        segment: (0, 0),
        in_place: purpose == Purpose::Training,
        input_gradient: purpose == Purpose::InputGradient,
    };
    let mut delayed = None;
    for (layer, summary) in summary.iter().enumerate() {
        // Max pooling and ReLU can change places, with the same outputs and gradients to the last bit. Where
        // the output in between is not inspected, ReLU comes second and has a quarter of the work.
        let next = spec.layers.get(layer + 1);
        lowering.layer = layer;
        if lowering.in_place
            && summary.spec == LayerSpec::Relu
            && matches!(next, Some(LayerSpec::MaxPool2d { .. }))
        {
            delayed = Some(summary);
        } else {
            lowering.layer(summary);
            delayed.take().into_iter().for_each(|relu| lowering.layer(relu));
        }
        lowering.plan.layers.push(lowering.at);
    }
    if lowering.plan.layers.is_empty() {
        return Err(SpecError { layer: 0, message: "A network needs at least one layer.".into() });
    }
    lowering.end_segment();
    Ok(lowering.plan)
}

struct Lowering {
    plan: Plan,
    /// The input, shuffled or not.
    input: Buffer,
    /// The output so far.
    at: Buffer,
    /// Index of the layer being lowered.
    layer: usize,
    /// Number of layers of each kind so far.
    names: HashMap<String, usize>,
    /// Name of the last layer with weights.
    owner: String,
    /// The first op and the first parameter of the segment under way.
    segment: (usize, usize),
    /// Whether activations may overwrite their inputs.
    in_place: bool,
    /// Whether the gradient of the input is computed.
    input_gradient: bool,
}

impl Lowering {
    fn layer(&mut self, layer: &LayerSummary) {
        let input = self.at;
        let pool = |kernel_size, stride| Pool2d { input: input.shape, kernel_size, stride };
        match layer.spec {
            LayerSpec::Conv2d { kernel_size, stride, padding, .. } => {
                let name = self.name("conv");
                self.convolution(&name, layer.output, (kernel_size, stride, padding));
            }
            LayerSpec::Linear { .. } => {
                let name = self.name("fc");
                self.convolution(&name, layer.output, (1, 1, 0));
            }
            LayerSpec::MaxPool2d { kernel_size, stride } => {
                let output = self.advance(layer.output);
                self.plan.ops.push(Op::MaxPool2d { geometry: pool(kernel_size, stride), input, output });
            }
            LayerSpec::AvgPool2d { kernel_size, stride } => {
                let output = self.advance(layer.output);
                self.plan.ops.push(Op::AvgPool2d { geometry: pool(kernel_size, stride), input, output });
            }
            LayerSpec::Subsample2d { kernel_size, stride } => {
                let output = self.advance(layer.output);
                self.plan.ops.push(Op::AvgPool2d { geometry: pool(kernel_size, stride), input, output });
                let name = self.name("pool");
                self.affine(&name);
            }
            // The order of values stays: only the shape changes.
            LayerSpec::Flatten => self.at = Buffer { shape: layer.output, ..input },
            LayerSpec::BatchNorm => {
                let name = self.name(&format!("bn_{}", self.owner));
                self.normalize(&name);
                self.affine(&name);
            }
            LayerSpec::Relu => self.activation(Activation::Relu),
            LayerSpec::LeakyRelu { negative_slope } => {
                self.activation(Activation::LeakyRelu { negative_slope })
            }
            LayerSpec::Elu { alpha } => self.activation(Activation::Elu { alpha }),
            LayerSpec::Sigmoid => self.activation(Activation::Sigmoid),
            LayerSpec::Tanh => self.activation(Activation::Tanh),
            LayerSpec::Permute { seed } => {
                let (seed, order) = (seed as u32, permutation(seed as u32, input.shape.len()));
                self.input = self.advance(layer.output);
                self.plan.ops.push(Op::Permute { seed, order, input, output: self.input });
            }
            LayerSpec::Dropout { p } => {
                let mask = self.buffer(layer.output);
                let output = self.advance(layer.output);
                self.plan.ops.push(Op::Dropout { p, layer: self.layer, input, mask, output });
            }
        }
    }

    /// `conv1`, `conv2`, `fc1`, ...
    fn name(&mut self, kind: &str) -> String {
        let count = self.names.entry(kind.into()).or_insert(0);
        *count += 1;
        match *count {
            // The name of the layer that it normalises is enough.
            1 if kind.starts_with("bn_") => kind.into(),
            count if kind.starts_with("bn_") => format!("{kind}_{count}"),
            count => format!("{kind}{count}"),
        }
    }

    fn buffer(&mut self, shape: Shape) -> Buffer {
        let buffer = Buffer { shape, offset: self.plan.arena };
        self.plan.arena += shape.len();
        buffer
    }

    /// A new buffer, the input of the next layer.
    fn advance(&mut self, shape: Shape) -> Buffer {
        self.at = self.buffer(shape);
        self.at
    }

    fn parameter(&mut self, name: String, dims: &[usize], role: Role) -> Range<usize> {
        let offset = self.plan.parameter_count();
        let parameter = Parameter { name, layer: self.layer, dims: dims.to_vec(), offset, role };
        let range = parameter.range();
        self.plan.parameters.push(parameter);
        range
    }

    fn convolution(
        &mut self,
        name: &str,
        shape: Shape,
        (kernel_size, stride, padding): (usize, usize, usize),
    ) {
        let source = self.at;
        let Shape { channels, height, width } = source.shape;
        let mut input = source;
        if padding > 0 {
            input = self.buffer(Shape::maps(channels, height + 2 * padding, width + 2 * padding));
            self.plan.ops.push(Op::Pad { input: source, output: input, padding });
        }
        let output = self.advance(shape);
        let geometry = Conv2d {
            input: input.shape,
            out_channels: shape.channels,
            kernel_size: [kernel_size; 2],
            stride,
        };
        let taps = kernel_size * kernel_size;
        self.owner = name.into();
        let role = Role::Weight { fan_in: channels * taps, fan_out: shape.channels * taps };
        let dims = match input.shape.is_vector() {
            true => vec![shape.channels, channels * taps],
            false => vec![shape.channels, channels, kernel_size, kernel_size],
        };
        let weight = self.parameter(format!("{name}.weight"), &dims, role);
        let bias = self.parameter(format!("{name}.bias"), &[shape.channels], Role::Bias);
        // A flattened input has another shape, but the same offset.
        let source = (self.input_gradient || source.offset != self.input.offset).then_some(source);
        self.plan.ops.push(Op::Conv2d { geometry, padding, source, input, output, weight, bias });
    }

    fn activation(&mut self, function: Activation) {
        let input = self.at;
        let last = self.plan.ops.last();
        // Backward, max pooling compares its inputs with its output. Where ReLU has set that to zero, the
        // gradient is zero, too.
        let overwritable = match last {
            Some(Op::Conv2d { .. } | Op::Affine { .. } | Op::AvgPool2d { .. }) => true,
            Some(Op::MaxPool2d { .. }) => function == Activation::Relu,
            _ => false,
        };
        let output = if self.in_place && overwritable { input } else { self.advance(input.shape) };
        self.plan.ops.push(Op::Activation { function, input, output });
    }

    fn affine(&mut self, name: &str) {
        let input = self.at;
        let channels = [input.shape.channels];
        let scale = self.parameter(format!("{name}.weight"), &channels, Role::Scale);
        let shift = self.parameter(format!("{name}.bias"), &channels, Role::Bias);
        let output = self.advance(input.shape);
        self.plan.ops.push(Op::Affine { input, output, scale, shift });
    }

    fn normalize(&mut self, name: &str) {
        let input = self.at;
        let statistics = self.plan.statistics.len();
        let offset = self.plan.running_count();
        let (channels, plane) = (input.shape.channels, input.shape.plane());
        self.plan.statistics.push(Statistics {
            name: name.into(),
            layer: self.layer,
            channels,
            plane,
            offset,
        });
        let output = self.advance(input.shape);
        self.plan.ops.push(Op::Moments { input, output, statistics });
        self.end_segment();
        self.plan.ops.push(Op::Normalize { input, output, statistics });
    }

    fn end_segment(&mut self) {
        let (op, parameter) = (self.plan.ops.len(), self.plan.parameter_count());
        self.plan.segments.push(Segment { ops: self.segment.0..op, parameters: self.segment.1..parameter });
        self.segment = (op, parameter);
    }
}
