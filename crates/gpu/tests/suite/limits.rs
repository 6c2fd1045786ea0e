//! Devices with the default limits of the WebGPU specification, which every adapter offers at least.

use gpu::{Gpu, GpuTrainer, Images};
use nn::preset::Preset;
use nn::spec::{Augmentation, Optimizer, TrainingSpec};

use crate::common::{assert_steps_agree, gpu_test};

/// The largest batch that the page offers.
const MAX_BATCH_SIZE: usize = 1024;

async fn default_gpu() -> Gpu {
    Gpu::open_with_default_limits().await.unwrap_or_else(|e| panic!("{}", e.0))
}

fn spec(batch_size: usize, images: u32) -> TrainingSpec {
    TrainingSpec {
        batch_size,
        optimizer: Optimizer::ADAM,
        learning_rate: 0.001,
        augmentation: Augmentation { rotation: 10.0, elastic: 1.0, ..Augmentation::default() },
        subset: Some(images),
        ..TrainingSpec::default()
    }
}

/// LeNet and LeNet with all tricks, in batches of 64 for five steps.
async fn lenet() {
    let gpu = default_gpu().await;
    for preset in [Preset::LeNet5, Preset::LeNetTricks] {
        assert_steps_agree(&gpu, preset, &spec(64, 192), 5).await;
    }
}

/// The largest preset in the largest batch needs 122 of the 128 MiB that a storage buffer may have.
async fn largest_batch() {
    let gpu = default_gpu().await;
    assert_steps_agree(&gpu, Preset::LeNetTricks, &spec(MAX_BATCH_SIZE, MAX_BATCH_SIZE as u32), 1).await;
}

async fn too_large() {
    let gpu = default_gpu().await;
    let (images, network) = (Images::new(&gpu), Preset::LeNetTricks.network());
    let trainer = GpuTrainer::<(), ()>::new(gpu, &images, &network, 2 * MAX_BATCH_SIZE).await;
    let error = trainer.err().unwrap();
    assert_eq!(error.0, "This network, or this batch size, is too large for this GPU.");
}

gpu_test!(lenet_trains_within_default_limits, lenet());
gpu_test!(the_largest_batch_fits_default_limits, largest_batch());
gpu_test!(a_batch_beyond_the_limits_is_refused_with_a_sentence, too_large());
