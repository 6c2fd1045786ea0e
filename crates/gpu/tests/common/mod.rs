//! A GPU, images, and the same steps on both executors.

#![allow(dead_code, reason = "each test uses some of it")]

use data::DataSet;
use gpu::{Back, Gpu, GpuTrainer, Images, Place};
use nn::network::Score;
use nn::random::pcg4d;
use nn::spec::{NetworkSpec, TrainingSpec};
use nn::training::{Training, TrainingState};
use trainer::batch::Batch;

/// Runs a test natively, where it waits for the GPU, and in a browser, which does not wait.
macro_rules! gpu_test {
    ($name:ident, $body:expr) => {
        #[cfg(not(target_family = "wasm"))]
        #[test]
        fn $name() {
            pollster::block_on($body);
        }

        #[cfg(target_family = "wasm")]
        #[wasm_bindgen_test::wasm_bindgen_test]
        async fn $name() {
            $body.await;
        }
    };
}
pub(crate) use gpu_test;

/// The GPU of this machine, which may be one in software.
pub(crate) async fn gpu() -> Gpu {
    Gpu::open().await.unwrap_or_else(|e| {
        panic!("tests need a GPU, be it in software (`apt install mesa-vulkan-drivers`): {}", e.0)
    })
}

/// Blobs with labels: smooth enough to be distorted, and different for each class.
pub(crate) fn blobs(count: usize) -> DataSet {
    let mut set = DataSet { rows: 28, columns: 28, ..DataSet::default() };
    for i in 0..count {
        let [a, b, c, d] = pcg4d([i as u32, 7, 8, 9]).map(|word| (word >> 24) as f32 / 256.0);
        let label = i % 10;
        let (x, y) = (8.0 + label as f32 + 3.0 * a, 19.0 - label as f32 + 3.0 * b);
        let (wide, high) = (3.0 + 4.0 * c, 3.0 + 4.0 * d);
        set.images.extend((0..784).map(|p| {
            let (u, v) = (((p % 28) as f32 - x) / wide, ((p / 28) as f32 - y) / high);
            (255.0 * (1.2 - u * u - v * v).clamp(0.0, 1.0)) as u8
        }));
        set.labels.push(label as u8);
    }
    set
}

/// Both executors with the same network, weights and images.
pub(crate) struct Pair {
    pub(crate) cpu: Training,
    pub(crate) gpu: GpuTrainer,
    data: DataSet,
    seen: u64,
}

/// What a step came to on the GPU.
pub(crate) struct After {
    pub(crate) score: Score,
    pub(crate) state: TrainingState,
    pub(crate) gradients: Vec<f32>,
}

impl Pair {
    /// `spec.subset` must be the number of images.
    pub(crate) async fn new(gpu: &Gpu, network: &NetworkSpec, spec: &TrainingSpec) -> Self {
        let mut cpu = Training::new(network.clone(), spec.clone()).unwrap();
        // Biases and scales that do something.
        for (i, value) in cpu.network.parameters.iter_mut().enumerate() {
            *value += 0.05 * ((i * 7919 % 101) as f32 / 50.0 - 1.0);
        }
        Self::with(gpu, cpu).await
    }

    pub(crate) async fn with(gpu: &Gpu, cpu: Training) -> Self {
        let data = blobs(cpu.spec().subset.map_or(64, |n| n as usize));
        let images = Images::new(gpu);
        images.write(gpu, true, 0, &data.images, &data.labels);
        images.write(gpu, false, 0, &data.images, &data.labels);
        let mut state = TrainingState::default();
        cpu.save(&mut state);
        let batch_size = cpu.spec().batch_size;
        let trainer = GpuTrainer::new(gpu.clone(), &images, cpu.network.spec(), batch_size).await;
        let mut trainer = trainer.unwrap_or_else(|e| panic!("{}", e.0));
        trainer.load(&state);
        Self { cpu, gpu: trainer, data, seen: 0 }
    }

