// Activation, dropout, padding and shuffled pixels by themselves, where they are not part of the kernel before them.

// Offsets of the input [VALUES] and of the output.
override INPUT: u32;
override OUTPUT: u32;
override VALUES: u32;

@compute @workgroup_size(64)
fn forward(@builtin(global_invocation_id) id: vec3u) {
    let quad = id.x % Q;
    let value = id.x / Q;
    if value < VALUES {
        values[(OUTPUT + value) * Q + quad] = epilogue(values[(INPUT + value) * Q + quad], value, VALUES, quad);
    }
}

@compute @workgroup_size(64)
fn backward(@builtin(global_invocation_id) id: vec3u) {
    let quad = id.x % Q;
    let value = id.x / Q;
    if value < VALUES {
        let dy = gradients[(OUTPUT + value) * Q + quad];
        gradients[(INPUT + value) * Q + quad] = epilogue_backward(dy, OUTPUT, value, quad);
    }
}

// Copies the values in the order of `nn::random::permutation`.
override PERMUTATION: u32 = 0u;

@compute @workgroup_size(64)
fn permuted(@builtin(global_invocation_id) id: vec3u) {
    let quad = id.x % Q;
    let value = id.x / Q;
    if value < VALUES {
        let at = permute(PERMUTATION, STREAM_PIXELS, 0u, VALUES, value);
        values[(OUTPUT + value) * Q + quad] = values[(INPUT + at) * Q + quad];
    }
}

// Copies [channel][HEIGHT][WIDTH] into the middle of larger maps, whose border of PADDING pixels is zero already.
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
