//! Training on a GPU without waiting for it: steps go out several at a time, losses and states come back when they are ready.

use crate::device::{Gpu, GpuError};
use crate::executor::{Executor, Images, Mode, STEPS};
use crate::readback::{Mapping, Pool};
use crate::step::{Place, Step};
use nn::network::Score;
use nn::optimizer::OptimizerState;
use nn::spec::{NetworkSpec, TrainingSpec};
use nn::training::TrainingState;
use std::collections::VecDeque;

/// Samples that are measured at a time.
const MEASURED_AT_ONCE: usize = 256;
/// Submissions that may be on their way: the GPU has work while the results of the one before come back.
const IN_FLIGHT: usize = 2;

/// What came back.
#[derive(Clone, Debug, PartialEq)]
pub enum Back {
    /// Results of steps, in order.
    Steps(Vec<Score>),
    /// All that was learned after the steps that came back before, and the gradients of the last one.
    Saved(Box<TrainingState>, Vec<f32>),
    /// The score of the whole test set.
    Measured(Score),
    /// The device is lost.
    Lost,
}

/// What went to and from the GPU since the beginning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Training steps.
    pub steps: u64,
    /// Kernels run for them.
    pub dispatches: u64,
    /// Submissions.
    pub submissions: u64,
    /// Bytes written to the GPU.
    pub written: u64,
    /// Bytes read back.
    pub read: u64,
    /// Buffers mapped to read them.
    pub maps: u64,
}

enum Flight {
    Steps { steps: usize, saved: Option<(u64, u32)>, mapping: Mapping },
    Measured { last: bool, steps: usize, mapping: Mapping },
}

/// A network in training on a GPU.
pub struct GpuTrainer {
    gpu: Gpu,
    training: Executor,
    measuring: Executor,
    results: Pool,
    states: Pool,
    flights: VecDeque<Flight>,
    /// Steps of the optimiser and of the training that have been submitted.
    steps: u64,
    optimizer_steps: u32,
    /// Of the batches of the test set that have come back.
    measured: Score,
    traffic: Traffic,
}

impl GpuTrainer {
    /// Makes everything for a network in batches of up to `batch_size` images; [`GpuTrainer::load`] gives it weights.
    ///
    /// # Errors
    /// A sentence, if this GPU cannot do it.
    pub async fn new(
        gpu: Gpu,
        images: &Images,
        network: &NetworkSpec,
        batch_size: usize,
    ) -> Result<Self, GpuError> {
        let training = Executor::new(&gpu, network, batch_size, Mode::Training, images).await?;
        let measuring = Executor::new(&gpu, network, MEASURED_AT_ONCE, Mode::Measuring, images).await?;
        let results = Pool::new(8 * u64::from(STEPS));
        let states = Pool::new(8 * u64::from(STEPS) + training.saved_bytes());
        Ok(Self {
            gpu,
            training,
            measuring,
            results,
            states,
            flights: VecDeque::new(),
            steps: 0,
            optimizer_steps: 0,
            measured: Score::default(),
            traffic: Traffic::default(),
        })
    }

    /// Takes what a training has learned, in place of all that went before.
    pub fn load(&mut self, state: &TrainingState) {
        self.training.load(&self.gpu, state);
        (self.steps, self.optimizer_steps) = (state.steps, state.optimizer.steps);
    }

    /// The GPU.
    pub fn gpu(&self) -> &Gpu {
        &self.gpu
    }

    /// Whether more work may be submitted.
    pub fn is_free(&self) -> bool {
        self.flights.len() < IN_FLIGHT && !self.gpu.is_lost()
    }

    /// Steps that have been submitted, with those before.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// What went to and from the GPU in training steps.
    pub fn traffic(&self) -> Traffic {
        self.traffic
    }

    /// Buffers that have been made for reading back.
    pub fn staging_buffers(&self) -> usize {
        self.results.made() + self.states.made()
    }

    /// Submits training steps. If `save`, what is learned after the last one comes back, too.
    pub fn train(&mut self, spec: &TrainingSpec, places: &[Place], save: bool) {
        let mut steps = Vec::with_capacity(places.len());
        for (slot, place) in places.iter().enumerate() {
            steps.push(Step::training(spec, *place, self.steps, self.optimizer_steps).in_slot(slot as u32));
            self.steps += 1;
            self.optimizer_steps += 1;
        }
        let pool = if save { &mut self.states } else { &mut self.results };
        let staging = pool.take(&self.gpu);
        let (results, saved) = (8 * steps.len() as u64, if save { self.training.saved_bytes() } else { 0 });
        let at = self.training.result(0);
        self.training.submit(&self.gpu, &steps, |encoder, state| {
            if results > 0 {
                encoder.copy_buffer_to_buffer(state, at, &staging, 0, results);
            }
            if saved > 0 {
                encoder.copy_buffer_to_buffer(state, 0, &staging, results, saved);
            }
        });
        self.traffic.steps += steps.len() as u64;
        self.traffic.dispatches += (steps.len() * self.training.dispatches()) as u64;
        self.traffic.submissions += 1;
        self.traffic.written += steps.len() as u64 * crate::executor::UNIFORM;
        self.traffic.read += results + saved;
        self.traffic.maps += 1;
        let mapping = Mapping::new(staging, results + saved);
        let saved = save.then_some((self.steps, self.optimizer_steps));
        self.flights.push_back(Flight::Steps { steps: steps.len(), saved, mapping });
    }

