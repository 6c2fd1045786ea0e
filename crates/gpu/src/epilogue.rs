//! The epilogue of a kernel: what it does to its results before it writes them.

use crate::dispatch::Constants;
use nn::plan::Buffer;
use tensor::activation::Activation;

/// Activation, 2x2 max pooling and dropout that are part of the kernel before them. The kernel that writes a gradient applies their
/// derivative in the same way.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Epilogue {
    pub(crate) activation: Option<Activation>,
    /// The unpooled values, if pooling is part of it.
    pub(crate) unpooled: Option<Buffer>,
    pub(crate) dropout: Option<Dropout>,
}

/// Inverted dropout in training.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Dropout {
    /// Probability that a value is zeroed.
    pub(crate) p: f32,
    /// Tells the masks of several dropouts apart.
    pub(crate) layer: usize,
    /// Offset of the mask in `values`.
    pub(crate) mask: usize,
}

impl Dropout {
    /// `None` where nothing is zeroed: in an evaluation, or with a probability of 0.
    pub(crate) fn new(p: f32, layer: usize, mask: Buffer, is_training: bool) -> Option<Self> {
        (is_training && p > 0.0).then_some(Self { p, layer, mask: mask.offset })
    }
}

impl Epilogue {
    /// An activation by itself.
    pub(crate) fn activation(function: Activation) -> Self {
        Self { activation: Some(function), ..Self::default() }
    }

    /// Dropout by itself.
    pub(crate) fn dropout(dropout: Option<Dropout>) -> Self {
        Self { dropout, ..Self::default() }
    }

    /// Values of the constants in `shaders/lib/activation.wgsl` and `epilogue.wgsl`.
    pub(crate) fn constants(self) -> Constants {
        let (code, parameter) = self.activation.map_or((0, 0.0), activation_code);
        let mut all = vec![("ACTIVATION", f64::from(code)), ("SLOPE_OR_ALPHA", f64::from(parameter))];
        if let Some(Dropout { p, layer, mask }) = self.dropout {
            all.extend([
                ("DROPOUT_P", f64::from(p)),
                ("DROPOUT_LAYER", layer as f64),
                ("DROPOUT_MASK", mask as f64),
            ]);
        }
        if let Some(Buffer { offset, shape }) = self.unpooled {
            all.extend([
                ("POOLED", 1.0),
                ("UNPOOLED", offset as f64),
                ("UNPOOLED_HEIGHT", shape.height as f64),
                ("UNPOOLED_WIDTH", shape.width as f64),
            ]);
        }
        all
    }
}

/// The number of an activation in `shaders/lib/activation.wgsl`, and its option.
fn activation_code(function: Activation) -> (u32, f32) {
    match function {
        Activation::Relu => (1, 0.0),
        Activation::LeakyRelu { negative_slope } => (2, negative_slope),
        Activation::Sigmoid => (3, 0.0),
        Activation::Tanh => (4, 0.0),
        Activation::Elu { alpha } => (5, alpha),
    }
}
