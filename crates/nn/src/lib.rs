//! Networks: their description, layers, lowering to a plan of kernels, loss, optimisers and the training step.
pub mod spec;
pub mod summary;
