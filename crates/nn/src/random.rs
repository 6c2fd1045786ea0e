//! Randomness as a pure function of (seed, stream, step, index): the same in any order, on any core, on CPU and GPU.

/// What a random number is for. Streams never share a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Stream {
    /// Initial weights: `step` is the parameter, `index` the element.
    Weights = 1,
    /// The order of the training images: `step` is the epoch.
    Shuffle = 2,
}

/// pcg4d (Jarzynski and Olano 2020, "Hash Functions for GPU Rendering", listing 5): four well-mixed words from four.
pub fn pcg4d(v: [u32; 4]) -> [u32; 4] {
    let [mut x, mut y, mut z, mut w] = v.map(|v| v.wrapping_mul(1_664_525).wrapping_add(1_013_904_223));
    let mut mix = || {
        x = x.wrapping_add(y.wrapping_mul(w));
        y = y.wrapping_add(z.wrapping_mul(x));
        z = z.wrapping_add(x.wrapping_mul(y));
        w = w.wrapping_add(y.wrapping_mul(z));
    };
    mix();
    [x, y, z, w] = [x, y, z, w].map(|v| v ^ (v >> 16));
    let mut mix = || {
        x = x.wrapping_add(y.wrapping_mul(w));
        y = y.wrapping_add(z.wrapping_mul(x));
        z = z.wrapping_add(x.wrapping_mul(y));
        w = w.wrapping_add(y.wrapping_mul(z));
    };
    mix();
    [x, y, z, w]
}

/// A standard normal number (Box and Muller 1958).
pub fn normal(seed: u32, stream: Stream, step: u32, index: u32) -> f32 {
    let [a, b, ..] = pcg4d([seed, stream as u32, step, index]);
    // (0, 1] and [0, 1) in steps of 2^-24, which f32 holds exactly.
    let radius = libm::sqrtf(-2.0 * libm::logf(((a >> 8) + 1) as f32 / 16_777_216.0));
    radius * libm::cosf((b >> 8) as f32 * (std::f32::consts::TAU / 16_777_216.0))
}

/// Where `index` goes in a random permutation of `0..n` that depends on (seed, stream, step).
///
/// A Feistel network of four rounds over the next even power of two, walked until it lands below `n`
/// (Black and Rogaway 2002, "Ciphers with Arbitrary Finite Domains"). No table: a GPU thread can ask for its own image.
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
    fn normal_has_mean_zero_and_deviation_one() {
        let n = 100_000;
        let values: Vec<f64> = (0..n).map(|i| f64::from(normal(7, Stream::Weights, 0, i))).collect();
        let mean = values.iter().sum::<f64>() / f64::from(n);
        let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / f64::from(n);
        assert!(mean.abs() < 0.01 && (variance - 1.0).abs() < 0.02, "mean {mean}, variance {variance}");
    }
}
