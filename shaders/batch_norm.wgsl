// Batch normalisation (Ioffe and Szegedy 2015) by the statistics of the whole batch, and scale and shift of each channel. Computes the same
// as crates/tensor/src/batch_norm.rs.
//
// Statistics are sums over all pixels and samples of a channel, in two passes: each workgroup sums one part, and one invocation adds the
// parts in their order.

// Offsets of x, of the normalised x, and of the output: [CHANNELS][PLANE] each.
override INPUT: u32;
override NORMALIZED: u32 = 0u;
override OUTPUT: u32;
override CHANNELS: u32;
override PLANE: u32;
// Offsets of scales and shifts in `state`.
override SCALE: u32 = 0u;
override SHIFT: u32 = 0u;
// Offsets in `state`: of the running estimates, [mean, variance][CHANNELS]; and of the statistics, [mean, inverse standard deviation, mean of
// the gradient, mean of its product with the normalised values][CHANNELS].
override RUNNING: u32 = 0u;
override STATISTICS: u32 = 0u;
// Whether statistics are those of the batch, and not the running estimates.
override TRAINING: bool = true;
// Offset in `partials` of sums over parts, [2][PARTS][CHANNELS].
override PARTIAL: u32 = 0u;
override PARTS: u32 = 1u;

// PyTorch's defaults.
const EPS: f32 = 1e-5;
const MOMENTUM: f32 = 0.1;

var<workgroup> first: array<vec4f, 64>;
var<workgroup> second: array<vec4f, 64>;

// Adds up the sums of all invocations of a workgroup, and writes them as one part.
fn write_part(part: u32, channel: u32, local: u32, a: vec4f, b: vec4f) {
    first[local] = a;
    second[local] = b;
    workgroupBarrier();
    for (var half = 32u; half > 0u; half /= 2u) {
        if local < half {
            first[local] += first[local + half];
            second[local] += second[local + half];
        }
        workgroupBarrier();
    }
    if local == 0u {
        let at = PARTIAL + part * CHANNELS + channel;
        partials[at] = (first[0].x + first[0].y) + (first[0].z + first[0].w);
        partials[at + PARTS * CHANNELS] = (second[0].x + second[0].y) + (second[0].z + second[0].w);
    }
}

fn part_sums(channel: u32) -> vec2f {
    var sums = vec2f(0.0);
    for (var part = 0u; part < PARTS; part++) {
        let at = PARTIAL + part * CHANNELS + channel;
        sums += vec2f(partials[at], partials[at + PARTS * CHANNELS]);
    }
    return sums;
}

fn count() -> f32 {
    return f32(step.batch_size * PLANE);
}

// The first value of a channel in the batch. Moments are taken about it: with a pivot that is about as near to the mean as other values the
// variance keeps its digits. (The running mean is far from the mean in the first steps.)
fn pivot_of(channel: u32) -> f32 {
    return values[(INPUT + channel * PLANE) * Q].x;
}

// Sums of the differences between x and the pivot, and of their squares.
@compute @workgroup_size(64)
fn moment_sums(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
    let channel = group.x % CHANNELS;
    let part = group.x / CHANNELS;
    let pivot = pivot_of(channel);
    var a = vec4f(0.0);
    var b = vec4f(0.0);
    for (var i = part * 64u + local; i < PLANE * Q; i += 64u * PARTS) {
        let quad = i % Q;
        let d = (values[(INPUT + channel * PLANE) * Q + i] - pivot) * in_use(quad);
        a += d;
        b += d * d;
    }
    write_part(part, channel, local, a, b);
}

// Mean and inverse standard deviation of each channel: of the batch in training, which also updates the running estimates; else from these.
@compute @workgroup_size(64)
fn batch_statistics(@builtin(global_invocation_id) id: vec3u) {
    let channel = id.x;
    if channel >= CHANNELS {
        return;
    }
    var mean = state[RUNNING + channel];
    var variance = state[RUNNING + CHANNELS + channel];
    if TRAINING {
        let sums = part_sums(channel);
        let shift = sums.x / count();
        var of_batch = sums.y / count() - shift * shift;
        // Not by `max`, which may return 0 for NaN.
        of_batch = select(of_batch, 0.0, of_batch < 0.0);
        let unbiased = of_batch * (count() / max(count() - 1.0, 1.0));
        let batch_mean = pivot_of(channel) + shift;
        state[RUNNING + channel] = mean + MOMENTUM * (batch_mean - mean);
        state[RUNNING + CHANNELS + channel] = variance + MOMENTUM * (unbiased - variance);
        mean = batch_mean;
        variance = of_batch;
    }
    state[STATISTICS + channel] = mean;
    state[STATISTICS + CHANNELS + channel] = 1.0 / sqrt(variance + EPS);
}

