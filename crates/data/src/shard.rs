//! Shards: the files in which the page downloads a data set, so that training can begin after the first.
//!
//! A shard is the gzip of an IDX image file followed directly by an IDX label file. The browser's own
//! `DecompressionStream` unzips it and [`parse`] reads the result. `cargo xtask build` writes the shards and
//! their [`Manifest`], as JSON, into `mnist/`.

use serde::{Deserialize, Serialize};

use crate::idx::{self, IdxError};
use crate::set::{DataSet, no_rest};

/// Name of the manifest's file, in the folder of the shards.
pub const MANIFEST_FILE: &str = "manifest.json";

/// The list of all shards.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Shards of the training set, in order.
    pub train: Vec<ShardEntry>,
    /// Shards of the test set, in order.
    pub test: Vec<ShardEntry>,
}

/// One shard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShardEntry {
    /// File name, relative to the manifest. It contains a hash of the content, so that the file can be cached
    /// forever.
    pub file: String,
    /// Number of images.
    pub images: usize,
    /// Size of the file, in bytes.
    pub bytes: usize,
    /// Size of the unzipped content, in bytes.
    pub raw_bytes: usize,
}

impl Manifest {
    /// Size of all files, in bytes.
    pub fn total_bytes(&self) -> usize {
        self.train.iter().chain(&self.test).map(|shard| shard.bytes).sum()
    }

    /// Number of images in the training set.
    pub fn train_images(&self) -> usize {
        self.train.iter().map(|shard| shard.images).sum()
    }

    /// Number of images in the test set.
    pub fn test_images(&self) -> usize {
        self.test.iter().map(|shard| shard.images).sum()
    }
}

/// Reads an unzipped shard.
///
/// # Errors
/// As [`DataSet::from_idx`].
pub fn parse(bytes: &[u8]) -> Result<DataSet, IdxError> {
    let (images, rest) = idx::read_images(bytes)?;
    let (labels, rest) = idx::read_labels(rest)?;
    no_rest(rest)?;
    DataSet::from_parts(images, labels)
}

/// Writes images, `[count][rows][columns]`, and their labels as an unzipped shard, the inverse of [`parse`].
///
/// # Panics
/// If the pixels are not a whole number of images.
pub fn write(rows: usize, columns: usize, images: &[u8], labels: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(24 + images.len() + labels.len());
    idx::write_images(&mut bytes, rows, columns, images);
    idx::write_labels(&mut bytes, labels);
    bytes
}
