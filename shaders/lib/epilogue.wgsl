// The epilogue of a kernel: activation, 2x2 max pooling and dropout of its results before they are written, and the derivative of the
// same in the kernels that write gradients.

// Probability that dropout zeroes a value; 0 for no dropout. The layer tells the masks of several dropouts apart.
override DROPOUT_P: f32 = 0.0;
override DROPOUT_LAYER: u32 = 0u;
// Offset of the mask in `values`.
override DROPOUT_MASK: u32 = 0u;
// Whether 2x2 max pooling is part of the kernel, and the offset of the unpooled values, [channel][UNPOOLED_HEIGHT][UNPOOLED_WIDTH].
override POOLED: bool = false;
override UNPOOLED: u32 = 0u;
override UNPOOLED_HEIGHT: u32 = 2u;
override UNPOOLED_WIDTH: u32 = 2u;

// Factors of inverted dropout, 0 or 1 / (1 - p), for one value of four samples. Computes the same as `random::dropout_mask` in `crates/nn`.
// `value` is the value's index among the `all` values of a sample.
fn dropout_mask(value: u32, all: u32, quad: u32) -> vec4f {
    let threshold = u32(DROPOUT_P * 4294967296.0);
    let groups = (all + 3u) / 4u;
    var mask = vec4f(0.0);
    for (var lane = 0u; lane < 4u; lane++) {
        let index = (4u * quad + lane) * groups + value / 4u;
        let words = pcg4d(vec4u(step.seed, STREAM_DROPOUT | (DROPOUT_LAYER << 8u), step.number, index));
        mask[lane] = select(0.0, 1.0 / (1.0 - DROPOUT_P), words[value % 4u] >= threshold);
    }
    return mask;
}

// Activation and dropout of `x`.
fn epilogue(x: vec4f, value: u32, all: u32, quad: u32) -> vec4f {
    var y = activate(x);
    if DROPOUT_P > 0.0 {
        let mask = dropout_mask(value, all, quad);
        values[(DROPOUT_MASK + value) * Q + quad] = mask;
        y *= mask;
    }
    return y;
}

// The gradient of `x`, given the gradient `dy` of `epilogue(x)`, whose value lies at offset `output`.
fn epilogue_backward(dy: vec4f, output: u32, value: u32, quad: u32) -> vec4f {
    var dx = dy;
    if DROPOUT_P > 0.0 {
        let y = values[(output + value) * Q + quad];
        let mask = values[(DROPOUT_MASK + value) * Q + quad];
        dx *= mask * activation_derivative(y * (1.0 - DROPOUT_P));
    } else if ACTIVATION > 0u {
        dx *= activation_derivative(values[(output + value) * Q + quad]);
    }
    return dx;
}

// Writes the gradient of `x`, given the gradient `dy` of `epilogue(x)`. If pooling is part of the epilogue, the largest pixel of the
// window gets it, and the other three get zero. (Gradients of rows and columns that no window reaches are zero from the beginning.)
fn write_gradient(dy: vec4f, output: u32, value: u32, quad: u32) {
    let dx = epilogue_backward(dy, output, value, quad);
    if POOLED {
        let largest = (vec4u(argmax[(output + value) * Q + quad]) >> vec4u(0u, 8u, 16u, 24u)) & vec4u(255u);
        let line = value / (UNPOOLED_WIDTH / 2u);
        let row = line / (UNPOOLED_HEIGHT / 2u) * UNPOOLED_HEIGHT + line % (UNPOOLED_HEIGHT / 2u) * 2u;
        let at = (UNPOOLED + row * UNPOOLED_WIDTH + value % (UNPOOLED_WIDTH / 2u) * 2u) * Q + quad;
        let below = at + UNPOOLED_WIDTH * Q;
        gradients[at] = select(vec4f(0.0), dx, largest == vec4u(0u));
        gradients[at + Q] = select(vec4f(0.0), dx, largest == vec4u(1u));
        gradients[below] = select(vec4f(0.0), dx, largest == vec4u(2u));
        gradients[below + Q] = select(vec4f(0.0), dx, largest == vec4u(3u));
    } else {
        gradients[(output + value) * Q + quad] = dx;
    }
}
