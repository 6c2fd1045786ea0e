//! Benchmarks: how fast the kernels are, and the settings and initial state of the comparison with other libraries.

pub mod config;
pub mod initial_state;
pub mod kernels;
