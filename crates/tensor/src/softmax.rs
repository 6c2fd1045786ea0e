//! Softmax and cross-entropy over one block of samples.

use crate::{BLOCK, Lanes, math::exp};
use wide::f32x4;

/// What a block came to.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Score {
    /// Sum of the samples' cross-entropies, in nats.
    pub loss: f64,
    /// Samples whose largest logit was that of their label.
    pub correct: usize,
}

/// Softmax of `logits` (`[class][sample]`) over the classes, finite for any finite logits; `exponentials` is overwritten by it.
/// Gives the largest logit of each sample, and the sum over the classes of `e^(logit - largest)`.
///
/// # Panics
/// If there are no classes, or the lengths differ.
pub fn softmax(logits: &[Lanes], exponentials: &mut [Lanes]) -> (Lanes, Lanes) {
    assert_eq!(logits.len(), exponentials.len());
    let mut largest = logits[0];
    let mut sum = [f32x4::ZERO; 4];
    for q in 0..4 {
        for class in logits {
            largest[q] = class[q].simd_gt(largest[q]).bitselect(class[q], largest[q]);
        }
        for (e, class) in exponentials.iter_mut().zip(logits) {
            e[q] = exp(class[q] - largest[q]);
            sum[q] += e[q];
        }
        for e in exponentials.iter_mut() {
            e[q] /= sum[q];
        }
    }
    (largest, sum)
}

/// Cross-entropy of `logits` (`[class][sample]`) against `labels`, one per sample in use (at most [`BLOCK`]).
///
/// With label `smoothing` the target is `(1 - smoothing) * one_hot + smoothing / classes` (Szegedy et al. 2016, section 7),
/// as PyTorch's `cross_entropy` has it. `dlogits` becomes the gradient of the mean over a batch of `batch` samples,
/// `(softmax - target) / batch`; 0 for samples that are not in use.
///
/// # Panics
/// If a label names no class, or there are more than a block has samples.
pub fn cross_entropy(
    logits: &[Lanes],
    labels: &[u8],
    smoothing: f32,
    batch: usize,
    dlogits: &mut [Lanes],
) -> Score {
    assert!(labels.len() <= BLOCK);
    let (largest, sum) = softmax(logits, dlogits);
    let [largest, sum]: [[f32; BLOCK]; 2] = bytemuck::cast([largest, sum]);
    let logits: &[[f32; BLOCK]] = bytemuck::cast_slice(logits);
    let dlogits: &mut [[f32; BLOCK]] = bytemuck::cast_slice_mut(dlogits);
    let (classes, batch) = (logits.len(), batch as f32);
    let spread = smoothing / classes as f32;
    let mut score = Score::default();
    for (lane, &label) in labels.iter().enumerate() {
        let label = usize::from(label);
        let log_sum = libm::logf(sum[lane]);
        let loss = |class: usize| f64::from(log_sum + (largest[lane] - logits[class][lane]));
        score.loss += if smoothing > 0.0 {
            let all: f64 = (0..classes).map(loss).sum();
            (1.0 - f64::from(smoothing)) * loss(label) + f64::from(smoothing) * all / classes as f64
        } else {
            loss(label)
        };
        // Of several largest ones, the first counts.
        let best = (0..classes).find(|&class| logits[class][lane] == largest[lane]);
        score.correct += usize::from(best == Some(label));
        for (class, d) in dlogits.iter_mut().enumerate() {
            let target = if class == label { 1.0 - smoothing + spread } else { spread };
            d[lane] = (d[lane] - target) / batch;
        }
    }
    dlogits.iter_mut().for_each(|d| d[labels.len()..].fill(0.0));
    score
}