    /// Measures the network, as it is after all that was submitted, on `images` images of the test set.
    pub fn measure(&mut self, images: usize) {
        let state = &self.training.state;
        self.measuring.copy_weights(&self.gpu, state);
        let mut places = Vec::new();
        for first in (0..images).step_by(MEASURED_AT_ONCE) {
            let batch = MEASURED_AT_ONCE.min(images - first) as u32;
            places.push(Place { first: first as u32, batch, images: images as u32, ..Place::default() });
        }
        for (i, places) in places.chunks(STEPS as usize).enumerate() {
            let steps: Vec<_> = places
                .iter()
                .enumerate()
                .map(|(slot, place)| Step::measuring(*place).in_slot(slot as u32))
                .collect();
            let staging = self.results.take(&self.gpu);
            let (at, bytes) = (self.measuring.result(0), 8 * steps.len() as u64);
            self.measuring.submit(&self.gpu, &steps, |encoder, state| {
                encoder.copy_buffer_to_buffer(state, at, &staging, 0, bytes);
            });
            let mapping = Mapping::new(staging, bytes);
            let last = (i + 1) * STEPS as usize * MEASURED_AT_ONCE >= images;
            self.flights.push_back(Flight::Measured { last, steps: steps.len(), mapping });
        }
    }

    /// Forgets what is on its way.
    pub fn abandon(&mut self) {
        self.flights.clear();
        self.measured = Score::default();
    }

    /// What has come back, in order.
    pub fn take(&mut self) -> Vec<Back> {
        let mut back = Vec::new();
        while let Some(flight) = self.flights.front() {
            let (Flight::Steps { mapping, .. } | Flight::Measured { mapping, .. }) = flight;
            if self.gpu.is_lost() {
                self.flights.clear();
                back.push(Back::Lost);
                break;
            }
            if !mapping.is_done() {
                break;
            }
            let Some(flight) = self.flights.pop_front() else { break };
            if !self.land(flight, &mut back) {
                self.flights.clear();
                back.push(Back::Lost);
            }
        }
        back
    }

    /// The next thing to come back, to be awaited; nothing if nothing is on its way. Natively, somebody must [`Gpu::poll`].
    pub fn next(&self) -> Option<impl Future<Output = ()> + use<>> {
        let (Flight::Steps { mapping, .. } | Flight::Measured { mapping, .. }) = self.flights.front()?;
        Some(mapping.done())
    }

    fn land(&mut self, flight: Flight, back: &mut Vec<Back>) -> bool {
        let scores = |numbers: &[f32]| -> Vec<Score> {
            let (pairs, _) = numbers.as_chunks::<2>();
            pairs
                .iter()
                .map(|[loss, hits]| Score { loss: f64::from(*loss), correct: *hits as usize })
                .collect()
        };
        match flight {
            Flight::Steps { steps, saved: None, mapping } => {
                let read = self.results.read(mapping, |numbers| scores(&numbers[..2 * steps]));
                back.extend(read.clone().map(Back::Steps));
                read.is_some()
            }
            Flight::Steps { steps, saved: Some((total, optimizer_steps)), mapping } => {
                let Self { states, training, .. } = self;
                let read = states.read(mapping, |numbers| {
                    let (results, saved) = numbers.split_at(2 * steps);
                    let [parameters, gradients, first, second, running] =
                        training.parts(saved).map(<[f32]>::to_vec);
                    let optimizer = OptimizerState { first, second, steps: optimizer_steps };
                    let state = TrainingState { parameters, running, optimizer, steps: total };
                    [Back::Steps(scores(results)), Back::Saved(Box::new(state), gradients)]
                });
                let there = read.is_some();
                back.extend(read.into_iter().flatten());
                there
            }
            Flight::Measured { last, steps, mapping } => {
                let Some(all) = self.results.read(mapping, |numbers| scores(&numbers[..2 * steps])) else {
                    return false;
                };
                for score in all {
                    self.measured.loss += score.loss;
                    self.measured.correct += score.correct;
                }
                if last {
                    back.push(Back::Measured(std::mem::take(&mut self.measured)));
                }
                true
            }
        }
    }
}
