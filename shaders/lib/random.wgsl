// Random numbers as a pure function of (seed, stream, step, index). Computes the same as crates/nn/src/random.rs.

const STREAM_SHUFFLE: u32 = 2u;
const STREAM_DROPOUT: u32 = 3u;
const STREAM_AUGMENT: u32 = 4u;
const STREAM_PIXELS: u32 = 5u;
const STREAM_LABELS: u32 = 6u;

// pcg4d (Jarzynski and Olano 2020, "Hash Functions for GPU Rendering", listing 5).
fn pcg4d(v: vec4u) -> vec4u {
    var w = v * 1664525u + 1013904223u;
    for (var i = 0u; i < 2u; i++) {
        w.x += w.y * w.w;
        w.y += w.z * w.x;
        w.z += w.x * w.y;
        w.w += w.y * w.z;
        if i == 0u {
            w ^= w >> vec4u(16u);
        }
    }
    return w;
}

// Four numbers from -1 to below 1.
fn symmetric(seed: u32, stream: u32, epoch: u32, index: u32) -> vec4f {
    return vec4f(pcg4d(vec4u(seed, stream, epoch, index)) >> vec4u(8u)) / 8388608.0 - 1.0;
}

// The image of `index` under a random permutation of 0..n: a Feistel network of four rounds, applied until the result is below n.
fn permute(seed: u32, stream: u32, epoch: u32, n: u32, index: u32) -> u32 {
    let half_bits = max((33u - countLeadingZeros(max(n, 2u) - 1u)) / 2u, 1u);
    let mask = (1u << half_bits) - 1u;
    var at = index;
    loop {
        var left = at >> half_bits;
        var right = at & mask;
        for (var round = 0u; round < 4u; round++) {
            let key = pcg4d(vec4u(seed, stream | (round << 8u), epoch, right)).x;
            let swap = right;
            right = left ^ (key & mask);
            left = swap;
        }
        at = (left << half_bits) | right;
        if at < n {
            break;
        }
    }
    return at;
}
