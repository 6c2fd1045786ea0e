//! Predictions on the test set, for the page to show which images are misclassified.
//!
//! While the cores train, each evaluation yields them. Otherwise, and while a GPU trains, a copy of the
//! network classifies the test images in slices on this core: training goes on meanwhile, and all predictions
//! are of the same weights. Such a pass measures the network where training stopped, too.

use crate::evaluation::{Evaluation, EvaluationTask};
use crate::messages::{Event, Predictions, Source};
use data::DataSet;
use nn::network::Network;

/// A pass of a copy of the network over the test set.
pub(super) struct EvaluationPass {
    network: Network,
    source: Source,
    /// Epochs that the network was trained.
    epoch: f64,
    task: EvaluationTask,
    /// Images of the predictions that were returned last.
    reported: usize,
}

impl EvaluationPass {
    /// A pass from the first image on.
    pub(super) fn new(mut network: Network, source: Source, epoch: f64) -> Self {
        network.prepare();
        Self { network, source, epoch, task: EvaluationTask::default(), reported: 0 }
    }

    /// Whether images of `test` are still to be classified.
    pub(super) fn is_pending(&self, test: &DataSet) -> bool {
        self.task.images() < test.len()
    }

    /// Classifies images while `has_time`. Returns whether all that are downloaded are classified now; more may
    /// follow when more are.
    pub(super) fn advance(&mut self, test: &DataSet, has_time: impl Fn() -> bool) -> bool {
        let is_done = self.task.advance(&mut self.network, &test.images, &test.labels, &has_time);
        if !is_done || self.task.images() == self.reported {
            return false;
        }
        self.reported = self.task.images();
        true
    }

    /// The predictions so far.
    pub(super) fn predictions(&self) -> Predictions {
        predictions(self.source, self.task.done.clone())
    }

    /// The figures of what was classified, as an event.
    pub(super) fn tested(&self) -> Event {
        match self.source {
            Source::Pretrained => Event::PretrainedTested(self.task.done.tested(0, 0.0)),
            Source::Session { step } => Event::Tested(self.task.done.tested(step, self.epoch)),
        }
    }
}

/// The predictions of an evaluation.
pub(super) fn predictions(source: Source, evaluation: Evaluation) -> Predictions {
    let Evaluation { classes, confidences, .. } = evaluation;
    Predictions { source, classes, confidences }
}
