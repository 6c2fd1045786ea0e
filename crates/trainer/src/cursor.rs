//! The position of a training in the data: which images come next, and when the test set is evaluated.

use data::mnist::{SHARD_IMAGES, TRAIN_IMAGES};
use nn::random::{Stream, permute};
use nn::spec::{Schedule, StopRule, TrainingSpec};
use serde::{Deserialize, Serialize};

/// The position of a training in the data.
///
/// Epochs are passes over the images that are used, so the number of epochs grows faster after the subset
/// was made smaller. It never jumps: a change of the subset keeps the epoch and the share of it that is done.
///
/// ```
/// use nn::spec::TrainingSpec;
/// use trainer::cursor::DataCursor;
///
/// let spec = TrainingSpec { subset: Some(100), batch_size: 64, ..TrainingSpec::default() };
/// let mut cursor = DataCursor::default();
/// cursor.advance(&spec);
/// assert_eq!((cursor.epochs(&spec), cursor.batch_size(&spec)), (0.64, 36));
/// let fewer = TrainingSpec { subset: Some(50), ..spec.clone() };
/// cursor.change_subset(&spec, &fewer);
/// assert_eq!((cursor.epochs(&fewer), cursor.batch_size(&fewer)), (0.64, 18));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataCursor {
    /// Training images used since the reset.
    pub images_seen: u64,
    /// Epochs that are finished.
    #[serde(default)]
    pub epoch: u32,
    /// Images of the present epoch that were used; less than it has.
    #[serde(default)]
    pub images_of_epoch: u32,
}

impl DataCursor {
    /// Images in an epoch: the training set, or the subset of it that is used.
    pub fn epoch_images(spec: &TrainingSpec) -> usize {
        spec.subset.map_or(TRAIN_IMAGES, |n| (n as usize).min(TRAIN_IMAGES))
    }

    /// Epochs since the reset, with a fraction.
    pub fn epochs(self, spec: &TrainingSpec) -> f64 {
        f64::from(self.epoch) + f64::from(self.images_of_epoch) / Self::epoch_images(spec) as f64
    }

    /// The argument of the schedule of the learning rate: images used since the reset, in units of the whole
    /// training set. A schedule takes as many steps with few images as with all of them. In epochs of 50
    /// images, which are one step each, the rate would fall to nothing before anything is learned.
    pub fn schedule_epochs(self) -> f64 {
        self.images_seen as f64 / TRAIN_IMAGES as f64
    }

    /// The next batch as the GPU's kernels take it.
    pub fn batch_range(self, spec: &TrainingSpec) -> gpu::BatchRange {
        gpu::BatchRange {
            epoch: self.epoch,
            epoch_images: Self::epoch_images(spec) as u32,
            first: self.images_of_epoch,
            len: self.batch_size(spec) as u32,
            epochs: self.schedule_epochs(),
        }
    }

    /// Images in the next batch. The last batch of an epoch may be smaller than the others.
    pub fn batch_size(self, spec: &TrainingSpec) -> usize {
        spec.batch_size.min(Self::epoch_images(spec) - self.images_of_epoch as usize)
    }

    /// Moves past the next batch.
    pub fn advance(&mut self, spec: &TrainingSpec) {
        let images = self.batch_size(spec);
        self.images_seen += images as u64;
        self.images_of_epoch += images as u32;
        self.end_epoch(spec);
    }

    /// Moves to the same share of the same epoch in another subset, rounded up to a whole image.
    pub fn change_subset(&mut self, from: &TrainingSpec, to: &TrainingSpec) {
        let [from, images] = [from, to].map(|spec| Self::epoch_images(spec) as u64);
        self.images_of_epoch = (u64::from(self.images_of_epoch) * images).div_ceil(from) as u32;
        self.end_epoch(to);
    }

    fn end_epoch(&mut self, spec: &TrainingSpec) {
        if self.images_of_epoch as usize >= Self::epoch_images(spec) {
            (self.epoch, self.images_of_epoch) = (self.epoch + 1, 0);
        }
    }

    /// Whether a batch that ends at `next` completes a point of a range test's curve, a hundred of which it has; `None` where no range
    /// test is under way.
    pub(crate) fn completes_point(self, next: Self, spec: &TrainingSpec) -> Option<bool> {
        const POINTS: f64 = 100.0;
        let Schedule::RangeTest { epochs } = spec.schedule else { return None };
        // 0.1 in single precision is more than in double precision.
        let points = |cursor: Self| (POINTS * cursor.schedule_epochs() / f64::from(epochs) + 1e-5).floor();
        (points(self) < POINTS).then(|| points(next) > points(self))
    }

    /// Steps from here until at least `epochs` epochs are trained.
    pub fn steps_until(mut self, epochs: f64, spec: &TrainingSpec) -> u64 {
        let mut steps = 0;
        while self.epochs(spec) < epochs {
            self.advance(spec);
            steps += 1;
        }
        steps
    }

