// What is done to each value by itself, where it is not part of the kernel before it: activation, dropout, zeros around maps.

// [VALUES] to [VALUES].
override INPUT: u32;
override OUTPUT: u32;
override VALUES: u32;

@compute @workgroup_size(64)
fn forward(@builtin(global_invocation_id) id: vec3u) {
    let quad = id.x % Q;
    let value = id.x / Q;
    if value < VALUES {
        values[(OUTPUT + value) * Q + quad] = finish(values[(INPUT + value) * Q + quad], value, VALUES, quad);
    }
}

@compute @workgroup_size(64)
fn backward(@builtin(global_invocation_id) id: vec3u) {
    let quad = id.x % Q;
    let value = id.x / Q;
    if value < VALUES {
        let dy = gradients[(OUTPUT + value) * Q + quad];
        gradients[(INPUT + value) * Q + quad] = unfinish(dy, OUTPUT, value, quad);
    }
}

// Maps [channel][HEIGHT][WIDTH] in the middle of larger ones, whose border of PADDING is zero already.
override HEIGHT: u32 = 1u;
override WIDTH: u32 = 1u;
override PADDING: u32 = 0u;

@compute @workgroup_size(64)
fn pad(@builtin(global_invocation_id) id: vec3u) {
    let quad = id.x % Q;
    let value = id.x / Q;
    if value < VALUES {
        let line = value / WIDTH;
        let padded = (line / HEIGHT * (HEIGHT + 2u * PADDING) + line % HEIGHT + PADDING) * (WIDTH + 2u * PADDING);
        values[(OUTPUT + padded + value % WIDTH + PADDING) * Q + quad] = values[(INPUT + value) * Q + quad];
    }
}
