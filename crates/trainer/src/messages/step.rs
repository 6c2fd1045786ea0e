//! One step of training, image by image.

use nn::inspect::step_scores::SampleScore;
use nn::inspect::weight_changes::WeightChange;
use serde::{Deserialize, Serialize};

/// The images of a [`StepReport`], at most.
pub const REPORTED_IMAGES: usize = 64;

/// A step of training on one batch.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StepReport {
    /// Number of the step, from 1: the steps taken with it.
    pub step: u64,
    /// Images in the batch.
    pub images: usize,
    /// Those of them whose label the network gave the largest logit.
    pub correct: usize,
    /// The loss of the step: the mean cross-entropy of all images, in nats.
    pub loss: f32,
    /// The images with the largest losses, the largest one first; [`REPORTED_IMAGES`] at most.
    pub samples: Vec<StepSample>,
    /// Their pixels as the network got them, augmented: `[sample][28][28]`, from 0 (background) to 255 (ink).
    pub pixels: Vec<u8>,
    /// How far the step moved the weights of each layer that has some.
    pub changes: Vec<WeightChange>,
}

/// An image of a step.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepSample {
    /// Its index in the training set.
    pub index: u32,
    /// The label that it was trained with, which may be a wrong one ([`TrainingSpec::label_noise`](nn::spec::TrainingSpec)).
    pub label: u8,
    /// How the network read it before the step.
    pub score: SampleScore,
}
