//! Evaluation of a network: loss, accuracy and the prediction for each image.

use data::mnist::{CLASSES, PIXELS};
use nn::cpu::Units;
use nn::network::{Network, Score};
use tensor::BLOCK;

/// Score and predictions of a network on consecutive images.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Evaluation {
    /// Summed loss and hits of all images.
    pub score: Score,
    /// The predicted class of each image; [`CLASSES`] where the probabilities are NaN.
    pub classes: Vec<u8>,
    /// The probability of the predicted class, 0 to 1.
    pub confidences: Vec<f32>,
}

/// Multiply-adds between two looks at the clock: 2 to 5 ms.
const WORK: i64 = 50_000_000;

impl Evaluation {
    /// Appends the block of up to sixteen images that `network` has inferred.
    fn add_block(&mut self, network: &mut Network, labels: &[u8]) {
        let score = network.score(labels);
        self.score.loss += score.loss;
        self.score.correct += score.correct;
        for prediction in network.predictions() {
            let (class, confidence) = prediction.unwrap_or((CLASSES, f32::NAN));
            self.classes.push(class as u8);
            self.confidences.push(confidence);
        }
    }

    /// Appends the evaluation of the images that follow.
    pub(crate) fn append(&mut self, mut next: Self) {
        self.score.loss += next.score.loss;
        self.score.correct += next.score.correct;
        self.classes.append(&mut next.classes);
        self.confidences.append(&mut next.confidences);
    }
}

/// An evaluation under way, which may take several slices of time.
#[derive(Clone, Debug, Default)]
pub(crate) struct EvaluationTask {
    /// Of the images that are done.
    pub(crate) done: Evaluation,
    /// The number of the network's inference of the block under way.
    inference: Option<u64>,
}

impl EvaluationTask {
    /// Images that are done.
    pub(crate) fn images(&self) -> usize {
        self.done.classes.len()
    }

    /// Whether nothing is done yet.
    pub(crate) fn is_new(&self) -> bool {
        self.images() == 0 && self.inference.is_none()
    }

    /// The result. Then, the task is a new one.
    pub(crate) fn take(&mut self) -> Evaluation {
        std::mem::take(self).done
    }

    /// Goes on with the evaluation of a [prepared](Network::prepare) network on images, `[image][28][28]`
    /// bytes, while `has_time`, but for a few milliseconds at least. Returns whether it is done.
    pub(crate) fn advance(
        &mut self,
        network: &mut Network,
        images: &[u8],
        labels: &[u8],
        has_time: &dyn Fn() -> bool,
    ) -> bool {
        while self.images() < labels.len() {
            let block = self.images()..(self.images() + BLOCK).min(labels.len());
            // Something else may have been inferred since the last slice.
            if self.inference != Some(network.inference()) {
                let pixels = &images[block.start * PIXELS..block.end * PIXELS];
                self.inference = Some(network.begin_inference(pixels.chunks_exact(PIXELS), Units::All));
            }
            network.limit_work(WORK);
            if network.continue_inference() {
                self.done.add_block(network, &labels[block]);
                self.inference = None;
            }
            if !has_time() {
                break;
            }
        }
        self.images() == labels.len()
    }
}

/// Evaluates a [prepared](Network::prepare) network on images, `[image][28][28]` bytes.
pub(crate) fn evaluate(network: &mut Network, images: &[u8], labels: &[u8]) -> Evaluation {
    let mut task = EvaluationTask::default();
    task.advance(network, images, labels, &|| true);
    task.take()
}
