//! A benchmark on WebGPU.

use std::cell::{Cell, RefCell};

use bench::config::Config;
use data::mnist::{PIXELS, TRAIN_IMAGES};
use gpu::{BatchRange, Completion, Gpu, GpuTrainer, Images, Pace, Pass};
use nn::network::Network;
use nn::spec::TrainingSpec;
use nn::train::{Training, TrainingState};
use trainer::cursor::training_image;
use trainer::parallel::transport::Transport;

use super::job::{BatchSampler, Job, Mnist};
use crate::worker::pool::WorkerPool;

pub(super) struct GpuJob {
    /// Only for its clock.
    pool: WorkerPool,
    mnist: Mnist,
    sampler: RefCell<BatchSampler>,
    spec: TrainingSpec,
    loss_every: u32,
    images: Images,
    /// Tags are the times of submission, in seconds.
    trainer: RefCell<GpuTrainer<f64>>,
    /// Steps that the GPU has finished.
    steps: Cell<u32>,
    losses: RefCell<Vec<(u32, f64)>>,
    network: RefCell<Network>,
}

impl GpuJob {
    pub(super) async fn new(
        config: &Config,
        training: Training,
        mnist: Mnist,
        pool: WorkerPool,
    ) -> Result<Self, String> {
        let gpu = Gpu::open().await.map_err(|e| e.0)?;
        let images = Images::new(&gpu);
        images.write(&gpu, Pass::Evaluation, 0, &mnist.test.images, &mnist.test.labels);
        let network = training.network.clone();
        let trainer = GpuTrainer::new(gpu, &images, network.spec(), config.batch).await;
        let mut trainer = trainer.map_err(|e| e.0)?;
        let mut state = TrainingState::default();
        training.save(&mut state);
        trainer.load(&state);
        let job = Self {
            pool,
            mnist,
            sampler: RefCell::new(BatchSampler::new(config.seed)),
            spec: training.spec().clone(),
            loss_every: config.loss_every,
            images,
            trainer: RefCell::new(trainer),
            steps: Cell::new(0),
            losses: RefCell::default(),
            network: RefCell::new(network),
        };
        job.write_order();
        Ok(job)
    }

    /// Writes the images in an order for which the kernel's own shuffle of the first epoch gives the order of the sampler.
    fn write_order(&self) {
        let (train, sampler) = (&self.mnist.train, self.sampler.borrow());
        let mut images = vec![0; train.images.len()];
        let mut labels = vec![0; train.labels.len()];
        for (position, index) in sampler.order.iter().enumerate() {
            let place = training_image(self.spec.seed, 0, position as u32, TRAIN_IMAGES as u32) as usize;
            images[place * PIXELS..][..PIXELS].copy_from_slice(train.image(*index as usize));
            labels[place] = train.labels[*index as usize];
        }
        self.images.write(self.trainer.borrow().gpu(), Pass::Training, 0, &images, &labels);
    }

    fn next_batch(&self) -> BatchRange {
        let size = self.spec.batch_size;
        let (first, is_new_epoch) = self.sampler.borrow_mut().next(size);
        if is_new_epoch {
            self.write_order();
        }
        BatchRange {
            epoch_images: TRAIN_IMAGES as u32,
            first: first as u32,
            len: size as u32,
            ..BatchRange::default()
        }
    }

    /// Waits until the GPU has finished a submission.
    async fn wait(&self) -> Result<Vec<Completion<f64>>, String> {
        let waiting = self.trainer.borrow().next_completion();
        if let Some(waiting) = waiting {
            waiting.await;
        }
        let completions = self.trainer.borrow_mut().poll_completions();
        if completions.contains(&Completion::DeviceLost) {
            return Err("The device was lost.".into());
        }
        for completion in &completions {
            if let Completion::Steps { scores, .. } = completion {
                for score in scores {
                    let step = self.steps.replace(self.steps.get() + 1);
                    if step.is_multiple_of(self.loss_every) {
                        self.losses.borrow_mut().push((step, score.loss / self.spec.batch_size as f64));
                    }
                }
            }
        }
        Ok(completions)
    }
}

impl Job for GpuJob {
    fn now(&self) -> f64 {
        self.pool.channels.now() / 1000.0
    }

    fn info(&self) -> String {
        "webgpu".into()
    }

    async fn train(&self, steps: u32, limit: f64) -> Result<(u32, f64), String> {
        let (start, mut pace) = (self.now(), Pace::default());
        let (mut submitted, first) = (0, self.steps.get());
        loop {
            while submitted < steps && self.trainer.borrow().has_capacity() && self.now() - start < limit {
                let count = pace.steps().min((steps - submitted) as usize);
                let batches: Vec<_> = (0..count).map(|_| self.next_batch()).collect();
                self.trainer.borrow_mut().train(&self.spec, &batches, false, self.now());
                submitted += count as u32;
            }
            if self.steps.get() - first == submitted {
                return Ok((submitted, self.now() - start));
            }
            for completion in self.wait().await? {
                if let Completion::Steps { tag: submitted, scores, .. } = completion {
                    pace.add(scores.len(), 1000.0 * submitted, 1000.0 * self.now());
                }
            }
        }
    }

    async fn test(&self) -> Result<f64, String> {
        let images = self.mnist.test.len();
        self.trainer.borrow_mut().evaluate(images, 64, ());
        loop {
            for completion in self.wait().await? {
                if let Completion::Evaluation { score, .. } = completion {
                    return Ok(score.correct as f64 / images as f64);
                }
            }
        }
    }

    async fn network(&self) -> Result<Network, String> {
        self.trainer.borrow_mut().train(&self.spec, &[], true, self.now());
        loop {
            for completion in self.wait().await? {
                if let Completion::Steps { saved: Some(saved), .. } = completion {
                    let mut network = self.network.borrow_mut();
                    (network.parameters, network.running) = (saved.state.parameters, saved.state.running);
                    return Ok(network.clone());
                }
            }
        }
    }

    fn losses(&self) -> Vec<(u32, f64)> {
        self.losses.borrow().clone()
    }

    fn test_image(&self, index: usize) -> &[u8] {
        self.mnist.test.image(index)
    }
}
