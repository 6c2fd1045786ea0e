//! Times each kernel of a training step, and whole steps, on this machine's Vulkan driver:
//! `cargo run --release -p gpu --example profile [BATCH] [PRESET]`.
//!
//! With `VK_DRIVER_FILES` set to SwiftShader's manifest (`vk_swiftshader_icd.json`, beside Chromium's own libraries), it measures
//! SwiftShader, by which Chromium runs WebGPU without a GPU.

use gpu::{BatchRange, Executor, Gpu, GpuTrainer, Images, Pass, Step};
use nn::mnist;
use nn::preset::Preset;
use nn::spec::TrainingSpec;
use nn::train::{Training, TrainingState};
use std::time::Instant;

/// Rounds in which each kernel is timed, and whole steps that are timed.
const ROUNDS: usize = 60;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let batch_size = arguments.next().and_then(|n| n.parse().ok()).unwrap_or(64);
    let preset = arguments.next().and_then(|name| Preset::from_id(&name)).unwrap_or(Preset::LeNet5);
    pollster::block_on(measure(batch_size, preset));
}

async fn measure(batch_size: usize, preset: Preset) {
    let gpu = Gpu::open().await.unwrap_or_else(|e| panic!("{}", e.0));
    let network = preset.network();
    let spec = TrainingSpec { batch_size, ..preset.training() };
    let training = Training::new(network.clone(), spec.clone()).unwrap_or_else(|e| panic!("{e:?}"));
    let mut state = TrainingState::default();
    training.save(&mut state);
    let images = Images::new(&gpu);
    let batch = BatchRange {
        epoch_images: mnist::TRAIN_IMAGES as u32,
        len: batch_size as u32,
        ..BatchRange::default()
    };
    let executor = Executor::new(&gpu, &network, batch_size, Pass::Training, &images).await;
    let mut executor = executor.unwrap_or_else(|e| panic!("{}", e.0));
    executor.load(&gpu, &state);
    println!("{}, batch {batch_size}", gpu.name());
    let timings = executor.profile(&gpu, Step::training(&spec, batch, 0, 0), ROUNDS);
    for timing in &timings {
        println!("{:22} {:6} workgroups {:8.2} ms", timing.kernel, timing.workgroups, timing.milliseconds);
    }
    println!("{:22} {:24.2} ms", "together", timings.iter().map(|t| t.milliseconds).sum::<f64>());
    let trainer = GpuTrainer::<(), ()>::new(gpu.clone(), &images, &network, batch_size).await;
    let mut trainer = trainer.unwrap_or_else(|e| panic!("{}", e.0));
    trainer.load(&state);
    let mut seconds_of = |steps: usize| {
        let begin = Instant::now();
        trainer.train(&spec, &vec![batch; steps], false, ());
        gpu.poll(true);
        let _ = trainer.poll_completions();
        begin.elapsed().as_secs_f64()
    };
    // The first steps wait for pipelines to be compiled.
    seconds_of(2);
    let seconds = seconds_of(ROUNDS);
    println!("{:.0} images/s in whole steps", (batch_size * ROUNDS) as f64 / seconds);
}
