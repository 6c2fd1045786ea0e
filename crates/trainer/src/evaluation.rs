//! Evaluation of a network: loss, accuracy and the prediction for each image.

use data::mnist::{CLASSES, PIXELS};
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

impl Evaluation {
    /// Evaluates a block of up to sixteen images, `[image][28][28]` bytes, and appends the result. `network`
    /// is [prepared](Network::prepare).
    pub(crate) fn add_block(&mut self, network: &mut Network, images: &[u8], labels: &[u8]) {
        network.infer(images.chunks_exact(PIXELS));
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

/// Evaluates a [prepared](Network::prepare) network on images, `[image][28][28]` bytes.
pub(crate) fn evaluate(network: &mut Network, images: &[u8], labels: &[u8]) -> Evaluation {
    let mut total = Evaluation::default();
    for (images, labels) in images.chunks(BLOCK * PIXELS).zip(labels.chunks(BLOCK)) {
        total.add_block(network, images, labels);
    }
    total
}
