//! The session while a GPU trains: steps are submitted several at a time, and read back when they have
//! finished.
//!
//! The group's [`Training`](nn::train::Training) stays the one that is shown: the GPU's state is copied into
//! it as often as pictures are drawn, or twice a second. Commands change it after the GPU's last step is read
//! back.

use super::meters::{Meters, Throughput};
use super::state::Session;
use crate::cursor::DataCursor;
use crate::device::{GpuRequest, GpuResponse, GpuState, GpuUpdate, Patience, Schedule, StepScore};
use crate::messages::{Command, Device, Event, RunState};
use crate::parallel::transport::Transport;
use nn::train::TrainingState;

/// Milliseconds between two states that are read back while nothing is shown: the most training that a lost
/// device takes with it.
const SAVE_MS: f64 = 500.0;
/// Steps that the cores take where the GPU came to a number that is not finite: they find out where it began.
const CPU_STEPS_AFTER_DIVERGENCE: u64 = 50;

impl Session {
    /// The GPU trainer to be built now, if any. Its response goes to [`Session::gpu_built`].
    pub fn gpu_request(&mut self) -> Option<GpuRequest> {
        if self.state != RunState::Training || self.comparison.is_some() {
            return None;
        }
        let training = self.group.training();
        self.devices.request(training.network.spec(), training.spec())
    }

    /// Takes over what was built for the last request.
    pub fn gpu_built(&mut self, response: GpuResponse) -> Vec<Event> {
        self.devices.on_response(response);
        self.emit_devices();
        self.take_events()
    }

    /// Resolves when the GPU has finished something, which [`Session::work`] then reads; `None` if nothing is
    /// in flight. A silent GPU never finishes: [`Session::tick`] notices that.
    pub fn gpu_next(&self) -> Option<impl Future<Output = ()> + use<>> {
        self.devices.gpu.as_ref()?.next_completion()
    }

    /// The GPU that is open, for a test to destroy.
    pub fn gpu(&self) -> Option<&gpu::Gpu> {
        self.devices.device.as_ref().map(|device| &device.gpu)
    }

    /// Whether the GPU has work.
    pub(super) fn is_on_gpu(&self) -> bool {
        self.devices.gpu.as_ref().is_some_and(|gpu| gpu.state != GpuState::Idle)
    }

    /// Steps taken; on a GPU, those that were read back.
    pub(super) fn steps(&self) -> u64 {
        match &self.devices.gpu {
            Some(gpu) if gpu.is_training() => gpu.steps(),
            _ => self.group.training().steps(),
        }
    }

    /// Queues `command` while the GPU trains. It runs after all in-flight work is read back, on the state the
    /// CPU path would have. Returns false, and queues nothing, if the GPU does not train.
    pub(super) fn queue_command(&mut self, command: &Command) -> bool {
        let Some(gpu) = &mut self.devices.gpu else { return false };
        match gpu.state {
            GpuState::Idle => return false,
            GpuState::Probing => {
                // None of its steps count.
                gpu.abandon();
                return false;
            }
            GpuState::Training => gpu.drain(self.group.training().spec()),
            GpuState::Draining => {}
        }
        self.queued.push_back(command.clone());
        true
    }

    /// Lets the GPU go on from here, if it is built and is to train. Returns whether it does.
    pub(super) fn switch_to_gpu(&mut self, transport: &dyn Transport) -> bool {
        if self.comparison.is_some() {
            return false;
        }
        self.devices.update_cpu_speed();
        let training = self.group.training();
        let (network, spec, steps) = (training.network.spec(), training.spec(), training.steps());
        let Some(next) = self.devices.next_gpu_state(network, spec, steps) else { return false };
        if self.state == RunState::Paused || self.run.evaluating || self.steps_left.is_some() {
            return false;
        }
        self.group.abandon();
        let mut state = TrainingState::default();
        self.group.training().save(&mut state);
        let Some(gpu) = &mut self.devices.gpu else { return false };
        gpu.start(next, &state, self.run.cursor, transport.now());
        self.devices.clear_note();
        true
    }

    /// Whether steps can be submitted.
    pub(super) fn gpu_can_submit(&self) -> bool {
        let train_images = self.data.train.len();
        self.devices.gpu.as_ref().is_some_and(|gpu| gpu.can_submit(self.spec(), train_images))
    }

