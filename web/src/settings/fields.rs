//! Where the values of settings lie in the setup, as far as they are more than a number at a path.

use data::mnist::TRAIN_IMAGES;
use nn::preset::Preset;
use nn::spec::{Initializer, LayerSpec, Optimizer, Schedule, StopRule};

use super::declare::field_of_variant;
use super::setting::Field;
use super::setup::Setup;
use super::tricks;

/// A preset keeps the seed, the number of training images, and when training stops.
pub(super) const PRESET: Field<&str> = Field {
    get: |s| Some(s.preset.id()),
    set: |s, id| {
        if let Some(preset) = Preset::from_id(id) {
            let kept = (s.training.seed, s.training.subset, s.training.stop);
            *s = Setup::of(preset);
            (s.training.seed, s.training.subset, s.training.stop) = kept;
        }
    },
};

/// The activation of all hidden layers, by its id.
const ACTIVATIONS: [(&str, Option<LayerSpec>); 6] = [
    ("relu", Some(LayerSpec::Relu)),
    ("leaky", Some(LayerSpec::LeakyRelu { negative_slope: 0.01 })),
    ("elu", Some(LayerSpec::Elu { alpha: 1.0 })),
    ("tanh", Some(LayerSpec::Tanh)),
    ("sigmoid", Some(LayerSpec::Sigmoid)),
    ("none", None),
];

/// `mixed` where hidden layers differ, and for activations without an id.
pub(super) const ACTIVATION: Field<&str> = Field {
    get: |s| {
        let mut all = s.network.layers.iter().filter(|layer| tricks::is_activation(layer)).copied();
        let first = all.next();
        let known = ACTIVATIONS.iter().find(|(_, activation)| *activation == first);
        let same = all.all(|activation| Some(activation) == first);
        Some(known.filter(|_| same).map_or("mixed", |(id, _)| id))
    },
    set: |s, id| {
        if let Some((_, activation)) = ACTIVATIONS.iter().find(|(known, _)| *known == id) {
            tricks::set_activation(&mut s.network.layers, *activation);
        }
    },
};

/// `mixed` where pooling layers differ.
pub(super) const POOLING: Field<&str> = Field {
    get: |s| {
        let id = |layer: &LayerSpec| match layer {
            LayerSpec::MaxPool2d { .. } => "max",
            LayerSpec::AvgPool2d { .. } => "average",
            _ => "subsample",
        };
        let mut all = s.network.layers.iter().filter(|layer| tricks::is_pooling(layer)).map(id);
        let first = all.next()?;
        Some(if all.all(|id| id == first) { first } else { "mixed" })
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
};

/// An optimizer brings the learning rate that suits it.
pub(super) const OPTIMIZER: Field<&str> = Field {
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
};

pub(super) const SCHEDULE_EPOCHS: Field<f64> = field_of_variant!(
    training.schedule,
    Schedule::Step { epochs, .. }
        | Schedule::Cosine { epochs }
        | Schedule::OneCycle { epochs }
        | Schedule::RangeTest { epochs } => epochs
);

pub(super) const SCHEDULE_FACTOR: Field<f64> =
    field_of_variant!(training.schedule, Schedule::Step { factor, .. } => factor);

pub(super) const STOP_EPOCHS: Field<f64> =
    field_of_variant!(training.stop, StopRule::Epoch { epochs } => epochs);

pub(super) const STOP_ACCURACY: Field<f64> =
    field_of_variant!(training.stop, StopRule::Accuracy { accuracy } => accuracy);

pub(super) const STOP_EVALUATIONS: Field<f64> =
    field_of_variant!(training.stop, StopRule::Patience { evaluations } => evaluations);

/// The training images that are used, from the first on.
pub(super) const IMAGES: Field<f64> = Field {
    get: |s| Some(s.training.subset.map_or(TRAIN_IMAGES as f64, f64::from)),
    set: |s, value| s.training.subset = (value < TRAIN_IMAGES as f64).then_some(value as u32),
};

/// Plain SGD has no momentum.
pub(super) const MOMENTUM: Field<f64> = Field {
    get: |s| match s.training.optimizer {
        Optimizer::Sgd { momentum, nesterov } if nesterov || momentum > 0.0 => Some(momentum.into()),
        _ => None,
    },
    set: |s, value| {
        if let Optimizer::Sgd { momentum, .. } = &mut s.training.optimizer {
            *momentum = value as f32;
        }
    },
};

pub(super) const BETA1: Field<f64> = field_of_variant!(
    training.optimizer,
    Optimizer::Adam { beta1, .. } | Optimizer::AdamW { beta1, .. } => beta1
);

pub(super) const BETA2: Field<f64> = field_of_variant!(
    training.optimizer,
    Optimizer::Adam { beta2, .. } | Optimizer::AdamW { beta2, .. } => beta2
);

pub(super) const EPS: Field<f64> = field_of_variant!(
    training.optimizer,
    Optimizer::Adam { eps, .. } | Optimizer::AdamW { eps, .. } => eps
);

/// The order of all pixels.
pub(super) const PIXEL_SHUFFLE: Field<bool> = Field {
    get: |s| Some(tricks::shuffles_pixels(&s.network.layers)),
    set: |s, on| tricks::set_pixel_shuffle(&mut s.network.layers, on),
};

pub(super) const BATCH_NORM: Field<bool> = Field {
    get: |s| Some(s.network.layers.contains(&LayerSpec::BatchNorm)),
    set: |s, on| tricks::set_batch_norm(&mut s.network.layers, on),
};

/// Dropout of half the units, as in the paper.
pub(super) const DROPOUT: Field<bool> = Field {
    get: |s| Some(tricks::dropout(&s.network.layers).is_some()),
    set: |s, on| tricks::set_dropout(&mut s.network.layers, on.then_some(0.5)),
};

pub(super) const DROPOUT_SHARE: Field<f64> = Field {
    get: |s| tricks::dropout(&s.network.layers).map(f64::from),
    set: |s, value| {
        for layer in &mut s.network.layers {
            if let LayerSpec::Dropout { p } = layer {
                *p = value as f32;
            }
        }
    },
};

/// Without a penalty there is nothing to penalise biases by.
pub(super) const PENALISE_BIASES: Field<bool> = Field {
    get: |s| {
        let penalty = s.training.penalty;
        (penalty.l1 > 0.0 || penalty.l2 > 0.0).then_some(penalty.biases)
    },
    set: |s, on| s.training.penalty.biases = on,
};

/// Set where weights begin otherwise, it makes them begin with this constant.
pub(super) const INITIAL_VALUE: Field<f64> = Field {
    get: |s| match s.training.initializer {
        Initializer::Constant { value } => Some(value.into()),
        _ => None,
    },
    set: |s, value| s.training.initializer = Initializer::Constant { value: value as f32 },
};

/// Set where weights begin otherwise, it makes their distribution normal.
pub(super) const INITIAL_STD: Field<f64> = Field {
    get: |s| match s.training.initializer {
        Initializer::Normal { std } => Some(std.into()),
        _ => None,
    },
    set: |s, value| s.training.initializer = Initializer::Normal { std: value as f32 },
};
