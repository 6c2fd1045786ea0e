//! Activation functions, element by element over buffers of any shape. Every derivative is computed from the
//! output alone.

use crate::Lanes;
use crate::math::{exp, expm1_up_to_0};
use wide::f32x4;

/// An activation function.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Activation {
    /// `max(x, 0)` (Nair and Hinton 2010); its slope at 0 is 0, as in PyTorch.
    Relu,
    /// `x` above 0, `negative_slope * x` below (Maas et al. 2013).
    LeakyRelu {
        /// From 0 up.
        negative_slope: f32,
    },
    /// `x` above 0, `alpha * (e^x - 1)` below (Clevert et al. 2015); its slope at 0 is `alpha`, as in
    /// PyTorch.
    Elu {
        /// From 0 up, or the output would not tell which side of 0 it came from.
        alpha: f32,
    },
    /// `1 / (1 + e^-x)`.
    Sigmoid,
    /// The hyperbolic tangent.
    Tanh,
}

/// `y = f(x)`, in place.
pub fn forward(f: Activation, x: &mut [Lanes]) {
    let one = f32x4::ONE;
    match f {
        // Compares with `<=`, so that NaN stays NaN and a diverging training is noticed.
        Activation::Relu => map(x, |x| x.simd_le(f32x4::ZERO).bitselect(f32x4::ZERO, x)),
        Activation::LeakyRelu { negative_slope } => {
            let slope = f32x4::splat(negative_slope);
            map(x, |x| x.simd_gt(f32x4::ZERO).bitselect(x, slope * x));
        }
        Activation::Elu { alpha } => {
            let alpha = f32x4::splat(alpha);
            map(x, |x| {
                let positive = x.simd_gt(f32x4::ZERO);
                positive.bitselect(x, alpha * expm1_up_to_0(positive.bitselect(f32x4::ZERO, x)))
            });
        }
        Activation::Sigmoid => map(x, |x| one / (one + exp(-x))),
        Activation::Tanh => map(x, |x| {
            // e^-2|x| - 1 keeps the digits of a small x, and cannot overflow.
            let e = expm1_up_to_0(f32x4::splat(-2.0) * x.abs());
            let y = e / (f32x4::splat(2.0) + e);
            y.abs() | (x & f32x4::splat(-0.0))
        }),
    }
}

/// `dx = dy * f'(x)` in place of `dy`, with `y = f(x)`.
///
/// # Panics
/// If the lengths differ.
pub fn backward(f: Activation, y: &[Lanes], dy: &mut [Lanes]) {
    let one = f32x4::ONE;
    match f {
        Activation::Relu => map_with(dy, y, |dy, y| y.simd_gt(f32x4::ZERO) & dy),
        Activation::LeakyRelu { negative_slope } => {
            let slope = f32x4::splat(negative_slope);
            map_with(dy, y, |dy, y| y.simd_gt(f32x4::ZERO).bitselect(dy, slope * dy));
        }
        Activation::Elu { alpha } => {
            // Below 0 it is alpha * e^x.
            let alpha = f32x4::splat(alpha);
            map_with(dy, y, |dy, y| y.simd_gt(f32x4::ZERO).bitselect(dy, dy * (y + alpha)));
        }
        Activation::Sigmoid => map_with(dy, y, |dy, y| dy * y * (one - y)),
        Activation::Tanh => map_with(dy, y, |dy, y| dy * (one - y * y)),
    }
}

/// `x = x * mask`, in place: dropout, and its gradient.
///
/// # Panics
/// If the lengths differ.
pub fn multiply(x: &mut [Lanes], mask: &[Lanes]) {
    map_with(x, mask, |x, mask| x * mask);
}

fn map(x: &mut [Lanes], f: impl Fn(f32x4) -> f32x4) {
    for x in x {
        *x = x.map(&f);
    }
}

fn map_with(x: &mut [Lanes], other: &[Lanes], f: impl Fn(f32x4, f32x4) -> f32x4) {
    assert_eq!(x.len(), other.len());
    for (x, other) in x.iter_mut().zip(other) {
        for q in 0..4 {
            x[q] = f(x[q], other[q]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasm_bindgen_test::wasm_bindgen_test;

    #[wasm_bindgen_test(unsupported = test)]
    fn nan_stays_nan_and_leaves_other_samples_finite() {
        use Activation::*;
        for f in
            [Relu, LeakyRelu { negative_slope: 0.1 }, Elu { alpha: 1.5 }, Elu { alpha: 0.0 }, Sigmoid, Tanh]
        {
            let mut x = [[f32x4::from([f32::NAN, -1e9, 1e9, 0.5]); 4]];
            forward(f, &mut x);
            for [nan, others @ ..] in x[0].map(f32x4::to_array) {
                assert!(nan.is_nan() && others.iter().all(|y| y.is_finite()), "{f:?}: {nan}, {others:?}");
            }
        }
    }
}
