//! Ready-made networks for MNIST.

use crate::mnist;
use crate::spec::{Augmentation, LayerSpec, NetworkSpec, Schedule, TrainingSpec};
use serde::{Deserialize, Serialize};

/// A network with a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Preset {
    /// LeCun et al. 1998 in today's dress: ReLU and max pooling; 61,706 parameters.
    LeNet5,
    /// LeNet-5 with batch normalisation and dropout.
    LeNetTricks,
    /// LeNet-5 as published: tanh, and sub-sampling with a weight and a bias per map. Every map of C3 sees all of S2
    /// and the output is linear, where the paper had a table of connections and radial basis functions.
    LeNet1998,
    /// One convolutional layer with 20 maps (520 parameters) as in Nielsen's chapter 6, pooled to 12x12, and 100 units.
    OneConvolution,
    /// One hidden layer of 30 units, Nielsen's first network; 23,860 parameters.
    Mlp30,
    /// Five hidden layers of 30 sigmoid units: the gradient vanishes on its way back.
    DeepSigmoid,
}

impl Preset {
    /// Every preset, in the order a menu shows them.
    pub const ALL: [Self; 6] = [
        Self::LeNet5,
        Self::LeNetTricks,
        Self::LeNet1998,
        Self::OneConvolution,
        Self::Mlp30,
        Self::DeepSigmoid,
    ];

    /// The name a person reads.
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

    /// The name a command line or a link carries.
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

    /// How it is best trained.
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
            // Without knowing how long the run will be: 99 % within four or five epochs, and on from there.
            Self::LeNet5 => TrainingSpec {
                learning_rate: 0.003,
                schedule: Schedule::Step { epochs: 1.0, factor: 0.6 },
                ..TrainingSpec::default()
            },
            _ => TrainingSpec::default(),
        }
    }

    /// The network itself.
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
