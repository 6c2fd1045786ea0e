// Partial sums of the gradients of all weights and biases, and of losses and hits, in one dispatch; the same sums as `weight_gradient` in
// crates/tensor/src/conv2d/ and linear.rs.
//
// With one invocation for each weight, LeNet's first layer would have 150 invocations of 50,000 steps each. Sums are therefore split over
// samples and rows: each invocation sums the gradients of some weights over some quads of samples and one row of the output, and
// `optimizer_step` adds up these partial sums in a fixed order. WGSL has no atomic additions of floats, and none are needed.

// Whether all convolutions have a stride of 1.
override UNIT_STRIDES: bool;

// Samples whose losses and hits an invocation adds up.
const LOSS_CHUNK: u32 = 16u;

fn sum(v: vec4f) -> f32 {
    return (v.x + v.y) + (v.z + v.w);
}

// Five pixels of a row, of four samples each.
alias Pixels = array<vec4f, 5>;

// Sums for three rows of five weights of an output channel. They are scalars: vectors would need four times the registers.
struct Sums { upper: array<f32, 5>, middle: array<f32, 5>, lower: array<f32, 5> }

// Adds the products of four samples.
fn add(sums: ptr<function, Sums>, dy: vec4f, x: ptr<function, Pixels>, y: ptr<function, Pixels>, z: ptr<function, Pixels>) {
    (*sums).upper[0] += dot(dy, (*x)[0]);
    (*sums).upper[1] += dot(dy, (*x)[1]);
    (*sums).upper[2] += dot(dy, (*x)[2]);
    (*sums).upper[3] += dot(dy, (*x)[3]);
    (*sums).upper[4] += dot(dy, (*x)[4]);
    (*sums).middle[0] += dot(dy, (*y)[0]);
    (*sums).middle[1] += dot(dy, (*y)[1]);
    (*sums).middle[2] += dot(dy, (*y)[2]);
    (*sums).middle[3] += dot(dy, (*y)[3]);
    (*sums).middle[4] += dot(dy, (*y)[4]);
    (*sums).lower[0] += dot(dy, (*z)[0]);
    (*sums).lower[1] += dot(dy, (*z)[1]);
    (*sums).lower[2] += dot(dy, (*z)[2]);
    (*sums).lower[3] += dot(dy, (*z)[3]);
    (*sums).lower[4] += dot(dy, (*z)[4]);
}

// The first four of five pixels.
fn first_four(at: u32) -> Pixels {
    return Pixels(values[at], values[at + Q], values[at + 2u * Q], values[at + 3u * Q], vec4f(0.0));
}

// The first four of the next five pixels, whose first lies at `at`: one to the right, if strides are 1.
fn next(x: ptr<function, Pixels>, at: u32) -> Pixels {
    var pixels = Pixels((*x)[1], (*x)[2], (*x)[3], (*x)[4], vec4f(0.0));
    if !UNIT_STRIDES {
        pixels = first_four(at);
    }
    return pixels;
}

// Weights of four output channels and one input channel, three rows and five columns of the kernel, over one row of the output. With a
// stride of 1 the five pixels of each row move along, so that seven vectors are loaded for 60 products of vectors.
fn conv2d_weight(reduction: Reduction, item: u32) {
    let row_tiles = (reduction.kernel_height + 2u) / 3u;
    let column_tiles = (reduction.kernel_width + 4u) / 5u;
    let tiles = (reduction.out_channels + 3u) / 4u * reduction.in_channels * row_tiles * column_tiles;
    let chunk = item / tiles;
    if chunk >= reduction.chunks {
        return;
    }
    var rest = item % tiles;
    let kx = rest % column_tiles * 5u;
    rest /= column_tiles;
    let ky = rest % row_tiles * 3u;
    rest /= row_tiles;
    let in_channel = rest % reduction.in_channels;
    let out_channel = rest / reduction.in_channels * 4u;
    let row = chunk % reduction.out_height;
    let first_quad = chunk / reduction.out_height * reduction.chunk_quads;
    // Channels, rows and columns behind the last are summed over other pixels, and their sums are not written.
    let plane = reduction.out_height * reduction.out_width * Q;
    let line = reduction.width * Q;
    let step = reduction.stride * Q;
    var s0 = Sums();
    var s1 = Sums();
    var s2 = Sums();
    var s3 = Sums();
    for (var quad = first_quad; quad < min(first_quad + reduction.chunk_quads, Q); quad++) {
        var at = (reduction.input + (in_channel * reduction.height + row * reduction.stride + ky) * reduction.width + kx) * Q + quad;
        var to = (reduction.output_gradient + (out_channel * reduction.out_height + row) * reduction.out_width) * Q + quad;
        var x = first_four(at);
        var y = first_four(at + line);
        var z = first_four(at + 2u * line);
        for (var column = 0u; column < reduction.out_width; column++) {
            x[4] = values[at + 4u * Q];
            y[4] = values[at + 4u * Q + line];
            z[4] = values[at + 4u * Q + 2u * line];
            add(&s0, gradients[to], &x, &y, &z);
            add(&s1, gradients[to + plane], &x, &y, &z);
            add(&s2, gradients[to + 2u * plane], &x, &y, &z);
            add(&s3, gradients[to + 3u * plane], &x, &y, &z);
            at += step;
            to += Q;
            x = next(&x, at);
            y = next(&y, at + line);
            z = next(&z, at + 2u * line);
        }
    }
    let size = reduction.in_channels * reduction.kernel_height * reduction.kernel_width;
    let weight = reduction.partial + chunk * reduction.count + out_channel * size + (in_channel * reduction.kernel_height + ky) * reduction.kernel_width + kx;
    write_channel(reduction, weight, ky, kx, &s0);
    if out_channel + 1u < reduction.out_channels { write_channel(reduction, weight + size, ky, kx, &s1); }
    if out_channel + 2u < reduction.out_channels { write_channel(reduction, weight + 2u * size, ky, kx, &s2); }
    if out_channel + 3u < reduction.out_channels { write_channel(reduction, weight + 3u * size, ky, kx, &s3); }
}

