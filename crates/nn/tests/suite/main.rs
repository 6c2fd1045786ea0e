//! The tests of networks and training in one program, which is linked once.

mod common;
mod determinism;
mod golden;
mod golden_schedules;
mod golden_training;
mod gradients;
mod saliency;
mod shuffled;
mod thinned;
mod transfer;
mod untrusted;
mod vanishing_signals;
