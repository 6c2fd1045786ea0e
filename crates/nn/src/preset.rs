//! Ready-made networks for MNIST.

use crate::mnist;
use crate::spec::{Augmentation, LayerSpec, NetworkSpec, Schedule, TrainingSpec};
use serde::{Deserialize, Serialize};

/// A ready-made network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Preset {
    /// LeNet-5 (LeCun et al. 1998) with ReLU and max pooling; 61,706 parameters.
    LeNet5,
    /// LeNet-5 with batch normalisation and dropout.
    LeNetTricks,
    /// LeNet-5 as published: tanh, and sub-sampling with a weight and a bias per map. In contrast to the
    /// paper every map of C3 is connected to all of S2, where the paper has a table, and the output is
    /// linear, where it has radial basis functions.
    LeNet1998,
    /// One convolution with 20 maps (520 parameters), pooled to 12x12, and 100 units, as in Nielsen 2015,
    /// chapter 6.
    OneConvolution,
    /// One hidden layer of 30 units, Nielsen's first network; 23,860 parameters.
    Mlp30,
    /// Five hidden layers of 30 sigmoid units, in which the gradient vanishes.
    DeepSigmoid,
}

impl Preset {
    /// All presets, in the order of the page's menu.
    pub const ALL: [Self; 6] = [
        Self::LeNet5,
        Self::LeNetTricks,
        Self::LeNet1998,
        Self::OneConvolution,
        Self::Mlp30,
        Self::DeepSigmoid,
    ];

    /// The name that the page shows.
    pub const fn title(self) -> &'static str {
        match self {
            Self::LeNet5 => "LeNet-5",
            Self::LeNetTricks => "LeNet with all tricks",
            Self::LeNet1998 => "LeNet-5 as of 1998",
            Self::OneConvolution => "One convolution",
            Self::Mlp30 => "MLP 784-30-10",
            Self::DeepSigmoid => "Deep sigmoid MLP",
        }
    }

    /// The name in links and on the command line.
    pub const fn id(self) -> &'static str {
        match self {
            Self::LeNet5 => "lenet5",
            Self::LeNetTricks => "lenet-tricks",
            Self::LeNet1998 => "lenet1998",
            Self::OneConvolution => "one-conv",
            Self::Mlp30 => "mlp30",
            Self::DeepSigmoid => "deep-sigmoid",
        }
    }

    /// The preset with this [`id`](Self::id).
    pub fn from_id(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|preset| preset.id() == id)
    }

    /// The options with which it trains best.
    pub fn training(self) -> TrainingSpec {
        match self {
            Self::LeNetTricks => TrainingSpec {
                learning_rate: 0.004,
                schedule: Schedule::OneCycle { epochs: 20.0 },
                augmentation: Augmentation {
                    rotation: 10.0,
                    shift: 1.0,
                    zoom: 0.1,
                    shear: 0.1,
                    elastic: 1.0,
                    ..Augmentation::default()
                },
                ..TrainingSpec::default()
            },
            // For a run of unknown length: 99 % within four or five epochs, and more after them.
            Self::LeNet5 => TrainingSpec {
                learning_rate: 0.003,
                schedule: Schedule::Step { epochs: 1.0, factor: 0.6 },
                ..TrainingSpec::default()
            },
            _ => TrainingSpec::default(),
        }
    }

    /// The network.
    pub fn network(self) -> NetworkSpec {
        use LayerSpec::{BatchNorm, Dropout, Flatten, Linear, Relu, Sigmoid, Tanh};
        let layers = match self {
            Self::LeNet5 => vec![
                conv(6, 2),
                Relu,
                MAX_POOL,
                conv(16, 0),
                Relu,
                MAX_POOL,
                Flatten,
                Linear { out_features: 120 },
                Relu,
                Linear { out_features: 84 },
                Relu,
                Linear { out_features: 10 },
            ],
            Self::LeNetTricks => vec![
                conv(6, 2),
                BatchNorm,
                Relu,
                MAX_POOL,
                conv(16, 0),
                BatchNorm,
                Relu,
                MAX_POOL,
                Flatten,
                Linear { out_features: 120 },
                BatchNorm,
                Relu,
                Dropout { p: 0.2 },
                Linear { out_features: 84 },
                BatchNorm,
                Relu,
                Linear { out_features: 10 },
            ],
            Self::LeNet1998 => vec![
                conv(6, 2),
                Tanh,
                LayerSpec::Subsample2d { kernel_size: 2, stride: 2 },
                Tanh,
                conv(16, 0),
                Tanh,
                LayerSpec::Subsample2d { kernel_size: 2, stride: 2 },
                Tanh,
                Flatten,
                Linear { out_features: 120 },
                Tanh,
                Linear { out_features: 84 },
                Tanh,
                Linear { out_features: 10 },
            ],
            Self::OneConvolution => {
                vec![
                    conv(20, 0),
                    Relu,
                    MAX_POOL,
                    Flatten,
                    Linear { out_features: 100 },
                    Relu,
                    Linear { out_features: 10 },
                ]
            }
            Self::Mlp30 => vec![Flatten, Linear { out_features: 30 }, Relu, Linear { out_features: 10 }],
            Self::DeepSigmoid => {
                let hidden = std::iter::repeat_n([Linear { out_features: 30 }, Sigmoid], 5).flatten();
                [Flatten].into_iter().chain(hidden).chain([Linear { out_features: 10 }]).collect()
            }
        };
        NetworkSpec { input: mnist::IMAGE, layers }
    }
}

const MAX_POOL: LayerSpec = LayerSpec::MaxPool2d { kernel_size: 2, stride: 2 };

const fn conv(out_channels: usize, padding: usize) -> LayerSpec {
    LayerSpec::Conv2d { out_channels, kernel_size: 5, stride: 1, padding }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasm_bindgen_test::wasm_bindgen_test;

    #[wasm_bindgen_test(unsupported = test)]
    fn parameters_are_those_of_the_books() {
        assert_eq!(Preset::LeNet5.network().parameters(), 61_706);
        assert_eq!(Preset::Mlp30.network().parameters(), 23_860);
        let one = Preset::OneConvolution.network().summary().unwrap();
        assert_eq!((one[0].parameters, one[0].output.to_string()), (520, "20@24x24".into()));
        assert_eq!(one[2].output.to_string(), "20@12x12");
        // S2 and S4 learn two numbers a map.
        assert_eq!(Preset::LeNet1998.network().parameters(), 61_706 + 2 * 6 + 2 * 16);
        for preset in Preset::ALL {
            assert_eq!(Preset::from_id(preset.id()), Some(preset));
            assert!(preset.network().parameters() > 0, "{preset:?} fits");
        }
    }
}
