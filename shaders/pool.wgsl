// Pooling by itself, with any window and step: the twin of crates/tensor/src/pool.rs. (2x2 max pooling behind a convolution is part
// of conv2d.wgsl.) An invocation makes one value for four samples.

// [CHANNELS][HEIGHT][WIDTH] to [CHANNELS][OUT_HEIGHT][OUT_WIDTH].
override INPUT: u32;
override CHANNELS: u32;
override HEIGHT: u32;
override WIDTH: u32;
override OUTPUT: u32;
override OUT_HEIGHT: u32;
override OUT_WIDTH: u32;
override KERNEL: u32;
override STRIDE: u32;

struct Place {
    channel: u32,
    row: u32,
    column: u32,
}

fn place(value: u32, height: u32, width: u32) -> Place {
    return Place(value / (height * width), value / width % height, value % width);
}

// The first pixel of a window, and one of its pixels.
fn pixel(p: Place, tap: u32) -> u32 {
    return INPUT + (p.channel * HEIGHT + p.row * STRIDE + tap / KERNEL) * WIDTH + p.column * STRIDE + tap % KERNEL;
}

@compute @workgroup_size(64)
fn max_forward(@builtin(global_invocation_id) id: vec3u) {
    let quad = id.x % Q;
    let value = id.x / Q;
    if value >= CHANNELS * OUT_HEIGHT * OUT_WIDTH {
        return;
    }
    let p = place(value, OUT_HEIGHT, OUT_WIDTH);
    var best = values[pixel(p, 0u) * Q + quad];
    for (var tap = 1u; tap < KERNEL * KERNEL; tap++) {
        let x = values[pixel(p, tap) * Q + quad];
        best = select(best, x, x > best);
    }
    values[(OUTPUT + value) * Q + quad] = best;
}

@compute @workgroup_size(64)
fn average_forward(@builtin(global_invocation_id) id: vec3u) {
    let quad = id.x % Q;
    let value = id.x / Q;
    if value >= CHANNELS * OUT_HEIGHT * OUT_WIDTH {
        return;
    }
    let p = place(value, OUT_HEIGHT, OUT_WIDTH);
    var sum = vec4f(0.0);
    for (var tap = 0u; tap < KERNEL * KERNEL; tap++) {
        sum += values[pixel(p, tap) * Q + quad];
    }
    values[(OUTPUT + value) * Q + quad] = sum / f32(KERNEL * KERNEL);
}

// The first and the last window that hold a row or column; none if the last is before the first.
fn first_window(at: u32) -> u32 {
    return select(0u, (at - KERNEL) / STRIDE + 1u, at >= KERNEL);
}

fn last_window(at: u32, windows: u32) -> u32 {
    return min(at / STRIDE, windows - 1u);
}

// Each pixel gathers from the windows that hold it. The gradient of a window goes to the first pixel that is the largest.
@compute @workgroup_size(64)
fn max_backward(@builtin(global_invocation_id) id: vec3u) {
    let quad = id.x % Q;
    let value = id.x / Q;
    if value >= CHANNELS * HEIGHT * WIDTH {
        return;
    }
    let at = place(value, HEIGHT, WIDTH);
    let x = values[(INPUT + value) * Q + quad];
    var sum = vec4f(0.0);
    for (var row = first_window(at.row); row <= last_window(at.row, OUT_HEIGHT); row++) {
        for (var column = first_window(at.column); column <= last_window(at.column, OUT_WIDTH); column++) {
            let window = Place(at.channel, row, column);
            let tap = (at.row - row * STRIDE) * KERNEL + at.column - column * STRIDE;
            if at.row - row * STRIDE >= KERNEL || at.column - column * STRIDE >= KERNEL {
                continue;
            }
            let output = (at.channel * OUT_HEIGHT + row) * OUT_WIDTH + column;
            let y = values[(OUTPUT + output) * Q + quad];
            var hit = x == y;
            for (var before = 0u; before < tap; before++) {
                hit = hit & (values[pixel(window, before) * Q + quad] != y);
            }
            sum += select(vec4f(0.0), gradients[(OUTPUT + output) * Q + quad], hit);
        }
    }
    send_back(sum, INPUT, value, quad);
}

// Every pixel of a window gets the same share of its gradient.
@compute @workgroup_size(64)
fn average_backward(@builtin(global_invocation_id) id: vec3u) {
    let quad = id.x % Q;
    let value = id.x / Q;
    if value >= CHANNELS * HEIGHT * WIDTH {
        return;
    }
    let at = place(value, HEIGHT, WIDTH);
    var sum = vec4f(0.0);
    for (var row = first_window(at.row); row <= last_window(at.row, OUT_HEIGHT); row++) {
        for (var column = first_window(at.column); column <= last_window(at.column, OUT_WIDTH); column++) {
            if at.row - row * STRIDE < KERNEL && at.column - column * STRIDE < KERNEL {
                sum += gradients[(OUTPUT + (at.channel * OUT_HEIGHT + row) * OUT_WIDTH + column) * Q + quad];
            }
        }
    }
    send_back(sum / f32(KERNEL * KERNEL), INPUT, value, quad);
}
