//! Data parallelism over cores that share no memory, in the words of
//! [torch.distributed](https://docs.pytorch.org/docs/stable/distributed.html).
//!
//! The session is rank 0; workers have the ranks from 1 up. Every core holds a replica of the training. In
//! each step it runs its shard of the batch, and after each phase all cores exchange their partial sums: an
//! all-reduce in a fixed order, so that all replicas stay bit-identical, and identical to a training on one
//! core.

pub mod cost_model;
pub mod group;
pub mod replica;
pub mod transport;
pub mod worker;

mod all_reduce;
mod chunks;
mod protocol;
