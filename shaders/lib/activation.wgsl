// Activation functions and their derivatives. Computes the same as crates/tensor/src/activation.rs.
//
// The function is a constant of each pipeline. Code that a pipeline does not need stands in branches of its own, here and in
// epilogue.wgsl, never behind an early return: Chromium makes an early return a flag in a variable, through which a driver sees less
// easily than through a constant. (No gain was measured.)

// 0: none, 1: ReLU, 2: leaky ReLU, 3: sigmoid, 4: tanh, 5: ELU.
override ACTIVATION: u32 = 0u;
// Negative slope of the leaky ReLU, alpha of the ELU.
override SLOPE_OR_ALPHA: f32 = 0.0;

fn activate(x: vec4f) -> vec4f {
    var y = x;
    switch ACTIVATION {
        // Everything but x <= 0, so that NaN stays NaN.
        case 1u: { y = select(x, vec4f(0.0), x <= vec4f(0.0)); }
        case 2u: { y = select(SLOPE_OR_ALPHA * x, x, x > vec4f(0.0)); }
        case 3u: { y = 1.0 / (1.0 + exp(-x)); }
        // By e^-2|x|, which cannot overflow.
        case 4u: {
            let e = exp(-2.0 * abs(x));
            y = sign(x) * (1.0 - e) / (1.0 + e);
        }
        case 5u: { y = select(SLOPE_OR_ALPHA * (exp(x) - 1.0), x, x > vec4f(0.0)); }
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
