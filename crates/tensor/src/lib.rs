//! Shapes, batch-last blocks of samples, and the SIMD kernels that work on them. Knows nothing of networks.

pub mod shape;

pub use shape::Shape;
