// Activation functions and their derivatives: the twin of crates/tensor/src/activation.rs. Which one, and how it is followed by
// dropout, is fixed for each pipeline. What a pipeline does not need stands in branches of its own here, never behind an early return:
// of that, Chromium makes a flag in a variable, which is harder for a driver to see through than a constant. (No gain was measured.)

// 0: none, 1: ReLU, 2: leaky ReLU, 3: sigmoid, 4: tanh, 5: ELU.
override ACTIVATION: u32 = 0u;
// The leaky ReLU's slope, and the ELU's alpha.
override SLOPE: f32 = 0.0;
// Share of units that dropout zeroes; 0 for no dropout. And what tells the masks of several dropouts apart.
override DROPOUT: f32 = 0.0;
override DROPOUT_LAYER: u32 = 0u;
// Where the masks lie, beside `values`.
override MASK: u32 = 0u;
// Whether 2x2 max pooling is part of the layer; and what it pools, [maps][UNPOOLED_HEIGHT][UNPOOLED_WIDTH].
override POOLED: bool = false;
override UNPOOLED: u32 = 0u;
override UNPOOLED_HEIGHT: u32 = 2u;
override UNPOOLED_WIDTH: u32 = 2u;

fn activate(x: vec4f) -> vec4f {
    var y = x;
    switch ACTIVATION {
        // What is not at most 0: NaN stays NaN.
        case 1u: { y = select(x, vec4f(0.0), x <= vec4f(0.0)); }
        case 2u: { y = select(SLOPE * x, x, x > vec4f(0.0)); }
        case 3u: { y = 1.0 / (1.0 + exp(-x)); }
        // By e^-2|x|, which cannot overflow.
        case 4u: {
            let e = exp(-2.0 * abs(x));
            y = sign(x) * (1.0 - e) / (1.0 + e);
        }
        case 5u: { y = select(SLOPE * (exp(x) - 1.0), x, x > vec4f(0.0)); }
        default: {}
    }
    return y;
}

// The derivative, given what `activate` gave.
fn slope(y: vec4f) -> vec4f {
    var slope = vec4f(1.0);
    switch ACTIVATION {
        case 1u: { slope = select(vec4f(0.0), vec4f(1.0), y > vec4f(0.0)); }
        case 2u: { slope = select(vec4f(SLOPE), vec4f(1.0), y > vec4f(0.0)); }
        case 3u: { slope = y * (1.0 - y); }
        case 4u: { slope = 1.0 - y * y; }
        case 5u: { slope = select(y + SLOPE, vec4f(1.0), y > vec4f(0.0)); }
        default: {}
    }
    return slope;
}

// Inverted dropout's factors for one value of four samples, as `random::dropout_mask` makes them.
fn dropout_mask(value: u32, all: u32, quad: u32) -> vec4f {
    let threshold = u32(DROPOUT * 4294967296.0);
    let groups = (all + 3u) / 4u;
    var mask = vec4f(0.0);
    for (var lane = 0u; lane < 4u; lane++) {
        let index = (4u * quad + lane) * groups + value / 4u;
        let words = pcg4d(vec4u(step.seed, STREAM_DROPOUT | (DROPOUT_LAYER << 8u), step.number, index));
        mask[lane] = select(0.0, 1.0 / (1.0 - DROPOUT), words[value % 4u] >= threshold);
    }
    return mask;
}

// What a layer gives: activated, and in training struck out by chance. `value` is its place among `all` values of a sample.
fn finish(x: vec4f, value: u32, all: u32, quad: u32) -> vec4f {
    var y = activate(x);
    if DROPOUT > 0.0 {
        let mask = dropout_mask(value, all, quad);
        values[(MASK + value) * Q + quad] = mask;
        y *= mask;
    }
    return y;
}

// The gradient of `x` from that of `finish(x)`, which lies at `output`.
fn unfinish(dy: vec4f, output: u32, value: u32, quad: u32) -> vec4f {
    var dx = dy;
    if DROPOUT > 0.0 {
        let y = values[(output + value) * Q + quad];
        let mask = values[(MASK + value) * Q + quad];
        dx *= mask * slope(y * (1.0 - DROPOUT));
    } else if ACTIVATION > 0u {
        dx *= slope(values[(output + value) * Q + quad]);
    }
    return dx;
}

// Sends the gradient of `finish(x)`, which lies at `output`, to `x`: to its pixels before pooling, if that is part of the layer, of
// which one in each window gets it and the others zero. (In rows and columns that no window reaches it is zero from the beginning.)
fn send_back(dy: vec4f, output: u32, value: u32, quad: u32) {
    let dx = unfinish(dy, output, value, quad);
    if POOLED {
        let winner = (vec4u(winners[(output + value) * Q + quad]) >> vec4u(0u, 8u, 16u, 24u)) & vec4u(255u);
        let line = value / (UNPOOLED_WIDTH / 2u);
        let row = line / (UNPOOLED_HEIGHT / 2u) * UNPOOLED_HEIGHT + line % (UNPOOLED_HEIGHT / 2u) * 2u;
        let at = (UNPOOLED + row * UNPOOLED_WIDTH + value % (UNPOOLED_WIDTH / 2u) * 2u) * Q + quad;
        let below = at + UNPOOLED_WIDTH * Q;
        gradients[at] = select(vec4f(0.0), dx, winner == vec4u(0u));
        gradients[at + Q] = select(vec4f(0.0), dx, winner == vec4u(1u));
        gradients[below] = select(vec4f(0.0), dx, winner == vec4u(2u));
        gradients[below + Q] = select(vec4f(0.0), dx, winner == vec4u(3u));
    } else {
        gradients[(output + value) * Q + quad] = dx;
    }
}
