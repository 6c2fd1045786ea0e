//! Shapes and parameter counts of a network, and whether its layers fit together, without building it.

use crate::spec::{LayerSpec, NetworkSpec, Shape};

/// The most memory that a training may take on all cores together, in bytes; see [`memory`](crate::memory). A
/// browser's tab has 4 GiB at most, and other things live there, too.
pub const MAX_BYTES: u64 = 1 << 30;

/// One layer of a network whose layers fit together.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerSummary {
    /// The layer.
    pub spec: LayerSpec,
    /// Shape of its input, for one sample.
    pub input: Shape,
    /// Shape of its output, for one sample.
    pub output: Shape,
    /// Number of its trainable parameters.
    pub parameters: usize,
}

/// Why layers do not make a network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpecError {
    /// Index of the layer at fault; the number of layers if it is none of them.
    pub layer: usize,
    /// One sentence: what does not fit, and what would.
    pub message: String,
}

impl std::fmt::Display for SpecError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for SpecError {}

impl NetworkSpec {
    /// Every layer with its shapes and parameter count. It allocates nothing for the network itself, so it
    /// also validates descriptions from files and links: if it succeeds, no size overflows.
    ///
    /// # Errors
    /// An empty input; the first layer that does not fit its input; or the first one at which a network exceeds
    /// [`MAX_BYTES`] in any batch.
    pub fn summary(&self) -> Result<Vec<LayerSummary>, SpecError> {
        let mut input = self.input;
        let (mut values, mut parameters) = (count(input), 0_usize);
        if values == 0 {
            let message = "A network's input needs at least one channel, row and column.".into();
            return Err(SpecError { layer: 0, message });
        }
        check_size(values, parameters).map_err(|message| SpecError { layer: 0, message })?;
        self.layers
            .iter()
            .enumerate()
            .map(|(layer, spec)| {
                let fail = |message| SpecError { layer, message };
                if layer > 0 && matches!(spec, LayerSpec::Permute { .. }) {
                    return Err(fail(
                        "Pixels are shuffled once, before the first layer: move it to the top, or remove it."
                            .into(),
                    ));
                }
                let output = spec.output(input).map_err(fail)?;
                let summary = LayerSummary { spec: *spec, input, output, parameters: spec.parameters(input) };
                values = values.saturating_add(spec.values(input, output));
                parameters = parameters.saturating_add(summary.parameters);
                check_size(values, parameters).map_err(fail)?;
                input = output;
                Ok(summary)
            })
            .collect()
    }

    /// Number of trainable parameters; 0 if the layers do not fit together.
    pub fn parameters(&self) -> usize {
        self.summary().map_or(0, |layers| layers.iter().map(|layer| layer.parameters).sum())
    }

    /// Multiply-adds of a forward pass for one image: the products of weights and values in convolutions and linear layers. A step of
    /// training takes about three times as many for each image. 0 if the layers do not fit together.
    ///
    /// ```
    /// use nn::preset::Preset;
    ///
    /// // C1 117,600, C3 240,000, C5 48,000, F6 10,080, and 840 of the output.
    /// assert_eq!(Preset::LeNet5.network().multiply_adds(), 416_520);
    /// ```
    pub fn multiply_adds(&self) -> u64 {
        let of = |layer: &LayerSummary| match layer.spec {
            LayerSpec::Conv2d { kernel_size, .. } => {
                let weights = layer.input.channels as u64 * (kernel_size as u64).pow(2);
                weights * layer.output.len() as u64
            }
            LayerSpec::Linear { .. } => layer.input.len() as u64 * layer.output.len() as u64,
            _ => 0,
        };
        self.summary().map_or(0, |layers| layers.iter().map(of).sum())
    }
}

