//! Training on a GPU: submissions of several steps go out, and come back without anybody waiting for them.

use super::gpu_device::GpuDevice;
use super::probe::ThroughputProbe;
use crate::cursor::DataCursor;
use crate::messages::Tested;
use gpu::{Completion, EVALUATION_BATCH, Gpu, GpuTrainer, Pace, Saved};
use nn::network::Score;
use nn::spec::{NetworkSpec, TrainingSpec};
use nn::train::TrainingState;

/// What the GPU is doing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum GpuState {
    /// Nothing.
    Idle,
    /// Training to measure the throughput. The steps are dropped if the cores are faster.
    Probing,
    /// Training.
    Training,
    /// Finishing what was submitted, and reading the state back. Nothing more is submitted.
    Draining,
}

/// The least and the most milliseconds without an answer after which the GPU counts as silent.
const SILENCE_MS: std::ops::RangeInclusive<f64> = 1_250.0..=4_000.0;

/// Milliseconds without an answer after which the GPU counts as silent: four times as many as a submission is expected to
/// take. The first one waits for pipelines to be compiled (over two seconds on a busy machine), and nobody knows how long that
/// takes: it gets the most.
fn silence_ms(submission_ms: Option<f64>) -> f64 {
    (4.0 * submission_ms.unwrap_or(f64::INFINITY)).clamp(*SILENCE_MS.start(), *SILENCE_MS.end())
}

/// Milliseconds after which a pause waits no longer for what is in flight, and milliseconds without an answer.
const MAX_DRAINING_MS: f64 = 2_000.0;
const MAX_DRAINING_SILENCE_MS: f64 = 1_250.0;
/// Milliseconds after which a GPU is judged by what it has done by then.
const MAX_PROBING_MS: f64 = 1_200.0;

/// Whether to wait on for a GPU.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Patience {
    /// It answers in time.
    Wait,
    /// What is in flight takes too long for a command that waits, though not for this GPU.
    Abandon,
    /// It has not answered in time.
    Silent,
}

/// Images and score of one training step.
pub(crate) type StepScore = (usize, Score);

/// Training steps in flight.
struct InFlightSteps {
    /// When they were submitted, in milliseconds.
    submitted: f64,
    /// Images of each step.
    sizes: Vec<usize>,
    /// The position in the data after these steps.
    after: DataCursor,
}

/// An evaluation in flight.
struct InFlightEvaluation {
    step: u64,
    epoch: f64,
    images: usize,
}

/// When a training on the GPU evaluates the network and reads the state back.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Schedule {
    /// Downloaded training images.
    pub(crate) train_images: usize,
    /// Images of the test set, if it is complete.
    pub(crate) test_images: Option<usize>,
    /// Milliseconds between two states that are read back.
    pub(crate) save_interval: f64,
}

/// What has come back from the GPU.
pub(crate) enum GpuUpdate {
    /// Training steps, the milliseconds they took, and the number of the last one.
    Steps(Vec<StepScore>, f64, u64),
    /// A state, its position in the data, and the steps since the state before: their number, images and
    /// score.
    Saved(Box<Saved>, DataCursor, (u32, usize, Score)),
    /// An evaluation.
    Evaluated(Tested),
    /// A number that is not finite. The last update.
    Diverged,
    /// The device is lost, with everything in flight but evaluations that have arrived. The last update.
    Lost,
}

/// A trainer on the GPU, and the state of its work.
pub(crate) struct GpuTraining {
    trainer: GpuTrainer<InFlightSteps, InFlightEvaluation>,
    network: NetworkSpec,
    batch_size: usize,
    pub(crate) state: GpuState,
    pace: Pace,
    /// The position of the next submission.
    cursor: DataCursor,
    /// The position of the state that was read back last.
    saved_cursor: DataCursor,
    /// When a state was last asked for, in milliseconds.
    saved_at: f64,
    /// Steps read back, including those before this training.
    steps: u64,
    /// Steps read back since the last state: their number, images and score.
    since_saved: (u32, usize, Score),
    probe: ThroughputProbe,
    /// Steps taken while probing.
    probe_steps: Vec<StepScore>,
    /// When the last submission came back, in milliseconds.
    last_completion: f64,
    // By the clock of `wait`, which stands still while the machine sleeps:
    /// Milliseconds since the last answer, and since the present state began.
    silent_ms: f64,
    state_ms: f64,
    /// Whether it has not answered in time. It may answer later.
    is_silent: bool,
}

