//! Runs the plan of a network with compute shaders (`shaders/*.wgsl`): WebGPU in the browser, Vulkan natively.
//!
//! The whole training step stays on the GPU: images lie there as bytes, are chosen and distorted there, and nothing but a loss and
//! a count of hits comes back, later and without anybody waiting. A plan is lowered once more, to [`Dispatch`]es of kernels
//! whose geometry is fixed when their pipelines are made; several steps go into one submission.

mod constants;
mod device;
mod executor;
mod fuse;
mod kernel;
mod layout;
mod lower;
mod pace;
#[cfg(not(target_family = "wasm"))]
mod profile;
mod readback;
mod reduction;
mod step;
mod trainer;

pub use device::{Gpu, GpuError};
pub use executor::{Executor, Images, Pass};
pub use lower::{Dispatch, Lowered, lower};
pub use pace::Pace;
pub use step::{BatchRange, Step};
pub use trainer::{Completion, GpuTrainer, Saved, Traffic};
