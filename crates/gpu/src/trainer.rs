//! Training on a GPU without waiting for it: several steps go into one submission, and losses and states are read back when they are ready.

use crate::device::{Gpu, GpuError};
use crate::executor::{Executor, UNIFORM_STRIDE};
use crate::images::Images;
use crate::layout::{MAX_STEPS, Pass};
use crate::readback::{Mapping, StagingPool};
use crate::step::{BatchRange, Step};
use nn::network::Score;
use nn::spec::{NetworkSpec, TrainingSpec};
use nn::train::TrainingState;
use nn::train::optimizer::OptimizerState;
use std::collections::VecDeque;

/// Test images in one batch of an evaluation.
pub const EVALUATION_BATCH: usize = 256;
/// Submissions that may be in flight: the GPU works on one while the results of the one before are read back.
const MAX_IN_FLIGHT: usize = 2;

/// A submission that the GPU has finished, with the tag that it was submitted with: `S` for training steps, `E` for evaluations.
#[derive(Clone, Debug, PartialEq)]
pub enum Completion<S = (), E = ()> {
    /// Training steps of one [`GpuTrainer::train`].
    Steps {
        /// The caller's tag.
        tag: S,
        /// Summed loss and hits of each step's batch, in order.
        scores: Vec<Score>,
        /// The state after the last of these steps, if it was asked for.
        saved: Option<Box<Saved>>,
    },
    /// One [`GpuTrainer::evaluate`].
    Evaluation {
        /// The caller's tag.
        tag: E,
        /// Summed loss and hits of all images.
        score: Score,
    },
    /// The device is lost, and with it everything in flight.
    DeviceLost,
}

/// A training's state, as it was read back from the GPU.
#[derive(Clone, Debug, PartialEq)]
pub struct Saved {
    /// Parameters, running estimates, optimiser state and step count.
    pub state: TrainingState,
    /// The parameters' gradients in the last step, in the order of `state.parameters`.
    pub gradients: Vec<f32>,
}

/// Counts of everything sent to and read from the GPU by training steps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Training steps.
    pub steps: u64,
    /// Dispatches of kernels in these steps.
    pub dispatches: u64,
    /// Submissions.
    pub submissions: u64,
    /// Bytes written to the GPU.
    pub written: u64,
    /// Bytes read back.
    pub read: u64,
    /// Staging buffers mapped to read them.
    pub maps: u64,
}

/// A submission whose results are not read back yet.
enum InFlight<S, E> {
    /// `saved` holds the step counts of the state that is read back: of the training, and of the optimizer.
    Steps { tag: S, steps: usize, saved: Option<(u64, u32)>, mapping: Mapping },
    /// Part of an evaluation; the last part carries the tag.
    Evaluation { tag: Option<E>, steps: usize, mapping: Mapping },
}

impl<S, E> InFlight<S, E> {
    const fn mapping(&self) -> &Mapping {
        match self {
            Self::Steps { mapping, .. } | Self::Evaluation { mapping, .. } => mapping,
        }
    }
}

/// A network that is trained and evaluated on a GPU.
///
/// Every submission carries a tag of the caller, which its [`Completion`] returns: `S` for training steps, `E` for evaluations.
pub struct GpuTrainer<S = (), E = ()> {
    gpu: Gpu,
    training: Executor,
    evaluation: Executor,
    results: StagingPool,
    states: StagingPool,
    in_flight: VecDeque<InFlight<S, E>>,
    /// Submissions that were given up, and may still be worked on.
    abandoned: Vec<InFlight<S, E>>,
    /// Submitted steps of the training, including those before [`GpuTrainer::load`].
    steps: u64,
    /// Submitted steps since the optimiser's state was empty.
    optimizer_steps: u32,
    /// Score of the parts of the present evaluation that are read back.
    evaluated: Score,
    /// Submissions that were read back.
    answers: u64,
    traffic: Traffic,
}

impl<S, E> GpuTrainer<S, E> {
    /// Builds the pipelines and buffers of `network` for batches of up to `batch_size` images; [`GpuTrainer::load`] sets the weights.
    ///
    /// # Errors
    /// A sentence, if the network or the batch size does not fit this GPU.
    pub async fn new(
        gpu: Gpu,
        images: &Images,
        network: &NetworkSpec,
        batch_size: usize,
    ) -> Result<Self, GpuError> {
        let training = Executor::new(&gpu, network, batch_size, Pass::Training, images).await?;
        let evaluation = Executor::new(&gpu, network, EVALUATION_BATCH, Pass::Evaluation, images).await?;
        let results = StagingPool::new(8 * u64::from(MAX_STEPS));
        let states = StagingPool::new(8 * u64::from(MAX_STEPS) + training.saved_bytes());
        Ok(Self {
            gpu,
            training,
            evaluation,
            results,
            states,
            in_flight: VecDeque::new(),
            abandoned: Vec::new(),
            steps: 0,
            optimizer_steps: 0,
            evaluated: Score::default(),
            answers: 0,
            traffic: Traffic::default(),
        })
    }

