//! Softmax and cross-entropy over one block of samples.

use crate::{BLOCK, Lanes};

/// Softmax of the logits of sample `lane`, one probability per class; finite for any finite logits.
pub fn probabilities(logits: &[Lanes], lane: usize) -> impl Iterator<Item = f32> + '_ {
    let value = move |class: &Lanes| class[lane / 4].to_array()[lane % 4];
    let largest = logits.iter().map(value).fold(f32::NEG_INFINITY, f32::max);
    let sum: f32 = logits.iter().map(|class| libm::expf(value(class) - largest)).sum();
    logits.iter().map(move |class| libm::expf(value(class) - largest) / sum)
}

/// What a block came to.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Score {
    /// Sum of the samples' cross-entropies, in nats.
    pub loss: f64,
    /// Samples whose largest logit was that of their label.
    pub correct: usize,
}

/// Cross-entropy of `logits` (`[class][sample]`) against `labels`, one per sample in use (at most [`BLOCK`]).
pub fn score(logits: &[Lanes], labels: &[u8]) -> Score {
    assert!(labels.len() <= BLOCK);
    let mut score = Score::default();
    for (lane, &label) in labels.iter().enumerate() {
        let value = |class: usize| logits[class][lane / 4].to_array()[lane % 4];
        let best =
            (1..logits.len()).fold(0, |best, class| if value(class) > value(best) { class } else { best });
        let sum: f32 = (0..logits.len()).map(|class| libm::expf(value(class) - value(best))).sum();
        score.loss += f64::from(libm::logf(sum) + (value(best) - value(usize::from(label))));
        score.correct += usize::from(best == usize::from(label));
    }
    score
}

/// Gradient of the mean cross-entropy of a batch of `batch` samples: `(softmax - one_hot) / batch`; 0 for unused lanes.
pub fn gradient(logits: &[Lanes], labels: &[u8], batch: usize, dlogits: &mut [Lanes]) {
    assert!(labels.len() <= BLOCK && dlogits.len() == logits.len());
    let dlogits: &mut [[f32; BLOCK]] = bytemuck::cast_slice_mut(dlogits);
    dlogits.fill([0.0; BLOCK]);
    let batch = batch as f32;
    for (lane, &label) in labels.iter().enumerate() {
        for (class, probability) in probabilities(logits, lane).enumerate() {
            let target = f32::from(u8::from(class == usize::from(label)));
            dlogits[class][lane] = (probability - target) / batch;
        }
    }
}
