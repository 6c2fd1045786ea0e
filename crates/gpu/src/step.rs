//! What changes from step to step: everything else is fixed when the pipelines are made.

use bytemuck::{Pod, Zeroable};
use nn::optimizer::{adam_correction, learning_rate};
use nn::spec::{Optimizer, TrainingSpec};

/// The uniform of one step: the same as `Step` in `shaders/lib/common.wgsl`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Pod, Zeroable)]
#[repr(C)]
pub struct Step {
    seed: u32,
    number: u32,
    epoch: u32,
    first: u32,
    batch: u32,
    images: u32,
    slot: u32,
    optimizer: u32,
    rate: f32,
    momentum: f32,
    nesterov: f32,
    epsilon: f32,
    size: f32,
    root: f32,
    l1: f32,
    l2: f32,
    smoothing: f32,
    penalize_all: f32,
    rotation: f32,
    shift: f32,
    zoom: f32,
    shear: f32,
    elastic: f32,
    crop: f32,
}

/// Where a step is in the data.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Place {
    /// Number of the epoch.
    pub epoch: u32,
    /// Images in it.
    pub images: u32,
    /// The batch begins with this one.
    pub first: u32,
    /// Samples in the batch.
    pub batch: u32,
    /// Epochs before this step, with the fraction of the present one.
    pub epochs: f64,
}

impl Step {
    /// A training step, after `number` steps, of which `optimizer_steps` since the optimiser's memory was empty.
    pub fn training(spec: &TrainingSpec, place: Place, number: u64, optimizer_steps: u32) -> Self {
        let rate = learning_rate(spec, place.epochs);
        let mut step = Self {
            seed: spec.seed,
            number: number as u32,
            rate,
            l1: spec.penalty.l1,
            l2: spec.penalty.l2,
            smoothing: spec.label_smoothing,
            penalize_all: f32::from(u8::from(spec.penalty.biases)),
            rotation: spec.augmentation.rotation,
            shift: spec.augmentation.shift,
            zoom: spec.augmentation.zoom,
            shear: spec.augmentation.shear,
            elastic: spec.augmentation.elastic,
            crop: spec.augmentation.crop as f32,
            ..Self::measuring(place)
        };
        match spec.optimizer {
            Optimizer::Sgd { momentum, nesterov } => {
                (step.momentum, step.nesterov) = (momentum, f32::from(u8::from(nesterov)));
            }
            Optimizer::Adam { beta1, beta2, eps } | Optimizer::AdamW { beta1, beta2, eps } => {
                step.optimizer = if matches!(spec.optimizer, Optimizer::Adam { .. }) { 1 } else { 2 };
                (step.momentum, step.nesterov, step.epsilon) = (beta1, beta2, eps);
                (step.size, step.root) = adam_correction(beta1, beta2, rate, optimizer_steps + 1);
            }
        }
        step
    }

    /// A batch that is only measured.
    pub fn measuring(place: Place) -> Self {
        let Place { epoch, images, first, batch, .. } = place;
        Self { epoch, images, first, batch, ..Self::default() }
    }

    /// Whether its images are distorted at all.
    pub(crate) fn distorts(&self) -> bool {
        [self.rotation, self.shift, self.zoom, self.shear, self.elastic, self.crop].iter().any(|s| *s != 0.0)
    }

    /// The same, with its result in this slot of the ring.
    pub fn in_slot(self, slot: u32) -> Self {
        Self { slot, ..self }
    }
}
