//! Predictions on the test set, for the page to show which images are misclassified.
//!
//! While the cores train, each evaluation yields them. Otherwise, and while a GPU trains, a copy of the
//! network classifies the test images in slices on this core: training goes on meanwhile, and all predictions
//! are of the same weights.

use crate::evaluation::{Evaluation, EvaluationTask};
use crate::messages::{Predictions, Source};
use data::DataSet;
use nn::network::Network;

/// A pass of a copy of the network over the test set.
pub(super) struct EvaluationPass {
    network: Network,
    source: Source,
    task: EvaluationTask,
    /// Images of the predictions that were returned last.
    reported: usize,
}

impl EvaluationPass {
    /// A pass from the first image on.
    pub(super) fn new(mut network: Network, source: Source) -> Self {
        network.prepare();
        Self { network, source, task: EvaluationTask::default(), reported: 0 }
    }

    /// Whether images of `test` are still to be classified.
    pub(super) fn is_pending(&self, test: &DataSet) -> bool {
        self.task.images() < test.len()
    }

    /// Classifies images while `has_time`. Returns the predictions once all that are downloaded are
    /// classified; more may follow when more are.
    pub(super) fn advance(&mut self, test: &DataSet, has_time: impl Fn() -> bool) -> Option<Predictions> {
        let is_done = self.task.advance(&mut self.network, &test.images, &test.labels, &has_time);
        if !is_done || self.task.images() == self.reported {
            return None;
        }
        self.reported = self.task.images();
        Some(predictions(self.source, self.task.done.clone()))
    }
}

/// The predictions of an evaluation.
pub(super) fn predictions(source: Source, evaluation: Evaluation) -> Predictions {
    let Evaluation { classes, confidences, .. } = evaluation;
    Predictions { source, classes, confidences }
}
