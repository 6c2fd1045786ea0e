//! Trains and evaluates networks with compute shaders (`shaders/*.wgsl`): WebGPU in the browser, Vulkan natively.
//!
//! A whole training step stays on the GPU. The data set lies there as bytes; kernels choose and distort the images, and only the loss
//! and the number of hits are read back, later and without waiting. The plan of `nn` is lowered to dispatches of kernels, whose geometry
//! is fixed when their pipelines are built. One submission holds several steps.
//!
//! ```no_run
//! # async fn example(pixels: &[u8], labels: &[u8]) -> Result<(), gpu::GpuError> {
//! use gpu::{BatchRange, Completion, Gpu, GpuTrainer, Images, Pass};
//! use nn::{preset::Preset, train::{Training, TrainingState}};
//!
//! let gpu = Gpu::open().await?;
//! let images = Images::new(&gpu);
//! images.write(&gpu, Pass::Training, 0, pixels, labels);
//!
//! // The initial weights are those of the CPU.
//! let preset = Preset::LeNet5;
//! let training = Training::new(preset.network(), preset.training()).expect("a preset fits together");
//! let mut state = TrainingState::default();
//! training.save(&mut state);
//!
//! let mut trainer = GpuTrainer::new(gpu, &images, &preset.network(), 64).await?;
//! trainer.load(&state);
//! let batch = BatchRange { epoch_images: 60_000, len: 64, ..BatchRange::default() };
//! trainer.train(&preset.training(), &[batch], false, "the first step");
//! trainer.evaluate(10_000, 40, ());
//! while let Some(completion) = trainer.next_completion() {
//!     completion.await;
//!     for completion in trainer.poll_completions() {
//!         match completion {
//!             Completion::Steps { tag, scores, .. } => println!("{tag}: {scores:?}"),
//!             Completion::Evaluation { score, .. } => println!("{} of 10,000", score.correct),
//!             Completion::DeviceLost => println!("The GPU was lost."),
//!         }
//!     }
//! }
//! # Ok(())
//! # }
//! ```

mod device;
mod dispatch;
mod epilogue;
mod executor;
mod fuse;
mod guard;
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
mod wgsl_layout;

pub use device::{Gpu, GpuError};
pub use executor::Executor;
pub use guard::guarded;
pub use images::Images;
pub use layout::Pass;
pub use pace::Pace;
#[cfg(not(target_family = "wasm"))]
pub use profile::DispatchTiming;
pub use step::{BatchRange, Step};
pub use trainer::{Completion, EVALUATION_BATCH, GpuTrainer, Saved, Traffic};
