// Convolution. Computes the same as crates/tensor/src/conv2d/. Bias, 2x2 max pooling, activation and dropout behind it are part of its
// kernel, so that its output is small and written once.
//
// An invocation computes 2x2 pixels of a tile of output channels for four samples. Where the stride is 1 the pixels move along: the right
// column at one tap is the left one at the next, so that few vectors are loaded for many multiply-adds. Five taps of a row are written out.
// On SwiftShader, where a load costs as much as ten multiply-adds and all variables of a loop are masked in each round, LeNet's two
// convolutions take 12 ms for 64 images; with tiles of four channels and the taps in a loop they took 17.

// The padded input [IN_CHANNELS][HEIGHT][WIDTH].
override INPUT: u32;
override IN_CHANNELS: u32;
override HEIGHT: u32;
override WIDTH: u32;
override PADDING: u32 = 0u;
override KERNEL_HEIGHT: u32;
override KERNEL_WIDTH: u32;
override STRIDE: u32 = 1u;
// The convolution's own output, before pooling: [OUT_CHANNELS][OUT_HEIGHT][OUT_WIDTH].
override OUT_CHANNELS: u32;
override OUT_HEIGHT: u32;
override OUT_WIDTH: u32;
// Offset of its gradient; and of the output that is written, [OUT_CHANNELS][OUT_HEIGHT / 2][OUT_WIDTH / 2] if pooled.
override OUTPUT_GRADIENT: u32;
override OUTPUT: u32;
// Offsets of the weights in `packed`, and of the biases in `state`.
override FORWARD_WEIGHTS: u32 = 0u;
override BACKWARD_WEIGHTS: u32 = 0u;
override BIAS: u32 = 0u;
// The input before padding, whose gradient is written.
override SOURCE: u32 = 0u;
// Output channels (forward) or input channels (backward) of a tile: 4, or 6 where that leaves fewer of them empty.
override TILE: u32 = 4u;

// Sums of a tile's channels for one pixel: a is the upper left pixel, b the upper right one, c and d are below them. (Backward, a to e are
// in a row.)
alias Sums = array<vec4f, 6>;

// Weights of a tile for one tap.
struct Weights { four: vec4f, two: vec2f }

// Weights number `i` after `first`: one vector of `packed` for a tile of four, two for a tile of six.
fn weights(first: u32, i: u32) -> Weights {
    var at = first + i;
    var two = vec2f(0.0);
    if TILE == 6u {
        at += i;
        two = vec2f(packed[at + 1u].x, packed[at + 1u].y);
    }
    return Weights(packed[at], two);
}

fn add(sums: ptr<function, Sums>, w: Weights, x: vec4f) {
    (*sums)[0] += w.four.x * x;
    (*sums)[1] += w.four.y * x;
    (*sums)[2] += w.four.z * x;
    (*sums)[3] += w.four.w * x;
    if TILE == 6u {
        (*sums)[4] += w.two.x * x;
        (*sums)[5] += w.two.y * x;
    }
}

// Adds the products of one tap to 2x2 pixels. `at` is the index of the input pixel at the upper left one, `upper` its value, and `lower` the
// value of the pixel below.
fn tap(
    a: ptr<function, Sums>, b: ptr<function, Sums>, c: ptr<function, Sums>, d: ptr<function, Sums>,
    upper: ptr<function, vec4f>, lower: ptr<function, vec4f>, at: u32, weight: u32,
) {
    let below = at + STRIDE * WIDTH * Q;
    let w = weights(FORWARD_WEIGHTS, weight);
    let upper_right = values[at + STRIDE * Q];
    let lower_right = values[below + STRIDE * Q];
    add(a, w, *upper);
    add(b, w, upper_right);
    add(c, w, *lower);
    add(d, w, lower_right);
    if STRIDE == 1u {
        *upper = upper_right;
        *lower = lower_right;
    } else {
        *upper = values[at + Q];
        *lower = values[below + Q];
    }
}

