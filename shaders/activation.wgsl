// Activation functions and their derivatives: the twin of crates/tensor/src/activation.rs. Which one, and how it is followed by
// dropout, is fixed for each pipeline.

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
    switch ACTIVATION {
        // What is not at most 0: NaN stays NaN.
        case 1u: { return select(x, vec4f(0.0), x <= vec4f(0.0)); }
        case 2u: { return select(SLOPE * x, x, x > vec4f(0.0)); }
        case 3u: { return 1.0 / (1.0 + exp(-x)); }
        // By e^-2|x|, which cannot overflow.
        case 4u: {
            let e = exp(-2.0 * abs(x));
            return sign(x) * (1.0 - e) / (1.0 + e);
        }
        case 5u: { return select(SLOPE * (exp(x) - 1.0), x, x > vec4f(0.0)); }
        default: { return x; }
    }
}

// The derivative, given what `activate` gave.
fn slope(y: vec4f) -> vec4f {
    switch ACTIVATION {
        case 1u: { return select(vec4f(0.0), vec4f(1.0), y > vec4f(0.0)); }
        case 2u: { return select(vec4f(SLOPE), vec4f(1.0), y > vec4f(0.0)); }
        case 3u: { return y * (1.0 - y); }
        case 4u: { return 1.0 - y * y; }
        case 5u: { return select(y + SLOPE, vec4f(1.0), y > vec4f(0.0)); }
        default: { return vec4f(1.0); }
    }
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
    let y = activate(x);
    if DROPOUT == 0.0 {
        return y;
    }
    let mask = dropout_mask(value, all, quad);
    values[(MASK + value) * Q + quad] = mask;
    return y * mask;
}

// The gradient of `x` from that of `finish(x)`, which lies at `output`.
fn unfinish(dy: vec4f, output: u32, value: u32, quad: u32) -> vec4f {
    if ACTIVATION == 0u && DROPOUT == 0.0 {
        return dy;
    }
    let y = values[(output + value) * Q + quad];
    if DROPOUT == 0.0 {
        return dy * slope(y);
    }
    let mask = values[(MASK + value) * Q + quad];
    return dy * mask * slope(y * (1.0 - DROPOUT));
}

// Sends the gradient of `finish(x)`, which lies at `output`, to `x`: to its pixels before pooling, if that is part of the layer, of
// which one in each window gets it and the others zero. (In rows and columns that no window reaches it is zero from the beginning.)
fn send_back(dy: vec4f, output: u32, value: u32, quad: u32) {
    let dx = unfinish(dy, output, value, quad);
    if !POOLED {
        gradients[(output + value) * Q + quad] = dx;
        return;
    }
    let winner = (vec4u(winners[(output + value) * Q + quad]) >> vec4u(0u, 8u, 16u, 24u)) & vec4u(255u);
    let line = value / (UNPOOLED_WIDTH / 2u);
    let row = line / (UNPOOLED_HEIGHT / 2u) * UNPOOLED_HEIGHT + line % (UNPOOLED_HEIGHT / 2u) * 2u;
    let at = (UNPOOLED + row * UNPOOLED_WIDTH + value % (UNPOOLED_WIDTH / 2u) * 2u) * Q + quad;
    let below = at + UNPOOLED_WIDTH * Q;
    gradients[at] = select(vec4f(0.0), dx, winner == vec4u(0u));
    gradients[at + Q] = select(vec4f(0.0), dx, winner == vec4u(1u));
    gradients[below] = select(vec4f(0.0), dx, winner == vec4u(2u));
    gradients[below + Q] = select(vec4f(0.0), dx, winner == vec4u(3u));
}