impl GpuTraining {
    /// Builds a trainer for `network` and batches of up to `batch_size` images.
    ///
    /// # Errors
    /// A sentence, if they do not fit this GPU.
    pub(super) async fn build(
        device: &GpuDevice,
        network: NetworkSpec,
        batch_size: usize,
    ) -> Result<Self, String> {
        let trainer = GpuTrainer::new(device.gpu.clone(), &device.images, &network, batch_size).await;
        Ok(Self {
            trainer: trainer.map_err(|e| e.0)?,
            network,
            batch_size,
            state: GpuState::Idle,
            pace: Pace::default(),
            cursor: DataCursor::default(),
            saved_cursor: DataCursor::default(),
            saved_at: 0.0,
            steps: 0,
            since_saved: Default::default(),
            probe: ThroughputProbe::default(),
            probe_steps: Vec::new(),
            last_completion: 0.0,
            silent_ms: 0.0,
            state_ms: 0.0,
            is_silent: false,
        })
    }

    /// Whether the trainer was built for this network and batch size.
    pub(super) fn fits(&self, network: &NetworkSpec, spec: &TrainingSpec) -> bool {
        self.network == *network && self.batch_size == spec.batch_size
    }

    /// The GPU.
    pub(crate) fn gpu(&self) -> &Gpu {
        self.trainer.gpu()
    }

    /// Whether the steps on the GPU count: it trains, or is draining.
    pub(crate) fn is_training(&self) -> bool {
        matches!(self.state, GpuState::Training | GpuState::Draining)
    }

    /// Whether it has work, and nothing is in flight.
    pub(crate) fn is_starved(&self) -> bool {
        self.state != GpuState::Idle && self.trainer.is_drained()
    }

    /// Steps read back, including those before this training.
    pub(crate) fn steps(&self) -> u64 {
        self.steps
    }

    /// Steps submitted, including those before this training.
    pub(crate) fn submitted_steps(&self) -> u64 {
        self.trainer.steps()
    }

    /// The position of the state that was taken over last.
    pub(crate) fn saved_cursor(&self) -> DataCursor {
        self.saved_cursor
    }

    /// A state of this position was taken over. Several may have come back at once.
    pub(crate) fn set_saved_cursor(&mut self, cursor: DataCursor) {
        self.saved_cursor = cursor;
    }

    /// Resolves when the oldest submission in flight has finished; `None` if nothing is in flight.
    pub(crate) fn next_completion(&self) -> Option<impl Future<Output = ()> + use<>> {
        self.trainer.next_completion()
    }

    fn enter(&mut self, state: GpuState) {
        (self.state, self.state_ms) = (state, 0.0);
    }

    /// Whether the GPU has not answered in time, and does not yet.
    pub(crate) fn is_silent(&self) -> bool {
        self.is_silent
    }

    /// Counts `ms` milliseconds without an answer.
    pub(crate) fn wait(&mut self, ms: f64) -> Patience {
        self.state_ms += ms;
        if self.state == GpuState::Idle || self.trainer.is_drained() {
            self.silent_ms = 0.0;
            return Patience::Wait;
        }
        self.silent_ms += ms;
        if self.silent_ms >= silence_ms(self.pace.submission_ms()) {
            return Patience::Silent;
        }
        let is_late = self.silent_ms >= MAX_DRAINING_SILENCE_MS || self.state_ms >= MAX_DRAINING_MS;
        if self.state == GpuState::Draining && is_late { Patience::Abandon } else { Patience::Wait }
    }

