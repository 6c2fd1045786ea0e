//! Shards: the pieces in which the page downloads a data set, so that training can begin with the first.
//!
//! A shard is the gzip of an IDX image file followed directly by an IDX label file. The browser's own
//! `DecompressionStream` unzips it and [`parse`] reads the rest. `cargo xtask build` writes the shards and their
//! [`Manifest`], as JSON, into `mnist/`.

use serde::{Deserialize, Serialize};

use crate::idx::{self, IdxError};
use crate::set::{DataSet, no_rest};

/// Name of the manifest's file, beside the shards.
pub const MANIFEST_FILE: &str = "manifest.json";

/// The list of all shards: what there is to download.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The training set, in order.
    pub train: Vec<ShardEntry>,
    /// The test set, in order.
    pub test: Vec<ShardEntry>,
}

/// One shard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShardEntry {
    /// File name, relative to the manifest. It holds a hash of the content, so it can be cached for ever.
    pub file: String,
    /// Images in it.
    pub images: usize,
    /// Size of the file: what is downloaded.
    pub bytes: usize,
    /// Size once unzipped.
    pub raw_bytes: usize,
}

impl Manifest {
    /// Bytes to download for everything.
    pub fn total_bytes(&self) -> usize {
        self.train.iter().chain(&self.test).map(|shard| shard.bytes).sum()
    }

    /// Images in the training set.
    pub fn train_images(&self) -> usize {
        self.train.iter().map(|shard| shard.images).sum()
    }

    /// Images in the test set.
    pub fn test_images(&self) -> usize {
        self.test.iter().map(|shard| shard.images).sum()
    }
}

/// Reads an unzipped shard.
pub fn parse(bytes: &[u8]) -> Result<DataSet, IdxError> {
    let (images, rest) = idx::read_images(bytes)?;
    let (labels, rest) = idx::read_labels(rest)?;
    no_rest(rest)?;
    DataSet::from_parts(images, labels)
}

/// Writes images and their labels as an unzipped shard: what [`parse`] reads.
///
/// # Panics
/// If the pixels are not a whole number of images.
pub fn write(rows: usize, columns: usize, images: &[u8], labels: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(24 + images.len() + labels.len());
    idx::write_images(&mut bytes, rows, columns, images);
    idx::write_labels(&mut bytes, labels);
    bytes
}
