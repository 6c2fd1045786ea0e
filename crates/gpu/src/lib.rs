//! Trains and evaluates networks with compute shaders (`shaders/*.wgsl`): WebGPU in the browser, Vulkan natively.
//!
//! A whole training step stays on the GPU. The data set lies there as bytes; kernels choose and distort the images, and only the loss
//! and the number of hits are read back, later and without waiting. The plan of `nn` is lowered to dispatches of kernels, whose geometry
//! is fixed when their pipelines are built. One submission holds several steps.
//!
//! [`GpuTrainer`] trains, on a [`Gpu`], with the [`Images`] there; its [`Completion`]s bring the results.

mod device;
mod dispatch;
mod epilogue;
mod executor;
mod fuse;
mod images;
mod kernel;
mod layout;
mod lower;
mod pace;
mod pipelines;
#[cfg(not(target_family = "wasm"))]
mod profile;
mod readback;
mod reduction;
mod step;
mod trainer;
#[cfg(all(test, not(target_family = "wasm")))]
mod wgsl_layout;

pub use device::{Gpu, GpuError};
pub use executor::Executor;
pub use images::Images;
pub use layout::Pass;
pub use pace::Pace;
#[cfg(not(target_family = "wasm"))]
pub use profile::DispatchTiming;
pub use step::{BatchRange, Step};
pub use trainer::{Completion, GpuTrainer, Saved, Traffic};