    pub(crate) fn place(&self) -> (trainer::batch::Place, Place) {
        let spec = self.cpu.spec();
        let place = trainer::batch::Place { seen: self.seen };
        let on_gpu = place.on_gpu(spec);
        (place, on_gpu)
    }

    /// The place of the next step, which is thereby over.
    pub(crate) fn next_place(&mut self) -> Place {
        let (_, place) = self.place();
        self.seen += u64::from(place.batch);
        place
    }

    pub(crate) fn next_place_seen(&self) -> u64 {
        self.seen
    }

    pub(crate) fn seen(&mut self, seen: u64) {
        self.seen = seen;
    }

    /// All scores of the last submission, and the state.
    pub(crate) async fn after_all(&mut self) -> (Vec<Score>, TrainingState) {
        let mut scores = Vec::new();
        loop {
            wait(&self.gpu).await;
            for back in self.gpu.take() {
                match back {
                    Back::Steps(more) => scores.extend(more),
                    Back::Saved(state, _) => return (scores, *state),
                    other => panic!("{other:?}"),
                }
            }
        }
    }

    /// One step on the CPU alone.
    pub(crate) fn cpu_step(&mut self) -> Score {
        let (place, _) = self.place();
        let mut batch = Batch::default();
        batch.gather(&self.data, place, self.cpu.spec());
        let fill = |sample: usize, input: &mut [f32]| batch.fill(sample, input);
        self.seen += batch.labels.len() as u64;
        self.cpu.step(&batch.labels, place.epochs(self.cpu.spec()), &fill).expect("finite")
    }

    /// One step on both.
    pub(crate) async fn step(&mut self) -> (Score, After) {
        let (_, place) = self.place();
        let spec = self.cpu.spec().clone();
        self.gpu.train(&spec, &[place], true);
        let expected = self.cpu_step();
        (expected, self.after().await)
    }

    /// What came of the last submission, which was to be saved.
    pub(crate) async fn after(&mut self) -> After {
        loop {
            wait(&self.gpu).await;
            let back = self.gpu.take();
            let mut scores = Vec::new();
            for back in back {
                match back {
                    Back::Steps(more) => scores.extend(more),
                    Back::Saved(state, gradients) => {
                        return After { score: *scores.last().unwrap(), state: *state, gradients };
                    }
                    other => panic!("{other:?}"),
                }
            }
        }
    }
}

/// Waits until something has come back.
pub(crate) async fn wait(trainer: &GpuTrainer) {
    trainer.gpu().poll(true);
    if let Some(next) = trainer.next() {
        next.await;
    }
}

/// Lets some milliseconds pass.
pub(crate) async fn pause() {
    #[cfg(target_family = "wasm")]
    gloo_timers::future::TimeoutFuture::new(5).await;
    #[cfg(not(target_family = "wasm"))]
    std::thread::sleep(std::time::Duration::from_millis(5));
}

/// The length of the difference, as a share of the length expected.
pub(crate) fn distance(got: &[f32], expected: &[f32]) -> f64 {
    let length = |values: &mut dyn Iterator<Item = f32>| {
        values.map(|v| f64::from(v) * f64::from(v)).sum::<f64>().sqrt()
    };
    let off = length(&mut got.iter().zip(expected).map(|(a, b)| a - b));
    off / length(&mut expected.iter().copied()).max(1e-6)
}

/// The largest difference, as a share of the largest number expected.
pub(crate) fn error(got: &[f32], expected: &[f32]) -> f32 {
    assert_eq!(got.len(), expected.len());
    let scale = expected.iter().fold(1e-6f32, |m, v| m.max(v.abs()));
    got.iter().zip(expected).fold(0.0, |worst: f32, (a, b)| {
        let error = (a - b).abs() / scale;
        if error.is_nan() { f32::INFINITY } else { worst.max(error) }
    })
}