    /// Reads back what has finished, and submits more.
    pub(super) fn work_on_gpu(&mut self, transport: &dyn Transport) {
        self.poll_gpu(transport.now());
        while self.gpu_can_submit() {
            self.submit_to_gpu(transport.now());
        }
        if self.devices.gpu.as_ref().is_some_and(|gpu| gpu.gpu().is_lost()) {
            // A call has thrown: no completion would wake this thread.
            self.on_gpu_lost();
        } else if self.devices.gpu.as_ref().is_some_and(|gpu| gpu.is_starved()) {
            self.set_state(RunState::WaitingForData);
        } else if self.is_on_gpu() {
            self.set_state(RunState::Training);
        }
        self.emit_devices();
    }

    fn submit_to_gpu(&mut self, now: f64) {
        let (Some(gpu), Some(device)) = (&mut self.devices.gpu, &self.devices.device) else { return };
        device.upload(&self.data.train, &self.data.test);
        let schedule = Schedule {
            train_images: self.data.train.len(),
            test_images: self.data.test_set_is_complete().then_some(self.data.test.len()),
            save_interval: if self.view.shows_anything() { self.frames.interval_ms() } else { SAVE_MS },
        };
        gpu.submit(self.group.training().spec(), schedule, now);
    }

    /// Takes over what the GPU has finished.
    fn poll_gpu(&mut self, now: f64) {
        let Some(gpu) = &mut self.devices.gpu else { return };
        let updates = gpu.poll_completions(now);
        if !self.take_updates(updates) {
            return;
        }
        self.choose_device();
        let Some(gpu) = &mut self.devices.gpu else { return };
        let drained = gpu.finish_draining();
        if drained || (gpu.state == GpuState::Training && self.frames.is_due(now)) {
            self.frames.reset(now);
            self.emit_progress();
            if drained {
                self.emit_snapshot();
            } else {
                self.emit_frame();
            }
        }
        if drained {
            self.run_queued_commands();
        }
    }

    /// Takes over what has come back. Returns whether the GPU goes on.
    fn take_updates(&mut self, updates: Vec<GpuUpdate>) -> bool {
        for update in updates {
            match update {
                GpuUpdate::Steps(steps, ms, last) => {
                    let images = steps.iter().map(|(images, _)| images).sum();
                    self.run.add_work(images, ms);
                    self.count_gpu_steps(&steps, last);
                }
                GpuUpdate::Saved(saved, cursor, (steps, images, score)) => {
                    self.group.update(|training| {
                        training.restore(&saved.state);
                        training.set_gradients(&saved.gradients);
                    });
                    if let Some(gpu) = &mut self.devices.gpu {
                        gpu.set_saved_cursor(cursor);
                    }
                    let training = self.group.training();
                    self.run.checkpoint.record(steps, images, score, training, cursor);
                }
                GpuUpdate::Evaluated(tested) => {
                    self.emit(Event::Tested(tested));
                    // The state that was read back last is the one that was measured: the page is left there.
                    if self.group.training().steps() == tested.step {
                        self.record_checkpoint(Some(tested));
                        if self.stops_at(tested) {
                            self.stop_on_gpu();
                            return false;
                        }
                    }
                    // The GPU counts hits, but returns no predictions. If a pass takes longer than the time
                    // to the next evaluation, some evaluations are skipped, or no pass would ever end.
                    if !self.predictions_are_pending() {
                        self.invalidate_predictions();
                    }
                }
                GpuUpdate::Diverged => {
                    self.on_gpu_divergence();
                    return false;
                }
                GpuUpdate::Lost => {
                    self.on_gpu_lost();
                    return false;
                }
            }
        }
        true
    }

    /// Counts steps of the GPU, the last of which is number `last`.
    fn count_gpu_steps(&mut self, steps: &[StepScore], last: u64) {
        for (at, (images, score)) in steps.iter().enumerate() {
            self.run.advance(*images, *score, self.group.training().spec());
            if self.run.meters.since_report.point() == Some(true) {
                self.emit_progress_at(last.saturating_sub((steps.len() - 1 - at) as u64));
            }
        }
    }

