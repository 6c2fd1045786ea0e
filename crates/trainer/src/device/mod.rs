//! The device that trains: the CPU cores, or a GPU that is open, built for the network, and measured to be
//! faster.

mod choice;
mod gpu_device;
mod gpu_training;
pub(crate) mod probe;
mod request;

pub(crate) use choice::Devices;
pub(crate) use gpu_training::{GpuState, GpuUpdate, Patience, Schedule, StepScore};
pub use request::{GpuRequest, GpuResponse};
