//! The session while a GPU trains: steps go out several at a time, and come back without anybody waiting.
//!
//! The cores' [`Training`](nn::train::Training) stays the one that answers: what the GPU has learned is copied into it as often as
//! pictures are drawn, or twice a second. Whatever a command changes, it changes there, after the GPU's last step came back.

use super::report::{Speed, Tally};
use super::{FRAME_MS, Session};
use crate::batch::Place;
use crate::device::probe::Trial;
use crate::device::{Built, Mode, OnGpu, Request, SubmittedEvaluation, SubmittedSteps};
use crate::messages::{Command, Event, RunState, Tested, Watch};
use crate::parallel::group::Host;
use gpu::Completion;
use nn::network::Score;
use nn::train::TrainingState;

/// The longest time of training that a lost device can take with it, when nobody looks.
const SAVE_MS: f64 = 500.0;
/// Steps that the cores take where the GPU came upon numbers that are not finite: they find out where it began.
const REST: u64 = 50;

impl Session {
    /// A GPU trainer to be built, if one is wanted: to be asked after each event, and answered by [`Session::gpu_built`].
    pub fn gpu_request(&mut self) -> Option<Request> {
        if self.state != RunState::Training || self.is_comparing() {
            return None;
        }
        let training = self.crew.training();
        self.devices.request(training.network.spec(), training.spec())
    }

    /// What came of a request.
    pub fn gpu_built(&mut self, built: Built) -> Vec<Event> {
        self.devices.built(built);
        self.report().into_iter().collect()
    }

    /// What is to be awaited while the GPU works; then [`Session::work`] has something to do.
    pub fn gpu_next(&self) -> Option<impl Future<Output = ()> + use<>> {
        self.devices.gpu.as_ref()?.trainer.next_completion()
    }

    /// The device that trains or could, for a test to destroy.
    pub fn gpu(&self) -> Option<&gpu::Gpu> {
        self.devices.device.as_ref().map(|device| &device.gpu)
    }

    /// Whether the GPU has work.
    pub(super) fn is_on_gpu(&self) -> bool {
        self.devices.gpu.as_ref().is_some_and(|gpu| gpu.mode != Mode::Idle)
    }

    /// Steps taken: on a GPU, those that came back.
    pub(super) fn steps(&self) -> u64 {
        match &self.devices.gpu {
            Some(gpu) if matches!(gpu.mode, Mode::Active | Mode::Settling) => gpu.steps,
            _ => self.crew.training().steps(),
        }
    }

    pub(super) fn report(&mut self) -> Option<Event> {
        self.devices.report().map(Event::Device)
    }

    /// If the GPU trains, a command waits until all is back: then it is carried out as if the cores had trained.
    pub(super) fn wait_with(&mut self, command: &Command) -> bool {
        if !self.is_on_gpu() {
            return false;
        }
        let Some(gpu) = &mut self.devices.gpu else { return false };
        match gpu.mode {
            Mode::Idle => return false,
            // Nothing of it counts yet.
            Mode::Trial => {
                gpu.abandon();
                return false;
            }
            Mode::Active => {
                gpu.mode = Mode::Settling;
                let (submitted, after) = (gpu.last_landing, gpu.place);
                let tag = SubmittedSteps { submitted, sizes: Vec::new(), after };
                gpu.trainer.train(self.crew.training().spec(), &[], true, tag);
            }
            Mode::Settling => {}
        }
        self.waiting.push_back(command.clone());
        true
    }

    /// Lets the GPU go on from here, if it is there and should.
    pub(super) fn hand_over(&mut self, host: &dyn Host) -> bool {
        if self.is_comparing() {
            return false;
        }
        if self.devices.cpu_speed.is_none() {
            self.devices.cpu_speed = self.cpu_trial.speed();
        }
        let training = self.crew.training();
        let (network, spec, steps) = (training.network.spec(), training.spec(), training.steps());
        let Some(mode) = self.devices.take_over(network, spec, steps) else { return false };
        if self.state == RunState::Paused || self.testing || self.steps_wanted.is_some() {
            return false;
        }
        self.crew.abandon();
        let mut state = TrainingState::default();
        self.crew.training().save(&mut state);
        let Some(gpu) = &mut self.devices.gpu else { return false };
        gpu.trainer.load(&state);
        gpu.mode = mode;
        (gpu.place, gpu.saved, gpu.saved_at, gpu.steps) = (self.place, self.place, host.now(), steps);
        (gpu.since_saved, gpu.last_landing) = (Default::default(), host.now());
        (gpu.trial, gpu.tried) = (Trial::default(), Vec::new());
        self.devices.note = None;
        true
    }

