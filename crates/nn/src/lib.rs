//! Networks: their description, their lowering to a plan of kernels, loss, optimisers and the training step.

pub mod cpu;
pub mod network;
pub mod optimizer;
pub mod plan;
pub mod random;
pub mod spec;
pub mod summary;
pub mod training;