// Normalises, scales and shifts.
@compute @workgroup_size(64)
fn normalize(@builtin(global_invocation_id) id: vec3u) {
    let quad = id.x % Q;
    let value = id.x / Q;
    if value >= CHANNELS * PLANE {
        return;
    }
    let channel = value / PLANE;
    let x = values[(INPUT + value) * Q + quad];
    let y = (x - state[STATISTICS + channel]) * state[STATISTICS + CHANNELS + channel];
    values[(NORMALIZED + value) * Q + quad] = y;
    let z = y * state[SCALE + channel] + state[SHIFT + channel];
    values[(OUTPUT + value) * Q + quad] = epilogue(z, value, CHANNELS * PLANE, quad);
}

// scale * x + shift.
@compute @workgroup_size(64)
fn affine(@builtin(global_invocation_id) id: vec3u) {
    let quad = id.x % Q;
    let value = id.x / Q;
    if value >= CHANNELS * PLANE {
        return;
    }
    let channel = value / PLANE;
    let y = values[(INPUT + value) * Q + quad] * state[SCALE + channel] + state[SHIFT + channel];
    values[(OUTPUT + value) * Q + quad] = epilogue(y, value, CHANNELS * PLANE, quad);
}

// Sums of the gradient and of its product with the values that were scaled: the gradients of shift and scale.
@compute @workgroup_size(64)
fn gradient_sums(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
    let channel = group.x % CHANNELS;
    let part = group.x / CHANNELS;
    var a = vec4f(0.0);
    var b = vec4f(0.0);
    for (var i = part * 64u + local; i < PLANE * Q; i += 64u * PARTS) {
        let dy = gradients[(OUTPUT + channel * PLANE) * Q + i];
        a += dy;
        b += dy * values[(NORMALIZED + channel * PLANE) * Q + i];
    }
    // The scales come first among the parameters.
    write_part(part, channel, local, b, a);
}

// Means, over the batch, of the gradient of the normalised values and of its product with them.
@compute @workgroup_size(64)
fn gradient_means(@builtin(global_invocation_id) id: vec3u) {
    if id.x < CHANNELS {
        let sums = part_sums(id.x) * state[SCALE + id.x] / count();
        state[STATISTICS + 2u * CHANNELS + id.x] = sums.y;
        state[STATISTICS + 3u * CHANNELS + id.x] = sums.x;
    }
}

// The gradient of x through scale and normalisation (Ioffe and Szegedy 2015, section 3).
@compute @workgroup_size(64)
fn normalize_backward(@builtin(global_invocation_id) id: vec3u) {
    let quad = id.x % Q;
    let value = id.x / Q;
    if value >= CHANNELS * PLANE {
        return;
    }
    let channel = value / PLANE;
    let dy = gradients[(OUTPUT + value) * Q + quad] * state[SCALE + channel];
    let y = values[(NORMALIZED + value) * Q + quad];
    let mean = state[STATISTICS + 2u * CHANNELS + channel];
    let product = state[STATISTICS + 3u * CHANNELS + channel];
    let dx = (dy - mean - y * product) * state[STATISTICS + CHANNELS + channel] * in_use(quad);
    write_gradient(dx, INPUT, value, quad);
}

// The gradient of x through scale alone.
@compute @workgroup_size(64)
fn affine_backward(@builtin(global_invocation_id) id: vec3u) {
    let quad = id.x % Q;
    let value = id.x / Q;
    if value < CHANNELS * PLANE {
        let dx = gradients[(OUTPUT + value) * Q + quad] * state[SCALE + value / PLANE];
        write_gradient(dx, INPUT, value, quad);
    }
}
