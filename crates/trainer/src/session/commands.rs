//! The commands of the page.

use super::comparison::{Comparison, Order};
use super::state::Session;
use super::step_reports::StepReports;
use super::validate::check_config;
use crate::batch::Batch;
use crate::cursor::DataCursor;
use crate::messages::{Command, Event, RunConfig, RunState};
use data::mnist::PIXELS;
use nn::spec::{NetworkSpec, TrainingSpec};
use nn::train::Transfer;

/// Images on which new batch normalisations are calibrated. No command is executed meanwhile, and an image takes 30 ms
/// in the largest networks, at 25 million multiply-adds a millisecond.
const CALIBRATION_IMAGES: usize = 64;

impl Session {
    /// Executes a command.
    pub fn handle(&mut self, command: Command) -> Vec<Event> {
        self.execute(command);
        self.take_events()
    }

    /// Executes a command, or queues it until the GPU's work is read back.
    pub(super) fn execute(&mut self, command: Command) {
        let changes_training = !matches!(
            command,
            Command::Show { .. }
                | Command::Watch(_)
                | Command::RetryDownload
                | Command::UseCores(_)
                | Command::OpenStorage { .. }
                | Command::KeepRecord { .. }
                | Command::KeepView { .. }
                | Command::SetAside
                | Command::ForgetReplaced
                | Command::Painted { .. }
                | Command::Labels(_)
                | Command::Images { .. }
        );
        if changes_training && self.queue_command(&command) {
            return;
        }
        let looks_only =
            matches!(command, Command::ShowCheckpoint(_) | Command::Pause | Command::UseDevice(_));
        if changes_training && !looks_only && self.view.past.is_some() {
            self.emit(Event::Shown { step: None, is_answer: false });
            self.show_checkpoint(None);
        }
        match command {
            Command::Configure { network, training } => {
                self.end_comparison();
                let result = self.configure(network, training);
                // The page shows these options: no others are trained until it has sent some that can be.
                self.refused = result.clone().err();
                if self.refused.is_some() {
                    self.set_state(RunState::Paused);
                }
                self.emit_failure(result);
            }
            Command::Compare { runs, epochs } => {
                let result = self.compare(runs, Order::InTurns, epochs);
                self.emit_failure(result);
            }
            Command::Sweep { runs, epochs } => {
                let result = self.compare(runs, Order::OneAfterTheOther, epochs);
                self.emit_failure(result);
            }
            Command::EndComparison => {
                self.end_comparison();
            }
            Command::Train | Command::Step if self.comparison.is_none() && self.refused.is_some() => {
                self.emit_failure(self.refused.clone().map_or(Ok(()), Err));
            }
            Command::Train | Command::Pause => {
                let before = self.state;
                if matches!(command, Command::Train) {
                    self.devices.ask_again();
                    self.emit_devices();
                    self.train(None)
                } else {
                    self.pause()
                }
                // The page waits for an answer, even if nothing changes.
                if self.state == before {
                    self.emit(Event::State(before));
                }
            }
            // Steps that were asked for before and are still to come are taken, too.
            Command::Step => {
                let waiting = self.steps_left.filter(|_| self.state != RunState::Paused);
                self.train(Some(waiting.unwrap_or(0) + 1));
            }
            // Ends the comparison alone: what was learned before it stays.
            Command::Reset if self.comparison.is_some() => {
                self.end_comparison();
            }
            Command::Reset => self.reset(),
            Command::Undo => self.undo(),
            Command::ForgetReplaced => self.forget_replaced(),
            Command::Painted { ms } => self.frames.on_painted(ms),
            Command::KeepRecord { setup, record } => self.keep_record(setup, record),
            Command::Resume => self.resume(),
            Command::SetAside => self.set_aside(),
            Command::Restore => self.restore_checkpoint(),
            Command::ShowCheckpoint(step) => {
                let step = step.filter(|step| self.can_show(*step));
                self.emit(Event::Shown { step, is_answer: true });
                self.show_checkpoint(step);
            }
            Command::ContinueFrom(step) => self.continue_from(step),
            Command::Show { image, reference }
                if image.len() == PIXELS && reference.as_ref().is_none_or(|r| r.len() == PIXELS) =>
            {
                (self.view.image, self.view.reference) = (Some(image), reference);
                self.emit_snapshot();
            }
            Command::Show { .. } => {
                self.emit(Event::Failed("An image to recognise has 28x28 pixels.".into()))
            }
            Command::Watch(watch) => {
                let before = std::mem::replace(&mut self.view.watch, watch);
                if self.view.watch.predictions != before.predictions {
                    self.invalidate_predictions();
                }
                self.emit_snapshot();
            }
            Command::UseDevice(choice) => {
                self.devices.set_choice(choice);
                self.emit_devices();
            }
            // The worker that runs the session downloads, stores, and starts other workers.
            Command::RetryDownload
            | Command::UseCores(_)
            | Command::OpenStorage { .. }
            | Command::KeepView { .. } => {}
            Command::Labels(split) => {
                let labels = self.data.split(split).labels.clone();
                self.emit(Event::Labels { split, labels });
            }
            Command::Images { split, indices } => {
                self.emit(Event::Images(self.data.images(split, indices)));
            }
        }
    }

