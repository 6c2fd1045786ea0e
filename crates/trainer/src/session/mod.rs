//! One training session as a state machine: commands and data go in, events come out, work is done in slices.

mod commands;
mod comparison;
mod gpu;
mod predictions;
mod report;
mod validate;

use crate::batch::{PIXELS, Place, TRAIN_IMAGES};
use crate::device::Devices;
use crate::device::probe::Trial;
use crate::messages::{Command, Diverged, Event, RunState, Tested, Watch};
use crate::parallel::cost_model::cores_worth_it;
use crate::parallel::group::{Crew, Done, Host, StepResult};
use crate::parallel::worker::measure;
use crate::rollback::Good;
use comparison::Comparison;
use data::DataSet;
use nn::inspect::divergence::Divergence;
use nn::network::{Network, Score};
use nn::train::{Training, TrainingState};
use report::{Speed, Tally};
use std::collections::VecDeque;
use validate::add;

/// Test images in MNIST.
pub const TEST_IMAGES: usize = 10_000;
/// How long one slice of work is, so that commands are heard and pictures move: half a frame at 30 a second.
const SLICE_MS: f64 = 16.0;
/// Events that draw something come at most 30 times a second.
const FRAME_MS: f64 = 1000.0 / 30.0;

/// A session. It starts with LeNet-5 at its initial weights, paused.
pub struct Session {
    train: DataSet,
    test: DataSet,
    crew: Crew,
    devices: Devices,
    /// Commands that wait until the GPU's work is back.
    waiting: VecDeque<Command>,
    /// How fast the cores train with these settings.
    cpu_trial: Trial,
    pretrained: Option<Network>,
    image: Option<Vec<u8>>,
    watch: Watch,
    /// Reads the test images, while somebody wants to know.
    pass: Option<predictions::Pass>,
    state: RunState,
    /// Steps to take before stopping, when not told to go on for ever.
    steps_wanted: Option<u64>,
    place: Place,
    good: Good,
    /// What the last reset put an end to.
    before_reset: Option<(TrainingState, Place)>,
    comparison: Option<Comparison>,
    /// The test set is to be measured, or is being measured.
    testing: bool,
    /// When the step under way began.
    step_began: f64,
    since_report: Tally,
    speed: Speed,
    last_frame: f64,
}

impl Default for Session {
    fn default() -> Self {
        let training = Training::default();
        let mut good = Good::default();
        good.start(&training, Place::default());
        Self {
            train: DataSet::default(),
            test: DataSet::default(),
            crew: Crew::new(training),
            devices: Devices::default(),
            waiting: VecDeque::new(),
            cpu_trial: Trial::default(),
            pretrained: None,
            image: None,
            watch: Watch::default(),
            pass: None,
            state: RunState::Paused,
            steps_wanted: None,
            place: Place::default(),
            good,
            before_reset: None,
            comparison: None,
            testing: false,
            step_began: 0.0,
            since_report: Tally::default(),
            speed: Speed::default(),
            last_frame: f64::NEG_INFINITY,
        }
    }
}

impl Session {
    /// Adds the next training images, in MNIST's order.
    ///
    /// # Errors
    /// A sentence, if they are not 28x28.
    pub fn add_train(&mut self, part: &DataSet) -> Result<usize, String> {
        add(&mut self.train, part, TRAIN_IMAGES)
    }

    /// Adds the next test images.
    ///
    /// # Errors
    /// A sentence, if they are not 28x28.
    pub fn add_test(&mut self, part: &DataSet) -> Result<usize, String> {
        add(&mut self.test, part, TEST_IMAGES)
    }

    /// The checkpoint that recognises drawings as long as the session's own network has not been trained.
    ///
    /// # Errors
    /// A sentence, if `bytes` are no checkpoint.
    pub fn set_pretrained(&mut self, bytes: &[u8]) -> Result<Vec<Event>, String> {
        let mut network = interchange::read_checkpoint(bytes)?;
        network.prepare();
        self.pretrained = Some(network);
        self.ask_anew();
        Ok(self.snapshot().into_iter().collect())
    }

    /// The network in training.
    pub fn network(&self) -> &Network {
        &self.crew.training().network
    }

