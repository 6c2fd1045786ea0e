//! A run: what belongs to one training beside its weights and optimizer state.

use super::meters::Meters;
use super::stopping::Stopping;
use crate::cursor::DataCursor;
use crate::rollback::LastHealthyCheckpoint;
use nn::network::Score;
use nn::spec::TrainingSpec;
use nn::train::Training;
use nn::train::optimizer::learning_rate;

/// The state of one run beside its [`Training`].
pub(super) struct Run {
    pub(super) cursor: DataCursor,
    pub(super) checkpoint: LastHealthyCheckpoint,
    pub(super) meters: Meters,
    /// Milliseconds that its steps took; `None` if they are not known.
    pub(super) train_ms: Option<f64>,
    /// Whether the test set is to be evaluated before the next step.
    pub(super) evaluating: bool,
    /// Where it stops by itself.
    pub(super) stopping: Stopping,
}

impl Run {
    /// A run that begins with `training` as it is.
    pub(super) fn new(training: &Training) -> Self {
        let cursor = DataCursor::default();
        Self {
            cursor,
            checkpoint: LastHealthyCheckpoint::new(training, cursor),
            meters: Meters::default(),
            train_ms: Some(0.0),
            evaluating: false,
            stopping: Stopping::default(),
        }
    }

    /// Adds work on the steps of `images` images, which took `ms` milliseconds.
    pub(super) fn add_work(&mut self, images: usize, ms: f64) {
        let ms = self.meters.throughput.add(images, ms);
        self.train_ms = self.train_ms.map(|before| before + ms);
    }

    /// Moves to another position in the data, after the training was set to another state. The time that it took stays.
    pub(super) fn jump(&mut self, cursor: DataCursor) {
        self.cursor = cursor;
        self.evaluating = false;
        self.meters = Meters::default();
        self.stopping = Stopping::default();
    }

    /// Takes the present state as healthy.
    pub(super) fn restart_checkpoint(&mut self, training: &Training) {
        self.checkpoint.restart(training, self.cursor);
    }

    /// Counts a step, and moves past its batch.
    pub(super) fn advance(&mut self, images: usize, score: Score, spec: &TrainingSpec) {
        let before = self.cursor;
        self.cursor.advance(spec);
        let rate = learning_rate(spec, before.schedule_epochs());
        self.meters.since_report.add(images, score, rate, before.completes_point(self.cursor, spec));
    }

    /// Records a step that led to the present state of `training`. The test set is evaluated when it is due
    /// and complete.
    pub(super) fn record_step(
        &mut self,
        images: usize,
        score: Score,
        training: &Training,
        test_set_is_complete: bool,
    ) {
        let due = self.cursor.evaluations_due(training.spec());
        self.advance(images, score, training.spec());
        self.checkpoint.record(1, images, score, training, self.cursor);
        self.evaluating = self.cursor.evaluations_due(training.spec()) > due && test_set_is_complete;
    }
}
