//! A network and its training as data: what presets, the page's controls, checkpoints and links carry.

use serde::{Deserialize, Serialize};
pub use tensor::Shape;

/// A feed-forward network: what it is fed and its layers in order. The last layer gives the logits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NetworkSpec {
    /// Shape of one input sample.
    pub input: Shape,
    /// The layers, first to last.
    pub layers: Vec<LayerSpec>,
}

/// One layer with its options.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LayerSpec {
    /// Convolution (cross-correlation, as PyTorch's `Conv2d`) with square kernels and a bias per map.
    Conv2d {
        /// Output maps.
        maps: usize,
        /// Rows and columns of the kernel.
        kernel: usize,
        /// Step of the kernel over the image.
        stride: usize,
        /// Zeros around the image; less than `kernel`.
        padding: usize,
    },
    /// The largest of each window.
    MaxPool2d {
        /// Rows and columns of the window.
        kernel: usize,
        /// Step of the window.
        stride: usize,
    },
    /// Rows, columns and channels into one vector.
    Flatten,
    /// Fully connected, as PyTorch's `Linear`.
    Dense {
        /// Output features.
        units: usize,
    },
    /// `max(x, 0)`.
    Relu,
}

/// How a network is trained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrainingSpec {
    /// Seed of all randomness: initial weights, shuffles.
    pub seed: u32,
    /// Samples per step; any number from 1 up.
    pub batch_size: usize,
    /// The step size of the optimiser.
    pub learning_rate: f32,
    /// The rule that turns gradients into steps.
    pub optimizer: Optimizer,
}

/// The update rules, as PyTorch's `torch.optim` has them.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Optimizer {
    /// Stochastic gradient descent; `velocity = momentum * velocity + gradient`.
    Sgd {
        /// 0 is plain gradient descent.
        momentum: f32,
    },
    /// Adam (Kingma and Ba 2015, algorithm 1).
    Adam {
        /// Decay of the mean of the gradients.
        beta1: f32,
        /// Decay of the mean of their squares.
        beta2: f32,
        /// Keeps the quotient finite.
        epsilon: f32,
    },
}

impl Default for TrainingSpec {
    fn default() -> Self {
        Self { seed: 1, batch_size: 64, learning_rate: 0.001, optimizer: Optimizer::ADAM }
    }
}

impl Optimizer {
    /// Adam with the constants of the paper.
    pub const ADAM: Self = Self::Adam { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 };
    /// Gradient descent with the customary momentum.
    pub const MOMENTUM: Self = Self::Sgd { momentum: 0.9 };
}

/// Ready-made networks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Preset {
    /// LeCun et al. 1998 in today's dress: ReLU and max pooling; 61,706 parameters.
    LeNet5,
    /// One hidden layer of 30 units, Nielsen's first network; 23,860 parameters.
    Mlp30,
}

impl Preset {
    /// Every preset, in the order a menu shows them.
    pub const ALL: [Self; 2] = [Self::LeNet5, Self::Mlp30];

    /// The name a person reads.
    pub const fn title(self) -> &'static str {
        match self {
            Self::LeNet5 => "LeNet-5",
            Self::Mlp30 => "MLP 784-30-10",
        }
    }

    /// The name a command line or a link carries.
    pub const fn id(self) -> &'static str {
        match self {
            Self::LeNet5 => "lenet5",
            Self::Mlp30 => "mlp30",
        }
    }

    /// The preset with this [`id`](Self::id).
    pub fn from_id(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|preset| preset.id() == id)
    }

    /// The network itself, for 28x28 images and ten classes.
    pub fn network(self) -> NetworkSpec {
        use LayerSpec::{Conv2d, Dense, Flatten, MaxPool2d, Relu};
        let layers = match self {
            Self::LeNet5 => vec![
                Conv2d { maps: 6, kernel: 5, stride: 1, padding: 2 },
                Relu,
                MaxPool2d { kernel: 2, stride: 2 },
                Conv2d { maps: 16, kernel: 5, stride: 1, padding: 0 },
                Relu,
                MaxPool2d { kernel: 2, stride: 2 },
                Flatten,
                Dense { units: 120 },
                Relu,
                Dense { units: 84 },
                Relu,
                Dense { units: 10 },
            ],
            Self::Mlp30 => vec![Flatten, Dense { units: 30 }, Relu, Dense { units: 10 }],
        };
        NetworkSpec { input: Shape::maps(1, 28, 28), layers }
    }
}
