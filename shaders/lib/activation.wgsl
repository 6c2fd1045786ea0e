// Activation functions and their derivatives. Computes the same as crates/tensor/src/activation.rs.
//
// The function is a constant of each pipeline. Code that a pipeline does not need stands in branches of its own, here and in
// epilogue.wgsl, never behind an early return: Chromium makes an early return a flag in a variable, through which a driver sees less
// easily than through a constant. (No gain was measured.)

// 0: none, 1: ReLU, 2: leaky ReLU, 3: sigmoid, 4: tanh, 5: ELU.
override ACTIVATION: u32 = 0u;
// Negative slope of the leaky ReLU, alpha of the ELU.
override SLOPE_OR_ALPHA: f32 = 0.0;

// e^x - 1 for x up to 0. Computes the same as `expm1_up_to_0` in crates/tensor/src/math.rs: `exp(x) - 1.0` has no digits of a small x.
fn expm1_up_to_0(x: vec4f) -> vec4f {
    let inside = select(x, vec4f(-87.3), x < vec4f(-87.3));
    let n = round(inside * 1.442695);
    let r = inside - n * 0.6933594 - n * -2.1219444e-4;
    var p = vec4f(1.9875691e-4);
    p = p * r + 1.3981999e-3;
    p = p * r + 8.333452e-3;
    p = p * r + 4.1665796e-2;
    p = p * r + 0.16666665;
    p = p * r + 0.5;
    let power = bitcast<vec4f>((vec4i(n) + 127) << vec4u(23u));
    return power * (p * r * r + r) + (power - 1.0);
}

fn activate(x: vec4f) -> vec4f {
    var y = x;
    switch ACTIVATION {
        // Everything but x <= 0, so that NaN stays NaN.
        case 1u: { y = select(x, vec4f(0.0), x <= vec4f(0.0)); }
        case 2u: { y = select(SLOPE_OR_ALPHA * x, x, x > vec4f(0.0)); }
        case 3u: { y = 1.0 / (1.0 + exp(-x)); }
        // By e^-2|x| - 1, which keeps the digits of a small x, and cannot overflow.
        case 4u: {
            let e = expm1_up_to_0(-2.0 * abs(x));
            y = sign(x) * -e / (2.0 + e);
        }
        case 5u: {
            let positive = x > vec4f(0.0);
            y = select(SLOPE_OR_ALPHA * expm1_up_to_0(select(x, vec4f(0.0), positive)), x, positive);
        }
        default: {}
    }
    return y;
}

// The derivative, from the output `y` of `activate`.
fn activation_derivative(y: vec4f) -> vec4f {
    var derivative = vec4f(1.0);
    switch ACTIVATION {
        case 1u: { derivative = select(vec4f(0.0), vec4f(1.0), y > vec4f(0.0)); }
        case 2u: { derivative = select(vec4f(SLOPE_OR_ALPHA), vec4f(1.0), y > vec4f(0.0)); }
        case 3u: { derivative = y * (1.0 - y); }
        case 4u: { derivative = 1.0 - y * y; }
        case 5u: { derivative = select(y + SLOPE_OR_ALPHA, vec4f(1.0), y > vec4f(0.0)); }
        default: {}
    }
    return derivative;
}
