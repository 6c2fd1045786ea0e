//! A network and its training as data: what presets, the page's controls, checkpoints and links carry.
//!
//! Layers and their options have PyTorch's names. Files written before that had names of their own, such as
//! `dense` and `units`; they are still read (`serde(alias)`).

use crate::random::permutation;
use serde::{Deserialize, Serialize};
pub use tensor::Shape;

/// A feed-forward network: the shape of its input, and its layers in order. The output of the last layer is
/// the logits.
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
    /// Convolution (cross-correlation, as PyTorch's `Conv2d`) with square kernels and a bias per output
    /// channel.
    Conv2d {
        /// Output channels: the layer's feature maps.
        #[serde(alias = "maps")]
        out_channels: usize,
        /// Rows and columns of the kernel.
        #[serde(alias = "kernel")]
        kernel_size: usize,
        /// Step of the kernel over the image.
        stride: usize,
        /// Zeros around the image; less than `kernel_size`.
        padding: usize,
    },
    /// The largest value of each window, as PyTorch's `MaxPool2d` without padding.
    MaxPool2d {
        /// Rows and columns of the window.
        #[serde(alias = "kernel")]
        kernel_size: usize,
        /// Step of the window.
        stride: usize,
    },
    /// The mean of each window, as PyTorch's `AvgPool2d` without padding.
    AvgPool2d {
        /// Rows and columns of the window.
        #[serde(alias = "kernel")]
        kernel_size: usize,
        /// Step of the window.
        stride: usize,
    },
    /// Sub-sampling as in LeCun et al. 1998 (section II.B): the mean of each window, times a weight and plus
    /// a bias, both trained for each map.
    Subsample2d {
        /// Rows and columns of the window.
        #[serde(alias = "kernel")]
        kernel_size: usize,
        /// Step of the window.
        stride: usize,
    },
    /// Flattens maps to a vector, in the order `[channel][row][column]`.
    Flatten,
    /// Fully connected, `y = W x + b`, as PyTorch's `Linear`.
    #[serde(alias = "dense")]
    Linear {
        /// Output features.
        #[serde(alias = "units")]
        out_features: usize,
    },
    /// Batch normalisation (Ioffe and Szegedy 2015) of every channel, as PyTorch's `BatchNorm2d` and
    /// `BatchNorm1d`, with [`BATCH_NORM_EPS`] and [`BATCH_NORM_MOMENTUM`].
    BatchNorm,
    /// `max(x, 0)` (Nair and Hinton 2010).
    Relu,
    /// `x` above 0, `negative_slope * x` below (Maas et al. 2013).
    LeakyRelu {
        /// From 0 up; PyTorch's default is 0.01.
        #[serde(alias = "slope")]
        negative_slope: f32,
    },
    /// `x` above 0, `alpha * (e^x - 1)` below (Clevert et al. 2015), as PyTorch's `ELU`.
    Elu {
        /// The limit for `x` to minus infinity is `-alpha`; from 0 up. PyTorch's default is 1.
        alpha: f32,
    },
    /// `1 / (1 + e^-x)`.
    Sigmoid,
    /// The hyperbolic tangent.
    Tanh,
    /// Inverted dropout (Srivastava et al. 2014): in training, units are zeroed and the rest divided by
    /// `1 - p`.
    Dropout {
        /// Probability of a unit to be zeroed, from 0 to below 1.
        p: f32,
    },
    /// One random order of the pixels, the same for every image: permuted MNIST (Goodfellow et al. 2013). Only the
    /// first layer can be one, so it needs no backward pass.
    Permute {
        /// Seed of the order, of which 32 bits count.
        seed: usize,
    },
}

impl LayerSpec {
    /// For each of so many pixels the one that comes to its place, if this layer shuffles them.
    pub fn pixel_order(&self, pixels: usize) -> Option<Vec<u32>> {
        match self {
            Self::Permute { seed } => Some(permutation(*seed as u32, pixels)),
            _ => None,
        }
    }
}

/// Added to a variance before its root is taken: PyTorch's default `eps`.
pub const BATCH_NORM_EPS: f32 = 1e-5;
/// Weight of a batch's statistics in the running estimates: PyTorch's default `momentum`.
pub const BATCH_NORM_MOMENTUM: f32 = 0.1;

