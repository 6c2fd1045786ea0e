//! Networks: their description, their lowering to a plan of kernels, loss, optimisers and the training step.

pub mod cpu;
pub mod divergence;
pub mod histogram;
mod lower;
pub mod mnist;
pub mod network;
pub mod optimizer;
pub mod part;
pub mod plan;
pub mod preset;
pub mod random;
pub mod sizes;
pub mod spec;
pub mod sum;
pub mod summary;
mod switch;
pub mod training;
