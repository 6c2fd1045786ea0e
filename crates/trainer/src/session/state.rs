//! The state of a session, and what the worker gives to it: images, the checkpoint, threads and workers.

use super::comparison::Comparison;
use super::data::Data;
use super::kept_runs::KeptRuns;
use super::meters::FrameTimer;
use super::predictions::EvaluationPass;
use super::run::Run;
use super::step_reports::StepReports;
use super::view::View;
use crate::cursor::DataCursor;
use crate::device::Devices;
use crate::evaluation::evaluate;
use crate::messages::{BATCH_IMAGES, Command, Event, RunState, Source, Split, Tested};
use crate::parallel::cost_model::optimal_core_count;
use crate::parallel::group::ProcessGroup;
use data::DataSet;
use data::mnist::PIXELS;
use nn::memory::{Footprint, MAX_BYTES, max_cores};
use nn::network::{Network, Score};
use nn::spec::{NetworkSpec, TrainingSpec};
use nn::train::Training;
use std::collections::VecDeque;

const WORKER_LOST: &str = "A worker has stopped";
const WORKER_SILENT: &str = "A worker has not answered in time";

/// A training session. It begins with an untrained LeNet-5, paused.
pub struct Session {
    pub(super) data: Data,
    /// The training, and the cores that share its steps.
    pub(super) group: ProcessGroup,
    pub(super) devices: Devices,
    /// Commands that are executed once the GPU's work is read back.
    pub(super) queued: VecDeque<Command>,
    pub(super) view: View,
    /// Classifies the test set while predictions are watched.
    pub(super) pass: Option<EvaluationPass>,
    pub(super) state: RunState,
    /// Steps to take before pausing; `None` without a limit.
    pub(super) steps_left: Option<u64>,
    pub(super) step_reports: StepReports,
    /// The run that trains.
    pub(super) run: Run,
    /// The runs beside the one in training that are kept.
    pub(super) kept: KeptRuns,
    /// Why the options that were sent last cannot be trained.
    pub(super) refused: Option<String>,
    pub(super) comparison: Option<Comparison>,
    /// Bytes that a training may take on all cores together.
    pub(super) memory: u64,
    /// When the step under way began, in milliseconds.
    pub(super) step_started: f64,
    /// When [`Session::tick`] was called last, in milliseconds.
    pub(super) last_tick: Option<f64>,
    pub(super) frames: FrameTimer,
    /// The network of the last [`Event::Network`].
    pub(super) announced: Option<NetworkSpec>,
    /// Events that the page has not been sent.
    pub(super) events: Vec<Event>,
}

impl Default for Session {
    fn default() -> Self {
        let training = Training::default();
        Self {
            data: Data::default(),
            run: Run::new(&training),
            group: ProcessGroup::new(training),
            devices: Devices::default(),
            queued: VecDeque::new(),
            view: View::default(),
            pass: None,
            state: RunState::Paused,
            steps_left: None,
            step_reports: StepReports::default(),
            kept: KeptRuns::default(),
            refused: None,
            comparison: None,
            memory: MAX_BYTES,
            step_started: 0.0,
            last_tick: None,
            frames: FrameTimer::default(),
            announced: None,
            events: Vec::new(),
        }
    }
}

impl Session {
    /// Appends training images, in MNIST's order. Returns the number of training images so far.
    ///
    /// # Errors
    /// A sentence, if they are not 28x28.
    pub fn add_train(&mut self, part: &DataSet) -> Result<usize, String> {
        self.data.add(Split::Train, part)
    }

    /// Appends test images, in MNIST's order. Returns the number of test images so far.
    ///
    /// # Errors
    /// A sentence, if they are not 28x28.
    pub fn add_test(&mut self, part: &DataSet) -> Result<usize, String> {
        let before = self.data.test.len();
        let now = self.data.add(Split::Test, part)?;
        if !self.view.watch.batches.is_empty() && before < BATCH_IMAGES && now >= BATCH_IMAGES {
            self.view.begin_snapshot();
        }
        Ok(now)
    }

    /// Sets the checkpoint (safetensors) that classifies drawings until the session's own network is trained.
    ///
    /// # Errors
    /// A sentence, if `bytes` are not a checkpoint.
    pub fn set_pretrained(&mut self, bytes: &[u8]) -> Result<Vec<Event>, String> {
        let mut network = interchange::read_checkpoint(bytes)?;
        network.prepare();
        self.view.pretrained = Some(network);
        self.invalidate_predictions();
        self.emit_snapshot();
        Ok(self.take_events())
    }

    /// The network in training.
    pub fn network(&self) -> &Network {
        &self.group.training().network
    }

    /// Trains for `steps` steps, at least one, and pauses.
    pub fn train_steps(&mut self, steps: u64) -> Vec<Event> {
        self.train(Some(steps));
        self.take_events()
    }

    /// The test images that are here.
    pub fn test_images(&self) -> &DataSet {
        &self.data.test
    }

    /// Evaluates the network in training on the test images.
    pub fn score_on_test_images(&self) -> Tested {
        let mut network = self.network().clone();
        network.prepare();
        let DataSet { images, labels, .. } = &self.data.test;
        evaluate(&mut network, images, labels).tested(self.steps(), self.epoch())
    }

    /// Evaluates the network in training on its training images, without augmentation. Returns their number,
    /// and summed loss and hits.
    pub fn score_on_training_images(&self) -> (usize, Score) {
        let train = &self.data.train;
        let images = DataCursor::epoch_images(self.spec()).min(train.len());
        let mut network = self.network().clone();
        network.prepare();
        let pixels = &train.images[..images * PIXELS];
        (images, evaluate(&mut network, pixels, &train.labels[..images]).score)
    }

