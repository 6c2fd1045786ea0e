//! Activation functions, element by element. Every derivative is had from the output alone.

use crate::{Lanes, math::exp};
use wide::f32x4;

/// What a unit does with its weighted sum.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Activation {
    /// `max(x, 0)`; its slope at 0 is 0, as in PyTorch.
    Relu,
    /// `x` above 0, `slope * x` below (Maas et al. 2013).
    LeakyRelu {
        /// From 0 up.
        slope: f32,
    },
    /// `1 / (1 + e^-x)`.
    Sigmoid,
    /// The hyperbolic tangent.
    Tanh,
}

/// `y = f(x)`.
pub fn forward(f: Activation, x: &[Lanes], y: &mut [Lanes]) {
    let one = f32x4::ONE;
    match f {
        Activation::Relu => map(x, y, |x| x.simd_gt(f32x4::ZERO) & x),
        Activation::LeakyRelu { slope } => {
            let slope = f32x4::splat(slope);
            map(x, y, |x| x.simd_gt(f32x4::ZERO).bitselect(x, slope * x));
        }
        Activation::Sigmoid => map(x, y, |x| one / (one + exp(-x))),
        Activation::Tanh => map(x, y, |x| {
            // By e^-2|x|, which cannot overflow.
            let e = exp(f32x4::splat(-2.0) * x.abs());
            let y = (one - e) / (one + e);
            x.simd_lt(f32x4::ZERO).bitselect(-y, y)
        }),
    }
}

/// `dx = dy * f'(x)`, with `y = f(x)`.
pub fn backward(f: Activation, y: &[Lanes], dy: &[Lanes], dx: &mut [Lanes]) {
    let one = f32x4::ONE;
    match f {
        Activation::Relu => map2(y, dy, dx, |y, dy| y.simd_gt(f32x4::ZERO) & dy),
        Activation::LeakyRelu { slope } => {
            let slope = f32x4::splat(slope);
            map2(y, dy, dx, |y, dy| y.simd_gt(f32x4::ZERO).bitselect(dy, slope * dy));
        }
        Activation::Sigmoid => map2(y, dy, dx, |y, dy| dy * y * (one - y)),
        Activation::Tanh => map2(y, dy, dx, |y, dy| dy * (one - y * y)),
    }
}

fn map(x: &[Lanes], y: &mut [Lanes], f: impl Fn(f32x4) -> f32x4) {
    assert_eq!(x.len(), y.len());
    for (x, y) in x.iter().zip(y) {
        for q in 0..4 {
            y[q] = f(x[q]);
        }
    }
}

fn map2(a: &[Lanes], b: &[Lanes], y: &mut [Lanes], f: impl Fn(f32x4, f32x4) -> f32x4) {
    assert!(a.len() == y.len() && b.len() == y.len());
    for ((a, b), y) in a.iter().zip(b).zip(y) {
        for q in 0..4 {
            y[q] = f(a[q], b[q]);
        }
    }
}

/// `y = mask * x`: dropout, and its gradient with `dy` for `x`.
pub fn multiply(x: &[Lanes], mask: &[Lanes], y: &mut [Lanes]) {
    map2(x, mask, y, |x, mask| x * mask);
}
