//! Training: the step over shards of a batch, the sum of their gradients in a fixed order, the optimizer, and
//! what is kept when the network changes.

mod calibrate;
pub mod optimizer;
pub mod pairwise_sum;
pub mod shard;
mod step;
mod training;
mod transfer;

pub use step::{AllReduce, Progress, SingleReplica, shard_range};
pub(crate) use step::{all_finite, can_update};
pub use training::{Training, TrainingState};
pub use transfer::Transfer;
