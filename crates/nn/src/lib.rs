//! Networks: their description, their lowering to a plan of kernels, loss, optimizers and the training step.

pub mod cpu;
pub mod inspect;
mod lower;
pub mod memory;
pub mod mnist;
pub mod network;
pub mod plan;
pub mod preset;
pub mod random;
pub mod spec;
pub mod summary;
pub mod train;
