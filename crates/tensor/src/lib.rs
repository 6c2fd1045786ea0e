//! Shapes, batch-last blocks of samples, and the SIMD kernels that work on them. Knows nothing of networks.
//!
//! Results do not depend on the machine: no fused multiply-add, no platform libm, every sum in a fixed order.

pub mod activation;
pub mod batch_norm;
mod budget;
pub mod conv2d;
mod lanes;
pub mod linear;
pub mod math;
mod memory;
pub mod pool;
mod shape;
pub mod softmax;

pub use budget::Budget;
pub use lanes::{BLOCK, Lanes, ZERO, interleave};
pub use shape::Shape;
