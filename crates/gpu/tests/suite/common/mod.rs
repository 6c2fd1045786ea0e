//! A GPU, images, and the same steps on the CPU and on the GPU.

#![allow(dead_code, reason = "each test file uses a part of it")]

use data::DataSet;
use gpu::{BatchRange, Completion, Gpu, GpuTrainer, Images, Pass, Saved};
use nn::mnist;
use nn::network::Score;
use nn::preset::Preset;
use nn::random::pcg4d;
use nn::spec::{NetworkSpec, TrainingSpec};
use nn::train::{Training, TrainingState};
use trainer::batch::Batch;
use trainer::cursor::DataCursor;

/// Declares a test that runs natively, where its thread waits for the GPU, and in a browser, where threads must not wait.
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

/// The number of cases. Natively, where all of them take 72 s, a test runs all; in a browser fewer, because a GPU in software
/// compiles each shader for seconds there. The shaders are the same.
pub(crate) fn in_browser_or(in_browser: usize, natively: usize) -> usize {
    if cfg!(target_family = "wasm") { in_browser } else { natively }
}

/// The GPU of this machine, which may be in software.
pub(crate) async fn gpu() -> Gpu {
    Gpu::open().await.unwrap_or_else(|e| {
        panic!("tests need a GPU, if only in software (`apt install mesa-vulkan-drivers`): {}", e.0)
    })
}

/// Images of one blob each, in a different place for each of the ten labels: smooth, so that distortions change them little.
pub(crate) fn blobs(count: usize) -> DataSet {
    let mut set = DataSet { rows: mnist::SIDE, columns: mnist::SIDE, ..DataSet::default() };
    for i in 0..count {
        let [a, b, c, d] = pcg4d([i as u32, 7, 8, 9]).map(|word| (word >> 24) as f32 / 256.0);
        let label = i % 10;
        let (x, y) = (8.0 + label as f32 + 3.0 * a, 19.0 - label as f32 + 3.0 * b);
        let (wide, high) = (3.0 + 4.0 * c, 3.0 + 4.0 * d);
        set.images.extend((0..mnist::PIXELS).map(|p| {
            let (u, v) = (((p % mnist::SIDE) as f32 - x) / wide, ((p / mnist::SIDE) as f32 - y) / high);
            (255.0 * (1.2 - u * u - v * v).clamp(0.0, 1.0)) as u8
        }));
        set.labels.push(label as u8);
    }
    set
}

/// One network on the CPU and on the GPU, with the same weights and the same images.
pub(crate) struct Pair {
    pub(crate) cpu: Training,
    pub(crate) gpu: GpuTrainer,
    data: DataSet,
    /// The position of the next batch.
    cursor: DataCursor,
}

/// A step's results on the GPU.
pub(crate) struct GpuStep {
    pub(crate) score: Score,
    pub(crate) state: TrainingState,
    pub(crate) gradients: Vec<f32>,
}

impl Pair {
    /// A new training, whose biases and scales are disturbed so that they have an effect. `spec.subset` is the number of images.
    pub(crate) async fn new(gpu: &Gpu, network: &NetworkSpec, spec: &TrainingSpec) -> Self {
        let mut cpu = Training::new(network.clone(), spec.clone()).unwrap();
        for (i, value) in cpu.network.parameters.iter_mut().enumerate() {
            *value += 0.05 * ((i * 7919 % 101) as f32 / 50.0 - 1.0);
        }
        Self::with(gpu, cpu).await
    }

    /// Starts on the GPU with the state of `cpu`.
    pub(crate) async fn with(gpu: &Gpu, cpu: Training) -> Self {
        let data = blobs(cpu.spec().subset.map_or(64, |n| n as usize));
        let images = Images::new(gpu);
        images.write(gpu, Pass::Training, 0, &data.images, &data.labels);
        images.write(gpu, Pass::Evaluation, 0, &data.images, &data.labels);
        let mut state = TrainingState::default();
        cpu.save(&mut state);
        let batch_size = cpu.spec().batch_size;
        let trainer = GpuTrainer::new(gpu.clone(), &images, cpu.network.spec(), batch_size).await;
        let mut trainer = trainer.unwrap_or_else(|e| panic!("{}", e.0));
        trainer.load(&state);
        Self { cpu, gpu: trainer, data, cursor: DataCursor::default() }
    }

    /// The next batch; the one after it follows on the next call.
    pub(crate) fn next_batch(&mut self) -> BatchRange {
        let batch = self.cursor.batch_range(self.cpu.spec());
        self.cursor.advance(self.cpu.spec());
        batch
    }

    /// The position of the next batch.
    pub(crate) fn cursor(&self) -> DataCursor {
        self.cursor
    }

