//! The images of a training step: which they are, and how they are distorted.

use data::{DataSet, augment::augment};
use nn::network::pixels;
use nn::random::{Stream, permute};
use nn::spec::{Augmentation, TrainingSpec};
use std::ops::Range;

/// Training images in MNIST.
pub const TRAIN_IMAGES: usize = 60_000;
/// The first epoch shuffles within so many images: what a shard holds. Training can so begin with the first shard,
/// and still sees the same batches however fast the download is.
pub const WINDOW: usize = 5_000;
/// Bytes of an image.
pub const PIXELS: usize = 28 * 28;

/// A stretch of a batch, with all that is needed to make the network's input of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    /// Number of the first image in the whole batch.
    pub first: usize,
    /// Numbers of the images in the data set: they choose the distortion.
    pub indices: Vec<u32>,
    /// Their labels.
    pub labels: Vec<u8>,
    /// Seed of the distortions.
    pub seed: u32,
    /// Number of the epoch: each distorts anew.
    pub epoch: u32,
    /// How much is distorted.
    pub augmentation: Augmentation,
    /// The images, [`PIXELS`] bytes each.
    pub pixels: Vec<u8>,
}

/// Where training is in the data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Training images used since the reset.
    pub seen: u64,
}

impl Place {
    /// Images in an epoch: the training set, or the part of it that is to be used.
    pub fn epoch_images(spec: &TrainingSpec) -> usize {
        spec.subset.map_or(TRAIN_IMAGES, |n| (n as usize).min(TRAIN_IMAGES))
    }

    /// Epochs since the reset.
    pub fn epochs(self, spec: &TrainingSpec) -> f64 {
        self.seen as f64 / Self::epoch_images(spec) as f64
    }

    /// Number of the epoch, and how many of its images were used.
    fn in_epoch(self, spec: &TrainingSpec) -> (u32, usize) {
        let images = Self::epoch_images(spec) as u64;
        ((self.seen / images) as u32, (self.seen % images) as usize)
    }

    /// The same for the kernels of a GPU.
    pub fn on_gpu(self, spec: &TrainingSpec) -> gpu::BatchRange {
        let (epoch, first) = self.in_epoch(spec);
        gpu::BatchRange {
            epoch,
            epoch_images: Self::epoch_images(spec) as u32,
            first: first as u32,
            len: self.batch_size(spec) as u32,
            epochs: self.epochs(spec),
        }
    }

    /// Images of the next batch: an epoch's last one may be smaller.
    pub fn batch_size(self, spec: &TrainingSpec) -> usize {
        spec.batch_size.min(Self::epoch_images(spec) - self.in_epoch(spec).1)
    }

    /// How many images of the training set, from the first on, must be here for the next batch.
    pub fn images_needed(self, spec: &TrainingSpec) -> usize {
        let (epoch, at) = self.in_epoch(spec);
        let needed =
            if epoch == 0 { (at + self.batch_size(spec)).next_multiple_of(WINDOW) } else { TRAIN_IMAGES };
        needed.min(Self::epoch_images(spec))
    }
}

impl Batch {
    /// Fills it with the next batch of `data`.
    pub fn gather(&mut self, data: &DataSet, place: Place, spec: &TrainingSpec) {
        let (epoch, at) = place.in_epoch(spec);
        let images = Place::epoch_images(spec) as u32;
        (self.seed, self.epoch, self.augmentation) = (spec.seed, epoch, spec.augmentation);
        let numbers = at..at + place.batch_size(spec);
        self.gather_images(data, numbers.map(|i| training_image(spec.seed, epoch, i as u32, images)));
    }

    /// Fills it with these images of `data`.
    pub fn gather_images(&mut self, data: &DataSet, indices: impl Iterator<Item = u32>) {
        self.first = 0;
        self.indices.clear();
        self.indices.extend(indices);
        self.labels.clear();
        self.labels.extend(self.indices.iter().map(|&i| data.labels[i as usize]));
        self.pixels.clear();
        self.indices.iter().for_each(|&i| self.pixels.extend_from_slice(data.image(i as usize)));
    }

    /// The bytes of some images, counted from the first that is here.
    pub(crate) fn images(&self, samples: Range<usize>) -> &[u8] {
        &self.pixels[samples.start * PIXELS..samples.end * PIXELS]
    }

    /// Writes number `sample` of the whole batch as the network's input.
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

/// The `at`-th image that `epoch` trains on, of the first `images`.
pub fn training_image(seed: u32, epoch: u32, at: u32, images: u32) -> u32 {
    let window = if epoch == 0 { WINDOW as u32 } else { images };
    let first = at / window * window;
    let size = window.min(images - first);
    first + permute(seed.wrapping_add(first), Stream::Shuffle, epoch, size, at - first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_epoch_shows_every_image_once_and_the_first_shard_by_shard() {
        for (epoch, images) in [(0, 60_000), (1, 60_000), (0, 7_300), (3, 50)] {
            let mut order: Vec<u32> = (0..images).map(|at| training_image(9, epoch, at, images)).collect();
            if epoch == 0 {
                let windows = order.chunks(WINDOW).enumerate();
                for (window, numbers) in windows {
                    assert!(numbers.iter().all(|n| *n as usize / WINDOW == window));
                }
            }
            order.sort_unstable();
            assert!(order.into_iter().eq(0..images));
        }
    }

    #[test]
    fn training_waits_for_no_more_than_it_needs() {
        let needed = |seen, spec: &TrainingSpec| Place { seen }.images_needed(spec);
        let all = TrainingSpec::default();
        assert_eq!(
            [0, 4_936, 4_937, 59_999, 60_000].map(|s| needed(s, &all)),
            [5_000, 5_000, 10_000, 60_000, 60_000]
        );
        let few = TrainingSpec { subset: Some(1_000), ..all };
        assert_eq!([0, 960, 1_000].map(|s| needed(s, &few)), [1_000; 3]);
        assert_eq!(Place { seen: 960 }.batch_size(&few), 40);
    }
}