    fn emit_failure(&mut self, result: Result<(), String>) {
        if let Err(sentence) = result {
            self.emit(Event::Failed(sentence));
        }
    }

    fn configure(&mut self, network: NetworkSpec, training: TrainingSpec) -> Result<(), String> {
        check_config(&network, &training, self.memory)?;
        let now = self.group.training();
        if *now.network.spec() == network && *now.spec() == training {
            return Ok(());
        }
        let is_new_run = !now.network.spec().is_same_but_for_tricks(&network);
        if is_new_run {
            self.keep_replaced(false);
        }
        self.kept.note_change();
        let now = self.group.training();
        if *now.network.spec() != network || now.spec().batch_size != training.batch_size {
            self.run.meters.throughput = Default::default();
            self.devices.forget_speeds();
        }
        let before = now.spec().clone();
        let Transfer { new, lost, .. } =
            self.group.update(|now| now.configure(network, training)).map_err(|e| e.message)?;
        self.run.cursor.change_subset(&before, self.group.training().spec());
        self.limit_world_size();
        if is_new_run {
            // It goes on with the weights that fit. The checkpoints and the time are those of the run before.
            self.run.train_ms = Some(0.0);
            if self.kept.checkpoints.clear() {
                self.emit_checkpoints();
            }
        }
        if self.group.training().steps() == 0 {
            // Nothing is learned yet: the weights are the initial ones of the present seed.
            self.restart();
            self.want_step_report();
            return Ok(());
        }
        if !new.is_empty()
            && let Some(batch) = self.calibration_batch()
        {
            let fill = |sample: usize, input: &mut [f32]| batch.fill(sample, input);
            self.group.update(|training| training.calibrate_batch_norm(&new, &batch.labels, &fill));
        }
        if let Some(layer) = lost.first() {
            self.emit(Event::Note(format!(
                "What batch normalisation (layer {}) had learned is lost, and the outputs change: where it \
                 stood, no other layer can take it over.",
                layer + 1
            )));
        }
        self.run.evaluating = false;
        self.run.restart_checkpoint(self.group.training());
        self.invalidate_predictions();
        self.emit_snapshot();
        if is_new_run {
            self.emit_progress();
            if self.state != RunState::Paused {
                self.record_checkpoint(None);
            }
        }
        self.want_step_report();
        Ok(())
    }

    /// The images on which new batch normalisations are calibrated: the next ones of this epoch, or its first ones
    /// if too few are left. `None` if they are not here.
    fn calibration_batch(&self) -> Option<Batch> {
        let spec = TrainingSpec { batch_size: CALIBRATION_IMAGES, ..self.spec().clone() };
        let mut cursor = self.run.cursor;
        if cursor.batch_size(&spec) < CALIBRATION_IMAGES {
            cursor.images_of_epoch = 0;
        }
        let mut batch = Batch::default();
        self.data.has_batch(cursor, &spec).then(|| batch.gather(&self.data.train, cursor, &spec))?;
        Some(batch)
    }