@compute @workgroup_size(32)
fn forward(@builtin(global_invocation_id) id: vec3u) {
    let tile_rows = select((OUT_HEIGHT + 1u) / 2u, OUT_HEIGHT / 2u, POOLED);
    let tile_columns = select((OUT_WIDTH + 1u) / 2u, OUT_WIDTH / 2u, POOLED);
    let quad = id.x % Q;
    let pixel = id.x / Q % (tile_rows * tile_columns);
    let channel_tile = id.x / Q / (tile_rows * tile_columns);
    if channel_tile >= (OUT_CHANNELS + TILE - 1u) / TILE {
        return;
    }
    let row = pixel / tile_columns * 2u;
    let column = pixel % tile_columns * 2u;
    // A tile that reaches over the edge reads another pixel there, and its sum is not written.
    var a = Sums();
    var b = Sums();
    var c = Sums();
    var d = Sums();
    var weight = channel_tile * IN_CHANNELS * KERNEL_HEIGHT * KERNEL_WIDTH;
    for (var channel = 0u; channel < IN_CHANNELS; channel++) {
        for (var ky = 0u; ky < KERNEL_HEIGHT; ky++) {
            let line = (INPUT + (channel * HEIGHT + row * STRIDE + ky) * WIDTH + column * STRIDE) * Q + quad;
            var upper = values[line];
            var lower = values[line + STRIDE * WIDTH * Q];
            tap(&a, &b, &c, &d, &upper, &lower, line, weight);
            if KERNEL_WIDTH > 1u { tap(&a, &b, &c, &d, &upper, &lower, line + Q, weight + 1u); }
            if KERNEL_WIDTH > 2u { tap(&a, &b, &c, &d, &upper, &lower, line + 2u * Q, weight + 2u); }
            if KERNEL_WIDTH > 3u { tap(&a, &b, &c, &d, &upper, &lower, line + 3u * Q, weight + 3u); }
            if KERNEL_WIDTH > 4u { tap(&a, &b, &c, &d, &upper, &lower, line + 4u * Q, weight + 4u); }
            if KERNEL_WIDTH > 5u {
                for (var kx = 5u; kx < KERNEL_WIDTH; kx++) {
                    tap(&a, &b, &c, &d, &upper, &lower, line + kx * Q, weight + kx);
                }
            }
            weight += KERNEL_WIDTH;
        }
    }
    let channel = TILE * channel_tile;
    store(channel, row, column, quad, a[0], b[0], c[0], d[0]);
    store(channel + 1u, row, column, quad, a[1], b[1], c[1], d[1]);
    store(channel + 2u, row, column, quad, a[2], b[2], c[2], d[2]);
    store(channel + 3u, row, column, quad, a[3], b[3], c[3], d[3]);
    if TILE == 6u {
        store(channel + 4u, row, column, quad, a[4], b[4], c[4], d[4]);
        store(channel + 5u, row, column, quad, a[5], b[5], c[5], d[5]);
    }
}

fn store(channel: u32, row: u32, column: u32, quad: u32, a: vec4f, b: vec4f, c: vec4f, d: vec4f) {
    if channel < OUT_CHANNELS {
        let bias = state[BIAS + channel];
        if POOLED {
            store_largest(channel, row / 2u, column / 2u, quad, a + bias, b + bias, c + bias, d + bias);
        } else {
            store_all(channel, row, column, quad, a + bias, b + bias, c + bias, d + bias);
        }
    }
}

// The largest of the four pixels, and its number: the first of several, as in PyTorch.
fn store_largest(channel: u32, row: u32, column: u32, quad: u32, a: vec4f, b: vec4f, c: vec4f, d: vec4f) {
    let height = OUT_HEIGHT / 2u;
    let width = OUT_WIDTH / 2u;
    let value = (channel * height + row) * width + column;
    var best = a;
    var number = vec4u(0u);
    number = select(number, vec4u(1u), b > best);
    best = select(best, b, (b > best) | is_nan(b));
    number = select(number, vec4u(2u), c > best);
    best = select(best, c, (c > best) | is_nan(c));
    number = select(number, vec4u(3u), d > best);
    best = select(best, d, (d > best) | is_nan(d));
    values[(OUTPUT + value) * Q + quad] = epilogue(best, value, OUT_CHANNELS * height * width, quad);
    argmax[(OUTPUT + value) * Q + quad] = number.x | (number.y << 8u) | (number.z << 16u) | (number.w << 24u);
}

fn store_all(channel: u32, row: u32, column: u32, quad: u32, a: vec4f, b: vec4f, c: vec4f, d: vec4f) {
    let value = (channel * OUT_HEIGHT + row) * OUT_WIDTH + column;
    let all = OUT_CHANNELS * OUT_HEIGHT * OUT_WIDTH;
    let below = value + OUT_WIDTH;
    let has_right = column + 1u < OUT_WIDTH;
    let has_down = row + 1u < OUT_HEIGHT;
    values[(OUTPUT + value) * Q + quad] = epilogue(a, value, all, quad);
    if has_right { values[(OUTPUT + value + 1u) * Q + quad] = epilogue(b, value + 1u, all, quad); }
    if has_down { values[(OUTPUT + below) * Q + quad] = epilogue(c, below, all, quad); }
    if has_right && has_down { values[(OUTPUT + below + 1u) * Q + quad] = epilogue(d, below + 1u, all, quad); }
}

// Gradients of five neighbouring pixels in a row of the output.
alias Pixels = array<vec4f, 5>;

// The gradient that column `x` of the padded input gets through the first column of the kernel, from the row of the output at index `line`.
// For an input pixel left of the first, `x` is wrapped around.
fn output_gradient(line: u32, x: u32) -> vec4f {
    var column = x;
    var is_there = true;
    if STRIDE > 1u {
        column = x / STRIDE;
        is_there = x % STRIDE == 0u;
    }
    return select(vec4f(0.0), gradients[line + min(column, OUT_WIDTH) * Q], is_there & (column < OUT_WIDTH));
}

