//! Functions whose last bit differs between the math libraries of platforms, computed alike everywhere.

use wide::{f32x4, i32x4};

/// Adding it rounds to an integer, which is then in the low bits of the mantissa.
const ROUND: f32 = 12_582_912.0;

/// `x = n ln 2 + r` with `|r| <= ln 2 / 2` (Cody and Waite 1980): returns `n + ROUND` and `e^r - 1`, the
/// latter by a polynomial (Cephes' `expf`). NaN stays NaN. `x` lies between -87.3 and 88.7.
fn reduce(x: f32x4) -> (f32x4, f32x4) {
    let splat = f32x4::splat;
    let rounded = x * splat(std::f32::consts::LOG2_E) + splat(ROUND);
    let n = rounded - splat(ROUND);
    // ln 2 in two parts: the first has few enough bits for its product with n to be exact.
    let r = x - n * splat(0.693_359_4) - n * splat(-2.121_944_4e-4);
    let mut p = splat(1.987_569_1e-4);
    for coefficient in [1.398_199_9e-3, 8.333_452e-3, 4.166_579_6e-2, 0.166_666_65, 0.5] {
        p = p * r + splat(coefficient);
    }
    (rounded, p * r * r + r)
}

/// `2^n` for whole n from -126 to 127.
fn power_of_two(n: i32x4) -> f32x4 {
    bytemuck::cast((n + i32x4::splat(127)) << 23)
}

/// The integer in the low bits of the sum of it and `ROUND`.
fn integer(rounded: f32x4) -> i32x4 {
    bytemuck::cast::<_, i32x4>(rounded) - i32x4::splat(ROUND.to_bits() as i32)
}

/// `e^x`, within 2 units in the last place; 0 below -87.3, infinite above 88.7. NaN stays NaN.
///
/// It uses only multiplications and additions, so every machine returns the same bits.
pub(crate) fn exp(x: f32x4) -> f32x4 {
    let splat = f32x4::splat;
    let below = x.simd_lt(splat(-87.3));
    let above = x.simd_gt(splat(88.7));
    let inside = above.bitselect(splat(88.7), below.bitselect(splat(-87.3), x));
    let (rounded, expm1) = reduce(inside);
    let power = expm1 + splat(1.0);
    // n is at most 128, one more than an exponent can hold: two factors of half of it each.
    let n = integer(rounded);
    let half = n >> 1;
    let result = power * power_of_two(half) * power_of_two(n - half);
    above.bitselect(splat(f32::INFINITY), below.bitselect(f32x4::ZERO, result))
}

/// `e^x - 1` for `x` up to 0, within 3e-7 of itself. For a small `x` it is nearly `x`, of which a subtraction
/// of 1 from `e^x` leaves nothing. NaN stays NaN.
pub(crate) fn expm1_up_to_0(x: f32x4) -> f32x4 {
    let lowest = f32x4::splat(-87.3);
    let (rounded, expm1) = reduce(x.simd_lt(lowest).bitselect(lowest, x));
    let power = power_of_two(integer(rounded));
    // e^x - 1 = 2^n (e^r - 1) + (2^n - 1), where the second term is 0 for the small x.
    power * expm1 + (power - f32x4::ONE)
}

/// Sine and cosine of an angle in radians of up to a few turns, within 1e-6, by Taylor polynomials about the
/// nearest quarter of a turn. The same on every machine; a GPU uses the same polynomials
/// (`shaders/input.wgsl`), since its own functions may be off by 5e-4.
pub fn sin_cos(angle: f32) -> (f32, f32) {
    let quarter = libm::rintf(angle * std::f32::consts::FRAC_2_PI);
    let r = angle - quarter * std::f32::consts::FRAC_PI_2;
    let r2 = r * r;
    let s = r + r * r2 * (-0.166_666_67 + r2 * (8.333_333e-3 + r2 * -1.984_127e-4));
    let c = 1.0 + r2 * (-0.5 + r2 * (4.166_666_7e-2 + r2 * (-1.388_888_9e-3 + r2 * 2.480_158_7e-5)));
    let (s, c) = if quarter as i32 & 1 == 0 { (s, c) } else { (c, -s) };
    if quarter as i32 & 2 == 0 { (s, c) } else { (-s, -c) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasm_bindgen_test::wasm_bindgen_test;

    #[wasm_bindgen_test(unsupported = test)]
    fn sine_and_cosine_are_within_a_millionth() {
        for i in -1000..1000 {
            let angle = i as f32 * 0.01;
            let (s, c) = sin_cos(angle);
            let (sine, cosine) = f64::from(angle).sin_cos();
            assert!(
                (f64::from(s) - sine).abs() < 1e-6 && (f64::from(c) - cosine).abs() < 1e-6,
                "{angle}: {s} {c}"
            );
        }
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn exp_is_within_3e_7_of_itself_in_double_precision() {
        for i in -17_400..17_700 {
            let x = i as f32 * 0.005;
            let (got, expected) = (exp(f32x4::splat(x)).to_array()[0], f64::from(x).exp());
            let error = (f64::from(got) - expected).abs() / expected;
            assert!(error < 3e-7, "e^{x} is {expected:e}, not {got:e}");
        }
        let [zero, infinite, nan, one] = exp(f32x4::from([-1e9, 1e9, f32::NAN, 0.0])).to_array();
        assert!(zero == 0.0 && infinite == f32::INFINITY && nan.is_nan() && one == 1.0);
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn expm1_keeps_its_digits_near_zero() {
        let check = |x: f32| {
            let (got, expected) = (expm1_up_to_0(f32x4::splat(x)).to_array()[0], f64::from(x).exp_m1());
            let error = (f64::from(got) - expected).abs() / expected.abs();
            assert!(error < 3e-7, "e^{x} - 1 is {expected:e}, not {got:e}");
        };
        (1..40_000).for_each(|i| check(i as f32 * -0.0025));
        // From the smallest normal number up.
        (0..500).for_each(|i| check(-1.2e-38 * 1.19f32.powi(i)));
        let [zero, minus_one, nan, small] =
            expm1_up_to_0(f32x4::from([0.0, f32::NEG_INFINITY, f32::NAN, -1e-40])).to_array();
        assert!(zero == 0.0 && minus_one == -1.0 && nan.is_nan());
        assert_eq!(small, -1e-40, "a subnormal number");
    }
}
