//! Random numbers as a pure function of (seed, stream, step, index): the same in any order, on any core, on
//! CPU and GPU.

use crate::mnist::CLASSES;
use tensor::Lanes;
use wide::{f32x4, u32x4};

/// The purpose of a random number. Streams are independent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Stream {
    /// Initial weights: `step` is the parameter, `index` the element.
    Weights = 1,
    /// The order of the training images: `step` is the epoch.
    Shuffle = 2,
    /// Dropout masks: `step` is the training step, `index` counts samples and units; the stream's upper bits
    /// hold the layer.
    Dropout = 3,
    /// Distortions of training images: `step` is the epoch, `index` the image.
    Augment = 4,
    /// The order of shuffled pixels.
    Pixels = 5,
    /// Wrong labels of training images: `index` is the image.
    Labels = 6,
}

/// pcg4d (Jarzynski and Olano 2020, "Hash Functions for GPU Rendering", listing 5): hashes four words to
/// four.
pub fn pcg4d(v: [u32; 4]) -> [u32; 4] {
    pcg4d_lanes(v.map(u32x4::splat)).map(|v| v.to_array()[0])
}

/// [`pcg4d`] four times side by side.
fn pcg4d_lanes(v: [u32x4; 4]) -> [u32x4; 4] {
    let (factor, addend) = (u32x4::splat(1_664_525), u32x4::splat(1_013_904_223));
    let mix = |[mut x, mut y, mut z, mut w]: [u32x4; 4]| {
        x += y * w;
        y += z * x;
        z += x * y;
        w += y * z;
        [x, y, z, w]
    };
    mix(mix(v.map(|v| v * factor + addend)).map(|v| v ^ (v >> 16)))
}

/// Fills a mask of inverted dropout for one block, `[element][sample]`: 0 with probability `p`, otherwise
/// `1 / (1 - p)`. `first` is the index of the block's first sample in its batch; `p` lies from 0 to below 1.
pub fn dropout_mask(seed: u32, step: u32, layer: u32, first: u32, p: f32, mask: &mut [Lanes]) {
    let threshold = u32x4::splat((f64::from(p) * 4_294_967_296.0) as u32);
    let kept = f32x4::splat(1.0 / (1.0 - p));
    let stream = u32x4::splat(Stream::Dropout as u32 | layer << 8);
    let groups = mask.len().div_ceil(4) as u32;
    let sample = [0, 4, 8, 12].map(|q| u32x4::from([0, 1, 2, 3]) + u32x4::splat(first.wrapping_add(q)));
    for (group, elements) in mask.chunks_mut(4).enumerate() {
        for (q, sample) in sample.iter().enumerate() {
            let index = *sample * u32x4::splat(groups) + u32x4::splat(group as u32);
            let words = pcg4d_lanes([u32x4::splat(seed), stream, u32x4::splat(step), index]);
            for (element, word) in elements.iter_mut().zip(words) {
                element[q] = bytemuck::cast::<_, f32x4>(word.simd_ge(threshold)) & kept;
            }
        }
    }
}

/// The units that dropout zeroes in sample number `sample` of a batch.
pub fn dropped_units(seed: u32, (step, sample): (u32, u32), layer: u32, p: f32, units: usize) -> Vec<bool> {
    let mut mask = vec![tensor::ZERO; units];
    dropout_mask(seed, step, layer, sample, p, &mut mask);
    mask.iter().map(|unit| unit[0].to_array()[0] == 0.0).collect()
}

/// A standard normal number (Box and Muller 1958).
pub fn normal(seed: u32, stream: Stream, step: u32, index: u32) -> f32 {
    let [a, b, ..] = pcg4d([seed, stream as u32, step, index]);
    // (0, 1] and [0, 1) in steps of 2^-24, which f32 holds exactly.
    let radius = libm::sqrtf(-2.0 * libm::logf(((a >> 8) + 1) as f32 / 16_777_216.0));
    radius * libm::cosf((b >> 8) as f32 * (std::f32::consts::TAU / 16_777_216.0))
}

