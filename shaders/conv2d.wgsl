// Convolution: the twin of crates/tensor/src/conv2d.rs. With it go what follows a convolution in most networks, so that its output is
// written once and small: bias, 2x2 max pooling, activation, dropout.
//
// An invocation makes 2x2 pixels of four maps for four samples: three vectors are loaded for 16 multiply-adds of vectors.

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
// What is written: [MAPS][OUT_HEIGHT / 2][OUT_WIDTH / 2] if pooled.
override OUTPUT: u32;
override POOLED: bool = false;
// Where the winners of the pooling lie.
override WINNERS: u32 = 0u;
// Places in `packed` and `state`.
override FORWARD: u32 = 0u;
override BACKWARD: u32 = 0u;
override BIAS: u32 = 0u;
// The unpadded input, whose gradient is written.
override SOURCE: u32 = 0u;

fn weight(map_tile: u32, channel: u32, row: u32, column: u32) -> vec4f {
    return packed[FORWARD + ((map_tile * CHANNELS + channel) * KERNEL_ROWS + row) * KERNEL_COLUMNS + column];
}

// Four maps' sums for 2x2 pixels: those of map m are a[m], b[m] (upper) and c[m], d[m] (lower).
struct Tile {
    a0: vec4f, a1: vec4f, a2: vec4f, a3: vec4f,
    b0: vec4f, b1: vec4f, b2: vec4f, b3: vec4f,
    c0: vec4f, c1: vec4f, c2: vec4f, c3: vec4f,
    d0: vec4f, d1: vec4f, d2: vec4f, d3: vec4f,
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
    // A tile that reaches over the edge does the last row or column twice.
    let down = select(0u, STRIDE * WIDTH * Q, row + 1u < OUT_HEIGHT);
    let right = select(0u, STRIDE * Q, column + 1u < OUT_WIDTH);
    var t = Tile();
    for (var channel = 0u; channel < CHANNELS; channel++) {
        for (var ky = 0u; ky < KERNEL_ROWS; ky++) {
            let line = (INPUT + (channel * HEIGHT + row * STRIDE + ky) * WIDTH + column * STRIDE) * Q + quad;
            for (var kx = 0u; kx < KERNEL_COLUMNS; kx++) {
                let at = line + kx * Q;
                let w = weight(map_tile, channel, ky, kx);
                let a = values[at];
                let b = values[at + right];
                let c = values[at + down];
                let d = values[at + down + right];
                t.a0 += w.x * a; t.a1 += w.y * a; t.a2 += w.z * a; t.a3 += w.w * a;
                t.b0 += w.x * b; t.b1 += w.y * b; t.b2 += w.z * b; t.b3 += w.w * b;
                t.c0 += w.x * c; t.c1 += w.y * c; t.c2 += w.z * c; t.c3 += w.w * c;
                t.d0 += w.x * d; t.d1 += w.y * d; t.d2 += w.z * d; t.d3 += w.w * d;
            }
        }
    }
    store(4u * map_tile, row, column, quad, t.a0, t.b0, t.c0, t.d0);
    store(4u * map_tile + 1u, row, column, quad, t.a1, t.b1, t.c1, t.d1);
    store(4u * map_tile + 2u, row, column, quad, t.a2, t.b2, t.c2, t.d2);
    store(4u * map_tile + 3u, row, column, quad, t.a3, t.b3, t.c3, t.d3);
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
        winners[(WINNERS + value) * Q + quad] = winner.x | (winner.y << 8u) | (winner.z << 16u) | (winner.w << 24u);
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

// What reached one pixel of the convolution's own output (before pooling, if that is part of it).
fn output_gradient(map: u32, row: u32, column: u32, quad: u32) -> vec4f {
    if !POOLED {
        return gradients[(OUTPUT + (map * OUT_HEIGHT + row) * OUT_WIDTH + column) * Q + quad];
    }
    if row / 2u >= OUT_HEIGHT / 2u || column / 2u >= OUT_WIDTH / 2u {
        return vec4f(0.0);
    }
    let value = (map * (OUT_HEIGHT / 2u) + row / 2u) * (OUT_WIDTH / 2u) + column / 2u;
    let winner = (vec4u(winners[(WINNERS + value) * Q + quad]) >> vec4u(0u, 8u, 16u, 24u)) & vec4u(255u);
    return select(vec4f(0.0), gradients[(OUTPUT + value) * Q + quad], winner == vec4u(row % 2u * 2u + column % 2u));
}

// The gradient of four channels of one pixel of the unpadded input [CHANNELS][HEIGHT - 2 PADDING][WIDTH - 2 PADDING]:
// it gathers from the outputs it took part in.
@compute @workgroup_size(64)
fn input_gradient(@builtin(global_invocation_id) id: vec3u) {
    let height = HEIGHT - 2u * PADDING;
    let width = WIDTH - 2u * PADDING;
    let quad = id.x % Q;
    let pixel = id.x / Q % (height * width);
    let channel_tile = id.x / Q / (height * width);
    if channel_tile >= (CHANNELS + 3u) / 4u {
        return;
    }
    let row = pixel / width + PADDING;
    let column = pixel % width + PADDING;
    // Outputs whose window holds this pixel.
    let first_row = select(0u, (row - KERNEL_ROWS) / STRIDE + 1u, row >= KERNEL_ROWS);
    let last_row = min(row / STRIDE, OUT_HEIGHT - 1u);
    let first_column = select(0u, (column - KERNEL_COLUMNS) / STRIDE + 1u, column >= KERNEL_COLUMNS);
    let last_column = min(column / STRIDE, OUT_WIDTH - 1u);
    var s0 = vec4f(0.0);
    var s1 = vec4f(0.0);
    var s2 = vec4f(0.0);
    var s3 = vec4f(0.0);
    for (var y = first_row; y <= last_row; y++) {
        for (var x = first_column; x <= last_column; x++) {
            let tap = (row - y * STRIDE) * KERNEL_COLUMNS + column - x * STRIDE;
            let weights = BACKWARD + (channel_tile * KERNEL_ROWS * KERNEL_COLUMNS + tap) * MAPS;
            for (var map = 0u; map < MAPS; map++) {
                let w = packed[weights + map];
                let dy = output_gradient(map, y, x, quad);
                s0 += w.x * dy;
                s1 += w.y * dy;
                s2 += w.z * dy;
                s3 += w.w * dy;
            }
        }
    }
    let plane = height * width;
    let value = 4u * channel_tile * plane + pixel;
    write_gradient(value, quad, s0);
    if 4u * channel_tile + 1u < CHANNELS { write_gradient(value + plane, quad, s1); }
    if 4u * channel_tile + 2u < CHANNELS { write_gradient(value + 2u * plane, quad, s2); }
    if 4u * channel_tile + 3u < CHANNELS { write_gradient(value + 3u * plane, quad, s3); }
}

// Through the activation and the dropout by which the source was finished, if there are any.
fn write_gradient(value: u32, quad: u32, dx: vec4f) {
    gradients[(SOURCE + value) * Q + quad] = unfinish(dx, SOURCE, value, quad);
}