    /// Drops everything in flight, because the GPU has not answered in time.
    pub(crate) fn silence(&mut self) {
        self.abandon();
        self.is_silent = true;
    }

    /// Takes notice of a late answer. Returns whether a device that was silent is usable again, or lost.
    pub(crate) fn poll_late_answer(&mut self) -> bool {
        if self.is_silent && (self.gpu().is_lost() || !self.trainer.is_finishing_abandoned()) {
            self.is_silent = false;
            return true;
        }
        false
    }

    /// Goes on from `training` at `cursor`, probing or training.
    pub(crate) fn start(&mut self, state: GpuState, training: &TrainingState, cursor: DataCursor, now: f64) {
        self.trainer.load(training);
        self.enter(state);
        self.silent_ms = 0.0;
        (self.cursor, self.saved_cursor, self.saved_at) = (cursor, cursor, now);
        (self.steps, self.since_saved, self.last_completion) = (training.steps, Default::default(), now);
        (self.probe, self.probe_steps) = (ThroughputProbe::default(), Vec::new());
    }

    /// Reads the state after the last submitted step back, and submits nothing more.
    pub(crate) fn drain(&mut self, spec: &TrainingSpec) {
        self.enter(GpuState::Draining);
        let (submitted, after) = (self.last_completion, self.cursor);
        self.trainer.train(spec, &[], true, InFlightSteps { submitted, sizes: Vec::new(), after });
    }

    /// Becomes idle if it is draining and everything is read back. Returns whether it did.
    pub(crate) fn finish_draining(&mut self) -> bool {
        let drained = self.state == GpuState::Draining && self.trainer.is_drained();
        if drained {
            self.enter(GpuState::Idle);
        }
        drained
    }

    /// Drops everything in flight, and becomes idle.
    pub(crate) fn abandon(&mut self) {
        self.trainer.abandon();
        self.enter(GpuState::Idle);
    }

    /// Whether steps can be submitted.
    pub(crate) fn can_submit(&self, spec: &TrainingSpec, train_images: usize) -> bool {
        matches!(self.state, GpuState::Probing | GpuState::Training)
            && self.trainer.has_capacity()
            && train_images >= self.cursor.images_needed(spec)
    }

    /// Submits the next steps, and the evaluation that is due after them.
    pub(crate) fn submit(&mut self, spec: &TrainingSpec, schedule: Schedule, now: f64) {
        let due = self.cursor.evaluations_due(spec);
        let (mut batches, mut sizes) = (Vec::new(), Vec::new());
        // A submission ends where the test set is evaluated.
        while batches.len() < self.pace.steps()
            && schedule.train_images >= self.cursor.images_needed(spec)
            && self.cursor.evaluations_due(spec) == due
        {
            batches.push(self.cursor.batch_range(spec));
            sizes.push(self.cursor.batch_size(spec));
            self.cursor.advance(spec);
        }
        let counts = self.state == GpuState::Training;
        let is_due = self.cursor.evaluations_due(spec) > due;
        let evaluated = schedule.test_images.filter(|_| counts && is_due);
        let is_old = now - self.saved_at >= schedule.save_interval;
        // A checkpoint, and predictions where they are shown, are of the very network that is evaluated.
        let save = counts && (is_old || evaluated.is_some());
        if save {
            self.saved_at = now;
        }
        let tag = InFlightSteps { submitted: now, sizes, after: self.cursor };
        self.trainer.train(spec, &batches, save, tag);
        if let Some(images) = evaluated {
            let (step, epoch) = (self.trainer.steps(), self.cursor.epochs(spec));
            // As long as a submission of steps: forward alone takes a third of a step's time.
            let at_once = 3 * self.pace.steps() * self.batch_size / EVALUATION_BATCH;
            self.trainer.evaluate(images, at_once, InFlightEvaluation { step, epoch, images });
        }
    }

