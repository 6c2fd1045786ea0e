//! Data sets: the IDX files that MNIST comes in, and the shards in which the page downloads them.
//!
//! Nothing here knows of a browser or of a file system: bytes come in, a [`DataSet`] or one clear sentence comes out.

pub mod augment;
pub mod drawing;
pub mod idx;
pub mod set;
pub mod shard;

pub use idx::IdxError;
pub use nn::mnist;
pub use set::DataSet;
pub use shard::{Manifest, ShardEntry};