    /// How the network in training does on the images it trains on, undistorted.
    pub fn score_on_training_images(&self) -> (usize, Score) {
        let images = Place::epoch_images(self.crew.training().spec()).min(self.train.len());
        let mut network = self.network().clone();
        network.prepare();
        (
            images,
            measure(&mut network, &self.train.images[..images * PIXELS], &self.train.labels[..images]).score,
        )
    }

    /// Uses so many threads of this process for each step.
    pub fn set_threads(&mut self, threads: usize) {
        self.crew.change(|training| training.set_threads(threads));
    }

    /// From now on so many helpers are there to hear what the session posts.
    pub fn set_helpers(&mut self, helpers: usize) -> Vec<Event> {
        self.crew.set_helpers(helpers);
        self.limit_crew();
        vec![self.progress()]
    }

    /// A core other than this one stopped: training goes on without it.
    pub fn lose_core(&mut self, core: usize) -> Vec<Event> {
        self.crew.lose(core);
        self.limit_crew();
        vec![self.progress()]
    }

    /// No more cores than are faster together.
    fn limit_crew(&mut self) {
        let training = self.crew.training();
        let (plan, batch) = (training.network.plan(), training.spec().batch_size);
        self.crew.limit(cores_worth_it(plan, batch, self.crew.cores()));
    }

    /// Whether [`Session::work`] has something to do.
    pub fn busy(&self) -> bool {
        if self.is_asked() {
            return true;
        }
        if self.is_on_gpu() {
            return self.gpu_is_free();
        }
        self.state != RunState::Paused && !self.crew.is_waiting() && (self.testing || self.batch_is_here())
    }

    /// Works for one slice, or until helpers must answer.
    pub fn work(&mut self, host: &dyn Host) -> Vec<Event> {
        let mut events: Vec<Event> = self.answer(host).into_iter().collect();
        if self.is_on_gpu() || self.hand_over(host) {
            events.extend(self.work_on_gpu(host));
            if self.is_on_gpu() {
                return events;
            }
        }
        let start = host.now();
        while self.state != RunState::Paused && !self.crew.is_waiting() {
            let done = if self.testing {
                self.crew.measure(&self.test, host)
            } else if let Some(place) = self.next_place() {
                self.step_began = host.now();
                self.crew.plan(&self.train, place, host);
                self.go_on(host)
            } else {
                events.extend(self.set_state(RunState::WaitingForData));
                break;
            };
            events.extend(self.set_state(RunState::Training));
            events.extend(self.after(done, host));
            if host.now() - start >= SLICE_MS {
                break;
            }
        }
        events
    }

    /// Takes what a helper (cores are counted from 1) tells, and goes on with the work that waited for it.
    pub fn hear(&mut self, core: usize, words: &mut Vec<u32>, host: &dyn Host) -> Vec<Event> {
        let mut done = self.crew.hear(core, words, &self.test, host);
        let mut events = Vec::new();
        while done.is_some() {
            events.extend(self.after(done, host));
            // The step after it may have been planned already.
            done = if self.crew.planned() > 0 { self.go_on(host) } else { None };
        }
        events.extend(self.work(host));
        events
    }

    /// Goes on with the step under way. Where helpers must finish it, they are told the next ones meanwhile.
    fn go_on(&mut self, host: &dyn Host) -> Option<Done> {
        let done = self.crew.go_on(host);
        if done.is_none() {
            for _ in 0..self.crew.plans_more() {
                let Some(place) = self.next_place() else { break };
                self.crew.plan(&self.train, place, host);
            }
            self.crew.tell(host);
        }
        done
    }

    /// Where the first step is that is not planned yet; nowhere if its images are missing, or if something else comes
    /// before it.
    fn next_place(&self) -> Option<Place> {
        let mut place = self.place;
        for _ in 0..self.crew.planned() {
            let before = self.tests_due(place);
            place.seen += place.batch_size(self.crew.training().spec()) as u64;
            if self.tests_due(place) > before && self.test_set_is_here() {
                return None;
            }
        }
        // What is compared ends together, though helpers would like to know what comes next.
        if self.comparison_ends().is_some_and(|end| place.epochs(self.crew.training().spec()) >= end) {
            return None;
        }
        let wanted = self.steps_wanted.is_none_or(|wanted| wanted > self.crew.planned() as u64);
        let needed = place.images_needed(self.crew.training().spec());
        (wanted && self.train.len() >= needed).then_some(place)
    }

