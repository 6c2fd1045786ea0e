//! Predictions on the test set, for the page to show which images are misclassified.
//!
//! While the cores train, each evaluation yields them. Otherwise, and while a GPU trains, a copy of the
//! network classifies the test images in slices on this core: training goes on meanwhile, and all predictions
//! are of the same weights.

use crate::evaluation::Evaluation;
use crate::messages::{Predictions, Source};
use data::DataSet;
use data::mnist::PIXELS;
use nn::network::Network;
use tensor::BLOCK;

/// A pass of a copy of the network over the test set.
pub(super) struct EvaluationPass {
    network: Network,
    source: Source,
    evaluation: Evaluation,
    /// Images of the predictions that were returned last.
    reported: usize,
}

impl EvaluationPass {
    /// A pass from the first image on.
    pub(super) fn new(mut network: Network, source: Source) -> Self {
        network.prepare();
        Self { network, source, evaluation: Evaluation::default(), reported: 0 }
    }

    fn images(&self) -> usize {
        self.evaluation.classes.len()
    }

    /// Whether images of `test` are still to be classified.
    pub(super) fn is_pending(&self, test: &DataSet) -> bool {
        self.images() < test.len()
    }

    /// Classifies images while `has_time`. Returns the predictions once all that are downloaded are
    /// classified; more may follow when more are.
    pub(super) fn advance(&mut self, test: &DataSet, has_time: impl Fn() -> bool) -> Option<Predictions> {
        while self.is_pending(test) && has_time() {
            let images = self.images()..(self.images() + BLOCK).min(test.len());
            let pixels = &test.images[images.start * PIXELS..images.end * PIXELS];
            self.evaluation.add_block(&mut self.network, pixels, &test.labels[images]);
        }
        if self.is_pending(test) || self.images() == self.reported {
            return None;
        }
        self.reported = self.images();
        Some(predictions(self.source, self.evaluation.clone()))
    }
}

/// The predictions of an evaluation.
pub(super) fn predictions(source: Source, evaluation: Evaluation) -> Predictions {
    let Evaluation { classes, confidences, .. } = evaluation;
    Predictions { source, classes, confidences }
}