    /// Replaces weights, running estimates and optimiser state by those of `state`.
    pub fn load(&mut self, state: &TrainingState) {
        self.gpu.attempt(|| self.training.load(&self.gpu, state));
        (self.steps, self.optimizer_steps) = (state.steps, state.optimizer.steps);
    }

    /// The GPU that this trainer uses.
    pub fn gpu(&self) -> &Gpu {
        &self.gpu
    }

    /// Whether another submission may follow: fewer than two are in flight, and the device is not lost.
    pub fn has_capacity(&self) -> bool {
        self.in_flight.len() < MAX_IN_FLIGHT && !self.gpu.is_lost()
    }

    /// Whether every submission has been read back.
    pub fn is_drained(&self) -> bool {
        self.in_flight.is_empty()
    }

    /// Submitted steps, including those before [`GpuTrainer::load`].
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// Submissions that were read back, those included that are a part of an evaluation.
    pub fn answers(&self) -> u64 {
        self.answers
    }

    /// Counts of everything sent to and read from the GPU by training steps.
    pub fn traffic(&self) -> Traffic {
        self.traffic
    }

    /// Staging buffers that exist for reading back.
    pub fn staging_buffers(&self) -> usize {
        self.results.created() + self.states.created()
    }

    /// Submits one training step for each of `batches`. If `save`, the state after the last one is read back, too.
    pub fn train(&mut self, spec: &TrainingSpec, batches: &[BatchRange], save: bool, tag: S) {
        self.gpu.clone().attempt(|| self.submit_steps(spec, batches, save, tag));
    }

    fn submit_steps(&mut self, spec: &TrainingSpec, batches: &[BatchRange], save: bool, tag: S) {
        let mut steps = Vec::with_capacity(batches.len());
        for (slot, batch) in batches.iter().enumerate() {
            steps.push(Step::training(spec, *batch, self.steps, self.optimizer_steps).in_slot(slot as u32));
            self.steps += 1;
            self.optimizer_steps = self.optimizer_steps.saturating_add(1);
        }
        let pool = if save { &mut self.states } else { &mut self.results };
        let staging = pool.take(&self.gpu);
        let (results, saved) = (8 * steps.len() as u64, if save { self.training.saved_bytes() } else { 0 });
        let results_offset = self.training.result_offset(0);
        self.training.submit(&self.gpu, &steps, |encoder, state| {
            if results > 0 {
                encoder.copy_buffer_to_buffer(state, results_offset, &staging, 0, results);
            }
            if saved > 0 {
                encoder.copy_buffer_to_buffer(state, 0, &staging, results, saved);
            }
        });
        self.traffic.steps += steps.len() as u64;
        self.traffic.dispatches += (steps.len() * self.training.dispatches()) as u64;
        self.traffic.submissions += 1;
        self.traffic.written += steps.len() as u64 * UNIFORM_STRIDE;
        self.traffic.read += results + saved;
        self.traffic.maps += 1;
        let mapping = Mapping::new(staging, results + saved);
        let saved = save.then_some((self.steps, self.optimizer_steps));
        self.in_flight.push_back(InFlight::Steps { tag, steps: steps.len(), saved, mapping });
    }

    /// Submits an evaluation on the first `images` images of the test set (at least one), with the weights after all submitted steps.
    /// Up to `batches_at_once` batches of [`EVALUATION_BATCH`] images go into one submission.
    pub fn evaluate(&mut self, images: usize, batches_at_once: usize, tag: E) {
        self.gpu.clone().attempt(|| self.submit_evaluation(images, batches_at_once, tag));
    }

    fn submit_evaluation(&mut self, images: usize, batches_at_once: usize, tag: E) {
        self.evaluation.copy_weights(&self.gpu, &self.training.state);
        let batches: Vec<_> = (0..images)
            .step_by(EVALUATION_BATCH)
            .map(|first| BatchRange {
                first: first as u32,
                len: EVALUATION_BATCH.min(images - first) as u32,
                epoch_images: images as u32,
                ..BatchRange::default()
            })
            .collect();
        let mut tag = Some(tag);
        let mut parts = batches.chunks(batches_at_once.clamp(1, MAX_STEPS as usize)).peekable();
        while let Some(part) = parts.next() {
            let slots = 0..part.len() as u32;
            let steps: Vec<_> =
                part.iter().zip(slots).map(|(batch, slot)| Step::evaluation(*batch).in_slot(slot)).collect();
            let staging = self.results.take(&self.gpu);
            let (offset, bytes) = (self.evaluation.result_offset(0), 8 * steps.len() as u64);
            self.evaluation.submit(&self.gpu, &steps, |encoder, state| {
                encoder.copy_buffer_to_buffer(state, offset, &staging, 0, bytes);
            });
            let mapping = Mapping::new(staging, bytes);
            let tag = if parts.peek().is_none() { tag.take() } else { None };
            self.in_flight.push_back(InFlight::Evaluation { tag, steps: steps.len(), mapping });
        }
    }

