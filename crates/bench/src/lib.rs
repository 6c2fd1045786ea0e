//! How fast the kernels are, and the jobs by which training is compared with that of other libraries.

pub mod config;
pub mod kernels;
