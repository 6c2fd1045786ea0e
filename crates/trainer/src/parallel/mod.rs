//! Data parallelism over cores that share no memory.

pub mod cost_model;
pub mod group;
pub(crate) mod protocol;
pub(crate) mod replica;
pub(crate) mod worker;