    pub(super) fn train(&mut self, steps: Option<u64>) {
        self.steps_left = steps;
        if self.state == RunState::Paused {
            let epoch = self.epoch();
            self.run.stopping.begin(epoch);
        }
        if self.group.training().steps() == 0 {
            self.record_checkpoint(None);
        }
        self.want_step_report();
        if self.schedule_next_run() {
            return;
        }
        let state = if self.has_batch() { RunState::Training } else { RunState::WaitingForData };
        self.set_state(state);
    }

    /// The next step is reported, if it is the last one of those that were asked for one by one.
    pub(super) fn want_step_report(&mut self) {
        let is_last = self.steps_left == Some(1) && self.comparison.is_none();
        if is_last && self.view.watch.step {
            self.step_reports.want(self.group.training());
        } else {
            self.step_reports = StepReports::None;
        }
    }

    /// Whether there is a checkpoint of this step to show. A comparison shows its runs.
    fn can_show(&self, step: u64) -> bool {
        self.comparison.is_none() && self.kept.checkpoints.get(step).is_some()
    }

    /// Shows the network as it was at the checkpoint of this step, paused; as it is now, if there is none.
    fn show_checkpoint(&mut self, step: Option<u64>) {
        if step == self.view.past.as_ref().map(|past| past.steps()) {
            return;
        }
        if step.is_some() {
            self.pause();
        }
        let checkpoint = step.and_then(|step| self.kept.checkpoints.get(step));
        self.view.past = checkpoint.and_then(|checkpoint| checkpoint.training()).map(Box::new);
        self.invalidate_predictions();
        self.emit_snapshot();
    }

    /// Pauses, and reports where: the last report may be a thirtieth of a second old.
    fn pause(&mut self) {
        if self.set_state(RunState::Paused) {
            self.emit_progress();
            let shown = self.comparison.as_ref().map_or(0, Comparison::shown);
            self.switch_run(shown);
            self.emit_snapshot();
        }
    }

    fn reset(&mut self) {
        self.set_state(RunState::Paused);
        self.keep_replaced(true);
        self.restart();
    }

    fn restart(&mut self) {
        self.begin_run();
        self.group.update(|training| training.restart());
        self.run.train_ms = Some(0.0);
        self.jump(DataCursor::default());
        self.run.restart_checkpoint(self.group.training());
        if self.state != RunState::Paused {
            self.record_checkpoint(None);
        }
    }

    fn restore_checkpoint(&mut self) {
        self.set_state(RunState::Paused);
        let (state, cursor) = self.run.checkpoint.state();
        self.group.update(|training| training.restore(state));
        self.jump(cursor);
    }

    /// Moves to `cursor`, after the training was set to another state.
    pub(super) fn jump(&mut self, cursor: DataCursor) {
        self.devices.cpu_until_step = 0;
        self.step_reports = StepReports::None;
        if self.kept.checkpoints.truncate(self.group.training().steps()) {
            self.emit_checkpoints();
        }
        self.run.jump(cursor);
        self.invalidate_predictions();
        self.emit_progress();
        self.emit_snapshot();
    }

    /// Begins a comparison, in place of the one under way.
    fn compare(&mut self, runs: Vec<RunConfig>, order: Order, epochs: f64) -> Result<(), String> {
        let mut comparison = Comparison::new(runs, order, epochs, self.memory, self.own_training())?;
        self.end_comparison();
        self.set_state(RunState::Paused);
        self.emit_progress();
        self.group.update(|training| comparison.swap(training, &mut self.run));
        self.comparison = Some(comparison);
        self.limit_world_size();
        self.invalidate_predictions();
        self.emit(Event::ActiveRun(Some(0)));
        self.emit_progress();
        self.emit_snapshot();
        self.train(None);
        Ok(())
    }

    /// Ends the comparison under way, if any, and restores the session's own training, paused. Returns
    /// whether there was one.
    pub(super) fn end_comparison(&mut self) -> bool {
        if self.comparison.is_none() {
            return false;
        }
        self.set_state(RunState::Paused);
        self.emit_progress();
        if let Some(mut comparison) = self.comparison.take() {
            self.group.update(|training| comparison.swap(training, &mut self.run));
        }
        self.limit_world_size();
        // A pass under way is over a network of the comparison.
        self.invalidate_predictions();
        self.emit(Event::ActiveRun(None));
        self.emit_progress();
        self.emit_snapshot();
        true
    }
}
