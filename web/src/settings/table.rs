//! The table.

use nn::preset::Preset;
use nn::spec::{Initializer, LayerSpec, Optimizer, Schedule};

use super::Group::{Augmentation, Layers, Network, Training, Tricks};
use super::Kind::{Choice, Number, Switch};
use super::Scale::{Even, Rungs, Typed};
use super::{Kind, Setting, Setup, tricks};

/// All settings in the order of the page. Those further down may depend on those further up, never the other way round.
pub(crate) static SETTINGS: [Setting; 32] = [
    Setting {
        id: "preset",
        name: "Preset",
        group: Network,
        help: "A ready-made network with the training that suits it. Everything below starts from it: compare how far each comes in an epoch.",
        kind: Choice {
            options: &PRESETS,
            get: |s| Some(s.preset.id()),
            set: |s, id| {
                let kept = (s.training.seed, s.training.subset);
                if let Some(preset) = Preset::from_id(id) {
                    *s = Setup::of(preset);
                }
                (s.training.seed, s.training.subset) = kept;
            },
        },
    },
    Setting {
        id: "layers",
        name: "Layers",
        group: Layers,
        help: "The tricks, from the image down to the ten digits. Choose a layer to change, move or remove it: shapes and parameters follow.",
        kind: Kind::Layers,
    },
    Setting {
        id: "activation",
        name: "Activation",
        group: Network,
        help: "Bends what every hidden layer gives. With sigmoid, watch deep networks learn slowly; with none, many layers can do no more than one.",
        kind: Choice {
            options: &[
                ("relu", "ReLU"),
                ("leaky", "Leaky ReLU"),
                ("elu", "ELU"),
                ("tanh", "tanh"),
                ("sigmoid", "Sigmoid"),
                ("none", "None"),
            ],
            get: |s| {
                let mut all = s.network.layers.iter().filter(|layer| tricks::is_activation(layer));
                let first = all.next();
                if all.any(|layer| Some(layer) != first) {
                    return Some("mixed");
                }
                Some(match first {
                    None => "none",
                    Some(LayerSpec::Sigmoid) => "sigmoid",
                    Some(LayerSpec::Tanh) => "tanh",
                    Some(LayerSpec::LeakyRelu { negative_slope: 0.01 }) => "leaky",
                    Some(LayerSpec::Elu { alpha: 1.0 }) => "elu",
                    Some(LayerSpec::LeakyRelu { .. } | LayerSpec::Elu { .. }) => "mixed",
                    Some(_) => "relu",
                })
            },
            set: |s, id| {
                let activation = match id {
                    "relu" => Some(LayerSpec::Relu),
                    "leaky" => Some(LayerSpec::LeakyRelu { negative_slope: 0.01 }),
                    "elu" => Some(LayerSpec::Elu { alpha: 1.0 }),
                    "tanh" => Some(LayerSpec::Tanh),
                    "sigmoid" => Some(LayerSpec::Sigmoid),
                    _ => None,
                };
                tricks::set_activation(&mut s.network.layers, activation);
            },
        },
    },
    Setting {
        id: "pooling",
        name: "Pooling",
        group: Network,
        help: "How maps become smaller: the largest value of each window, its mean, or the mean with a weight and a bias, as in 1998. Open an S layer to see its windows.",
        kind: Choice {
            options: &[("max", "Max"), ("average", "Average"), ("subsample", "As of 1998")],
            get: |s| {
                let kind = |layer: &LayerSpec| match layer {
                    LayerSpec::MaxPool2d { .. } => "max",
                    LayerSpec::AvgPool2d { .. } => "average",
                    _ => "subsample",
                };
                let mut all = s.network.layers.iter().filter(|layer| tricks::is_pooling(layer)).map(kind);
                let first = all.next()?;
                Some(if all.any(|kind| kind != first) { "mixed" } else { first })
            },
            set: |s, id| {
                tricks::set_pooling(
                    &mut s.network.layers,
                    match id {
                        "max" => |kernel_size, stride| LayerSpec::MaxPool2d { kernel_size, stride },
                        "average" => |kernel_size, stride| LayerSpec::AvgPool2d { kernel_size, stride },
                        _ => |kernel_size, stride| LayerSpec::Subsample2d { kernel_size, stride },
                    },
                );
            },
        },
    },
    Setting {
        id: "optimiser",
        name: "Optimiser",
        group: Training,
        help: "How gradients become steps. Each brings the learning rate that suits it: compare how steeply the loss falls.",
        kind: Choice {
            options: &[
                ("sgd", "SGD"),
                ("momentum", "SGD with momentum"),
                ("nesterov", "Nesterov momentum"),
                ("adam", "Adam"),
                ("adamw", "AdamW"),
            ],
            get: |s| {
                Some(match s.training.optimizer {
                    Optimizer::Sgd { nesterov: true, .. } => "nesterov",
                    Optimizer::Sgd { momentum: 0.0, .. } => "sgd",
                    Optimizer::Sgd { .. } => "momentum",
                    Optimizer::Adam { .. } => "adam",
                    Optimizer::AdamW { .. } => "adamw",
                })
            },
            set: |s, id| {
                (s.training.optimizer, s.training.learning_rate) = match id {
                    "sgd" => (Optimizer::SGD, 0.1),
                    "momentum" => (Optimizer::MOMENTUM, 0.02),
                    "nesterov" => (Optimizer::NESTEROV, 0.02),
                    "adam" => (Optimizer::ADAM, 0.003),
                    _ => (Optimizer::ADAM_W, 0.003),
                };
            },
        },
    },
    Setting {
        id: "lr",
        name: "Learning rate",
        group: Training,
        help: "Size of a step. Too small: the loss creeps. Too large: it jumps about or runs away.",
        kind: Number {
            scale: Rungs(&[
                0.0001, 0.0002, 0.0003, 0.0005, 0.001, 0.002, 0.003, 0.004, 0.005, 0.01, 0.02, 0.05, 0.1,
                0.2, 0.3, 0.5, 1.0, 3.0,
            ]),
            get: |s| Some(s.training.learning_rate.into()),
            set: |s, v| s.training.learning_rate = v as f32,
        },
    },
    Setting {
        id: "batch",
        name: "Batch size",
        group: Training,
        help: "Images a step. Small batches make noisy, frequent steps; large ones smooth, rare steps that use the machine better.",
        kind: Number {
            scale: Rungs(&[1.0, 4.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0]),
            get: |s| Some(s.training.batch_size as f64),
            set: |s, v| s.training.batch_size = v as usize,
        },
    },
    Setting {
        id: "schedule",
        name: "Schedule",
        group: Training,
        help: "How the learning rate changes on the way. Falling, it lets the noise at the end die down: watch the test accuracy rise.",
        kind: Choice {
            options: &[
                ("constant", "Constant"),
                ("step", "Falling in steps"),
                ("cosine", "Cosine down to 0"),
                ("one-cycle", "One cycle"),
                ("range-test", "Range test"),
            ],
            get: |s| {
                Some(match s.training.schedule {
                    Schedule::Constant => "constant",
                    Schedule::Step { .. } => "step",
                    Schedule::Cosine { .. } => "cosine",
                    Schedule::OneCycle { .. } => "one-cycle",
                    Schedule::RangeTest { .. } => "range-test",
                })
            },
            set: |s, id| {
                s.training.schedule = match id {
                    "step" => Schedule::Step { epochs: 1.0, factor: 0.6 },
                    "cosine" => Schedule::Cosine { epochs: 10.0 },
                    "one-cycle" => Schedule::OneCycle { epochs: 10.0 },
                    "range-test" => Schedule::RangeTest { epochs: 1.0 },
                    _ => Schedule::Constant,
                };
            },
        },
    },
    Setting {
        id: "schedule-epochs",
        name: "Schedule epochs",
        group: Training,
        help: "Length of a stair where the rate falls in steps, and else of the whole run, behind which the rate stays. Look for the loss to calm down on the way.",
        kind: Number {
            scale: Rungs(&[0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 15.0, 20.0, 30.0, 50.0, 100.0]),
            get: |s| match s.training.schedule {
                Schedule::Constant => None,
                Schedule::Step { epochs, .. }
                | Schedule::Cosine { epochs }
                | Schedule::OneCycle { epochs }
                | Schedule::RangeTest { epochs } => Some(epochs.into()),
            },
            set: |s, v| match &mut s.training.schedule {
                Schedule::Constant => {}
                Schedule::Step { epochs, .. }
                | Schedule::Cosine { epochs }
                | Schedule::OneCycle { epochs }
                | Schedule::RangeTest { epochs } => *epochs = v as f32,
            },
        },
    },
    Setting {
        id: "schedule-factor",
        name: "Schedule factor",
        group: Training,
        help: "What is left of the learning rate after each stair. If little is, the curve turns smooth and flat.",
        kind: Number {
            scale: Rungs(&[0.1, 0.2, 0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95]),
            get: |s| match s.training.schedule {
                Schedule::Step { factor, .. } => Some(factor.into()),
                _ => None,
            },
            set: |s, v| {
                if let Schedule::Step { factor, .. } = &mut s.training.schedule {
                    *factor = v as f32;
                }
            },
        },
    },
    Setting {
        id: "seed",
        name: "Seed",
        group: Training,
        help: "Where all chance comes from. The same seed gives the same curve on every machine; another one shows how much of a difference is luck.",
        kind: Number {
            scale: Typed { least: 0.0, most: u32::MAX as f64 },
            get: |s| Some(s.training.seed.into()),
            set: |s, v| s.training.seed = v as u32,
        },
    },
    Setting {
        id: "images",
        name: "Training images",
        group: Training,
        help: "Learn from the first so many only. With few, the network knows them by heart: training and test curves part.",
        kind: Number {
            scale: Rungs(&[
                50.0, 100.0, 200.0, 500.0, 1_000.0, 2_000.0, 5_000.0, 10_000.0, 20_000.0, ALL_IMAGES,
            ]),
            get: |s| Some(s.training.subset.map_or(ALL_IMAGES, f64::from)),
            set: |s, v| s.training.subset = (v < ALL_IMAGES).then_some(v as u32),
        },
    },
    Setting {
        id: "momentum",
        name: "Momentum",
        group: Training,
        help: "How much of its speed a step keeps: it rolls through narrow valleys, and past the bottom if there is too much of it.",
        kind: Number {
            scale: Even { least: 0.05, most: 0.99, step: 0.01, unit: "" },
            get: |s| match s.training.optimizer {
                Optimizer::Sgd { momentum, nesterov } if nesterov || momentum > 0.0 => Some(momentum.into()),
                _ => None,
            },
            set: |s, v| {
                if let Optimizer::Sgd { momentum, .. } = &mut s.training.optimizer {
                    *momentum = v as f32;
                }
            },
        },
    },
    Setting {
        id: "beta1",
        name: "Beta 1",
        group: Training,
        help: "How long Adam remembers the direction: 0.9 is about ten steps. With less, the loss falls less evenly.",
        kind: Number {
            scale: Rungs(&[0.0, 0.5, 0.8, 0.9, 0.95, 0.99]),
            get: |s| adam(s).map(|[beta1, ..]| beta1),
            set: |s, v| set_adam(s, 0, v),
        },
    },
    Setting {
        id: "beta2",
        name: "Beta 2",
        group: Training,
        help: "How long Adam remembers the size of gradients: 0.999 is about a thousand steps. With less, look for spikes in the loss.",
        kind: Number {
            scale: Rungs(&[0.9, 0.95, 0.99, 0.995, 0.999, 0.9999]),
            get: |s| adam(s).map(|[_, beta2, _]| beta2),
            set: |s, v| set_adam(s, 1, v),
        },
    },
    Setting {
        id: "epsilon",
        name: "Epsilon",
        group: Training,
        help: "Keeps Adam from dividing by nothing. Large, it makes Adam more like plain gradient descent: the loss falls more slowly.",
        kind: Number {
            scale: Rungs(&[1e-10, 1e-8, 1e-6, 1e-4, 1e-3, 1e-2, 1e-1]),
            get: |s| adam(s).map(|[.., eps]| eps),
            set: |s, v| set_adam(s, 2, v),
        },
    },
    Setting {
        id: "batchnorm",
        name: "Batch normalisation",
        group: Tricks,
        help: "Gives every map mean 0 and deviation 1 over the batch before it is bent: see how its values lie before and after. Learning rates can be larger, and seeds matter less.",
        kind: Switch {
            get: |s| Some(s.network.layers.contains(&LayerSpec::BatchNorm)),
            set: |s, on| tricks::set_batch_norm(&mut s.network.layers, on),
        },
    },
    Setting {
        id: "dropout",
        name: "Dropout",
        group: Tricks,
        help: "Silences a random part of the hidden units in every step, crossed out in the picture, so that none relies on another: training gets worse, the test better.",
        kind: Switch {
            get: |s| Some(s.network.layers.iter().any(tricks::is_dropout)),
            set: |s, on| tricks::set_dropout(&mut s.network.layers, on.then_some(0.5)),
        },
    },
    Setting {
        id: "dropout-share",
        name: "Dropout share",
        group: Tricks,
        help: "How many of the units fall silent: half of them in the paper, a fifth suits LeNet. The more, the slower the training curve.",
        kind: Number {
            scale: Even { least: 0.05, most: 0.9, step: 0.05, unit: "" },
            get: |s| {
                s.network.layers.iter().find_map(|layer| match layer {
                    LayerSpec::Dropout { p } => Some(f64::from(*p)),
                    _ => None,
                })
            },
            set: |s, v| {
                for layer in &mut s.network.layers {
                    if let LayerSpec::Dropout { p } = layer {
                        *p = v as f32;
                    }
                }
            },
        },
    },
    Setting {
        id: "l1",
        name: "L1 penalty",
        group: Tricks,
        help: "Pulls every weight to 0 with the same force: the useless ones become 0, filters turn plain, and the bars of the weights shrink.",
        kind: Number {
            scale: Rungs(&[0.0, 1e-6, 1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 1e-2]),
            get: |s| Some(s.training.penalty.l1.into()),
            set: |s, v| s.training.penalty.l1 = v as f32,
        },
    },
    Setting {
        id: "l2",
        name: "L2 penalty",
        group: Tricks,
        help: "Weight decay: pulls large weights to 0 more than small ones. Their bars shrink, and so does the gap between training and test.",
        kind: Number {
            scale: Rungs(&[0.0, 1e-6, 1e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 1e-1]),
            get: |s| Some(s.training.penalty.l2.into()),
            set: |s, v| s.training.penalty.l2 = v as f32,
        },
    },
    Setting {
        id: "penalise-biases",
        name: "Penalise biases, too",
        group: Tricks,
        help: "As PyTorch does. Books leave biases out: they are few and fit no noise. Compare: hardly a figure changes.",
        kind: Switch {
            get: |s| {
                (s.training.penalty.l1 > 0.0 || s.training.penalty.l2 > 0.0)
                    .then_some(s.training.penalty.biases)
            },
            set: |s, on| s.training.penalty.biases = on,
        },
    },
    Setting {
        id: "smoothing",
        name: "Label smoothing",
        group: Tricks,
        help: "Asks for 90 % certainty, say, instead of 100 %. The network stays modest: look at the bars of an unclear digit.",
        kind: Number {
            scale: Even { least: 0.0, most: 0.5, step: 0.01, unit: "" },
            get: |s| Some(s.training.label_smoothing.into()),
            set: |s, v| s.training.label_smoothing = v as f32,
        },
    },
    Setting {
        id: "initialiser",
        name: "Initialiser",
        group: Tricks,
        help: "Where the weights begin, after a reset. From zeros nothing can be learned; too large, and sigmoids are stuck. Step once, and look at the gradients.",
        kind: Choice {
            options: &[
                ("he", "He: for ReLU"),
                ("xavier", "Xavier: for tanh"),
                ("lecun", "LeCun: by inputs"),
                ("normal", "Normal"),
                ("constant", "Constant"),
                ("zeros", "Zeros"),
            ],
            get: |s| {
                Some(match s.training.initializer {
                    Initializer::Zeros => "zeros",
                    Initializer::Constant { .. } => "constant",
                    Initializer::Normal { .. } => "normal",
                    Initializer::LeCun => "lecun",
                    Initializer::Xavier => "xavier",
                    Initializer::He => "he",
                })
            },
            set: |s, id| {
                s.training.initializer = match id {
                    "zeros" => Initializer::Zeros,
                    "constant" => Initializer::Constant { value: 0.1 },
                    "normal" => Initializer::Normal { std: 0.1 },
                    "lecun" => Initializer::LeCun,
                    "xavier" => Initializer::Xavier,
                    _ => Initializer::He,
                };
            },
        },
    },
    Setting {
        id: "initial-value",
        name: "Initial value",
        group: Tricks,
        help: "Every weight begins with it: all units of a layer stay alike for ever.",
        kind: Number {
            scale: Even { least: -1.0, most: 1.0, step: 0.01, unit: "" },
            get: |s| match s.training.initializer {
                Initializer::Constant { value } => Some(value.into()),
                _ => None,
            },
            set: |s, v| s.training.initializer = Initializer::Constant { value: v as f32 },
        },
    },
    Setting {
        id: "initial-deviation",
        name: "Standard deviation",
        group: Tricks,
        help: "How far initial weights are from 0. At 1, Nielsen's networks are stuck at first: their sigmoids are saturated.",
        kind: Number {
            scale: Rungs(&[0.001, 0.01, 0.03, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0]),
            get: |s| match s.training.initializer {
                Initializer::Normal { std } => Some(std.into()),
                _ => None,
            },
            set: |s, v| s.training.initializer = Initializer::Normal { std: v as f32 },
        },
    },
    Setting {
        id: "rotation",
        name: "Rotation",
        group: Augmentation,
        help: "Turns every training image by up to so many degrees, another way each time. A 6 must not become a 9.",
        kind: Number {
            scale: Even { least: 0.0, most: 45.0, step: 1.0, unit: "°" },
            get: |s| Some(s.training.augmentation.rotation.into()),
            set: |s, v| s.training.augmentation.rotation = v as f32,
        },
    },
    Setting {
        id: "shift",
        name: "Shift",
        group: Augmentation,
        help: "Moves the digit by up to so many pixels. Nobody learns by heart any more where ink lies: the gap between training and test shrinks.",
        kind: Number {
            scale: Even { least: 0.0, most: 6.0, step: 0.5, unit: " px" },
            get: |s| Some(s.training.augmentation.shift.into()),
            set: |s, v| s.training.augmentation.shift = v as f32,
        },
    },
    Setting {
        id: "zoom",
        name: "Zoom",
        group: Augmentation,
        help: "Makes the digit larger or smaller by up to this share. Look in the copies when it begins to leave the image.",
        kind: Number {
            scale: Even { least: 0.0, most: 0.5, step: 0.05, unit: "" },
            get: |s| Some(s.training.augmentation.zoom.into()),
            set: |s, v| s.training.augmentation.zoom = v as f32,
        },
    },
    Setting {
        id: "shear",
        name: "Shear",
        group: Augmentation,
        help: "Leans the digit to the left or right, as handwriting does. Look whether a slanted 1 is still read as 1.",
        kind: Number {
            scale: Even { least: 0.0, most: 0.6, step: 0.05, unit: "" },
            get: |s| Some(s.training.augmentation.shear.into()),
            set: |s, v| s.training.augmentation.shear = v as f32,
        },
    },
    Setting {
        id: "elastic",
        name: "Elastic",
        group: Augmentation,
        help: "Bends the digit like a rubber sheet: what a trembling hand does. It is worth the most on MNIST.",
        kind: Number {
            scale: Even { least: 0.0, most: 4.0, step: 0.25, unit: " px" },
            get: |s| Some(s.training.augmentation.elastic.into()),
            set: |s, v| s.training.augmentation.elastic = v as f32,
        },
    },
    Setting {
        id: "crop",
        name: "Random crop",
        group: Augmentation,
        help: "Cuts a window out of the image with a margin around it: a shift by whole pixels. See in the copies when it cuts into the digit.",
        kind: Number {
            scale: Even { least: 0.0, most: 6.0, step: 1.0, unit: " px" },
            get: |s| Some(s.training.augmentation.crop.into()),
            set: |s, v| s.training.augmentation.crop = v as u32,
        },
    },
];

/// Training images in MNIST.
pub(crate) const ALL_IMAGES: f64 = 60_000.0;

/// The presets as a menu has them.
const PRESETS: [(&str, &str); Preset::ALL.len()] = {
    let mut all = [("", ""); Preset::ALL.len()];
    let mut i = 0;
    while i < all.len() {
        all[i] = (Preset::ALL[i].id(), Preset::ALL[i].title());
        i += 1;
    }
    all
};

/// The numbers of Adam and of AdamW.
fn adam(setup: &Setup) -> Option<[f64; 3]> {
    match setup.training.optimizer {
        Optimizer::Adam { beta1, beta2, eps } | Optimizer::AdamW { beta1, beta2, eps } => {
            Some([beta1, beta2, eps].map(f64::from))
        }
        Optimizer::Sgd { .. } => None,
    }
}

fn set_adam(setup: &mut Setup, which: usize, value: f64) {
    if let Optimizer::Adam { beta1, beta2, eps } | Optimizer::AdamW { beta1, beta2, eps } =
        &mut setup.training.optimizer
    {
        *[beta1, beta2, eps][which] = value as f32;
    }
}
