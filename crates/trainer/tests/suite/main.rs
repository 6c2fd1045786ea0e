//! The tests of the trainer in one program, which is linked once; those that count allocations are programs of their own.

mod checkpoints;
#[path = "../common/mod.rs"]
mod common;
mod comparison;
mod drawings;
#[cfg(not(target_family = "wasm"))]
mod gpu_faults;
mod kept;
mod layer_detail;
mod mnist;
#[cfg(not(target_family = "wasm"))]
mod on_gpu;
mod parallel;
mod passes;
mod predictions;
mod reports;
mod silent_workers;
mod slices;
mod smoke;
mod step_reports;
mod switching;
mod tricks;
mod untrusted;
