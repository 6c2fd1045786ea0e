//! Shards: the files in which the page downloads a data set, so that training can begin after the first.
//!
//! A shard is the gzip of an IDX image file followed directly by an IDX label file. The browser's own
//! `DecompressionStream` unzips it and [`parse`] reads the result. `cargo xtask build` writes the shards and
//! their [`Manifest`], as JSON, into `mnist/`.

use serde::{Deserialize, Serialize};

use sha2::{Digest, Sha256};

use crate::idx::{self, IdxError};
use crate::set::{DataSet, no_rest};
use nn::mnist::{PIXELS, TEST_IMAGES, TRAIN_IMAGES};

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

    /// Checks that the list is one of MNIST, so that it is known before anything is downloaded.
    ///
    /// # Errors
    /// A sentence.
    pub fn check(&self) -> Result<(), String> {
        let [train, test] = [&self.train, &self.test]
            .map(|shards| shards.iter().fold(0_usize, |images, shard| images.saturating_add(shard.images)));
        if [train, test] != [TRAIN_IMAGES, TEST_IMAGES] {
            return Err(format!(
                "The list of MNIST's parts has {train} training and {test} test images, not {TRAIN_IMAGES} and \
                 {TEST_IMAGES}: the site must be built again."
            ));
        }
        let all = || self.train.iter().chain(&self.test);
        for (i, shard) in all().enumerate() {
            if all().skip(i + 1).any(|other| other.file == shard.file) {
                return Err(
                    "The list of MNIST's parts has a part twice: the site must be built again.".into()
                );
            }
            let raw_bytes = HEADERS + shard.images * (PIXELS + 1);
            if shard.images == 0 || shard.raw_bytes != raw_bytes || shard.bytes > 2 * raw_bytes {
                return Err(
                    "The list of MNIST's parts has a part of a wrong size: the site must be built again."
                        .into(),
                );
            }
        }
        Ok(())
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

impl ShardEntry {
    /// Checks that `bytes`, the file as it was written, are those that its name tells: it ends in the first
    /// eight digits of their SHA-256.
    ///
    /// # Errors
    /// A sentence.
    pub fn check_hash(&self, bytes: &[u8]) -> Result<(), String> {
        let digest = Sha256::digest(bytes);
        let digits: String = digest[..4].iter().map(|byte| format!("{byte:02x}")).collect();
        let stem = self.file.rsplit_once('.').map_or(self.file.as_str(), |(stem, _)| stem);
        if stem.ends_with(&digits) {
            Ok(())
        } else {
            Err("The shard is not the one that its name tells.".into())
        }
    }
}

/// Bytes of the headers of both IDX files in a shard.
const HEADERS: usize = 16 + 8;

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

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(name: &str, images: usize) -> ShardEntry {
        ShardEntry { file: format!("{name}.bin"), images, bytes: 9, raw_bytes: 24 + 785 * images }
    }

    fn mnist() -> Manifest {
        let shards = |set: &str, count| (0..count).map(|i| entry(&format!("{set}-{i:02}"), 5_000)).collect();
        Manifest { train: shards("train", 12), test: shards("test", 2) }
    }

    #[test]
    fn a_list_of_other_shards_gets_a_sentence() {
        assert_eq!(mnist().check(), Ok(()));
        let wrong = |change: fn(&mut Manifest), what: &str| {
            let mut manifest = mnist();
            change(&mut manifest);
            let sentence = manifest.check().unwrap_err();
            assert!(sentence.contains(what) && sentence.ends_with("must be built again."), "{sentence}");
        };
        wrong(|m| (m.train, m.test) = (Vec::new(), Vec::new()), "0 training and 0 test images");
        wrong(|m| m.train[3].images = usize::MAX, "training");
        wrong(|m| m.train[3] = m.train[2].clone(), "twice");
        wrong(|m| m.test[0].file = m.train[0].file.clone(), "twice");
        wrong(|m| m.test.pop().map_or((), drop), "5000 test images");
        wrong(|m| m.train[0].raw_bytes = usize::MAX, "wrong size");
        wrong(|m| m.train[0].bytes = usize::MAX, "wrong size");
        wrong(|m| m.train.push(entry("none", 0)), "wrong size");
    }

    #[test]
    fn content_that_does_not_match_the_name_is_refused() {
        // The first digits of the SHA-256 of nothing and of "abc" (FIPS 180-4).
        let named = |name: &str| entry(name, 1);
        assert_eq!(named("train-00-e3b0c442").check_hash(b""), Ok(()));
        assert_eq!(named("train-00-ba7816bf").check_hash(b"abc"), Ok(()));
        assert!(named("train-00-ba7816bf").check_hash(b"abd").is_err_and(|sentence| sentence.ends_with('.')));
        assert!(named("train-00").check_hash(b"abc").is_err());
    }
}