/// The options of a training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrainingSpec {
    /// Seed of all randomness: initial weights, shuffles.
    pub seed: u32,
    /// Samples per step, at least 1.
    pub batch_size: usize,
    /// The step size of the optimizer, before the schedule.
    pub learning_rate: f32,
    /// The update rule.
    pub optimizer: Optimizer,
    /// The learning rate as a function of the epoch.
    pub schedule: Schedule,
    /// Penalties on the size of parameters.
    pub penalty: Penalty,
    /// Share of the target that is distributed over all classes (Szegedy et al. 2016), from 0 to below 1.
    pub label_smoothing: f32,
    /// Share of the training images that have a wrong label, the same one in every epoch, from 0 to 1 (Zhang et al.
    /// 2017).
    #[serde(default)]
    pub label_noise: f32,
    /// The distribution of the initial weights.
    pub initializer: Initializer,
    /// Random distortions of the training images, different in each epoch.
    pub augmentation: Augmentation,
    /// Number of training images, from the first on, at least 1; `None` for all.
    pub subset: Option<u32>,
    /// When training stops by itself.
    #[serde(default)]
    pub stop: StopRule,
}

/// When training stops by itself. It is judged at evaluations on the test set, one of which is due at the epoch of
/// [`StopRule::Epoch`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopRule {
    /// It does not.
    #[default]
    Never,
    /// After so many epochs of the run.
    Epoch {
        /// Epochs.
        epochs: f32,
    },
    /// When the accuracy on the test set reaches this one.
    Accuracy {
        /// Accuracy, 0 to 1.
        accuracy: f32,
    },
    /// When the loss on the test set has not fallen in so many evaluations: early stopping.
    Patience {
        /// Evaluations, at least 1.
        evaluations: f32,
    },
}

/// Random distortions of training images, each drawn uniformly between minus and plus the strength given. 0
/// is off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Augmentation {
    /// Rotation in degrees; a positive angle turns the image clockwise.
    pub rotation: f32,
    /// Translation in pixels, across and down.
    pub shift: f32,
    /// Share of the size by which the image grows or shrinks, below 1.
    pub zoom: f32,
    /// Pixels by which a row moves relative to the next.
    pub shear: f32,
    /// Pixels by which the knots of a spline move, across and down (after Simard et al. 2003).
    pub elastic: f32,
    /// Pixels of padding, from which a window of the old size is cut at a random place.
    pub crop: u32,
}

impl Augmentation {
    /// Whether all distortions are off.
    pub fn is_off(&self) -> bool {
        *self == Self::default()
    }
}

/// Penalties on the size of parameters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Penalty {
    /// `l1 * |w|` is added to the loss.
    pub l1: f32,
    /// `l2 / 2 * w^2` is added to the loss: PyTorch's `weight_decay`. AdamW subtracts `rate * l2 * w` from
    /// the weights instead.
    pub l2: f32,
    /// Whether biases and the parameters of batch normalisation are penalised, too, as PyTorch does.
    pub biases: bool,
}

/// The factor of the learning rate as a function of the epochs trained. An epoch of a schedule is as many
/// images as the whole training set has, however few are used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Schedule {
    /// Constant 1.
    #[default]
    Constant,
    /// Times `factor` every `epochs` epochs: PyTorch's `StepLR`.
    Step {
        /// Epochs between two changes.
        epochs: f32,
        /// Factor of each change.
        factor: f32,
    },
    /// Half a cosine down to 0 after `epochs` epochs (Loshchilov and Hutter 2017), then 0.
    Cosine {
        /// Length of the run.
        epochs: f32,
    },
    /// Up from 1/25 in three tenths of the run, then down to 4e-6 (Smith and Topin 2018): PyTorch's
    /// `OneCycleLR` with `cycle_momentum=False`, so momentum and Adam's beta1 stay as they are.
    OneCycle {
        /// Length of the run.
        epochs: f32,
    },
    /// Learning rate range test (Smith 2017): exponentially from 1/10,000 to 1,000 in `epochs` epochs.
    RangeTest {
        /// Length of the test.
        epochs: f32,
    },
}

/// The distribution of initial weights; biases begin at 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Initializer {
    /// All 0: the units of a layer never differ.
    Zeros,
    /// All the same value.
    Constant {
        /// The value.
        value: f32,
    },
    /// Normal with this standard deviation.
    Normal {
        /// Standard deviation.
        #[serde(alias = "deviation")]
        std: f32,
    },
    /// Normal with variance `1 / fan_in` (LeCun et al. 1998, "Efficient BackProp").
    LeCun,
    /// Normal with variance `2 / (fan_in + fan_out)` (Glorot and Bengio 2010).
    Xavier,
    /// Normal with variance `2 / fan_in` (He et al. 2015).
    #[default]
    He,
}