    /// Returns what has come back since the last call.
    pub(crate) fn poll_completions(&mut self, now: f64) -> Vec<GpuUpdate> {
        let answers = self.trainer.answers();
        let completions = self.trainer.poll_completions();
        let is_lost = completions.iter().any(|c| matches!(c, Completion::DeviceLost)) || self.gpu().is_lost();
        if self.trainer.answers() > answers {
            self.silent_ms = 0.0;
        }
        let mut updates = Vec::new();
        for completion in completions {
            match completion {
                Completion::Steps { .. } if is_lost => {}
                Completion::Steps { tag, scores, saved } => {
                    let steps: Vec<StepScore> = tag.sizes.into_iter().zip(scores).collect();
                    if !steps.is_empty() {
                        self.pace.add(steps.len(), tag.submitted, now);
                    }
                    if steps.iter().any(|(_, score)| !score.loss.is_finite()) {
                        updates.push(GpuUpdate::Diverged);
                        return updates;
                    }
                    updates.extend(self.finish_steps(steps, now));
                    let Some(saved) = saved else { continue };
                    let TrainingState { parameters, running, optimizer, .. } = &saved.state;
                    let mut numbers = parameters.iter().chain(running).chain(&optimizer.second);
                    if !numbers.all(|number| number.is_finite()) {
                        updates.push(GpuUpdate::Diverged);
                        return updates;
                    }
                    let since = std::mem::take(&mut self.since_saved);
                    updates.push(GpuUpdate::Saved(saved, tag.after, since));
                }
                Completion::Evaluation { tag: InFlightEvaluation { step, epoch, images }, score } => {
                    let loss = (score.loss / images as f64) as f32;
                    let accuracy = score.correct as f32 / images as f32;
                    updates.push(GpuUpdate::Evaluated(Tested {
                        step,
                        epoch,
                        loss,
                        accuracy,
                        certainty: None,
                    }));
                }
                Completion::DeviceLost => {}
            }
        }
        if is_lost {
            updates.push(GpuUpdate::Lost);
        }
        updates
    }

    /// Counts steps that were read back; while probing, they are only kept.
    fn finish_steps(&mut self, steps: Vec<StepScore>, now: f64) -> Option<GpuUpdate> {
        let ms = now - std::mem::replace(&mut self.last_completion, now);
        if self.state == GpuState::Probing {
            self.probe.add(steps.iter().map(|(images, _)| images).sum(), ms);
            self.probe_steps.extend(steps);
            return None;
        }
        self.count(&steps);
        Some(GpuUpdate::Steps(steps, ms, self.steps))
    }

    fn count(&mut self, steps: &[StepScore]) {
        self.steps += steps.len() as u64;
        let (count, all_images, total) = &mut self.since_saved;
        for (images, score) in steps {
            (*count, *all_images) = (*count + 1, *all_images + images);
            (total.loss, total.correct) = (total.loss + score.loss, total.correct + score.correct);
        }
    }

    /// Images a second on this GPU, once it has been probed for long enough.
    pub(crate) fn probed_speed(&mut self) -> Option<f32> {
        if self.state != GpuState::Probing {
            return None;
        }
        if self.state_ms < MAX_PROBING_MS { self.probe.median() } else { self.probe.median_so_far() }
    }

    /// Goes on from probing to training. Returns the steps taken so far, which now count, and the milliseconds that they took.
    pub(crate) fn accept_probe(&mut self) -> (Vec<StepScore>, f64) {
        self.enter(GpuState::Training);
        let steps = std::mem::take(&mut self.probe_steps);
        self.count(&steps);
        (steps, self.probe.ms())
    }
}

#[cfg(test)]
mod tests {
    use super::silence_ms;

    #[test]
    fn the_first_submission_has_the_most_time() {
        assert_eq!(
            [None, Some(2_000.0), Some(500.0), Some(1.0)].map(silence_ms),
            [4_000.0, 4_000.0, 2_000.0, 1_250.0]
        );
    }
}
