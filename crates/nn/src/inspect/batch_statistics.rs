//! What batch normalisation does to each channel over a whole batch.

use super::histogram::Histogram;
use crate::spec::BATCH_NORM_EPS;
use serde::{Deserialize, Serialize};

/// The values of one channel of a batch, before batch normalisation and after it (Ioffe and Szegedy 2015, algorithm 1).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ChannelStatistics {
    /// Mean of the values before it.
    pub mean: f32,
    /// Their variance, of the population.
    pub variance: f32,
    /// Histogram of the values before it.
    pub before: Histogram,
    /// Histogram of the values after it, with as many bins over the same range.
    pub after: Histogram,
}

/// Normalises each channel of a batch by the batch's own mean and variance, as in training. `images` holds the values of each
/// image, `[channel][row][column]`; `weights` and `biases` are gamma and beta, `[channel]`.
///
/// # Panics
/// If the images differ in length, or do not divide into as many channels as there are weights.
#[must_use]
pub fn batch_statistics(images: &[Vec<f32>], weights: &[f32], biases: &[f32]) -> Vec<ChannelStatistics> {
    let Some(image) = images.first() else { return Vec::new() };
    let plane = image.len() / weights.len();
    let channels = weights.iter().zip(biases).enumerate();
    channels
        .map(|(channel, (weight, bias))| {
            let range = channel * plane..(channel + 1) * plane;
            let before: Vec<f32> = images.iter().flat_map(|image| &image[range.clone()]).copied().collect();
            of_channel(&before, *weight, *bias)
        })
        .collect()
}

fn of_channel(before: &[f32], weight: f32, bias: f32) -> ChannelStatistics {
    let n = before.len().max(1) as f32;
    let mean = before.iter().sum::<f32>() / n;
    let variance = before.iter().map(|value| (value - mean) * (value - mean)).sum::<f32>() / n;
    let factor = weight / libm::sqrtf(variance + BATCH_NORM_EPS);
    let after: Vec<f32> = before.iter().map(|value| (value - mean) * factor + bias).collect();
    let reach = Histogram::of(before).reach.max(Histogram::of(&after).reach);
    let [before, after] = [before, &after].map(|values| Histogram::within(reach, values));
    ChannelStatistics { mean, variance, before, after }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasm_bindgen_test::wasm_bindgen_test;

    /// The mean and the standard deviation that the bins of a histogram tell.
    fn moments(Histogram { reach, counts }: &Histogram) -> (f32, f32) {
        let width = 2.0 * reach / Histogram::BINS as f32;
        let bins =
            || (0..).map(|bin| (bin as f32 + 0.5) * width - reach).zip(counts.iter().map(|n| *n as f32));
        let n: f32 = bins().map(|(_, count)| count).sum();
        let mean = bins().map(|(value, count)| value * count).sum::<f32>() / n;
        (mean, (bins().map(|(value, count)| (value - mean).powi(2) * count).sum::<f32>() / n).sqrt())
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn each_channel_gets_its_bias_as_mean_and_its_weight_as_deviation() {
        // Two channels of 2x2: around 5 with deviation 2, and around -1 with deviation 0.5.
        let value = |image: usize, at: usize| ((image * 7 + at * 3) % 16) as f32 / 7.5 - 1.0;
        let image = |image| {
            (0..8).map(
                move |at| if at < 4 { 5.0 + 3.4 * value(image, at) } else { 0.8 * value(image, at) - 1.0 },
            )
        };
        let images: Vec<Vec<f32>> = (0..64).map(|at| image(at).collect()).collect();
        let channels = batch_statistics(&images, &[1.0, 0.5], &[0.0, 2.0]);
        assert_eq!(channels.len(), 2);
        for (channel, (mean, deviation), (bias, weight)) in
            [(&channels[0], (5.0, 2.1), (0.0, 1.0)), (&channels[1], (-1.0, 0.5), (2.0, 0.5))]
        {
            assert!(
                (channel.mean - mean).abs() < 0.1 && (channel.variance.sqrt() - deviation).abs() < 0.1,
                "{channel:?}"
            );
            assert_eq!(channel.before.reach, channel.after.reach);
            assert_eq!(channel.before.counts.iter().sum::<u32>(), 256);
            let (told_mean, told_deviation) = moments(&channel.after);
            let bin = 2.0 * channel.after.reach / Histogram::BINS as f32;
            assert!(
                (told_mean - bias).abs() < bin / 2.0 && (told_deviation - weight).abs() < bin / 2.0,
                "{channel:?}"
            );
        }
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn a_batch_without_spread_or_images_is_no_fault() {
        assert_eq!(batch_statistics(&[], &[1.0], &[0.0]), []);
        let [flat] = &batch_statistics(&[vec![3.0; 4]], &[1.0], &[0.5])[..] else { panic!("one channel") };
        assert_eq!((flat.mean, flat.variance), (3.0, 0.0));
        assert_eq!(flat.after, Histogram::within(3.0, &[0.5; 4]), "all are the bias");
    }
}