    /// The smallest number of training images, from the first on, that must be downloaded for the next batch.
    pub fn images_needed(self, spec: &TrainingSpec) -> usize {
        let needed = if self.epoch == 0 {
            (self.images_of_epoch as usize + self.batch_size(spec)).next_multiple_of(SHARD_IMAGES)
        } else {
            TRAIN_IMAGES
        };
        needed.min(Self::epoch_images(spec))
    }

    /// Evaluations that are due up to here: two in each epoch (an evaluation costs about a third of training,
    /// image by image) but at most one every 3,000 images, and more in the first epoch, while the curve
    /// moves; and one where training is to stop.
    pub(crate) fn evaluations_due(self, spec: &TrainingSpec) -> usize {
        const EARLY: [u64; 4] = [3_000, 7_500, 15_000, 45_000];
        let regular = (Self::epoch_images(spec) as u64 / 2).max(3_000);
        let early = EARLY.iter().filter(|&&at| self.images_seen >= at).count();
        // As the epoch is written: 0.1 in single precision is more than in double precision.
        let last = matches!(spec.stop, StopRule::Epoch { epochs } if self.epochs(spec) as f32 >= epochs);
        early + (self.images_seen / regular) as usize + usize::from(last)
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
        let needed = |epoch, images_of_epoch, spec: &TrainingSpec| {
            DataCursor { epoch, images_of_epoch, ..DataCursor::default() }.images_needed(spec)
        };
        let all = TrainingSpec::default();
        assert_eq!(
            [(0, 0), (0, 4_936), (0, 4_937), (0, 59_999), (1, 0)].map(|(e, at)| needed(e, at, &all)),
            [5_000, 5_000, 10_000, 60_000, 60_000]
        );
        let few = TrainingSpec { subset: Some(1_000), ..all };
        assert_eq!([(0, 0), (0, 960), (1, 0)].map(|(e, at)| needed(e, at, &few)), [1_000; 3]);
    }

    fn spec(subset: Option<u32>, batch_size: usize) -> TrainingSpec {
        TrainingSpec { subset, batch_size, ..TrainingSpec::default() }
    }

    #[test]
    fn epochs_never_jump_when_the_subset_changes() {
        let subsets = [None, Some(5_000), Some(50), Some(1), Some(7_300), Some(63), None, Some(2)];
        let (mut cursor, mut now) = (DataCursor::default(), spec(None, 64));
        for round in 0..200 {
            let before = cursor.epochs(&now);
            let next = spec(subsets[round * 5 % subsets.len()], 1 + round * 7 % 100);
            cursor.change_subset(&now, &next);
            let after = cursor.epochs(&next);
            let image = 1.0 / DataCursor::epoch_images(&next) as f64;
            assert!((0.0..image).contains(&(after - before)), "round {round}: from {before} to {after}");
            for _ in 0..round % 4 {
                let (before, seen, images) = (cursor, cursor.images_seen, cursor.batch_size(&next));
                assert!(images > 0);
                cursor.advance(&next);
                assert_eq!(cursor.images_seen, seen + images as u64);
                let epochs = cursor.epochs(&next) - before.epochs(&next);
                assert!((epochs - images as f64 * image).abs() < 1e-9, "{before:?}, {cursor:?}");
            }
            now = next;
        }
    }

    #[test]
    fn an_epoch_ends_with_a_smaller_batch_and_steps_are_counted() {
        let few = spec(Some(100), 64);
        let mut cursor = DataCursor::default();
        let sizes: Vec<usize> = (0..4)
            .map(|_| {
                let size = cursor.batch_size(&few);
                cursor.advance(&few);
                size
            })
            .collect();
        assert_eq!((sizes, cursor.epochs(&few)), (vec![64, 36, 64, 36], 2.0));
        assert_eq!((cursor.steps_until(5.0, &few), cursor.steps_until(2.0, &few)), (6, 0));
        assert_eq!(cursor.steps_until(2.5, &few), 1);
        let start = DataCursor::default();
        assert_eq!(start.steps_until(10.0, &spec(Some(50), 64)), 10);
        assert_eq!(start.steps_until(1.0, &spec(None, 64)), 938);
        assert_eq!(start.steps_until(3.0, &spec(Some(1), 64)), 3, "one image");
    }

    #[test]
    fn a_schedule_counts_images_and_not_passes_over_the_subset() {
        let (many, few) = (spec(Some(5_000), 64), spec(Some(50), 64));
        let mut cursor = DataCursor::default();
        (0..cursor.steps_until(2.0, &many)).for_each(|_| cursor.advance(&many));
        assert_eq!(cursor.schedule_epochs(), 10_000.0 / 60_000.0);
        cursor.change_subset(&many, &few);
        (0..20).for_each(|_| cursor.advance(&few));
        assert_eq!((cursor.epochs(&few), cursor.schedule_epochs()), (22.0, 11_000.0 / 60_000.0));
    }
}
