//! The uniform of a step: everything that changes from step to step. All else is fixed when the pipelines are made.

use bytemuck::{Pod, Zeroable};
use nn::spec::{Optimizer, TrainingSpec};
use nn::train::optimizer::{adam_correction, learning_rate};

/// The uniform of one step, laid out as `Step` in `shaders/lib/common.wgsl`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Pod, Zeroable)]
#[repr(C)]
pub struct Step {
    pub(crate) seed: u32,
    pub(crate) number: u32,
    pub(crate) epoch: u32,
    pub(crate) first: u32,
    pub(crate) batch_size: u32,
    pub(crate) epoch_images: u32,
    pub(crate) slot: u32,
    pub(crate) optimizer: u32,
    pub(crate) learning_rate: f32,
    pub(crate) momentum_or_beta1: f32,
    pub(crate) nesterov_or_beta2: f32,
    pub(crate) eps: f32,
    pub(crate) step_size: f32,
    pub(crate) root_correction: f32,
    pub(crate) l1: f32,
    pub(crate) l2: f32,
    pub(crate) label_smoothing: f32,
    pub(crate) label_noise: f32,
    pub(crate) penalize_all: f32,
    pub(crate) rotation: f32,
    pub(crate) shift: f32,
    pub(crate) zoom: f32,
    pub(crate) shear: f32,
    pub(crate) elastic: f32,
    pub(crate) crop: f32,
}

/// Values of `Step::optimizer`.
pub(crate) const SGD: u32 = 0;
pub(crate) const ADAM: u32 = 1;
pub(crate) const ADAM_W: u32 = 2;

/// The images of one batch, and the learning rate's place in its schedule.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct BatchRange {
    /// Number of the epoch, from 0. Each epoch has an order and distortions of its own.
    pub epoch: u32,
    /// Images in an epoch.
    pub epoch_images: u32,
    /// Position of the batch's first image in the order of the epoch.
    pub first: u32,
    /// Images in the batch.
    pub len: u32,
    /// Epochs before this step, with the fraction of the present one: the schedule's argument.
    pub epochs: f64,
}

impl Step {
    /// A training step on `batch`, after `number` steps, of which `optimizer_steps` since the optimiser's state was empty.
    pub fn training(spec: &TrainingSpec, batch: BatchRange, number: u64, optimizer_steps: u32) -> Self {
        let rate = learning_rate(spec, batch.epochs);
        let mut step = Self {
            seed: spec.seed,
            number: number as u32,
            learning_rate: rate,
            l1: spec.penalty.l1,
            l2: spec.penalty.l2,
            label_smoothing: spec.label_smoothing,
            label_noise: spec.label_noise,
            penalize_all: f32::from(u8::from(spec.penalty.biases)),
            rotation: spec.augmentation.rotation,
            shift: spec.augmentation.shift,
            zoom: spec.augmentation.zoom,
            shear: spec.augmentation.shear,
            elastic: spec.augmentation.elastic,
            crop: spec.augmentation.crop as f32,
            ..Self::evaluation(batch)
        };
        match spec.optimizer {
            Optimizer::Sgd { momentum, nesterov } => {
                step.optimizer = SGD;
                step.momentum_or_beta1 = momentum;
                step.nesterov_or_beta2 = f32::from(u8::from(nesterov));
            }
            Optimizer::Adam { beta1, beta2, eps } | Optimizer::AdamW { beta1, beta2, eps } => {
                let adam = matches!(spec.optimizer, Optimizer::Adam { .. });
                step.optimizer = if adam { ADAM } else { ADAM_W };
                (step.momentum_or_beta1, step.nesterov_or_beta2, step.eps) = (beta1, beta2, eps);
                (step.step_size, step.root_correction) =
                    adam_correction(beta1, beta2, rate, optimizer_steps + 1);
            }
        }
        step
    }

    /// A batch of the test set, which is only evaluated.
    pub fn evaluation(batch: BatchRange) -> Self {
        let BatchRange { epoch, epoch_images, first, len, .. } = batch;
        Self { epoch, epoch_images, first, batch_size: len, ..Self::default() }
    }

    /// Whether its images are distorted at all.
    pub(crate) fn distorts(&self) -> bool {
        [self.rotation, self.shift, self.zoom, self.shear, self.elastic, self.crop].iter().any(|s| *s != 0.0)
    }

    /// The same step, with its result in this slot of the results.
    pub fn in_slot(self, slot: u32) -> Self {
        Self { slot, ..self }
    }
}