    /// Whether something can be submitted.
    pub(super) fn gpu_is_free(&self) -> bool {
        self.devices.gpu.as_ref().is_some_and(|gpu| {
            matches!(gpu.mode, Mode::Trial | Mode::Active)
                && gpu.trainer.has_capacity()
                && self.train.len() >= gpu.place.images_needed(self.crew.training().spec())
        })
    }

    /// Takes what came back, and submits more.
    pub(super) fn work_on_gpu(&mut self, host: &dyn Host) -> Vec<Event> {
        let mut events = self.land(host);
        while self.gpu_is_free() {
            self.submit(host);
        }
        let waits = |gpu: &OnGpu| gpu.trainer.is_drained() && gpu.mode != Mode::Idle;
        if self.devices.gpu.as_ref().is_some_and(waits) {
            events.extend(self.set_state(RunState::WaitingForData));
        } else if self.is_on_gpu() {
            events.extend(self.set_state(RunState::Training));
        }
        events.extend(self.report());
        events
    }

    fn submit(&mut self, host: &dyn Host) {
        let (Some(mut gpu), Some(device)) = (self.devices.gpu.take(), &self.devices.device) else { return };
        device.write(&self.train, &self.test);
        let spec = self.crew.training().spec();
        let due = self.tests_due(gpu.place);
        let (mut places, mut sizes) = (Vec::new(), Vec::new());
        // A submission ends where the test set is to be measured.
        while places.len() < gpu.pace.steps()
            && self.train.len() >= gpu.place.images_needed(spec)
            && self.tests_due(gpu.place) == due
        {
            let size = gpu.place.batch_size(spec);
            places.push(gpu.place.on_gpu(spec));
            sizes.push(size);
            gpu.place.seen += size as u64;
        }
        let now = host.now();
        let watched = self.image.is_some() || self.watch != Watch::default();
        let measured = gpu.mode == Mode::Active && self.tests_due(gpu.place) > due && self.test_set_is_here();
        let old = now - gpu.saved_at >= if watched { FRAME_MS } else { SAVE_MS };
        // The network that is measured is also the one whose answers are looked at.
        let saved = gpu.mode == Mode::Active && (old || (measured && self.watch.predictions));
        if saved {
            gpu.saved_at = now;
        }
        let tag = SubmittedSteps { submitted: now, sizes, after: gpu.place };
        gpu.trainer.train(spec, &places, saved, tag);
        if measured {
            let images = self.test.len();
            let (step, epoch) = (gpu.trainer.steps(), gpu.place.epochs(spec));
            gpu.trainer.evaluate(images, SubmittedEvaluation { step, epoch, images });
        }
        self.devices.gpu = Some(gpu);
    }

    /// Takes what came back.
    fn land(&mut self, host: &dyn Host) -> Vec<Event> {
        let Some(mut gpu) = self.devices.gpu.take() else { return Vec::new() };
        let mut events = Vec::new();
        let completions = gpu.trainer.poll_completions();
        if completions.iter().any(|c| matches!(c, Completion::DeviceLost)) || gpu.trainer.gpu().is_lost() {
            return self.lost(&gpu);
        }
        let now = host.now();
        for completion in completions {
            match completion {
                Completion::Steps { tag, scores, saved } => {
                    let results: Vec<_> = tag.sizes.into_iter().zip(scores).collect();
                    if !results.is_empty() {
                        gpu.pace.add(results.len(), tag.submitted, now);
                    }
                    if results.iter().any(|(_, score)| !score.loss.is_finite()) {
                        return self.diverged_on_gpu(gpu);
                    }
                    self.count(&mut gpu, results, now);
                    let Some(saved) = saved else { continue };
                    let state = &saved.state;
                    if !state.parameters.iter().chain(&state.running).all(|number| number.is_finite()) {
                        return self.diverged_on_gpu(gpu);
                    }
                    gpu.saved = tag.after;
                    self.crew.change(|training| {
                        training.restore(state);
                        training.set_gradients(&saved.gradients);
                    });
                    let (steps, images, score) = std::mem::take(&mut gpu.since_saved);
                    self.good.add(steps, images, score, self.crew.training(), gpu.saved);
                }
                Completion::Evaluation { tag, score } => {
                    events.push(Event::Tested(Tested {
                        step: tag.step,
                        epoch: tag.epoch,
                        loss: (score.loss / tag.images as f64) as f32,
                        accuracy: score.correct as f32 / tag.images as f32,
                    }));
                    self.ask_after_test();
                }
                Completion::DeviceLost => {}
            }
        }
        // The last submission before a change of settings reads the state back.
        let settled = gpu.mode == Mode::Settling && gpu.trainer.is_drained();
        self.judge(&mut gpu);
        let shown = settled || (gpu.mode == Mode::Active && now - self.last_frame >= FRAME_MS);
        if settled {
            gpu.mode = Mode::Idle;
        }
        self.devices.gpu = Some(gpu);
        if shown {
            self.last_frame = now;
            events.push(self.progress());
            events.extend(self.snapshot());
        }
        if settled {
            events.extend(self.carry_out());
        }
        events
    }

