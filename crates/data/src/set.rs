//! A data set in memory: images and labels as bytes, in the order of their files.

use crate::idx::{self, IdxError};
use nn::mnist::CLASSES;

/// Images and their labels. [`DataSet::append`] adds shards as they arrive.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DataSet {
    /// Height of each image; 0 while the set is empty.
    pub rows: usize,
    /// Width of each image; 0 while the set is empty.
    pub columns: usize,
    /// `[len][rows][columns]`, 0 = background, 255 = ink.
    pub images: Vec<u8>,
    /// The class of each image, below [`CLASSES`].
    pub labels: Vec<u8>,
}

impl DataSet {
    /// Reads a pair of IDX files.
    ///
    /// # Errors
    /// If a file is not valid or bytes follow its end, if the files differ in their number of items, or if a
    /// label is not below [`CLASSES`].
    pub fn from_idx(images: &[u8], labels: &[u8]) -> Result<DataSet, IdxError> {
        let (images, rest) = idx::read_images(images)?;
        no_rest(rest)?;
        let (labels, rest) = idx::read_labels(labels)?;
        no_rest(rest)?;
        DataSet::from_parts(images, labels)
    }

    /// Joins images and labels, and checks their number and the labels' range.
    pub(crate) fn from_parts(images: idx::Images<'_>, labels: &[u8]) -> Result<DataSet, IdxError> {
        if images.count != labels.len() {
            return Err(IdxError::CountMismatch { images: images.count, labels: labels.len() });
        }
        if let Some(index) = labels.iter().position(|&label| usize::from(label) >= CLASSES) {
            return Err(IdxError::LabelOutOfRange { index, label: labels[index] });
        }
        Ok(DataSet {
            rows: images.rows,
            columns: images.columns,
            images: images.pixels.to_vec(),
            labels: labels.to_vec(),
        })
    }

    /// Number of images.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there are no images yet.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// The pixels of an image, `[row][column]`.
    ///
    /// # Panics
    /// If `index` is not below the number of images.
    pub fn image(&self, index: usize) -> &[u8] {
        let size = self.rows * self.columns;
        &self.images[index * size..(index + 1) * size]
    }

    /// Reserves memory for `count` images in total, so that appending does not reallocate.
    pub fn reserve_total(&mut self, count: usize, rows: usize, columns: usize) {
        self.images.reserve((count * rows * columns).saturating_sub(self.images.len()));
        self.labels.reserve(count.saturating_sub(self.labels.len()));
    }

    /// Appends the images of `part`.
    ///
    /// # Errors
    /// If the images differ in size; nothing has changed then.
    pub fn append(&mut self, part: &DataSet) -> Result<(), IdxError> {
        if part.is_empty() {
            return Ok(());
        }
        if self.is_empty() {
            (self.rows, self.columns) = (part.rows, part.columns);
        } else if (self.rows, self.columns) != (part.rows, part.columns) {
            return Err(IdxError::SizeMismatch {
                expected: (self.rows, self.columns),
                found: (part.rows, part.columns),
            });
        }
        self.images.extend_from_slice(&part.images);
        self.labels.extend_from_slice(&part.labels);
        Ok(())
    }
}

/// Refuses bytes after the end of the data.
pub(crate) fn no_rest(rest: &[u8]) -> Result<(), IdxError> {
    if rest.is_empty() { Ok(()) } else { Err(IdxError::TrailingBytes(rest.len())) }
}
