//! Turns changes of the session into events, in the order in which they happen.

use super::state::{Session, shown_training};
use super::step_reports::StepReports;
use crate::messages::{Diverged, Event, Progress, RunState};
use nn::inspect::divergence::Divergence;
use nn::train::optimizer::learning_rate;

impl Session {
    /// Appends an event.
    pub(super) fn emit(&mut self, event: Event) {
        self.events.push(event);
    }

    /// Returns the events since the last call.
    pub(super) fn take_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    /// Reports how far training is, and how the steps since the last report went.
    pub(super) fn emit_progress(&mut self) {
        self.emit_progress_at(self.steps());
    }

    /// As [`Session::emit_progress`], after `step` steps: those of a GPU come back several at a time.
    pub(super) fn emit_progress_at(&mut self, step: u64) {
        // A point of a range test is reported as a whole, unless training pauses in it.
        let tally = &mut self.run.meters.since_report;
        let is_early = self.state != RunState::Paused && tally.point() == Some(false);
        let is_range_test = tally.point().is_some();
        let means = if is_early { None } else { std::mem::take(tally).means() };
        self.emit(Event::Progress(Progress {
            step,
            epoch: self.epoch(),
            learning_rate: learning_rate(self.spec(), self.run.cursor.schedule_epochs()),
            train_loss: means.as_ref().map(|means| means.loss),
            train_accuracy: means.as_ref().map(|means| means.accuracy),
            train_rate: means.as_ref().filter(|_| is_range_test).map(|means| means.rate),
            images_per_second: self.run.meters.throughput.images_per_second(),
            cores: self.group.world_size(),
            train_seconds: self.run.train_ms.map(|ms| ms / 1000.0),
        }));
    }

    /// Sends what is on screen: at once, unless the network is so large that it takes several slices. If it is of
    /// another network than before, that is sent first.
    pub(super) fn emit_snapshot(&mut self) {
        let training = shown_training(&mut self.comparison, &mut self.group);
        let spec = self.view.past.as_deref().unwrap_or(training).network.spec();
        if self.announced.as_ref() != Some(spec) {
            self.announced = Some(spec.clone());
            self.step_reports = StepReports::None;
            self.events.push(Event::Network(spec.clone()));
        }
        self.view.begin_snapshot();
        self.advance_snapshot();
    }

    /// As [`Session::emit_snapshot`], because time has passed and not because something else is to be shown: a snapshot that is
    /// pending is completed first, or a large network's never would be.
    pub(super) fn emit_frame(&mut self) {
        if !self.view.is_snapshot_pending() {
            self.emit_snapshot();
        }
    }

    /// Goes on with the snapshot that is pending, and sends it once it is complete.
    pub(super) fn advance_snapshot(&mut self) {
        let training = shown_training(&mut self.comparison, &mut self.group);
        if let Some(snapshot) = self.view.advance_snapshot(training, &self.data.test) {
            self.emit(Event::Snapshot(snapshot));
        }
    }

    /// Goes on with the report of the last step, and sends it once it is complete.
    pub(super) fn advance_step_report(&mut self) {
        if let Some(report) = self.step_reports.advance() {
            self.emit(Event::StepTaken(Box::new(report)));
        }
    }

    /// Reports the devices, if something is new.
    pub(super) fn emit_devices(&mut self) {
        if let Some(report) = self.devices.new_report() {
            self.emit(Event::Device(report));
        }
    }

    /// Reports that the next step was not taken because of `cause`.
    pub(super) fn emit_divergence(&mut self, cause: Divergence) {
        let step = self.group.training().steps();
        let healthy_step = self.run.checkpoint.state().0.steps;
        let Divergence { layer, what } = cause;
        let kind = self.network().spec().layers[layer].kind();
        let sentence = format!(
            "Training diverged after step {step}: the {what} of layer {} ({kind}) were no longer finite numbers. \
             A smaller learning rate helps; the state of step {healthy_step} was still well.",
            layer + 1
        );
        self.emit(Event::Diverged(Diverged { step, cause, healthy_step, sentence }));
    }
}
