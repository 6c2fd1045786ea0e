//! Functions whose last bit differs between the math libraries of platforms, computed alike everywhere.

use wide::{f32x4, i32x4};

/// `e^x`, within 2 units in the last place; 0 below -87.3, infinite above 88.7. NaN stays NaN.
///
/// `x = n ln 2 + r` with `|r| <= ln 2 / 2` (Cody and Waite 1980), a polynomial for `e^r` (Cephes' `expf`),
/// and `2^n` by its exponent bits. It uses only multiplications and additions, so every machine returns the
/// same bits.
pub(crate) fn exp(x: f32x4) -> f32x4 {
    /// Adding it rounds to an integer, which is then in the low bits of the mantissa.
    const ROUND: f32 = 12_582_912.0;
    let splat = f32x4::splat;
    let below = x.simd_lt(splat(-87.3));
    let above = x.simd_gt(splat(88.7));
    let inside = above.bitselect(splat(88.7), below.bitselect(splat(-87.3), x));
    let rounded = inside * splat(std::f32::consts::LOG2_E) + splat(ROUND);
    let n = rounded - splat(ROUND);
    // ln 2 in two parts: the first has few enough bits for its product with n to be exact.
    let r = inside - n * splat(0.693_359_4) - n * splat(-2.121_944_4e-4);
    let mut p = splat(1.987_569_1e-4);
    for coefficient in [1.398_199_9e-3, 8.333_452e-3, 4.166_579_6e-2, 0.166_666_65, 0.5] {
        p = p * r + splat(coefficient);
    }
    let power = p * r * r + r + splat(1.0);
    // n is at most 128, one more than an exponent can hold: two factors of half of it each.
    let n = bytemuck::cast::<_, i32x4>(rounded) - i32x4::splat(ROUND.to_bits() as i32);
    let half = n >> 1;
    let scale = |n: i32x4| -> f32x4 { bytemuck::cast((n + i32x4::splat(127)) << 23) };
    let result = power * scale(half) * scale(n - half);
    above.bitselect(splat(f32::INFINITY), below.bitselect(f32x4::ZERO, result))
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
}
