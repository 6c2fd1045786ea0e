//! The images of MNIST that have been downloaded.

use crate::cursor::DataCursor;
use crate::messages::{Images, Split};
use data::DataSet;
use data::mnist::{SIDE, TEST_IMAGES, TRAIN_IMAGES};
use nn::spec::TrainingSpec;

/// The downloaded images, from the first of each set on.
#[derive(Default)]
pub(super) struct Data {
    pub(super) train: DataSet,
    pub(super) test: DataSet,
}

impl Data {
    /// Appends images to a set. Returns how many it has now.
    ///
    /// # Errors
    /// A sentence, if they are not 28x28.
    pub(super) fn add(&mut self, split: Split, part: &DataSet) -> Result<usize, String> {
        let DataSet { rows, columns, .. } = *part;
        // Before memory for the whole set is reserved: a damaged file may announce images of any size.
        if [rows, columns] != [SIDE; 2] {
            return Err(format!("MNIST's images are 28 by 28 pixels, but these are {rows} by {columns}."));
        }
        let (set, total) = match split {
            Split::Train => (&mut self.train, TRAIN_IMAGES),
            Split::Test => (&mut self.test, TEST_IMAGES),
        };
        set.reserve_total(total, rows, columns);
        set.append(part).map_err(|e| e.to_string())?;
        Ok(set.len())
    }

    /// A set.
    pub(super) fn split(&self, split: Split) -> &DataSet {
        match split {
            Split::Train => &self.train,
            Split::Test => &self.test,
        }
    }

    /// Whether the images of the next batch are here.
    pub(super) fn has_batch(&self, cursor: DataCursor, spec: &TrainingSpec) -> bool {
        self.train.len() >= cursor.images_needed(spec)
    }

    /// Whether all test images are here.
    pub(super) fn test_set_is_complete(&self) -> bool {
        self.test.len() == TEST_IMAGES
    }

    /// The images of a set with these indices; those that are not here are left out.
    pub(super) fn images(&self, split: Split, mut indices: Vec<u32>) -> Images {
        let data = self.split(split);
        indices.retain(|index| (*index as usize) < data.len());
        let pixels = indices.iter().flat_map(|&i| data.image(i as usize)).copied().collect();
        Images { split, indices, pixels }
    }
}