    /// Chooses between the cores and a GPU that has been probed for long enough.
    fn choose_device(&mut self) {
        let Some(speed) = self.devices.gpu.as_mut().and_then(|gpu| gpu.probed_speed()) else { return };
        let device = self.devices.choose_device(speed);
        let Some(gpu) = &mut self.devices.gpu else { return };
        match device {
            Device::WebGpu => {
                let (steps, ms) = gpu.accept_probe();
                self.run.train_ms = self.run.train_ms.map(|before| before + ms);
                let last = gpu.steps();
                self.run.meters.throughput = Throughput::default();
                self.count_gpu_steps(&steps, last);
            }
            Device::Cpu => gpu.abandon(),
        }
    }

    /// Goes back to the state that was read back last, which is at `cursor`; then runs the queued commands.
    fn restore_from_save(&mut self, cursor: DataCursor) {
        self.run.cursor = cursor;
        self.run.evaluating = false;
        self.run.meters = Meters::default();
        self.emit_progress();
        self.emit_snapshot();
        self.run_queued_commands();
    }

    /// The position of the group's training.
    pub(super) fn saved_cursor(&self) -> DataCursor {
        match &self.devices.gpu {
            Some(gpu) if gpu.is_training() => gpu.saved_cursor(),
            _ => self.run.cursor,
        }
    }

    fn on_gpu_lost(&mut self) {
        let cursor = self.saved_cursor();
        let step = self.group.training().steps();
        self.devices
            .on_device_lost(format!("The GPU was lost. Training goes on from step {step} on the CPU"));
        self.emit_devices();
        self.restore_from_save(cursor);
    }

    /// Counts `ms` milliseconds of waiting for the GPU, which must answer in time.
    pub(super) fn wait_for_gpu(&mut self, ms: f64, now: f64) {
        self.devices.wait(ms);
        if self.is_on_gpu() {
            // What has arrived counts, even if this thread was too busy to look.
            self.poll_gpu(now);
        }
        let cursor = self.saved_cursor();
        let Some(gpu) = &mut self.devices.gpu else { return self.emit_devices() };
        let counts = gpu.is_training();
        match gpu.wait(ms) {
            Patience::Wait => return self.emit_devices(),
            Patience::Abandon => gpu.abandon(),
            Patience::Silent => {
                gpu.silence();
                let step = self.group.training().steps();
                self.devices.on_silence(format!(
                    "The GPU has not answered in time. Training goes on from step {step} on the CPU"
                ));
            }
        }
        self.emit_devices();
        if counts {
            self.restore_from_save(cursor);
        }
    }

    /// Takes notice of a GPU that was silent and is not any more.
    pub(super) fn poll_late_gpu(&mut self) {
        if let Some(gpu) = &mut self.devices.gpu
            && gpu.poll_late_answer()
            && gpu.gpu().is_lost()
        {
            self.devices.on_device_lost("The GPU was lost. The CPU trains".into());
            self.emit_devices();
        }
    }

    /// Drops the steps after the state that was read back last, and pauses there.
    fn stop_on_gpu(&mut self) {
        let cursor = self.saved_cursor();
        if let Some(gpu) = &mut self.devices.gpu {
            gpu.abandon();
        }
        self.run.cursor = cursor;
        self.set_state(RunState::Paused);
        self.restore_from_save(cursor);
    }

    fn on_gpu_divergence(&mut self) {
        let cursor = self.saved_cursor();
        if let Some(gpu) = &mut self.devices.gpu {
            self.devices.cpu_until_step = gpu.submitted_steps() + CPU_STEPS_AFTER_DIVERGENCE;
            gpu.abandon();
        }
        self.restore_from_save(cursor);
    }

    fn run_queued_commands(&mut self) {
        while let Some(command) = self.queued.pop_front() {
            self.execute(command);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::messages::Tested;
    use wasm_bindgen_test::wasm_bindgen_test;

    #[wasm_bindgen_test(unsupported = test)]
    fn an_evaluation_that_arrives_with_bad_news_is_reported_before_it() {
        for bad in [GpuUpdate::Diverged, GpuUpdate::Lost] {
            let mut session = Session::default();
            let tested = Tested { step: 47, epoch: 1.0, loss: 0.1, accuracy: 0.97, certainty: None };
            assert!(!session.take_updates(vec![GpuUpdate::Evaluated(tested), bad]));
            assert_eq!(session.take_events().first(), Some(&Event::Tested(tested)));
        }
    }
}