    /// Draws the conclusions of what came to its end.
    fn after(&mut self, done: Option<Done>, host: &dyn Host) -> Vec<Event> {
        let mut events = Vec::new();
        match done {
            None => return events,
            Some(Done::Measurement(measured)) => {
                let (images, score) = (measured.classes.len(), measured.score);
                self.testing = false;
                self.was_measured();
                events.push(Event::Tested(Tested {
                    step: self.crew.training().steps(),
                    epoch: self.epoch(),
                    loss: (score.loss / images as f64) as f32,
                    accuracy: score.correct as f32 / images as f32,
                }));
                events.extend(self.answered(measured));
            }
            Some(Done::Step(images, result)) => {
                let now = host.now();
                self.speed.add(images, now - self.step_began);
                // The choice of a device is about the session's own training.
                if self.devices.cpu_speed.is_none() && !self.is_comparing() {
                    self.cpu_trial.add(images, now - self.step_began);
                }
                self.step_began = now;
                events.extend(self.after_step(images, result));
            }
        }
        let now = host.now();
        if now - self.last_frame >= FRAME_MS || self.state == RunState::Paused {
            self.last_frame = now;
            events.push(self.progress());
            events.extend(self.snapshot());
        }
        if self.state != RunState::Paused {
            events.extend(self.take_turns());
        }
        events
    }

    fn after_step(&mut self, images: usize, result: StepResult) -> Vec<Event> {
        let score = match result {
            Ok(score) => score,
            Err(began) => {
                let mut events = if self.end_run() { Vec::new() } else { self.set_state(RunState::Paused) };
                events.push(Event::Diverged(self.diverged(began)));
                return events;
            }
        };
        self.since_report.add(images, score);
        let before = self.tests_due(self.place);
        self.place.seen += images as u64;
        self.good.add(1, images, score, self.crew.training(), self.place);
        self.testing = self.tests_due(self.place) > before && self.test_set_is_here();
        if let Some(wanted) = &mut self.steps_wanted {
            *wanted -= 1;
            if *wanted == 0 {
                return self.set_state(RunState::Paused);
            }
        }
        Vec::new()
    }

    fn diverged(&self, began: Divergence) -> Diverged {
        let Divergence { layer, what } = began;
        let step = self.crew.training().steps();
        let healthy_step = self.good.state().0.steps;
        let kind = self.network().spec().layers[layer].kind();
        let sentence = format!(
            "Training diverged after step {step}: the {what} of layer {} ({kind}) were no longer finite numbers. \
             A smaller learning rate helps; the state of step {healthy_step} was still well.",
            layer + 1
        );
        Diverged { step, cause: began, healthy_step, sentence }
    }

    /// Passes over the training set.
    fn epoch(&self) -> f64 {
        self.place.epochs(self.crew.training().spec())
    }

    fn set_state(&mut self, state: RunState) -> Vec<Event> {
        if self.state == state {
            return Vec::new();
        }
        if state == RunState::Paused {
            // A step under way has changed nothing yet, and would be the same when it is taken later.
            self.crew.abandon();
            self.ask_anew();
        }
        self.state = state;
        vec![Event::State(state)]
    }

    fn batch_is_here(&self) -> bool {
        self.train.len() >= self.place.images_needed(self.crew.training().spec())
    }

    fn test_set_is_here(&self) -> bool {
        self.test.len() == TEST_IMAGES
    }

    /// Evaluations that should have happened by now: two in each epoch (evaluating costs about a third of training,
    /// image by image) but not more often than every 3,000 images, and more in the first, while the curve moves.
    fn tests_due(&self, place: Place) -> usize {
        const EARLY: [u64; 4] = [3_000, 7_500, 15_000, 45_000];
        let regular = (Place::epoch_images(self.crew.training().spec()) as u64 / 2).max(3_000);
        EARLY.iter().filter(|&&at| place.seen >= at).count() + (place.seen / regular) as usize
    }
}
