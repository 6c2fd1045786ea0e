//! Rectified linear units.

use crate::Lanes;
use wide::f32x4;

/// `y = max(x, 0)`.
pub fn forward(x: &[Lanes], y: &mut [Lanes]) {
    assert_eq!(x.len(), y.len());
    for (x, y) in x.iter().zip(y) {
        *y = x.map(|x| x.simd_gt(f32x4::ZERO) & x);
    }
}

/// `dx = dy` where the output was above zero, else 0: at 0 the slope is 0, as in PyTorch.
pub fn backward(y: &[Lanes], dy: &[Lanes], dx: &mut [Lanes]) {
    assert!(y.len() == dx.len() && dy.len() == dx.len());
    for ((y, dy), dx) in y.iter().zip(dy).zip(dx) {
        for q in 0..4 {
            dx[q] = y[q].simd_gt(f32x4::ZERO) & dy[q];
        }
    }
}
