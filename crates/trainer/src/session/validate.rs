//! Validation of the options in commands.

use data::mnist::{CLASSES, PIXELS, SHARD_IMAGES};
use nn::memory;
use nn::spec::{NetworkSpec, TrainingSpec};

/// Checks that a network can be trained with these options, in `memory` bytes.
///
/// # Errors
/// A sentence.
pub(super) fn check_config(
    network: &NetworkSpec,
    training: &TrainingSpec,
    memory: u64,
) -> Result<(), String> {
    if training.batch_size == 0 || training.batch_size > SHARD_IMAGES {
        return Err(format!("The batch size must be between 1 and {SHARD_IMAGES}."));
    }
    if training.subset == Some(0) {
        return Err("Training needs at least one image.".into());
    }
    if !(training.learning_rate.is_finite() && training.learning_rate >= 0.0) {
        return Err("The learning rate must be a number from 0 up.".into());
    }
    let layers = network.summary().map_err(|e| e.message)?;
    let classes = layers.last().map(|layer| layer.output.len());
    if network.input.len() != PIXELS || classes != Some(CLASSES) {
        return Err("The network must take 28x28 images and end in 10 units.".into());
    }
    memory::check(network, training.batch_size, memory)
}
