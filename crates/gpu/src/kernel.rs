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

const COMMON: &str = shader!("common");
const RANDOM: &str = shader!("random");
const ACTIVATION: &str = shader!("activation");
const SOFTMAX: &str = shader!("softmax");
const JOBS: &str = shader!("jobs");

impl Kernel {
    /// Name of its file and its entry point.
    pub const fn name(self) -> (&'static str, &'static str) {
        match self {
            Self::Gather => ("gather", "gather"),
            Self::ConvForward => ("conv2d", "forward"),
            Self::ConvInputGradient => ("conv2d", "input_gradient"),
            Self::DenseForward => ("dense", "forward"),
            Self::DenseInputGradient => ("dense", "input_gradient"),
            Self::Loss => ("loss", "loss"),
            Self::WeightGradient => ("weight_gradient", "weight_gradient"),
            Self::Update => ("update", "update"),
            Self::PackAll => ("update", "pack_all"),
            Self::MaxForward => ("pool", "max_forward"),
            Self::MaxBackward => ("pool", "max_backward"),
            Self::AverageForward => ("pool", "average_forward"),
            Self::AverageBackward => ("pool", "average_backward"),
            Self::ElementwiseForward => ("elementwise", "forward"),
            Self::ElementwiseBackward => ("elementwise", "backward"),
            Self::Pad => ("elementwise", "pad"),
            Self::MomentSums => ("channel", "moment_sums"),
            Self::Moments => ("channel", "moments"),
            Self::Normalize => ("channel", "normalize"),
            Self::Affine => ("channel", "affine"),
            Self::GradientSums => ("channel", "gradient_sums"),
            Self::GradientMeans => ("channel", "gradient_means"),
            Self::NormalizeBackward => ("channel", "normalize_backward"),
            Self::AffineBackward => ("channel", "affine_backward"),
        }
    }

    /// The source of a file, with what all kernels share before it, for buffers of these lengths.
    pub fn source(file: &str, sizes: &[(&'static str, u64)]) -> String {
        let parts: &[&str] = match file {
            "gather" => &[RANDOM, shader!("gather")],
            "conv2d" => &[RANDOM, ACTIVATION, shader!("conv2d")],
            "dense" => &[RANDOM, ACTIVATION, SOFTMAX, shader!("dense")],
            "loss" => &[RANDOM, ACTIVATION, SOFTMAX, shader!("loss")],
            "weight_gradient" => &[JOBS, shader!("weight_gradient")],
            "update" => &[JOBS, shader!("update")],
            "pool" => &[RANDOM, ACTIVATION, shader!("pool")],
            "elementwise" => &[RANDOM, ACTIVATION, shader!("elementwise")],
            _ => &[RANDOM, ACTIVATION, shader!("channel")],
        };
        let sizes = sizes.iter().map(|(name, size)| format!("const {name}: u32 = {size}u;\n"));
        let sizes: String = sizes.collect();
        [sizes.as_str(), COMMON].iter().chain(parts).copied().collect::<Vec<_>>().join("\n")
    }
}