    /// Counts steps that came back.
    fn count(&mut self, gpu: &mut OnGpu, results: Vec<(usize, Score)>, now: f64) {
        let images: usize = results.iter().map(|(size, _)| size).sum();
        if gpu.mode == Mode::Trial {
            gpu.trial.add(images, now - gpu.last_landing);
            gpu.tried.extend(results);
        } else {
            self.speed.add(images, now - gpu.last_landing);
            self.accept(gpu, &results);
        }
        gpu.last_landing = now;
    }

    fn accept(&mut self, gpu: &mut OnGpu, results: &[(usize, Score)]) {
        for (images, score) in results {
            self.since_report.add(*images, *score);
            self.place.seen += *images as u64;
            gpu.steps += 1;
            let (steps, all_images, total) = &mut gpu.since_saved;
            (*steps, *all_images) = (*steps + 1, *all_images + images);
            (total.loss, total.correct) = (total.loss + score.loss, total.correct + score.correct);
        }
    }

    /// Ends the trial when it took long enough: the faster one goes on.
    fn judge(&mut self, gpu: &mut OnGpu) {
        if gpu.mode != Mode::Trial {
            return;
        }
        let Some(speed) = gpu.trial.speed() else { return };
        self.devices.gpu_speed = Some(speed);
        if self.devices.cpu_speed.is_none_or(|cpu| speed > cpu) {
            gpu.mode = Mode::Active;
            self.speed = Speed::default();
            let results = std::mem::take(&mut gpu.tried);
            self.accept(gpu, &results);
        } else {
            gpu.abandon();
        }
    }

    /// Back to what was saved last; then the commands that waited.
    fn fall_back(&mut self, saved: Place) -> Vec<Event> {
        self.place = saved;
        (self.testing, self.since_report) = (false, Tally::default());
        self.speed = Speed::default();
        let mut events = vec![self.progress()];
        events.extend(self.snapshot());
        events.extend(self.carry_out());
        events
    }

    fn lost(&mut self, gpu: &OnGpu) -> Vec<Event> {
        let idle = matches!(gpu.mode, Mode::Idle | Mode::Trial);
        let step = self.crew.training().steps();
        let note = format!(
            "The GPU was lost. Training goes on from step {step} on the CPU, until a GPU answers again."
        );
        self.devices.lose(note);
        let mut events: Vec<Event> = self.report().into_iter().collect();
        events.extend(self.fall_back(if idle { self.place } else { gpu.saved }));
        events
    }

    fn diverged_on_gpu(&mut self, mut gpu: OnGpu) -> Vec<Event> {
        let saved = if gpu.mode == Mode::Trial { self.place } else { gpu.saved };
        self.devices.rest_until = gpu.trainer.steps() + REST;
        gpu.abandon();
        self.devices.gpu = Some(gpu);
        self.fall_back(saved)
    }

    /// The commands that waited for the GPU.
    fn carry_out(&mut self) -> Vec<Event> {
        let mut events = Vec::new();
        while let Some(command) = self.waiting.pop_front() {
            events.extend(self.handle(command));
        }
        events
    }
}
