// Pooling by itself, with any window and stride. Computes the same as crates/tensor/src/pool.rs. (2x2 max pooling behind a convolution is part
// of conv2d.wgsl.) An invocation computes one value for four samples.

// From [CHANNELS][HEIGHT][WIDTH] to [CHANNELS][OUT_HEIGHT][OUT_WIDTH].
override INPUT: u32;
override CHANNELS: u32;
override HEIGHT: u32;
override WIDTH: u32;
override OUTPUT: u32;
override OUT_HEIGHT: u32;
override OUT_WIDTH: u32;
override KERNEL_SIZE: u32;
override STRIDE: u32;

struct Position {
    channel: u32,
    row: u32,
    column: u32,
}

fn position_of(value: u32, height: u32, width: u32) -> Position {
    return Position(value / (height * width), value / width % height, value % width);
}

// Index in `values` of pixel number `tap` of the window at `p`.
fn pixel(p: Position, tap: u32) -> u32 {
    return INPUT + (p.channel * HEIGHT + p.row * STRIDE + tap / KERNEL_SIZE) * WIDTH + p.column * STRIDE + tap % KERNEL_SIZE;
}

@compute @workgroup_size(64)
fn max_forward(@builtin(global_invocation_id) id: vec3u) {
    let quad = id.x % Q;
    let value = id.x / Q;
    if value >= CHANNELS * OUT_HEIGHT * OUT_WIDTH {
        return;
    }
    let p = position_of(value, OUT_HEIGHT, OUT_WIDTH);
    var best = values[pixel(p, 0u) * Q + quad];
    for (var tap = 1u; tap < KERNEL_SIZE * KERNEL_SIZE; tap++) {
        let x = values[pixel(p, tap) * Q + quad];
        best = select(best, x, (x > best) | is_nan(x));
    }
    values[(OUTPUT + value) * Q + quad] = best;
}

@compute @workgroup_size(64)
fn avg_forward(@builtin(global_invocation_id) id: vec3u) {
    let quad = id.x % Q;
    let value = id.x / Q;
    if value >= CHANNELS * OUT_HEIGHT * OUT_WIDTH {
        return;
    }
    let p = position_of(value, OUT_HEIGHT, OUT_WIDTH);
    var sum = vec4f(0.0);
    for (var tap = 0u; tap < KERNEL_SIZE * KERNEL_SIZE; tap++) {
        sum += values[pixel(p, tap) * Q + quad];
    }
    values[(OUTPUT + value) * Q + quad] = sum / f32(KERNEL_SIZE * KERNEL_SIZE);
}

// The first and the last window that contain a row or column; none does if the last is before the first.
fn first_window(at: u32) -> u32 {
    return select(0u, (at - KERNEL_SIZE) / STRIDE + 1u, at >= KERNEL_SIZE);
}

fn last_window(at: u32, windows: u32) -> u32 {
    return min(at / STRIDE, windows - 1u);
}

// Each pixel sums the gradients of the windows whose largest pixel it is: the first of several, as in PyTorch.
@compute @workgroup_size(64)
fn max_backward(@builtin(global_invocation_id) id: vec3u) {
    let quad = id.x % Q;
    let value = id.x / Q;
    if value >= CHANNELS * HEIGHT * WIDTH {
        return;
    }
    let at = position_of(value, HEIGHT, WIDTH);
    let x = values[(INPUT + value) * Q + quad];
    var sum = vec4f(0.0);
    for (var row = first_window(at.row); row <= last_window(at.row, OUT_HEIGHT); row++) {
        for (var column = first_window(at.column); column <= last_window(at.column, OUT_WIDTH); column++) {
            let window = Position(at.channel, row, column);
            let tap = (at.row - row * STRIDE) * KERNEL_SIZE + at.column - column * STRIDE;
            if at.row - row * STRIDE >= KERNEL_SIZE || at.column - column * STRIDE >= KERNEL_SIZE {
                continue;
            }
            let output = (at.channel * OUT_HEIGHT + row) * OUT_WIDTH + column;
            let y = values[(OUTPUT + output) * Q + quad];
            var is_largest = x == y;
            for (var before = 0u; before < tap; before++) {
                is_largest = is_largest & (values[pixel(window, before) * Q + quad] != y);
            }
            sum += select(vec4f(0.0), gradients[(OUTPUT + output) * Q + quad], is_largest);
        }
    }
    write_gradient(sum, INPUT, value, quad);
}

// Each pixel sums its equal share of the gradients of the windows that contain it.
@compute @workgroup_size(64)
fn avg_backward(@builtin(global_invocation_id) id: vec3u) {
    let quad = id.x % Q;
    let value = id.x / Q;
    if value >= CHANNELS * HEIGHT * WIDTH {
        return;
    }
    let at = position_of(value, HEIGHT, WIDTH);
    var sum = vec4f(0.0);
    for (var row = first_window(at.row); row <= last_window(at.row, OUT_HEIGHT); row++) {
        for (var column = first_window(at.column); column <= last_window(at.column, OUT_WIDTH); column++) {
            if at.row - row * STRIDE < KERNEL_SIZE && at.column - column * STRIDE < KERNEL_SIZE {
                sum += gradients[(OUTPUT + (at.channel * OUT_HEIGHT + row) * OUT_WIDTH + column) * Q + quad];
            }
        }
    }
    write_gradient(sum / f32(KERNEL_SIZE * KERNEL_SIZE), INPUT, value, quad);
}
