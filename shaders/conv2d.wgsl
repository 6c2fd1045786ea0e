// Convolution: the twin of crates/tensor/src/conv2d.rs. With it go what follows a convolution in most networks, so that its output is
// written once and small: bias, 2x2 max pooling, activation, dropout.
//
// An invocation makes 2x2 pixels of four maps for four samples. Where the stride is 1 the tile slides: what was its right column is
// its left one at the next tap, so that three vectors are loaded for 16 multiply-adds of vectors. On SwiftShader, where a load costs
// as much as ten of these, that and the taps written out made LeNet's convolutions XX times as fast.

// The padded input [CHANNELS][HEIGHT][WIDTH].
override INPUT: u32;
override CHANNELS: u32;
override HEIGHT: u32;
override WIDTH: u32;
override PADDING: u32 = 0u;
override KERNEL_ROWS: u32;
override KERNEL_COLUMNS: u32;
override STRIDE: u32 = 1u;
// The convolution's own output, before pooling: [MAPS][OUT_HEIGHT][OUT_WIDTH].
override MAPS: u32;
override OUT_HEIGHT: u32;
override OUT_WIDTH: u32;
// Where it lies, for its gradient; and what is written, [MAPS][OUT_HEIGHT / 2][OUT_WIDTH / 2] if pooled.
override UNFINISHED: u32;
override OUTPUT: u32;
// Places in `packed` and `state`.
override FORWARD: u32 = 0u;
override BACKWARD: u32 = 0u;
override BIAS: u32 = 0u;
// The unpadded input, whose gradient is written.
override SOURCE: u32 = 0u;

// Sums of four maps for one pixel of the tile: a upper left, b upper right, c and d below them. (Or of four channels, a to d in a row.)
alias Sums = array<vec4f, 4>;

fn add(sums: ptr<function, Sums>, w: vec4f, x: vec4f) {
    (*sums)[0] += w.x * x;
    (*sums)[1] += w.y * x;
    (*sums)[2] += w.z * x;
    (*sums)[3] += w.w * x;
}

@compute @workgroup_size(64)
fn forward(@builtin(global_invocation_id) id: vec3u) {
    let tile_rows = select((OUT_HEIGHT + 1u) / 2u, OUT_HEIGHT / 2u, POOLED);
    let tile_columns = select((OUT_WIDTH + 1u) / 2u, OUT_WIDTH / 2u, POOLED);
    let quad = id.x % Q;
    let pixel = id.x / Q % (tile_rows * tile_columns);
    let map_tile = id.x / Q / (tile_rows * tile_columns);
    if map_tile >= (MAPS + 3u) / 4u {
        return;
    }
    let row = pixel / tile_columns * 2u;
    let column = pixel % tile_columns * 2u;
    // A tile that reaches over the edge reads some other pixel there, and what comes of it is not written.
    let down = STRIDE * WIDTH * Q;
    var a = Sums();
    var b = Sums();
    var c = Sums();
    var d = Sums();
    var weight = FORWARD + map_tile * CHANNELS * KERNEL_ROWS * KERNEL_COLUMNS;
    for (var channel = 0u; channel < CHANNELS; channel++) {
        for (var ky = 0u; ky < KERNEL_ROWS; ky++) {
            let line = (INPUT + (channel * HEIGHT + row * STRIDE + ky) * WIDTH + column * STRIDE) * Q + quad;
            var upper = values[line];
            var lower = values[line + down];
            for (var kx = 0u; kx < KERNEL_COLUMNS; kx++) {
                let at = line + kx * Q;
                let w = packed[weight + kx];
                let upper_right = values[at + STRIDE * Q];
                let lower_right = values[at + down + STRIDE * Q];
                add(&a, w, upper);
                add(&b, w, upper_right);
                add(&c, w, lower);
                add(&d, w, lower_right);
                if STRIDE == 1u {
                    upper = upper_right;
                    lower = lower_right;
                } else {
                    upper = values[at + Q];
                    lower = values[at + down + Q];
                }
            }
            weight += KERNEL_COLUMNS;
        }
    }
    store(4u * map_tile, row, column, quad, a[0], b[0], c[0], d[0]);
    store(4u * map_tile + 1u, row, column, quad, a[1], b[1], c[1], d[1]);
    store(4u * map_tile + 2u, row, column, quad, a[2], b[2], c[2], d[2]);
    store(4u * map_tile + 3u, row, column, quad, a[3], b[3], c[3], d[3]);
}

fn store(map: u32, row: u32, column: u32, quad: u32, a: vec4f, b: vec4f, c: vec4f, d: vec4f) {
    if map >= MAPS {
        return;
    }
    let bias = state[BIAS + map];
    if POOLED {
        let height = OUT_HEIGHT / 2u;
        let width = OUT_WIDTH / 2u;
        let value = (map * height + row / 2u) * width + column / 2u;
        // The first of several largest wins, as in PyTorch.
        var best = a;
        var winner = vec4u(0u);
        winner = select(winner, vec4u(1u), b > best);
        best = select(best, b, b > best);
        winner = select(winner, vec4u(2u), c > best);
        best = select(best, c, c > best);
        winner = select(winner, vec4u(3u), d > best);
        best = select(best, d, d > best);
        values[(OUTPUT + value) * Q + quad] = finish(best + bias, value, MAPS * height * width, quad);
        winners[(OUTPUT + value) * Q + quad] = winner.x | (winner.y << 8u) | (winner.z << 16u) | (winner.w << 24u);
        return;
    }
    let value = (map * OUT_HEIGHT + row) * OUT_WIDTH + column;
    let all = MAPS * OUT_HEIGHT * OUT_WIDTH;
    let has_right = column + 1u < OUT_WIDTH;
    let has_down = row + 1u < OUT_HEIGHT;
    values[(OUTPUT + value) * Q + quad] = finish(a + bias, value, all, quad);
    if has_right {
        values[(OUTPUT + value + 1u) * Q + quad] = finish(b + bias, value + 1u, all, quad);
    }
    if has_down {
        let below = value + OUT_WIDTH;
        values[(OUTPUT + below) * Q + quad] = finish(c + bias, below, all, quad);
        if has_right {
            values[(OUTPUT + below + 1u) * Q + quad] = finish(d + bias, below + 1u, all, quad);
        }
    }
}