    /// Limits the memory of a training on all cores together, to `bytes` at most.
    pub fn limit_memory(&mut self, bytes: u64) -> Vec<Event> {
        self.memory = bytes.min(MAX_BYTES);
        self.kept.limit_memory(self.memory);
        self.limit_world_size();
        self.take_events()
    }

    /// Number of cores that work together.
    pub fn world_size(&self) -> usize {
        self.group.world_size()
    }

    /// Sets the number of threads of this process that share each step.
    pub fn set_threads(&mut self, threads: usize) {
        self.group.update(|training| training.set_threads(threads));
    }

    /// Sets the number of workers: ranks 1 to `workers` receive what the session posts.
    pub fn set_workers(&mut self, workers: usize) -> Vec<Event> {
        self.group.set_workers(workers);
        self.limit_world_size();
        self.emit_progress();
        self.take_events()
    }

    /// Training goes on without the worker of this rank, which has stopped.
    pub fn lose_worker(&mut self, rank: usize) -> Vec<Event> {
        self.group.lose_worker(rank);
        self.on_workers_changed(Some(WORKER_LOST));
        self.take_events()
    }

    /// Training goes on without the worker of this rank, which has not answered in time.
    pub(super) fn on_worker_silent(&mut self, rank: usize) {
        self.group.silence_worker(rank);
        self.on_workers_changed(Some(WORKER_SILENT));
    }

    /// The worker of this rank was silent, and takes part again. Others may still be missing.
    pub(super) fn on_worker_answered(&mut self, rank: usize) {
        self.group.revive_worker(rank);
        let what = if self.group.has_lost_workers() {
            Some(WORKER_LOST)
        } else {
            self.group.has_silent_workers().then_some(WORKER_SILENT)
        };
        self.on_workers_changed(what);
    }

    /// Uses as many of the workers as are faster together, and tells the page what happened, a sentence
    /// without its full stop.
    fn on_workers_changed(&mut self, what: Option<&str>) {
        self.limit_world_size();
        let cores = match self.group.available_cores() {
            1 => "one core".to_owned(),
            cores => format!("{cores} cores"),
        };
        self.devices.note_worker(what.map(|what| format!("{what}: training goes on with {cores}.")));
        self.emit_devices();
        self.emit_progress();
    }

    /// Uses no more cores than are faster together and fit the memory. Checkpoints take at most half of the memory that is left:
    /// those of a run that was replaced may be kept, too.
    pub(super) fn limit_world_size(&mut self) {
        let training = self.group.training();
        let (plan, batch) = (training.network.plan(), training.spec().batch_size);
        let fastest = optimal_core_count(plan, batch, self.group.available_cores());
        let cores = max_cores(training.network.spec(), batch, fastest, self.memory);
        let footprint = Footprint::new(training.network.spec(), batch, cores).unwrap_or_default();
        self.group.set_max_world_size(cores);
        let left = self.memory.saturating_sub(footprint.peak());
        if self.comparison.is_none() && self.kept.limit_checkpoints(left / 2) {
            self.emit_checkpoints();
        }
    }

    /// The options of the training.
    pub(super) fn spec(&self) -> &TrainingSpec {
        self.group.training().spec()
    }

    /// Epochs of the run that trains.
    pub(super) fn epoch(&self) -> f64 {
        self.run.cursor.epochs(self.spec())
    }

    /// Whether the images of the next batch are here.
    pub(super) fn has_batch(&self) -> bool {
        self.data.has_batch(self.run.cursor, self.spec())
    }

    /// Changes the run state. Returns whether it was another one.
    pub(super) fn set_state(&mut self, state: RunState) -> bool {
        if self.state == state {
            return false;
        }
        self.state = state;
        if state == RunState::Paused {
            // A step under way has changed nothing yet, and is the same when it is taken later.
            self.group.abandon();
            self.invalidate_predictions();
        } else if !self.view.watch.predictions {
            self.pass = None;
        }
        self.emit(Event::State(state));
        if self.devices.gpu.is_some() {
            // A measurement of the GPU may have ended with that.
            self.emit_devices();
        }
        true
    }

    /// Classifies the test set anew, because the network has changed: if predictions are watched, and also while
    /// nothing trains, so that the accuracy on the page is that of the network on the page.
    pub(super) fn invalidate_predictions(&mut self) {
        let epoch = self.epoch();
        let is_idle = self.is_idle();
        let is_watched = self.view.watch.predictions;
        let training = shown_training(&mut self.comparison, &mut self.group);
        let (network, source) = self.view.active_model(training);
        let is_learned = source != Source::Session { step: 0 };
        self.pass = (is_watched || (is_idle && is_learned))
            .then(|| EvaluationPass::new(network.clone(), source, epoch));
    }

    /// Whether the network that is shown is the session's own as it is now, which does not train.
    pub(super) fn is_idle(&self) -> bool {
        self.state == RunState::Paused && self.comparison.is_none() && self.view.past.is_none()
    }

    /// Whether images of the test set are still to be classified. Without anybody who watches their predictions, they
    /// are once all are downloaded.
    pub(super) fn predictions_are_pending(&self) -> bool {
        let is_pass_due = self.view.watch.predictions || self.data.test_set_is_complete();
        is_pass_due && self.pass.as_ref().is_some_and(|pass| pass.is_pending(&self.data.test))
    }
}

/// The training that is shown: in a comparison that of one of its runs.
pub(super) fn shown_training<'a>(
    comparison: &'a mut Option<Comparison>,
    group: &'a mut ProcessGroup,
) -> &'a mut Training {
    comparison.as_mut().and_then(Comparison::parked_shown).unwrap_or_else(|| group.training_mut())
}
