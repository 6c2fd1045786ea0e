//! Evaluation of a network: loss, accuracy and the prediction for each image.

use crate::messages::Tested;
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

    /// The figures of a network after `step` steps and `epoch` epochs; this is the evaluation of it on at least one image.
    pub(crate) fn tested(&self, step: u64, epoch: f64) -> Tested {
        let images = self.classes.len();
        Tested {
            step,
            epoch,
            loss: (self.score.loss / images as f64) as f32,
            accuracy: self.score.correct as f32 / images as f32,
            certainty: self.certainty(),
        }
    }

    /// The probability of the predicted class that [`Tested::CERTAIN`] per cent of the images reach; none if one is not a number.
    fn certainty(&self) -> Option<f32> {
        let mut confidences = self.confidences.clone();
        confidences.sort_unstable_by(f32::total_cmp);
        let below = confidences.len() * (100 - Tested::CERTAIN) / 100;
        let certainty = confidences.get(below).copied();
        certainty.filter(|_| confidences.iter().all(|confidence| confidence.is_finite()))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_but_two_in_a_hundred_images_reach_the_certainty() {
        // From 0.01 to 2.00 halved, in no order.
        let confidences: Vec<f32> = (0..200).map(|at| (at * 77 % 200 + 1) as f32 / 200.0).collect();
        let mut evaluation =
            Evaluation { classes: vec![0; 200], confidences, score: Score { loss: 50.0, correct: 150 } };
        let tested = evaluation.tested(7, 0.5);
        let expected =
            Tested { step: 7, epoch: 0.5, loss: 0.25, accuracy: 0.75, certainty: Some(5.0 / 200.0) };
        assert_eq!(tested, expected);
        let reached = evaluation.confidences.iter().filter(|confidence| **confidence >= 5.0 / 200.0).count();
        assert_eq!(reached, 196);
        evaluation.confidences[3] = f32::NAN;
        assert_eq!(evaluation.tested(7, 0.5).certainty, None, "of a network that has diverged");
    }
}
