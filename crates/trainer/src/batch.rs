//! The images of a training step, and their augmentation.

use crate::cursor::{DataCursor, training_image};
use data::mnist::PIXELS;
use data::{DataSet, augment::augment};
use nn::network::pixels;
use nn::random::noisy_label;
use nn::spec::{Augmentation, TrainingSpec};
use std::ops::Range;

/// Consecutive samples of a batch, with everything that their input depends on.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    /// Index of the first of these samples in the whole batch.
    pub first: usize,
    /// Indices of the images in the data set; the augmentation depends on them.
    pub indices: Vec<u32>,
    /// Labels, `[sample]`.
    pub labels: Vec<u8>,
    /// Seed of the augmentation.
    pub seed: u32,
    /// Number of the epoch; the augmentation depends on it.
    pub epoch: u32,
    /// Strength of the augmentation.
    pub augmentation: Augmentation,
    /// Bytes of the images, `[sample][28][28]`.
    pub pixels: Vec<u8>,
}

impl Batch {
    /// Replaces its samples by the batch of `data` at `cursor`.
    pub fn gather(&mut self, data: &DataSet, cursor: DataCursor, spec: &TrainingSpec) {
        let (epoch, at) = (cursor.epoch, cursor.images_of_epoch as usize);
        let images = DataCursor::epoch_images(spec) as u32;
        (self.seed, self.epoch, self.augmentation) = (spec.seed, epoch, spec.augmentation);
        let samples = at..at + cursor.batch_size(spec);
        self.gather_images(data, samples.map(|i| training_image(spec.seed, epoch, i as u32, images)));
        if spec.label_noise > 0.0 {
            for (label, &image) in self.labels.iter_mut().zip(&self.indices) {
                *label = noisy_label(spec.seed, spec.label_noise, image, *label);
            }
        }
    }

    /// Replaces its samples by the images of `data` with these indices.
    pub fn gather_images(&mut self, data: &DataSet, indices: impl Iterator<Item = u32>) {
        self.first = 0;
        self.indices.clear();
        self.indices.extend(indices);
        self.labels.clear();
        self.labels.extend(self.indices.iter().map(|&i| data.labels[i as usize]));
        self.pixels.clear();
        self.indices.iter().for_each(|&i| self.pixels.extend_from_slice(data.image(i as usize)));
    }

    /// Bytes of images, counted from the first sample that this batch holds.
    pub(crate) fn images(&self, samples: Range<usize>) -> &[u8] {
        &self.pixels[samples.start * PIXELS..samples.end * PIXELS]
    }

    /// Writes the input of `sample`, counted in the whole batch: `[28][28]` pixels from 0 to 1, augmented.
    pub fn fill(&self, sample: usize, input: &mut [f32]) {
        let i = sample - self.first;
        let image = self.images(i..i + 1);
        if self.augmentation.is_off() {
            pixels(image, input);
        } else {
            augment(&self.augmentation, self.seed, self.epoch, self.indices[i], image, input);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use data::mnist::SIDE;
    use wasm_bindgen_test::wasm_bindgen_test;

    #[wasm_bindgen_test(unsupported = test)]
    fn a_share_of_the_labels_is_wrong_and_the_same_in_every_epoch() {
        let labels: Vec<u8> = (0..1_000).map(|i| (i % 10) as u8).collect();
        let data = DataSet { rows: SIDE, columns: SIDE, images: vec![0; 1_000 * PIXELS], labels };
        let labels = |label_noise, epoch| {
            let spec = TrainingSpec {
                label_noise,
                batch_size: 1_000,
                subset: Some(1_000),
                ..TrainingSpec::default()
            };
            let mut batch = Batch::default();
            batch.gather(&data, DataCursor { epoch, ..DataCursor::default() }, &spec);
            let mut labels = vec![0; 1_000];
            batch.indices.iter().zip(&batch.labels).for_each(|(at, label)| labels[*at as usize] = *label);
            labels
        };
        let wrong = |labels: &[u8]| labels.iter().zip(&data.labels).filter(|(a, b)| a != b).count();
        assert_eq!(labels(0.0, 0), data.labels);
        assert_eq!(wrong(&labels(1.0, 0)), 1_000);
        assert!((250..=350).contains(&wrong(&labels(0.3, 0))));
        assert_eq!(labels(0.3, 0), labels(0.3, 1), "another epoch");
    }
}
