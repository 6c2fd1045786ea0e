//! What comes to the session from outside, checked before it is taken.

use crate::batch::{PIXELS, WINDOW};
use data::DataSet;
use nn::spec::{NetworkSpec, TrainingSpec};

/// Whether this can be trained here.
pub(super) fn check(network: &NetworkSpec, training: &TrainingSpec) -> Result<(), String> {
    if training.batch_size == 0 || training.batch_size > WINDOW {
        return Err(format!("The batch size must be between 1 and {WINDOW}."));
    }
    if training.subset == Some(0) {
        return Err("Training needs at least one image.".into());
    }
    if !(training.learning_rate.is_finite() && training.learning_rate >= 0.0) {
        return Err("The learning rate must be a number from 0 up.".into());
    }
    let layers = network.summary().map_err(|e| e.message)?;
    let classes = layers.last().map(|layer| layer.output.len());
    if network.input.len() != PIXELS || classes != Some(data::mnist::CLASSES) {
        return Err("The network must take 28x28 images and end in 10 units.".into());
    }
    Ok(())
}

/// Adds images to a set that will hold `total` of them; gives how many it holds now.
pub(super) fn add(set: &mut DataSet, part: &DataSet, total: usize) -> Result<usize, String> {
    let DataSet { rows, columns, .. } = *part;
    // Before there is room for all of them: a damaged file may announce images of any size.
    if [rows, columns] != [28, 28] {
        return Err(format!("MNIST's images are 28 by 28 pixels, but these are {rows} by {columns}."));
    }
    set.reserve_total(total, rows, columns);
    set.append(part).map_err(|e| e.to_string())?;
    Ok(set.len())
}
