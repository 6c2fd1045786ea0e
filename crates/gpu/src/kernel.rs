//! The kernels: in which shader file each lies, and how many invocations its workgroups have.

use crate::layout::BufferLengths;

/// A kernel of `shaders/`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kernel {
    /// Chooses, distorts and pads the batch's images.
    Input,
    /// Convolution with its epilogue.
    Conv2dForward,
    /// Gradient of a convolution's input.
    Conv2dInputGradient,
    /// Linear layer with its epilogue.
    LinearForward,
    /// Gradient of a linear layer's input.
    LinearInputGradient,
    /// Loss and its gradient.
    Loss,
    /// Partial sums of all gradients of weights and biases, and of losses and hits.
    WeightGradient,
    /// Adds the partial sums, updates the parameters, and packs the weights.
    OptimizerStep,
    /// Packs weights that were loaded.
    PackWeights,
    /// Max pooling.
    MaxPoolForward,
    /// Gradient of max pooling.
    MaxPoolBackward,
    /// Average pooling.
    AvgPoolForward,
    /// Gradient of average pooling.
    AvgPoolBackward,
    /// Activation or dropout by itself.
    ElementwiseForward,
    /// Gradient of activation or dropout by itself.
    ElementwiseBackward,
    /// The input in another order.
    Permute,
    /// Zeros around each channel.
    Pad,
    /// Partial sums for the statistics of a batch.
    MomentSums,
    /// Mean and inverse standard deviation of each channel.
    BatchStatistics,
    /// Normalisation, scale and shift.
    Normalize,
    /// Scale and shift.
    Affine,
    /// Partial sums of the gradients of scale and shift.
    GradientSums,
    /// Means of the gradients, which [`Kernel::NormalizeBackward`] needs.
    GradientMeans,
    /// Gradient of normalisation and scale.
    NormalizeBackward,
    /// Gradient of scale.
    AffineBackward,
}

macro_rules! shader {
    ($name:literal) => {
        include_str!(concat!("../../../shaders/", $name, ".wgsl"))
    };
}

const COMMON: &str = shader!("lib/common");
const RANDOM: &str = shader!("lib/random");
const ACTIVATION: &str = shader!("lib/activation");
const EPILOGUE: &str = shader!("lib/epilogue");
const SOFTMAX: &str = shader!("lib/softmax");
const REDUCTION: &str = shader!("lib/reduction");

impl Kernel {
    /// Every kernel.
    #[cfg(all(test, not(target_family = "wasm")))]
    pub(crate) const ALL: [Self; 25] = [
        Self::Input,
        Self::Conv2dForward,
        Self::Conv2dInputGradient,
        Self::LinearForward,
        Self::LinearInputGradient,
        Self::Loss,
        Self::WeightGradient,
        Self::OptimizerStep,
        Self::PackWeights,
        Self::MaxPoolForward,
        Self::MaxPoolBackward,
        Self::AvgPoolForward,
        Self::AvgPoolBackward,
        Self::ElementwiseForward,
        Self::ElementwiseBackward,
        Self::Permute,
        Self::Pad,
        Self::MomentSums,
        Self::BatchStatistics,
        Self::Normalize,
        Self::Affine,
        Self::GradientSums,
        Self::GradientMeans,
        Self::NormalizeBackward,
        Self::AffineBackward,
    ];

    /// Name of its file and of its entry point.
    pub(crate) const fn name(self) -> (&'static str, &'static str) {
        match self {
            Self::Input => ("input", "input"),
            Self::Conv2dForward => ("conv2d", "forward"),
            Self::Conv2dInputGradient => ("conv2d", "input_gradient"),
            Self::LinearForward => ("linear", "forward"),
            Self::LinearInputGradient => ("linear", "input_gradient"),
            Self::Loss => ("loss", "loss"),
            Self::WeightGradient => ("weight_gradient", "weight_gradient"),
            Self::OptimizerStep => ("optimizer", "optimizer_step"),
            Self::PackWeights => ("optimizer", "pack_weights"),
            Self::MaxPoolForward => ("pool", "max_forward"),
            Self::MaxPoolBackward => ("pool", "max_backward"),
            Self::AvgPoolForward => ("pool", "avg_forward"),
            Self::AvgPoolBackward => ("pool", "avg_backward"),
            Self::ElementwiseForward => ("elementwise", "forward"),
            Self::ElementwiseBackward => ("elementwise", "backward"),
            Self::Permute => ("elementwise", "permuted"),
            Self::Pad => ("elementwise", "pad"),
            Self::MomentSums => ("batch_norm", "moment_sums"),
            Self::BatchStatistics => ("batch_norm", "batch_statistics"),
            Self::Normalize => ("batch_norm", "normalize"),
            Self::Affine => ("batch_norm", "affine"),
            Self::GradientSums => ("batch_norm", "gradient_sums"),
            Self::GradientMeans => ("batch_norm", "gradient_means"),
            Self::NormalizeBackward => ("batch_norm", "normalize_backward"),
            Self::AffineBackward => ("batch_norm", "affine_backward"),
        }
    }

    /// Invocations in a workgroup. Where each does much, workgroups are small, so that a small batch spreads over a GPU.
    pub(crate) const fn workgroup_size(self) -> u32 {
        match self {
            Self::Conv2dForward | Self::Conv2dInputGradient | Self::LinearForward => 32,
            _ => 64,
        }
    }

    /// The source of a shader file behind the declarations that it needs, for buffers of these lengths.
    pub(crate) fn source(file: &str, lengths: &BufferLengths) -> String {
        let parts: &[&str] = match file {
            "input" => &[RANDOM, shader!("input")],
            "conv2d" => &[RANDOM, ACTIVATION, EPILOGUE, shader!("conv2d")],
            "linear" => &[RANDOM, ACTIVATION, EPILOGUE, SOFTMAX, shader!("linear")],
            "loss" => &[RANDOM, ACTIVATION, EPILOGUE, SOFTMAX, shader!("loss")],
            "weight_gradient" => &[REDUCTION, shader!("weight_gradient")],
            "optimizer" => &[REDUCTION, shader!("optimizer")],
            "pool" => &[RANDOM, ACTIVATION, EPILOGUE, shader!("pool")],
            "elementwise" => &[RANDOM, ACTIVATION, EPILOGUE, shader!("elementwise")],
            _ => &[RANDOM, ACTIVATION, EPILOGUE, shader!("batch_norm")],
        };
        let declarations = lengths.declarations();
        [declarations.as_str(), COMMON].iter().chain(parts).copied().collect::<Vec<_>>().join("\n")
    }
}
