//! Softmax and cross-entropy over one block of samples.

use crate::{BLOCK, Lanes, math::exp};
use wide::f32x4;

/// Loss and hits of some samples.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Score {
    /// Sum of the samples' cross-entropies, in nats.
    pub loss: f64,
    /// Hits: samples whose largest logit is that of their label.
    pub correct: usize,
}

/// Writes the softmax of `logits` (`[class][sample]`) over the classes into `exponentials`; it is finite for
/// all finite logits. Returns the largest logit of each sample, and the sum over the classes of
/// `e^(logit - largest)`.
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

/// Cross-entropy of `logits` (`[class][sample]`) with `labels`, one per sample in use (at most [`BLOCK`]).
///
/// With label `smoothing` the target is `(1 - smoothing) * one_hot + smoothing / classes` (Szegedy et al.
/// 2016, section 7), as in PyTorch's `cross_entropy`. `dlogits` becomes the gradient of the mean over a batch
/// of `batch` samples, `(softmax - target) / batch`; 0 for samples that are not in use.
///
/// # Panics
/// If a label is not below the number of classes, or there are more than [`BLOCK`] labels.
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
        score.loss += loss(logits, lane, label, smoothing, (largest[lane], sum[lane]));
        score.correct += usize::from(first_largest(logits, lane, largest[lane]) == Some(label));
        for (class, d) in dlogits.iter_mut().enumerate() {
            let target = if class == label { 1.0 - smoothing + spread } else { spread };
            d[lane] = (d[lane] - target) / batch;
        }
    }
    dlogits.iter_mut().for_each(|d| d[labels.len()..].fill(0.0));
    score
}

/// The cross-entropy of each sample of `logits` (`[class][sample]`) with its label, in nats: the summands of the loss of
/// [`cross_entropy`]. `exponentials` is overwritten by the softmax.
///
/// # Panics
/// As [`cross_entropy`].
pub fn losses(
    logits: &[Lanes],
    labels: &[u8],
    smoothing: f32,
    exponentials: &mut [Lanes],
) -> impl Iterator<Item = f64> {
    assert!(labels.len() <= BLOCK);
    let (largest, sum) = softmax(logits, exponentials);
    let [largest, sum]: [[f32; BLOCK]; 2] = bytemuck::cast([largest, sum]);
    let logits: &[[f32; BLOCK]] = bytemuck::cast_slice(logits);
    labels.iter().enumerate().map(move |(lane, &label)| {
        loss(logits, lane, usize::from(label), smoothing, (largest[lane], sum[lane]))
    })
}

/// The cross-entropy of one sample, whose softmax has this largest logit and this sum.
fn loss(
    logits: &[[f32; BLOCK]],
    lane: usize,
    label: usize,
    smoothing: f32,
    (largest, sum): (f32, f32),
) -> f64 {
    let log_sum = libm::logf(sum);
    let loss = |class: usize| f64::from(log_sum + (largest - logits[class][lane]));
    if smoothing > 0.0 {
        let classes = logits.len();
        let all: f64 = (0..classes).map(loss).sum();
        (1.0 - f64::from(smoothing)) * loss(label) + f64::from(smoothing) * all / classes as f64
    } else {
        loss(label)
    }
}

/// The predicted class of each of the first `samples` samples of `logits` (`[class][sample]`), and its
/// softmax: the class by which [`cross_entropy`] counts hits. `None` where NaN leaves no logit the largest.
/// `exponentials` is overwritten by the softmax.
///
/// # Panics
/// If there are no classes, more than [`BLOCK`] samples, or the lengths differ.
pub fn predictions(
    logits: &[Lanes],
    samples: usize,
    exponentials: &mut [Lanes],
) -> impl Iterator<Item = Option<(usize, f32)>> {
    assert!(samples <= BLOCK);
    let (largest, _) = softmax(logits, exponentials);
    let largest: [f32; BLOCK] = bytemuck::cast(largest);
    let logits: &[[f32; BLOCK]] = bytemuck::cast_slice(logits);
    let softmax: &[[f32; BLOCK]] = bytemuck::cast_slice(exponentials);
    (0..samples).map(move |lane| {
        first_largest(logits, lane, largest[lane]).map(|class| (class, softmax[class][lane]))
    })
}

/// The first of the largest logits.
fn first_largest(logits: &[[f32; BLOCK]], lane: usize, largest: f32) -> Option<usize> {
    logits.iter().position(|class| class[lane] == largest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ZERO;
    use wasm_bindgen_test::wasm_bindgen_test;

    #[wasm_bindgen_test(unsupported = test)]
    fn the_predicted_class_is_the_one_that_counts_as_a_hit() {
        // Small whole logits, so that many are equal; some that are no numbers.
        let logit = |class: usize, lane: usize, round: usize| match (class * 7 + lane * 3 + round * 5) % 23 {
            0 if round > 6 => f32::NAN,
            1 if round > 6 => f32::INFINITY,
            n => (n % 5) as f32,
        };
        let mut none = 0;
        for round in 0..12 {
            let block: Vec<[f32; BLOCK]> =
                (0..10).map(|class| std::array::from_fn(|lane| logit(class, lane, round))).collect();
            let logits: Vec<Lanes> = block.iter().map(|lanes| bytemuck::cast(*lanes)).collect();
            let mut scratch = vec![ZERO; 10];
            let predicted: Vec<_> = predictions(&logits, 13, &mut scratch).collect();
            assert_eq!(predicted.len(), 13);
            let labels: Vec<u8> = (0..13).map(|lane| (lane * 3 + round) as u8 % 10).collect();
            let score = cross_entropy(&logits, &labels, 0.0, 13, &mut scratch);
            let hits = predicted.iter().zip(&labels);
            let hits = hits.filter(|(a, label)| a.is_some_and(|(class, _)| class == usize::from(**label)));
            assert_eq!(hits.count(), score.correct, "round {round}");
            for (lane, answer) in predicted.iter().enumerate() {
                let Some((class, share)) = *answer else {
                    none += 1;
                    continue;
                };
                let all = block.iter().map(|lanes| lanes[lane]);
                if all.clone().all(f32::is_finite) {
                    let sum: f32 = all.map(|other| (other - block[class][lane]).exp()).sum();
                    assert!((share - 1.0 / sum).abs() < 1e-6, "{share} {sum}");
                }
            }
        }
        assert!(none > 0, "logits that are not numbers predict no class");
    }
}
