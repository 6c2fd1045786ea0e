//! Validation of the options in commands.

use crate::cursor::DataCursor;
use data::mnist::{CLASSES, IMAGE, SHARD_IMAGES};
use nn::memory;
use nn::spec::{LayerSpec, NetworkSpec, StopRule, TrainingSpec};
use nn::summary::LayerSummary;

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
    if !(0.0..=1.0).contains(&training.label_noise) {
        return Err("The share of wrong labels lies between 0 and 1.".into());
    }
    let stops = match training.stop {
        StopRule::Never => true,
        StopRule::Epoch { epochs } => epochs > 0.0,
        StopRule::Accuracy { accuracy } => (0.0..=1.0).contains(&accuracy),
        StopRule::Patience { evaluations } => evaluations >= 1.0,
    };
    if !stops {
        return Err(
            "Training can stop after some time, at an accuracy from 0 to 1, or after an evaluation or more."
                .into(),
        );
    }
    let layers = network.summary().map_err(|e| e.message)?;
    let classes = layers.last().map(|layer| layer.output.len());
    // Another shape of as many values would mix up rows and columns, on the GPU others than on the CPU.
    if network.input != IMAGE || classes != Some(CLASSES) {
        return Err("The network must take 28x28 images and end in 10 units.".into());
    }
    check_batch_norm(&layers, training)?;
    memory::check(network, training.batch_size, memory)
}

/// Checks that every batch normalisation gets at least two values of each channel in every batch: PyTorch
/// refuses a single one, too, which would always become 0.
fn check_batch_norm(layers: &[LayerSummary], training: &TrainingSpec) -> Result<(), String> {
    let is_single = |layer: &LayerSummary| layer.spec == LayerSpec::BatchNorm && layer.output.plane() == 1;
    let images = DataCursor::epoch_images(training);
    let batch = training.batch_size.min(images);
    let last = if images.is_multiple_of(batch) { batch } else { images % batch };
    if last > 1 || !layers.iter().any(is_single) {
        return Ok(());
    }
    let (why, what) = match (images, batch) {
        (1, _) => ("and there is only one".to_owned(), "Train on more images"),
        (_, 1) => ("and these batches have one".to_owned(), "Choose a larger batch size"),
        _ => (
            format!("and of {images} images in batches of {batch} one is left for the last batch"),
            "Choose another batch size",
        ),
    };
    Err(format!(
        "Batch normalisation compares the images of a batch, so it needs at least two, {why}. {what}, or \
         switch batch normalisation off."
    ))
}