impl LayerSpec {
    /// The kind of layer, as the page shows it.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Conv2d { .. } => "convolution",
            Self::MaxPool2d { .. } => "max pooling",
            Self::AvgPool2d { .. } => "average pooling",
            Self::Subsample2d { .. } => "sub-sampling",
            Self::Flatten => "flatten",
            Self::Linear { .. } => "dense",
            Self::BatchNorm => "batch normalisation",
            Self::Relu => "ReLU",
            Self::LeakyRelu { .. } => "leaky ReLU",
            Self::Elu { .. } => "ELU",
            Self::Sigmoid => "sigmoid",
            Self::Tanh => "tanh",
            Self::Dropout { .. } => "dropout",
            Self::Permute { .. } => "pixel shuffle",
        }
    }

    /// Shape of the output for one sample of shape `input`, or one sentence that says why there is none.
    fn output(&self, input: Shape) -> Result<Shape, String> {
        match *self {
            Self::Conv2d { out_channels, kernel_size, stride, padding } => {
                if out_channels == 0 {
                    return Err("A convolution needs at least one map.".into());
                }
                if padding >= kernel_size.max(1) {
                    return Err(format!(
                        "Padding {padding} must be smaller than the {kernel_size}x{kernel_size} kernel."
                    ));
                }
                let (height, width) = windows(input, kernel_size, stride, padding)?;
                Ok(Shape::maps(out_channels, height, width))
            }
            Self::MaxPool2d { kernel_size, stride }
            | Self::AvgPool2d { kernel_size, stride }
            | Self::Subsample2d { kernel_size, stride } => {
                let (height, width) = windows(input, kernel_size, stride, 0)?;
                Ok(Shape::maps(input.channels, height, width))
            }
            Self::Flatten => Ok(Shape::vector(input.len())),
            Self::Linear { out_features: 0 } => Err("A dense layer needs at least one unit.".into()),
            Self::Linear { .. } if !input.is_vector() => {
                Err(format!("A dense layer takes a vector, not maps of {input}: put Flatten before it."))
            }
            Self::Linear { out_features } => Ok(Shape::vector(out_features)),
            Self::Dropout { p } if !(0.0..1.0).contains(&p) => {
                Err(format!("Dropout takes a share from 0 to below 1, not {p}."))
            }
            Self::LeakyRelu { negative_slope } if !(0.0..=1.0).contains(&negative_slope) => {
                Err(format!("The slope of a leaky ReLU lies between 0 and 1, not at {negative_slope}."))
            }
            Self::Elu { alpha } if !(0.0..=f32::MAX).contains(&alpha) => {
                Err(format!("The alpha of an ELU is a number from 0 up, not {alpha}."))
            }
            Self::BatchNorm
            | Self::Relu
            | Self::LeakyRelu { .. }
            | Self::Elu { .. }
            | Self::Sigmoid
            | Self::Tanh
            | Self::Dropout { .. }
            | Self::Permute { .. } => Ok(input),
        }
    }

    /// Number of values that are kept for one sample, at most `usize::MAX`.
    fn values(&self, input: Shape, output: Shape) -> usize {
        let copy = match *self {
            Self::Conv2d { padding, .. } if padding > 0 => count(padded(input, padding)),
            Self::BatchNorm | Self::Dropout { .. } | Self::Subsample2d { .. } => count(output),
            Self::Flatten => return 0,
            _ => 0,
        };
        count(output).saturating_add(copy)
    }

    /// Number of trainable parameters, at most `usize::MAX`.
    fn parameters(&self, input: Shape) -> usize {
        match *self {
            Self::Conv2d { out_channels, kernel_size, .. } => {
                count(Shape::maps(input.channels, kernel_size, kernel_size))
                    .saturating_add(1)
                    .saturating_mul(out_channels)
            }
            Self::Linear { out_features } => (input.len() + 1).saturating_mul(out_features),
            Self::BatchNorm | Self::Subsample2d { .. } => 2 * input.channels,
            Self::MaxPool2d { .. }
            | Self::AvgPool2d { .. }
            | Self::Flatten
            | Self::Relu
            | Self::LeakyRelu { .. }
            | Self::Elu { .. }
            | Self::Sigmoid
            | Self::Tanh
            | Self::Dropout { .. }
            | Self::Permute { .. } => 0,
        }
    }
}

/// Rows and columns of the output: `floor((size + 2 padding - kernel) / stride) + 1`.
fn windows(input: Shape, kernel: usize, stride: usize, padding: usize) -> Result<(usize, usize), String> {
    if kernel == 0 || stride == 0 {
        return Err("Kernel and stride must be at least 1.".into());
    }
    let Shape { height, width, .. } = padded(input, padding);
    if kernel > height || kernel > width {
        return Err(format!("A {kernel}x{kernel} window does not fit into maps of {input}."));
    }
    Ok(((height - kernel) / stride + 1, (width - kernel) / stride + 1))
}

/// `input` with zeros around it, each side at most `usize::MAX`.
fn padded(input: Shape, padding: usize) -> Shape {
    let size = |size: usize| padding.saturating_mul(2).saturating_add(size);
    Shape::maps(input.channels, size(input.height), size(input.width))
}

/// [`Shape::len`] of a shape that is not validated yet, at most `usize::MAX`.
fn count(shape: Shape) -> usize {
    shape.channels.saturating_mul(shape.height).saturating_mul(shape.width)
}

fn check_size(values: usize, parameters: usize) -> Result<(), String> {
    // Values and their gradients for sixteen images, as they are trained and as they are shown; parameters,
    // their gradients, and the optimizer's state.
    let [of_values, of_parameters] =
        [(values, 256), (parameters, 64)].map(|(count, bytes)| (count as u64).saturating_mul(bytes));
    if of_values.saturating_add(of_parameters) <= MAX_BYTES {
        return Ok(());
    }
    let what = if of_values > of_parameters { "maps, or pooling before them" } else { "maps or dense units" };
    Err(format!("Up to here the network takes more than {} GB of memory: use fewer {what}.", MAX_BYTES >> 30))
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasm_bindgen_test::wasm_bindgen_test;

    #[wasm_bindgen_test(unsupported = test)]
    fn options_out_of_range_get_a_sentence() {
        let of = |layer: LayerSpec| NetworkSpec { input: Shape::vector(3), layers: vec![layer] }.summary();
        for value in [-0.1, f32::NAN, f32::INFINITY] {
            for layer in [
                LayerSpec::LeakyRelu { negative_slope: value },
                LayerSpec::Elu { alpha: value },
                LayerSpec::Dropout { p: value },
            ] {
                let message = of(layer).unwrap_err().message;
                assert!(message.ends_with(&format!(" {value}.")), "{message}");
            }
        }
        assert!(of(LayerSpec::Elu { alpha: 0.0 }).is_ok());
    }
}
