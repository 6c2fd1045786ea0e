//! The kernels: which shader file each is in.

/// A kernel of `shaders/`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kernel {
    /// Makes the input out of images.
    Gather,
    /// A convolution with what is fused to it.
    ConvForward,
    /// The gradient of its input.
    ConvInputGradient,
    /// A dense layer with what is fused to it.
    DenseForward,
    /// The gradient of its input.
    DenseInputGradient,
    /// Loss and its gradient.
    Loss,
    /// All gradients of weights and biases.
    WeightGradient,
    /// The optimiser.
    Update,
    /// Packs weights that came from outside.
    PackAll,
    /// Max pooling.
    MaxForward,
    /// Its gradient.
    MaxBackward,
    /// Average pooling.
    AverageForward,
    /// Its gradient.
    AverageBackward,
    /// Activation and dropout.
    ElementwiseForward,
    /// Their gradient.
    ElementwiseBackward,
    /// Zeros around maps.
    Pad,
    /// Parts of the sums for a batch's statistics.
    MomentSums,
    /// These statistics.
    Moments,
    /// Normalisation, scale and shift.
    Normalize,
    /// Scale and shift.
    Affine,
    /// Parts of the gradients of scale and shift.
    GradientSums,
    /// What normalisation needs of them.
    GradientMeans,
    /// The gradient through normalisation.
    NormalizeBackward,
    /// The gradient through a scale.
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
const SOFTMAX: &str = shader!("lib/softmax");
const JOBS: &str = shader!("lib/reduction");

impl Kernel {
    /// Name of its file and its entry point.
    pub const fn name(self) -> (&'static str, &'static str) {
        match self {
            Self::Gather => ("input", "gather"),
            Self::ConvForward => ("conv2d", "forward"),
            Self::ConvInputGradient => ("conv2d", "input_gradient"),
            Self::DenseForward => ("linear", "forward"),
            Self::DenseInputGradient => ("linear", "input_gradient"),
            Self::Loss => ("loss", "loss"),
            Self::WeightGradient => ("weight_gradient", "weight_gradient"),
            Self::Update => ("optimizer", "update"),
            Self::PackAll => ("optimizer", "pack_all"),
            Self::MaxForward => ("pool", "max_forward"),
            Self::MaxBackward => ("pool", "max_backward"),
            Self::AverageForward => ("pool", "average_forward"),
            Self::AverageBackward => ("pool", "average_backward"),
            Self::ElementwiseForward => ("elementwise", "forward"),
            Self::ElementwiseBackward => ("elementwise", "backward"),
            Self::Pad => ("elementwise", "pad"),
            Self::MomentSums => ("batch_norm", "moment_sums"),
            Self::Moments => ("batch_norm", "moments"),
            Self::Normalize => ("batch_norm", "normalize"),
            Self::Affine => ("batch_norm", "affine"),
            Self::GradientSums => ("batch_norm", "gradient_sums"),
            Self::GradientMeans => ("batch_norm", "gradient_means"),
            Self::NormalizeBackward => ("batch_norm", "normalize_backward"),
            Self::AffineBackward => ("batch_norm", "affine_backward"),
        }
    }

    /// The source of a file, with what all kernels share before it, for buffers of these lengths.
    pub fn source(file: &str, sizes: &[(&'static str, u64)]) -> String {
        let parts: &[&str] = match file {
            "input" => &[RANDOM, shader!("input")],
            "conv2d" => &[RANDOM, ACTIVATION, shader!("conv2d")],
            "linear" => &[RANDOM, ACTIVATION, SOFTMAX, shader!("linear")],
            "loss" => &[RANDOM, ACTIVATION, SOFTMAX, shader!("loss")],
            "weight_gradient" => &[JOBS, shader!("weight_gradient")],
            "optimizer" => &[JOBS, shader!("optimizer")],
            "pool" => &[RANDOM, ACTIVATION, shader!("pool")],
            "elementwise" => &[RANDOM, ACTIVATION, shader!("elementwise")],
            _ => &[RANDOM, ACTIVATION, shader!("batch_norm")],
        };
        let sizes = sizes.iter().map(|(name, size)| format!("const {name}: u32 = {size}u;\n"));
        let sizes: String = sizes.collect();
        [sizes.as_str(), COMMON].iter().chain(parts).copied().collect::<Vec<_>>().join("\n")
    }
}
