//! Data sets: MNIST's IDX files, the shards that the page downloads, distortions, and drawings as MNIST
//! images.
//!
//! The crate uses neither browser nor file system: it parses bytes to a [`DataSet`], or returns an error of
//! one sentence.

pub mod augment;
pub mod drawing;
pub mod idx;
pub mod ink;
pub mod pose;
pub mod set;
pub mod shard;
pub mod sketch;

pub use idx::IdxError;
pub use nn::mnist;
pub use set::DataSet;
pub use shard::{Manifest, ShardEntry};
