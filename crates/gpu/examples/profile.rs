//! How long each kernel of a training step takes on this machine's Vulkan driver, and what whole steps come to:
//! `cargo run --release -p gpu --example profile [BATCH] [PRESET]`. With `VK_DRIVER_FILES` set to its manifest
//! (`vk_swiftshader_icd.json`, beside Chromium's own libraries), it measures SwiftShader, by which Chromium runs WebGPU without a GPU.

use gpu::{BatchRange, Executor, Gpu, GpuTrainer, Images, Pass, Step};
use nn::preset::Preset;
use nn::spec::TrainingSpec;
use nn::train::{Training, TrainingState};
use std::time::Instant;

/// Steps that are timed.
const TIMES: usize = 60;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let batch = arguments.next().and_then(|n| n.parse().ok()).unwrap_or(64);
    let preset = arguments.next().and_then(|name| Preset::from_id(&name)).unwrap_or(Preset::LeNet5);
    pollster::block_on(measure(batch, preset));
}

async fn measure(batch: usize, preset: Preset) {
    let gpu = Gpu::open().await.unwrap_or_else(|e| panic!("{}", e.0));
    let network = preset.network();
    let spec = TrainingSpec { batch_size: batch, ..preset.training() };
    let training = Training::new(network.clone(), spec.clone()).unwrap_or_else(|e| panic!("{e:?}"));
    let mut state = TrainingState::default();
    training.save(&mut state);
    let images = Images::new(&gpu);
    let place = BatchRange { epoch_images: 60_000, len: batch as u32, ..BatchRange::default() };
    let executor = Executor::new(&gpu, &network, batch, Pass::Training, &images).await;
    let mut executor = executor.unwrap_or_else(|e| panic!("{}", e.0));
    executor.load(&gpu, &state);
    println!("{}, batch {batch}", gpu.name());
    let mut total = 0.0;
    for (kernel, groups, ms) in executor.profile(&gpu, Step::training(&spec, place, 0, 0), TIMES) {
        println!("{kernel:22} {groups:6} workgroups {ms:8.2} ms");
        total += ms;
    }
    println!("{:22} {total:24.2} ms", "together");
    let trainer = GpuTrainer::<(), ()>::new(gpu.clone(), &images, &network, batch).await;
    let mut trainer = trainer.unwrap_or_else(|e| panic!("{}", e.0));
    trainer.load(&state);
    let mut steps = |count: usize| {
        let begin = Instant::now();
        trainer.train(&spec, &vec![place; count], false, ());
        gpu.poll(true);
        let _ = trainer.poll_completions();
        begin.elapsed().as_secs_f64()
    };
    steps(2);
    let seconds = steps(TIMES);
    println!("{:.0} images/s in whole steps", (batch * TIMES) as f64 / seconds);
}
