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
///
/// With label `smoothing` the target is `(1 - smoothing) * one_hot + smoothing / classes` (Szegedy et al. 2016, section 7),
/// as PyTorch's `cross_entropy` has it.
pub fn score(logits: &[Lanes], labels: &[u8], smoothing: f32) -> Score {
    assert!(labels.len() <= BLOCK);
    let mut score = Score::default();
    for (lane, &label) in labels.iter().enumerate() {
        let value = |class: usize| logits[class][lane / 4].to_array()[lane % 4];
        let best =
            (1..logits.len()).fold(0, |best, class| if value(class) > value(best) { class } else { best });
        let sum: f32 = (0..logits.len()).map(|class| libm::expf(value(class) - value(best))).sum();
        let log_sum = libm::logf(sum);
        let loss = |class: usize| f64::from(log_sum + (value(best) - value(class)));
        score.loss += if smoothing > 0.0 {
            let all: f64 = (0..logits.len()).map(loss).sum();
            let smoothing = f64::from(smoothing);
            (1.0 - smoothing) * loss(usize::from(label)) + smoothing * all / logits.len() as f64
        } else {
            loss(usize::from(label))
        };
        score.correct += usize::from(best == usize::from(label));
    }
    score
}

/// Gradient of the mean cross-entropy of a batch of `batch` samples: `(softmax - target) / batch`; 0 for unused lanes.
pub fn gradient(logits: &[Lanes], labels: &[u8], smoothing: f32, batch: usize, dlogits: &mut [Lanes]) {
    assert!(labels.len() <= BLOCK && dlogits.len() == logits.len());
    let (batch, spread) = (batch as f32, smoothing / logits.len() as f32);
    let dlogits: &mut [[f32; BLOCK]] = bytemuck::cast_slice_mut(dlogits);
    dlogits.fill([0.0; BLOCK]);
    for (lane, &label) in labels.iter().enumerate() {
        for (class, probability) in probabilities(logits, lane).enumerate() {
            let target = if class == usize::from(label) { 1.0 - smoothing + spread } else { spread };
            dlogits[class][lane] = (probability - target) / batch;
        }
    }
}
