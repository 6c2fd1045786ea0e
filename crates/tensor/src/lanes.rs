//! The batch as the innermost axis: sixteen samples side by side in every value.

use wide::f32x4;

/// One value of sixteen samples. A buffer of a block is `[channel][row][column]` of these.
///
/// Sixteen floats are one cache line. Vectors are four wide on every machine, so that sums over samples are
/// taken in the same order everywhere and results are the same to the last bit.
pub type Lanes = [f32x4; 4];

/// Samples in a block.
pub const BLOCK: usize = 16;

/// All samples zero.
pub const ZERO: Lanes = [f32x4::ZERO; 4];

/// The sum of the four lanes, in a fixed order.
pub(crate) fn sum4(v: f32x4) -> f32 {
    let [a, b, c, d] = v.to_array();
    (a + b) + (c + d)
}

/// The sum over the sixteen samples, in a fixed order.
pub(crate) fn sum16(v: &Lanes) -> f32 {
    sum4(((v[0] + v[1]) + v[2]) + v[3])
}