    /// Goes on at `cursor`.
    pub(crate) fn seek(&mut self, cursor: DataCursor) {
        self.cursor = cursor;
    }

    /// Scores and saved state of the submission in flight.
    pub(crate) async fn saved_steps(&mut self) -> (Vec<Score>, Saved) {
        loop {
            wait(&self.gpu).await;
            match self.gpu.poll_completions().pop() {
                None => {}
                Some(Completion::Steps { scores, saved: Some(saved), .. }) => return (scores, *saved),
                other => panic!("{other:?}"),
            }
        }
    }

    /// One step on the CPU alone.
    pub(crate) fn cpu_step(&mut self) -> Score {
        let mut batch = Batch::default();
        batch.gather(&self.data, self.cursor, self.cpu.spec());
        let fill = |sample: usize, input: &mut [f32]| batch.fill(sample, input);
        let epoch = self.cursor.schedule_epochs();
        self.cursor.advance(self.cpu.spec());
        self.cpu.step(&batch.labels, epoch, &fill).expect("finite")
    }

    /// The same step on both: the score on the CPU, and the results on the GPU.
    pub(crate) async fn step(&mut self) -> (Score, GpuStep) {
        let spec = self.cpu.spec().clone();
        let batch = self.cursor.batch_range(&spec);
        self.gpu.train(&spec, &[batch], true, ());
        let expected = self.cpu_step();
        let (scores, Saved { state, gradients }) = self.saved_steps().await;
        (expected, GpuStep { score: scores[0], state, gradients })
    }
}

/// Trains a preset for `steps` steps on both. The loss of each step agrees within 1e-4 relative, and in the end each parameter tensor.
pub(crate) async fn assert_steps_agree(gpu: &Gpu, preset: Preset, spec: &TrainingSpec, steps: usize) {
    let mut pair = Pair::new(gpu, &preset.network(), spec).await;
    let mut last = None;
    for step in 0..steps {
        let (expected, on_gpu) = pair.step().await;
        let error = (on_gpu.score.loss - expected.loss).abs() / expected.loss;
        assert!(error < 1e-4, "{preset:?}, step {step}: {:?}, on the CPU {expected:?}", on_gpu.score);
        last = Some(on_gpu.state.parameters);
    }
    let parameters = last.unwrap();
    let plan = pair.cpu.network.plan();
    for p in &plan.parameters {
        // The gradient of a bias before a normalisation is rounding alone, which Adam scales up as any other gradient.
        let owner = p.name.trim_end_matches(".bias");
        if plan.statistics.iter().any(|s| s.name == format!("bn_{owner}")) {
            continue;
        }
        // By the norm, because Adam takes full steps where a gradient is next to nothing, too.
        let error = distance(&parameters[p.range()], &pair.cpu.network.parameters[p.range()]);
        assert!(error < 1e-4, "{preset:?}: {} differs by {error:e}", p.name);
    }
}

/// Waits until the oldest submission in flight has finished.
pub(crate) async fn wait(trainer: &GpuTrainer) {
    trainer.gpu().poll(true);
    if let Some(next) = trainer.next_completion() {
        next.await;
    }
}

/// Waits for some milliseconds.
pub(crate) async fn pause() {
    #[cfg(target_family = "wasm")]
    {
        #[wasm_bindgen::prelude::wasm_bindgen]
        extern "C" {
            #[wasm_bindgen(js_name = setTimeout)]
            fn set_timeout(callback: &js_sys::Function, milliseconds: i32);
        }
        let paused = js_sys::Promise::new(&mut |resolve, _| set_timeout(&resolve, 5));
        drop(wasm_bindgen_futures::JsFuture::from(paused).await);
    }
    #[cfg(not(target_family = "wasm"))]
    std::thread::sleep(std::time::Duration::from_millis(5));
}

/// Euclidean norm of the difference, divided by the norm of `expected`.
pub(crate) fn distance(got: &[f32], expected: &[f32]) -> f64 {
    let length = |values: &mut dyn Iterator<Item = f32>| {
        values.map(|v| f64::from(v) * f64::from(v)).sum::<f64>().sqrt()
    };
    let off = length(&mut got.iter().zip(expected).map(|(a, b)| a - b));
    off / length(&mut expected.iter().copied()).max(1e-6)
}

/// Largest absolute difference, divided by the largest absolute value of `expected`.
pub(crate) fn error(got: &[f32], expected: &[f32]) -> f32 {
    assert_eq!(got.len(), expected.len());
    let scale = expected.iter().fold(1e-6f32, |m, v| m.max(v.abs()));
    got.iter().zip(expected).fold(0.0, |worst: f32, (a, b)| {
        let error = (a - b).abs() / scale;
        if error.is_nan() { f32::INFINITY } else { worst.max(error) }
    })
}
