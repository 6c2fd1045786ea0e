//! The position of a training in the data: which images come next, and when the test set is evaluated.

use data::mnist::{SHARD_IMAGES, TRAIN_IMAGES};
use nn::random::{Stream, permute};
use nn::spec::TrainingSpec;
use serde::{Deserialize, Serialize};

/// The position of a training in the data.
///
/// ```
/// use nn::spec::TrainingSpec;
/// use trainer::cursor::DataCursor;
///
/// let spec = TrainingSpec { subset: Some(1_000), batch_size: 64, ..TrainingSpec::default() };
/// let cursor = DataCursor { images_seen: 960 };
/// assert_eq!(cursor.epochs(&spec), 0.96);
/// assert_eq!(cursor.batch_size(&spec), 40);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataCursor {
    /// Training images used since the reset.
    pub images_seen: u64,
}

impl DataCursor {
    /// Images in an epoch: the training set, or the subset of it that is used.
    pub fn epoch_images(spec: &TrainingSpec) -> usize {
        spec.subset.map_or(TRAIN_IMAGES, |n| (n as usize).min(TRAIN_IMAGES))
    }

    /// Epochs since the reset, with a fraction.
    pub fn epochs(self, spec: &TrainingSpec) -> f64 {
        self.images_seen as f64 / Self::epoch_images(spec) as f64
    }

    /// Number of the epoch, and how many of its images were used.
    pub(crate) fn in_epoch(self, spec: &TrainingSpec) -> (u32, usize) {
        let images = Self::epoch_images(spec) as u64;
        ((self.images_seen / images) as u32, (self.images_seen % images) as usize)
    }

    /// The next batch as the GPU's kernels take it.
    pub fn batch_range(self, spec: &TrainingSpec) -> gpu::BatchRange {
        let (epoch, first) = self.in_epoch(spec);
        gpu::BatchRange {
            epoch,
            epoch_images: Self::epoch_images(spec) as u32,
            first: first as u32,
            len: self.batch_size(spec) as u32,
            epochs: self.epochs(spec),
        }
    }

    /// Images in the next batch. The last batch of an epoch may be smaller than the others.
    pub fn batch_size(self, spec: &TrainingSpec) -> usize {
        spec.batch_size.min(Self::epoch_images(spec) - self.in_epoch(spec).1)
    }

    /// Moves past the next batch.
    pub(crate) fn advance(&mut self, spec: &TrainingSpec) {
        self.images_seen += self.batch_size(spec) as u64;
    }

    /// The smallest number of training images, from the first on, that must be downloaded for the next batch.
    pub fn images_needed(self, spec: &TrainingSpec) -> usize {
        let (epoch, at) = self.in_epoch(spec);
        let needed = if epoch == 0 {
            (at + self.batch_size(spec)).next_multiple_of(SHARD_IMAGES)
        } else {
            TRAIN_IMAGES
        };
        needed.min(Self::epoch_images(spec))
    }

    /// Evaluations that are due up to here: two in each epoch (an evaluation costs about a third of training,
    /// image by image) but at most one every 3,000 images, and more in the first epoch, while the curve
    /// moves.
    pub(crate) fn evaluations_due(self, spec: &TrainingSpec) -> usize {
        const EARLY: [u64; 4] = [3_000, 7_500, 15_000, 45_000];
        let regular = (Self::epoch_images(spec) as u64 / 2).max(3_000);
        let early = EARLY.iter().filter(|&&at| self.images_seen >= at).count();
        early + (self.images_seen / regular) as usize
    }
}

/// The index of the `at`-th image that `epoch` trains on, out of the first `images` of the training set.
///
/// Every epoch is a permutation. The first one shuffles only within windows of a shard (5,000 images), so
/// that training can begin with the first shard, and sees the same batches however fast the download is.
pub fn training_image(seed: u32, epoch: u32, at: u32, images: u32) -> u32 {
    let window = if epoch == 0 { SHARD_IMAGES as u32 } else { images };
    let first = at / window * window;
    let size = window.min(images - first);
    first + permute(seed.wrapping_add(first), Stream::Shuffle, epoch, size, at - first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_epoch_is_a_permutation_and_the_first_one_goes_shard_by_shard() {
        for (epoch, images) in [(0, 60_000), (1, 60_000), (0, 7_300), (3, 50)] {
            let mut order: Vec<u32> = (0..images).map(|at| training_image(9, epoch, at, images)).collect();
            if epoch == 0 {
                for (shard, indices) in order.chunks(SHARD_IMAGES).enumerate() {
                    assert!(indices.iter().all(|index| *index as usize / SHARD_IMAGES == shard));
                }
            }
            order.sort_unstable();
            assert!(order.into_iter().eq(0..images));
        }
    }

    #[test]
    fn a_batch_needs_no_more_shards_than_its_images_lie_in() {
        let needed = |images_seen, spec: &TrainingSpec| DataCursor { images_seen }.images_needed(spec);
        let all = TrainingSpec::default();
        assert_eq!(
            [0, 4_936, 4_937, 59_999, 60_000].map(|seen| needed(seen, &all)),
            [5_000, 5_000, 10_000, 60_000, 60_000]
        );
        let few = TrainingSpec { subset: Some(1_000), ..all };
        assert_eq!([0, 960, 1_000].map(|seen| needed(seen, &few)), [1_000; 3]);
        assert_eq!(DataCursor { images_seen: 960 }.batch_size(&few), 40);
    }
}
