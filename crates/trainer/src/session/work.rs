//! Work in slices: training steps and evaluations on the cores, predictions, and the turns of a comparison.

use super::comparison::{Comparison, NextRun};
use super::predictions::predictions;
use super::state::Session;
use crate::cursor::DataCursor;
use crate::evaluation::Evaluation;
use crate::messages::{Event, RunState, Source, Tested};
use crate::parallel::group::Completed;
use crate::parallel::replica::StepResult;
use crate::parallel::transport::Transport;

/// Milliseconds of a slice of work: half a frame at 30 a second, so that commands are executed and pictures
/// move.
const SLICE_MS: f64 = 16.0;
/// The most milliseconds that count as waited for between two ticks.
const MAX_TICK_MS: f64 = 400.0;
/// Milliseconds of a slice of predictions while training waits for it.
const PREDICTION_SLICE_MS: f64 = 4.0;

impl Session {
    /// Whether [`Session::work`] has something to do.
    pub fn busy(&self) -> bool {
        if self.predictions_are_pending() || self.view.is_snapshot_pending() || self.step_reports.is_pending()
        {
            return true;
        }
        if self.is_on_gpu() {
            return self.gpu_can_submit();
        }
        self.state != RunState::Paused
            && !self.group.is_waiting()
            && (self.run.evaluating || self.group.planned_steps() > 0 || self.has_batch())
    }

    /// Works for one slice, or until workers must answer.
    pub fn work(&mut self, transport: &dyn Transport) -> Vec<Event> {
        self.work_slice(transport);
        self.take_events()
    }

    /// Whether [`Session::tick`] is to be called.
    pub fn needs_ticks(&self) -> bool {
        self.state != RunState::Paused || self.is_on_gpu()
    }

    /// Looks whether the GPU and the workers answer in time, and goes on without those that do not. To be
    /// called about five times a second while [`Session::needs_ticks`].
    pub fn tick(&mut self, transport: &dyn Transport) -> Vec<Event> {
        let now = transport.now();
        // While the machine sleeps, or this thread is busy, nobody is late.
        let ms = (now - self.last_tick.replace(now).unwrap_or(now)).clamp(0.0, MAX_TICK_MS);
        self.wait_for_gpu(ms, now);
        for rank in self.group.wait(ms, transport) {
            self.on_worker_silent(rank);
        }
        self.take_events()
    }

    /// Takes a message of the worker of rank `rank`, and continues the work that waited for it. `message` may
    /// be kept, and replaced by a vector of any content.
    pub fn on_message(
        &mut self,
        rank: usize,
        message: &mut Vec<u32>,
        transport: &dyn Transport,
    ) -> Vec<Event> {
        self.group.work_until(transport.now() + SLICE_MS);
        if self.group.hear_from(rank) {
            self.on_worker_answered(rank);
        }
        let mut completed = self.group.on_message(rank, message, &self.data.test, transport);
        while completed.is_some() {
            self.finish(completed, transport);
            // The next step may have been planned already.
            completed = if self.group.planned_steps() > 0 { self.advance_step(transport) } else { None };
        }
        self.work_slice(transport);
        self.take_events()
    }

    fn work_slice(&mut self, transport: &dyn Transport) {
        self.poll_late_gpu();
        let start = transport.now();
        self.group.work_until(start + SLICE_MS);
        while self.view.is_snapshot_pending() {
            self.advance_snapshot();
            if transport.now() >= start + SLICE_MS {
                return;
            }
        }
        while self.step_reports.is_pending() {
            self.advance_step_report();
            if transport.now() >= start + SLICE_MS {
                return;
            }
        }
        self.advance_predictions(transport);
        if self.is_on_gpu() || self.switch_to_gpu(transport) {
            self.work_on_gpu(transport);
            if self.is_on_gpu() {
                return;
            }
        }
        while self.state != RunState::Paused && !self.group.is_waiting() {
            let completed = if self.run.evaluating {
                self.group.evaluate(&self.data.test, transport)
            } else if self.group.planned_steps() > 0 {
                // It was interrupted.
                self.advance_step(transport)
            } else if let Some(cursor) = self.next_cursor() {
                self.step_started = transport.now();
                self.group.plan(&self.data.train, cursor, transport);
                self.advance_step(transport)
            } else {
                self.set_state(RunState::WaitingForData);
                break;
            };
            self.set_state(RunState::Training);
            self.finish(completed, transport);
            if transport.now() - start >= SLICE_MS {
                break;
            }
        }
    }

    /// Advances the step under way. While workers must finish it, the next steps are planned.
    fn advance_step(&mut self, transport: &dyn Transport) -> Option<Completed> {
        let completed = self.group.advance(transport);
        if completed.is_none() {
            for _ in 0..self.group.steps_to_plan() {
                let Some(cursor) = self.next_cursor() else { break };
                self.group.plan(&self.data.train, cursor, transport);
            }
            self.group.send_steps(transport);
        }
        completed
    }

    /// The position of the first step that is not planned yet; `None` if its images are missing, or an
    /// evaluation, a pause or the end of a run comes before it.
    fn next_cursor(&self) -> Option<DataCursor> {
        let spec = self.spec();
        let mut cursor = self.run.cursor;
        for _ in 0..self.group.planned_steps() {
            let due = cursor.evaluations_due(spec);
            cursor.advance(spec);
            if cursor.evaluations_due(spec) > due && self.data.test_set_is_complete() {
                return None;
            }
        }
        let end = self.comparison.as_ref().map(|comparison| comparison.epochs());
        if end.is_some_and(|end| cursor.epochs(spec) >= end) {
            return None;
        }
        let wanted = self.steps_left.is_none_or(|steps| steps > self.group.planned_steps() as u64);
        (wanted && self.data.has_batch(cursor, spec)).then_some(cursor)
    }