/// Four numbers, uniformly distributed from -1 to below 1.
pub fn symmetric(seed: u32, stream: Stream, step: u32, index: u32) -> [f32; 4] {
    pcg4d([seed, stream as u32, step, index]).map(|word| (word >> 8) as f32 / 8_388_608.0 - 1.0)
}

/// The image of `index` under a random permutation of `0..n` that depends on (seed, stream, step).
///
/// A Feistel network of four rounds over the next power of four, applied again until the result is below `n`
/// (cycle walking: Black and Rogaway 2002, "Ciphers with Arbitrary Finite Domains"). It needs no table, so a
/// GPU thread can compute its own image.
///
/// # Panics
/// If `index` is not below `n`.
pub fn permute(seed: u32, stream: Stream, step: u32, n: u32, index: u32) -> u32 {
    assert!(index < n, "index {index} of {n}");
    let half = (32 - (n - 1).leading_zeros()).div_ceil(2).max(1);
    let mask = (1u32 << half) - 1;
    let mut at = index;
    loop {
        let (mut left, mut right) = (at >> half, at & mask);
        for round in 0..4 {
            let [key, ..] = pcg4d([seed, stream as u32 | round << 8, step, right]);
            (left, right) = (right, left ^ (key & mask));
        }
        at = left << half | right;
        if at < n {
            return at;
        }
    }
}

/// The order of `n` shuffled pixels: for each place the pixel that comes there.
pub fn permutation(seed: u32, n: usize) -> Vec<u32> {
    (0..n as u32).map(|at| permute(seed, Stream::Pixels, 0, n as u32, at)).collect()
}

/// The label that training image number `image` has where a share `noise` of all has a wrong one: each of the others is as
/// likely.
pub fn noisy_label(seed: u32, noise: f32, image: u32, label: u8) -> u8 {
    let [chance, other, ..] = pcg4d([seed, Stream::Labels as u32, 0, image]);
    // 24 bits, which f32 holds exactly, as on a GPU.
    if (chance >> 8) as f32 >= noise * 16_777_216.0 {
        return label;
    }
    ((u32::from(label) + 1 + other % (CLASSES as u32 - 1)) % CLASSES as u32) as u8
}

#[cfg(all(test, not(target_family = "wasm")))]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn permute_is_a_permutation(seed: u32, step in 0u32..50, n in 1u32..700) {
            let mut seen: Vec<u32> = (0..n).map(|i| permute(seed, Stream::Shuffle, step, n, i)).collect();
            seen.sort_unstable();
            prop_assert!(seen.into_iter().eq(0..n));
        }
    }

    #[test]
    fn dropout_zeroes_its_share_of_units_wherever_a_block_begins() {
        let mut whole = vec![tensor::ZERO; 403];
        dropout_mask(9, 5, 2, 0, 0.3, &mut whole);
        let values: Vec<f32> = whole.iter().flatten().flat_map(|v| v.to_array()).collect();
        let zeros = values.iter().filter(|v| **v == 0.0).count() as f32 / values.len() as f32;
        assert!((zeros - 0.3).abs() < 0.02, "{zeros}");
        assert!(values.iter().all(|v| *v == 0.0 || (v - 1.0 / 0.7).abs() < 1e-6));
        let first: Vec<bool> = whole.iter().map(|unit| unit[0].to_array()[0] == 0.0).collect();
        assert_eq!(dropped_units(9, (5, 0), 2, 0.3, 403), first);
        // Sample 4 of a batch has the same mask in a block that begins with it.
        let mut later = whole.clone();
        dropout_mask(9, 5, 2, 4, 0.3, &mut later);
        assert!(whole.iter().zip(&later).all(|(a, b)| a[1] == b[0]));
        dropout_mask(9, 6, 2, 0, 0.3, &mut later);
        assert!(whole != later, "another step, another mask");
    }

    #[test]
    fn normal_has_mean_zero_and_deviation_one() {
        let n = 100_000;
        let values: Vec<f64> = (0..n).map(|i| f64::from(normal(7, Stream::Weights, 0, i))).collect();
        let mean = values.iter().sum::<f64>() / f64::from(n);
        let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / f64::from(n);
        assert!(mean.abs() < 0.01 && (variance - 1.0).abs() < 0.02, "mean {mean}, variance {variance}");
    }
}