/// The update rules of PyTorch's `torch.optim`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Optimizer {
    /// Stochastic gradient descent; `velocity = momentum * velocity + gradient`.
    Sgd {
        /// Factor of the velocity; 0 is plain gradient descent.
        momentum: f32,
        /// Step along `gradient + momentum * velocity` (Nesterov 1983).
        #[serde(default)]
        nesterov: bool,
    },
    /// Adam (Kingma and Ba 2015, algorithm 1).
    Adam {
        /// Decay of the mean of the gradients.
        beta1: f32,
        /// Decay of the mean of their squares.
        beta2: f32,
        /// Added to the denominator, which must not be 0: PyTorch's `eps`.
        #[serde(alias = "epsilon")]
        eps: f32,
    },
    /// Adam with decoupled weight decay (Loshchilov and Hutter 2019).
    AdamW {
        /// Decay of the mean of the gradients.
        beta1: f32,
        /// Decay of the mean of their squares.
        beta2: f32,
        /// Added to the denominator, which must not be 0: PyTorch's `eps`.
        #[serde(alias = "epsilon")]
        eps: f32,
    },
}

impl Default for TrainingSpec {
    fn default() -> Self {
        Self {
            seed: 1,
            batch_size: 64,
            learning_rate: 0.001,
            optimizer: Optimizer::ADAM,
            schedule: Schedule::Constant,
            penalty: Penalty::default(),
            label_smoothing: 0.0,
            label_noise: 0.0,
            initializer: Initializer::He,
            augmentation: Augmentation::default(),
            subset: None,
            stop: StopRule::Never,
        }
    }
}

impl Optimizer {
    /// Adam with the constants of the paper.
    pub const ADAM: Self = Self::Adam { beta1: 0.9, beta2: 0.999, eps: 1e-8 };
    /// Gradient descent with momentum 0.9.
    pub const MOMENTUM: Self = Self::Sgd { momentum: 0.9, nesterov: false };
    /// The same with Nesterov's gradient.
    pub const NESTEROV: Self = Self::Sgd { momentum: 0.9, nesterov: true };
    /// Plain gradient descent.
    pub const SGD: Self = Self::Sgd { momentum: 0.0, nesterov: false };
    /// AdamW with the constants of Adam.
    pub const ADAM_W: Self = Self::AdamW { beta1: 0.9, beta2: 0.999, eps: 1e-8 };

    /// Whether it keeps Adam's two moments of the gradients.
    pub const fn is_adam(&self) -> bool {
        matches!(self, Self::Adam { .. } | Self::AdamW { .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasm_bindgen_test::wasm_bindgen_test;

    #[wasm_bindgen_test(unsupported = test)]
    fn the_keys_of_old_files_are_read_and_new_keys_are_written() {
        let old = r#"{"input":{"channels":1,"height":28,"width":28},"layers":[
            {"conv2d":{"maps":6,"kernel":5,"stride":1,"padding":2}},{"leaky_relu":{"slope":0.5}},
            {"max_pool2d":{"kernel":2,"stride":2}},{"avg_pool2d":{"kernel":3,"stride":1}},
            {"subsample2d":{"kernel":2,"stride":2}},"flatten",{"dense":{"units":10}}]}"#;
        let network = NetworkSpec {
            input: Shape::maps(1, 28, 28),
            layers: vec![
                LayerSpec::Conv2d { out_channels: 6, kernel_size: 5, stride: 1, padding: 2 },
                LayerSpec::LeakyRelu { negative_slope: 0.5 },
                LayerSpec::MaxPool2d { kernel_size: 2, stride: 2 },
                LayerSpec::AvgPool2d { kernel_size: 3, stride: 1 },
                LayerSpec::Subsample2d { kernel_size: 2, stride: 2 },
                LayerSpec::Flatten,
                LayerSpec::Linear { out_features: 10 },
            ],
        };
        assert_eq!(serde_json::from_str::<NetworkSpec>(old).unwrap(), network);
        let new = serde_json::to_string(&network).unwrap();
        assert!(
            new.contains(r#"{"conv2d":{"out_channels":6,"kernel_size":5,"stride":1,"padding":2}}"#),
            "{new}"
        );
        assert!(new.contains(r#"{"linear":{"out_features":10}}"#), "{new}");
        assert_eq!(serde_json::from_str::<NetworkSpec>(&new).unwrap(), network);

        let normal: Initializer = serde_json::from_str(r#"{"normal":{"deviation":0.1}}"#).unwrap();
        assert_eq!(normal, Initializer::Normal { std: 0.1 });
        for (kind, expected) in [("adam", Optimizer::ADAM), ("adam_w", Optimizer::ADAM_W)] {
            let old = format!(r#"{{"{kind}":{{"beta1":0.9,"beta2":0.999,"epsilon":1e-8}}}}"#);
            assert_eq!(serde_json::from_str::<Optimizer>(&old).unwrap(), expected);
        }
    }
}