fn write_channel(reduction: Reduction, at: u32, ky: u32, kx: u32, sums: ptr<function, Sums>) {
    let left = reduction.kernel_width - kx;
    write_five(at, left, (*sums).upper);
    if ky + 1u < reduction.kernel_height { write_five(at + reduction.kernel_width, left, (*sums).middle); }
    if ky + 2u < reduction.kernel_height { write_five(at + 2u * reduction.kernel_width, left, (*sums).lower); }
}

fn write_five(at: u32, left: u32, sums: array<f32, 5>) {
    partials[at] = sums[0];
    if left > 1u { partials[at + 1u] = sums[1]; }
    if left > 2u { partials[at + 2u] = sums[2]; }
    if left > 3u { partials[at + 3u] = sums[3]; }
    if left > 4u { partials[at + 4u] = sums[4]; }
}

// Weights of four output features and eight input features: dot products over samples.
fn linear_weight(reduction: Reduction, item: u32) {
    let input_tiles = (reduction.in_channels + 7u) / 8u;
    let tiles = (reduction.out_channels + 3u) / 4u * input_tiles;
    let chunk = item / tiles;
    if chunk >= reduction.chunks {
        return;
    }
    let in_feature = item % tiles % input_tiles * 8u;
    let out_feature = item % tiles / input_tiles * 4u;
    let first_quad = chunk * reduction.chunk_quads;
    var low = mat4x4f();
    var high = mat4x4f();
    for (var quad = first_quad; quad < min(first_quad + reduction.chunk_quads, Q); quad++) {
        // Features behind the last are summed over other values, and their sums are not written.
        let x = (reduction.input + in_feature) * Q + quad;
        let dy = (reduction.output_gradient + out_feature) * Q + quad;
        let d = mat4x4f(gradients[dy], gradients[dy + Q], gradients[dy + 2u * Q], gradients[dy + 3u * Q]);
        low += mat4x4f(values[x] * d, values[x + Q] * d, values[x + 2u * Q] * d, values[x + 3u * Q] * d);
        high += mat4x4f(values[x + 4u * Q] * d, values[x + 5u * Q] * d, values[x + 6u * Q] * d, values[x + 7u * Q] * d);
    }
    let at = reduction.partial + chunk * reduction.count + out_feature * reduction.in_channels + in_feature;
    let left = reduction.in_channels - in_feature;
    low = transpose(low);
    high = transpose(high);
    write_eight(at, left, low[0], high[0]);
    if out_feature + 1u < reduction.out_channels { write_eight(at + reduction.in_channels, left, low[1], high[1]); }
    if out_feature + 2u < reduction.out_channels { write_eight(at + 2u * reduction.in_channels, left, low[2], high[2]); }
    if out_feature + 3u < reduction.out_channels { write_eight(at + 3u * reduction.in_channels, left, low[3], high[3]); }
}

fn write_eight(at: u32, left: u32, low: vec4f, high: vec4f) {
    write_four(at, left, low);
    if left > 4u { write_four(at + 4u, left - 4u, high); }
}

fn write_four(at: u32, left: u32, v: vec4f) {
    partials[at] = v.x;
    if left > 1u { partials[at + 1u] = v.y; }
    if left > 2u { partials[at + 2u] = v.z; }
    if left > 3u { partials[at + 3u] = v.w; }
}

// The bias of one output channel, over one row of the output.
fn bias(reduction: Reduction, item: u32) {
    let out_channel = item % reduction.out_channels;
    let chunk = item / reduction.out_channels;
    if chunk >= reduction.chunks {
        return;
    }
    let height = reduction.out_height;
    let width = reduction.out_width;
    var total = vec4f(0.0);
    let first_quad = chunk / height * reduction.chunk_quads;
    let line = reduction.output_gradient + (out_channel * height + chunk % height) * width;
    for (var column = 0u; column < width; column++) {
        for (var quad = first_quad; quad < min(first_quad + reduction.chunk_quads, Q); quad++) {
            total += gradients[(line + column) * Q + quad];
        }
    }
    partials[reduction.partial + chunk * reduction.count + out_channel] = sum(total);
}

// The losses (even items) or hits (odd items) of LOSS_CHUNK samples.
fn loss_and_hits(reduction: Reduction, item: u32) {
    let chunk = item / 2u;
    if chunk >= reduction.chunks {
        return;
    }
    let first = select(reduction.output_gradient, reduction.input, item % 2u == 0u);
    var total = 0.0;
    for (var sample = LOSS_CHUNK * chunk; sample < min(LOSS_CHUNK * (chunk + 1u), step.batch_size); sample++) {
        total += partials[first + sample];
    }
    partials[reduction.partial + item] = total;
}

@compute @workgroup_size(64)
fn weight_gradient(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
    var i = 0u;
    while i + 1u < REDUCTIONS && reductions[i + 1u].first_workgroup <= group.x {
        i++;
    }
    let reduction = reductions[i];
    let item = (group.x - reduction.first_workgroup) * 64u + local;
    switch reduction.kind {
        case CONV2D_WEIGHT: { conv2d_weight(reduction, item); }
        case LINEAR_WEIGHT: { linear_weight(reduction, item); }
        case BIAS: { bias(reduction, item); }
        case LOSS_AND_HITS: { loss_and_hits(reduction, item); }
        default: {}
    }
}