// Adds the products of one tap to five pixels, and moves `dy` to the next tap, whose first pixel is in column `x`.
fn tap_backward(
    a: ptr<function, Sums>, b: ptr<function, Sums>, c: ptr<function, Sums>, d: ptr<function, Sums>, e: ptr<function, Sums>,
    dy: ptr<function, Pixels>, line: u32, x: u32, weight: u32,
) {
    let w = weights(BACKWARD_WEIGHTS, weight);
    add(a, w, (*dy)[0]);
    add(b, w, (*dy)[1]);
    add(c, w, (*dy)[2]);
    add(d, w, (*dy)[3]);
    add(e, w, (*dy)[4]);
    *dy = Pixels(output_gradient(line, x), (*dy)[0], (*dy)[1], (*dy)[2], (*dy)[3]);
}

// The gradient of a tile of channels at five pixels in a row of the input before padding,
// [IN_CHANNELS][HEIGHT - 2 PADDING][WIDTH - 2 PADDING].
@compute @workgroup_size(32)
fn input_gradient(@builtin(global_invocation_id) id: vec3u) {
    let height = HEIGHT - 2u * PADDING;
    let width = WIDTH - 2u * PADDING;
    let tile_columns = (width + 4u) / 5u;
    let tiles = height * tile_columns;
    let quad = id.x % Q;
    let tile = id.x / Q % tiles;
    let channel_tile = id.x / Q / tiles;
    if channel_tile >= (IN_CHANNELS + TILE - 1u) / TILE {
        return;
    }
    let row = tile / tile_columns;
    let column = tile % tile_columns * 5u;
    // In the padded input.
    let y = row + PADDING;
    let x = column + PADDING;
    // Rows of the output whose windows contain these pixels.
    let first_row = select(0u, (y - KERNEL_HEIGHT) / STRIDE + 1u, y >= KERNEL_HEIGHT);
    let last_row = min(y / STRIDE, OUT_HEIGHT - 1u);
    var a = Sums();
    var b = Sums();
    var c = Sums();
    var d = Sums();
    var e = Sums();
    for (var out_channel = 0u; out_channel < OUT_CHANNELS; out_channel++) {
        for (var out_row = first_row; out_row <= last_row; out_row++) {
            let line = (OUTPUT_GRADIENT + (out_channel * OUT_HEIGHT + out_row) * OUT_WIDTH) * Q + quad;
            let ky = y - out_row * STRIDE;
            let weight = ((channel_tile * OUT_CHANNELS + out_channel) * KERNEL_HEIGHT + ky) * KERNEL_WIDTH;
            var dy = Pixels(
                output_gradient(line, x),
                output_gradient(line, x + 1u),
                output_gradient(line, x + 2u),
                output_gradient(line, x + 3u),
                output_gradient(line, x + 4u),
            );
            tap_backward(&a, &b, &c, &d, &e, &dy, line, x - 1u, weight);
            if KERNEL_WIDTH > 1u { tap_backward(&a, &b, &c, &d, &e, &dy, line, x - 2u, weight + 1u); }
            if KERNEL_WIDTH > 2u { tap_backward(&a, &b, &c, &d, &e, &dy, line, x - 3u, weight + 2u); }
            if KERNEL_WIDTH > 3u { tap_backward(&a, &b, &c, &d, &e, &dy, line, x - 4u, weight + 3u); }
            if KERNEL_WIDTH > 4u { tap_backward(&a, &b, &c, &d, &e, &dy, line, x - 5u, weight + 4u); }
            if KERNEL_WIDTH > 5u {
                for (var kx = 5u; kx < KERNEL_WIDTH; kx++) {
                    tap_backward(&a, &b, &c, &d, &e, &dy, line, x - kx - 1u, weight + kx);
                }
            }
        }
    }
    let channel = TILE * channel_tile;
    store_gradient(channel, row, column, quad, a[0], b[0], c[0], d[0], e[0]);
    store_gradient(channel + 1u, row, column, quad, a[1], b[1], c[1], d[1], e[1]);
    store_gradient(channel + 2u, row, column, quad, a[2], b[2], c[2], d[2], e[2]);
    store_gradient(channel + 3u, row, column, quad, a[3], b[3], c[3], d[3], e[3]);
    if TILE == 6u {
        store_gradient(channel + 4u, row, column, quad, a[4], b[4], c[4], d[4], e[4]);
        store_gradient(channel + 5u, row, column, quad, a[5], b[5], c[5], d[5], e[5]);
    }
}

fn store_gradient(channel: u32, row: u32, column: u32, quad: u32, a: vec4f, b: vec4f, c: vec4f, d: vec4f, e: vec4f) {
    let height = HEIGHT - 2u * PADDING;
    let width = WIDTH - 2u * PADDING;
    let value = (channel * height + row) * width + column;
    if channel < IN_CHANNELS {
        write_gradient(a, SOURCE, value, quad);
        if column + 1u < width { write_gradient(b, SOURCE, value + 1u, quad); }
        if column + 2u < width { write_gradient(c, SOURCE, value + 2u, quad); }
        if column + 3u < width { write_gradient(d, SOURCE, value + 3u, quad); }
        if column + 4u < width { write_gradient(e, SOURCE, value + 4u, quad); }
    }
}