    /// Takes over completed work: reports it, and schedules what comes next.
    fn finish(&mut self, completed: Option<Completed>, transport: &dyn Transport) {
        match completed {
            None => return,
            Some(Completed::Evaluation(evaluation)) => self.finish_evaluation(evaluation),
            Some(Completed::Step(images, result)) => {
                let now = transport.now();
                let ms = now - self.step_started;
                self.run.add_work(images, ms);
                // The device is chosen for the session's own training.
                if self.comparison.is_none() {
                    self.devices.measure_cpu(images, ms);
                }
                self.step_started = now;
                self.finish_step(images, result);
            }
        }
        let now = transport.now();
        if self.frames.is_due(now) || self.state == RunState::Paused {
            self.frames.reset(now);
            self.emit_progress();
            if self.state == RunState::Paused {
                self.emit_snapshot();
            } else {
                self.emit_frame();
            }
        } else if self.run.meters.since_report.point() == Some(true) {
            self.emit_progress();
        }
        if self.state != RunState::Paused {
            self.schedule_next_run();
        }
    }

    fn finish_evaluation(&mut self, evaluation: Evaluation) {
        let (step, epoch) = (self.group.training().steps(), self.epoch());
        self.run.evaluating = false;
        if let Some(comparison) = &mut self.comparison {
            comparison.record_evaluation(step);
        }
        let tested = evaluation.tested(step, epoch);
        self.emit(Event::Tested(tested));
        self.record_checkpoint(Some(tested));
        if self.stops_at(tested) {
            self.set_state(RunState::Paused);
        }
        let is_shown = self.comparison.as_ref().is_none_or(|comparison| comparison.shown_is_active());
        if self.view.watch.predictions && is_shown {
            self.pass = None;
            self.emit(Event::Predictions(predictions(Source::Session { step }, evaluation)));
        }
    }

    /// Takes notice of an evaluation of the session's own run. Returns whether training stops with it, and tells the page.
    pub(super) fn stops_at(&mut self, tested: Tested) -> bool {
        if self.comparison.is_some() {
            return false;
        }
        let reason = self.run.stopping.observe(self.group.training().spec().stop, tested);
        let Some(reason) = reason.filter(|_| self.state != RunState::Paused) else { return false };
        self.emit(Event::Stopped(reason));
        true
    }

    fn finish_step(&mut self, images: usize, result: StepResult) {
        let score = match result {
            Ok(score) => score,
            Err(cause) => {
                if let Some(comparison) = &mut self.comparison {
                    comparison.end_active();
                } else {
                    self.set_state(RunState::Paused);
                }
                return self.emit_divergence(cause);
            }
        };
        let (complete, cursor) = (self.data.test_set_is_complete(), self.run.cursor);
        self.run.record_step(images, score, self.group.training(), complete);
        if let Some(steps) = &mut self.steps_left {
            *steps -= 1;
            if *steps == 0 {
                self.step_reports.begin(self.group.training(), &self.data.train, cursor);
                self.advance_step_report();
                self.set_state(RunState::Paused);
            } else {
                self.want_step_report();
            }
        }
    }

    /// Classifies test images for a slice.
    fn advance_predictions(&mut self, transport: &dyn Transport) {
        let Some(pass) = &mut self.pass else { return };
        let start = transport.now();
        let slice = if self.state == RunState::Training { PREDICTION_SLICE_MS } else { SLICE_MS };
        if !pass.advance(&self.data.test, || transport.now() - start < slice) {
            return;
        }
        let predictions = self.view.watch.predictions.then(|| Event::Predictions(pass.predictions()));
        let is_own = self.comparison.is_none() && self.view.past.is_none();
        let tested = (is_own && self.data.test_set_is_complete()).then(|| pass.tested());
        self.events.extend(tested.iter().cloned().chain(predictions));
        if tested.is_some() && self.state == RunState::Paused {
            // This was the evaluation that was due before the next step.
            self.run.evaluating = false;
            if let Some(Event::Tested(tested)) = tested {
                if tested.step > 0 {
                    self.record_checkpoint(Some(tested));
                }
                self.stops_at(tested);
            }
        }
    }

    /// Continues a comparison: switches to the run whose turn it is, evaluates a run that has reached its
    /// end, or ends the comparison. Returns whether it ended.
    pub(super) fn schedule_next_run(&mut self) -> bool {
        if self.run.evaluating {
            return false;
        }
        let (epoch, step) = (self.epoch(), self.group.training().steps());
        let can_evaluate = self.data.test_set_is_complete();
        let Some(comparison) = &mut self.comparison else { return false };
        match comparison.schedule(epoch, step, can_evaluate) {
            NextRun::Same => {}
            NextRun::Evaluate => self.run.evaluating = true,
            NextRun::Switch(next) => self.switch_run(next),
            NextRun::End => return self.end_comparison(),
        }
        false
    }

    /// Makes another run of the comparison under way the active one.
    pub(super) fn switch_run(&mut self, next: usize) {
        if self.comparison.as_ref().is_none_or(|comparison| comparison.active() == next) {
            return;
        }
        self.emit_progress();
        if let Some(comparison) = &mut self.comparison {
            self.group.update(|training| comparison.switch(next, training, &mut self.run));
        }
        self.limit_world_size();
        self.emit(Event::ActiveRun(Some(next)));
        if self.comparison.as_ref().is_some_and(Comparison::shows_every_run) {
            self.invalidate_predictions();
            self.emit_snapshot();
        }
    }
}