    /// Drops everything in flight: it gets no completion.
    pub fn abandon(&mut self) {
        self.abandoned.extend(self.in_flight.drain(..));
        self.evaluated = Score::default();
        self.drop_finished();
    }

    /// Whether the GPU still works on what was [abandoned](Self::abandon).
    pub fn is_finishing_abandoned(&mut self) -> bool {
        self.drop_finished();
        !self.abandoned.is_empty()
    }

    /// Frees the buffers of abandoned submissions that have finished.
    fn drop_finished(&mut self) {
        let (finished, rest) =
            std::mem::take(&mut self.abandoned).into_iter().partition(|s| s.mapping().is_done());
        self.abandoned = rest;
        self.gpu.clone().attempt(|| self.discard(finished));
    }

    fn discard(&mut self, submissions: Vec<InFlight<S, E>>) {
        for submission in submissions {
            match &submission {
                InFlight::Steps { saved: Some(_), mapping, .. } => self.states.discard(mapping),
                InFlight::Steps { mapping, .. } | InFlight::Evaluation { mapping, .. } => {
                    self.results.discard(mapping)
                }
            }
        }
    }

    /// The submissions that have finished since the last call, in the order in which they were submitted. Never waits.
    pub fn poll_completions(&mut self) -> Vec<Completion<S, E>> {
        let mut completions = Vec::new();
        self.drop_finished();
        self.gpu.clone().attempt(|| self.read_finished(&mut completions));
        completions
    }

    fn read_finished(&mut self, completions: &mut Vec<Completion<S, E>>) {
        while let Some(next) = self.in_flight.front() {
            if self.gpu.is_lost() {
                self.in_flight.clear();
                completions.push(Completion::DeviceLost);
                break;
            }
            if !next.mapping().is_done() {
                break;
            }
            let Some(next) = self.in_flight.pop_front() else { break };
            self.answers += 1;
            if self.read(next, completions).is_none() {
                // A browser may reject the mapping before it reports the loss.
                self.gpu.set_lost();
                self.in_flight.clear();
                completions.push(Completion::DeviceLost);
            }
        }
    }

    /// Resolves when the oldest submission in flight, or abandoned, has finished; `None` if there is none. Natively, something must call
    /// [`Gpu::poll`] meanwhile.
    pub fn next_completion(&self) -> Option<impl Future<Output = ()> + use<S, E>> {
        let oldest = self.abandoned.first().or(self.in_flight.front())?;
        Some(oldest.mapping().done())
    }

    /// Reads a finished submission back; `None` if its buffer is lost.
    fn read(&mut self, finished: InFlight<S, E>, completions: &mut Vec<Completion<S, E>>) -> Option<()> {
        match finished {
            InFlight::Steps { tag, steps, saved: None, mapping } => {
                let scores = self.results.read(mapping, |numbers| scores(&numbers[..2 * steps]))?;
                completions.push(Completion::Steps { tag, scores, saved: None });
            }
            InFlight::Steps { tag, steps, saved: Some((total, optimizer_steps)), mapping } => {
                let Self { states, training, .. } = self;
                let (scores, saved) = states.read(mapping, |numbers| {
                    let (results, saved) = numbers.split_at(2 * steps);
                    let [parameters, gradients, first, second, running] =
                        training.split_saved(saved).map(<[f32]>::to_vec);
                    let optimizer = OptimizerState { first, second, steps: optimizer_steps };
                    let state = TrainingState { parameters, running, optimizer, steps: total };
                    (scores(results), Box::new(Saved { state, gradients }))
                })?;
                completions.push(Completion::Steps { tag, scores, saved: Some(saved) });
            }
            InFlight::Evaluation { tag, steps, mapping } => {
                for score in self.results.read(mapping, |numbers| scores(&numbers[..2 * steps]))? {
                    self.evaluated.loss += score.loss;
                    self.evaluated.correct += score.correct;
                }
                if let Some(tag) = tag {
                    let score = std::mem::take(&mut self.evaluated);
                    completions.push(Completion::Evaluation { tag, score });
                }
            }
        }
        Some(())
    }
}

impl<S, E> Drop for GpuTrainer<S, E> {
    /// Frees the staging buffers at once; the executors free theirs.
    fn drop(&mut self) {
        let gpu = self.gpu.clone();
        gpu.attempt(|| {
            let all = self.in_flight.drain(..).chain(self.abandoned.drain(..)).collect();
            self.discard(all);
            self.results.destroy();
            self.states.destroy();
        });
    }
}

/// Scores of steps from their results, `[step][loss, hits]`.
fn scores(results: &[f32]) -> Vec<Score> {
    let (pairs, _) = results.as_chunks::<2>();
    pairs.iter().map(|[loss, hits]| Score { loss: f64::from(*loss), correct: *hits as usize }).collect()
}