struct Left { a: vec4f, b: vec4f, c: vec4f }

// The gradient of four channels of four pixels in a row of the unpadded input [CHANNELS][HEIGHT - 2 PADDING][WIDTH - 2 PADDING].
// Each pixel of the output is loaded once, and goes to those of the four that took part in it: on both sides of a row of a packed
// kernel lie three zeros for the others. With a stride of 1 the four weights slide.
@compute @workgroup_size(64)
fn input_gradient(@builtin(global_invocation_id) id: vec3u) {
    let height = HEIGHT - 2u * PADDING;
    let width = WIDTH - 2u * PADDING;
    let tile_columns = (width + 3u) / 4u;
    let tiles = height * tile_columns;
    let quad = id.x % Q;
    let tile = id.x / Q % tiles;
    let channel_tile = id.x / Q / tiles;
    if channel_tile >= (CHANNELS + 3u) / 4u {
        return;
    }
    let row = tile / tile_columns;
    let column = tile % tile_columns * 4u;
    // In the padded input.
    let y = row + PADDING;
    let x = column + PADDING;
    // Outputs whose window holds one of these pixels.
    let first_row = select(0u, (y - KERNEL_ROWS) / STRIDE + 1u, y >= KERNEL_ROWS);
    let last_row = min(y / STRIDE, OUT_HEIGHT - 1u);
    let first_column = select(0u, (x - KERNEL_COLUMNS) / STRIDE + 1u, x >= KERNEL_COLUMNS);
    let last_column = min((x + 3u) / STRIDE, OUT_WIDTH - 1u);
    var a = Sums();
    var b = Sums();
    var c = Sums();
    var d = Sums();
    let kernel = KERNEL_ROWS * (KERNEL_COLUMNS + 6u);
    let plane = OUT_HEIGHT * OUT_WIDTH * Q;
    // Two maps at a time.
    for (var map = 0u; map < MAPS; map += 2u) {
        let is_pair = MAPS % 2u == 0u || map + 1u < MAPS;
        for (var out_row = first_row; out_row <= last_row; out_row++) {
            var line = (UNFINISHED + (map * OUT_HEIGHT + out_row) * OUT_WIDTH + first_column) * Q + quad;
            // The weight by which the first pixel took part in that output.
            let ky = y - out_row * STRIDE;
            var at = BACKWARD + (channel_tile * MAPS + map) * kernel + ky * (KERNEL_COLUMNS + 6u) + x + 3u - first_column * STRIDE;
            var v = Left(packed[at + 1u], packed[at + 2u], packed[at + 3u]);
            var w = Left(packed[at + kernel + 1u], packed[at + kernel + 2u], packed[at + kernel + 3u]);
            for (var out_column = first_column; out_column <= last_column; out_column++) {
                let v0 = packed[at];
                let w0 = packed[at + kernel];
                let dy = gradients[line];
                let dz = select(vec4f(0.0), gradients[line + plane], is_pair);
                add(&a, v0, dy); add(&b, v.a, dy); add(&c, v.b, dy); add(&d, v.c, dy);
                add(&a, w0, dz); add(&b, w.a, dz); add(&c, w.b, dz); add(&d, w.c, dz);
                line += Q;
                at -= STRIDE;
                if STRIDE == 1u {
                    v = Left(v0, v.a, v.b);
                    w = Left(w0, w.a, w.b);
                } else {
                    v = Left(packed[at + 1u], packed[at + 2u], packed[at + 3u]);
                    w = Left(packed[at + kernel + 1u], packed[at + kernel + 2u], packed[at + kernel + 3u]);
                }
            }
        }
    }
    store_gradient(4u * channel_tile, row, column, quad, a[0], b[0], c[0], d[0]);
    store_gradient(4u * channel_tile + 1u, row, column, quad, a[1], b[1], c[1], d[1]);
    store_gradient(4u * channel_tile + 2u, row, column, quad, a[2], b[2], c[2], d[2]);
    store_gradient(4u * channel_tile + 3u, row, column, quad, a[3], b[3], c[3], d[3]);
}

fn store_gradient(channel: u32, row: u32, column: u32, quad: u32, a: vec4f, b: vec4f, c: vec4f, d: vec4f) {
    if channel >= CHANNELS {
        return;
    }
    let height = HEIGHT - 2u * PADDING;
    let width = WIDTH - 2u * PADDING;
    let value = (channel * height + row) * width + column;
    send_back(a, SOURCE, value, quad);
    if column + 1u < width { send_back(b, SOURCE, value + 1u, quad); }
    if column + 2u < width { send_back(c, SOURCE, value + 2u, quad); }
    if column + 3u < width { send_back(d, SOURCE, value + 3u, quad); }
}
