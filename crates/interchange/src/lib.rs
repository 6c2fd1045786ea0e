//! Networks and trainings as safetensors files (<https://github.com/huggingface/safetensors>), which PyTorch
//! and other tools can open.

mod checkpoint;
mod run_file;
mod tensors;

pub use checkpoint::{read_checkpoint, write_checkpoint};
pub use run_file::{RunFile, RunView, read_run, write_run};
