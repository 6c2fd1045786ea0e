//! The batch as the innermost axis: each value holds sixteen samples side by side.

use wide::f32x4;

/// One value of sixteen samples. The buffer of a block is `[channel][row][column]` of these.
///
/// Sixteen floats are one cache line. Vectors have four lanes on every machine, so that sums over samples are
/// added in the same order everywhere and results are the same to the last bit.
pub type Lanes = [f32x4; 4];

/// Samples in a block.
pub const BLOCK: usize = 16;

/// All samples zero.
pub const ZERO: Lanes = [f32x4::ZERO; 4];

/// Transposes `samples`, `[sample][value]`, to `lanes`, `[value][sample]`. Of lanes without a sample the old
/// values stay.
///
/// # Panics
/// If `samples` does not hold 0, 4, 8, 12 or 16 samples of `lanes.len()` values.
pub fn interleave(samples: &[f32], lanes: &mut [Lanes]) {
    let len = lanes.len();
    assert!(samples.len().is_multiple_of(4 * len) && samples.len() <= BLOCK * len);
    for (quarter, four) in samples.chunks_exact(4 * len).enumerate() {
        let (whole, rest) = lanes.as_chunks_mut::<4>();
        for (at, lanes) in whole.iter_mut().enumerate() {
            let values = |sample: usize| {
                let values: [f32; 4] = four[sample * len + 4 * at..][..4].try_into().expect("four values");
                f32x4::from(values)
            };
            let columns = f32x4::transpose(std::array::from_fn(values));
            lanes.iter_mut().zip(columns).for_each(|(lanes, column)| lanes[quarter] = column);
        }
        let first = len - rest.len();
        for (at, lanes) in rest.iter_mut().enumerate() {
            lanes[quarter] = f32x4::from(std::array::from_fn(|sample| four[sample * len + first + at]));
        }
    }
}

/// The sum of the four lanes, in a fixed order.
pub(crate) fn sum4(v: f32x4) -> f32 {
    let [a, b, c, d] = v.to_array();
    (a + b) + (c + d)
}

/// The sum over the sixteen samples, in a fixed order.
pub(crate) fn sum16(v: &Lanes) -> f32 {
    sum4(((v[0] + v[1]) + v[2]) + v[3])
}
