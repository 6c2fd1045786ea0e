// Dense layers: the twin of crates/tensor/src/dense.rs and of conv2d.rs on maps of one pixel.
//
// A workgroup makes four units for sixteen quads of samples; four invocations share each sum, which a small batch needs to
// keep a GPU busy.

// The input [INPUTS] and the output [UNITS].
override INPUT: u32;
override INPUTS: u32;
override OUTPUT: u32;
override UNITS: u32;
// Places in `packed` and `state`.
override FORWARD: u32 = 0u;
override BACKWARD: u32 = 0u;
override BIAS: u32 = 0u;
// The last layer makes the loss, too.
override LOSS: bool = false;

const QUADS: u32 = 16u;
const SLICES: u32 = 4u;

var<workgroup> shares: array<vec4f, 256>;

@compute @workgroup_size(64)
fn forward(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
    let quad_groups = (Q + QUADS - 1u) / QUADS;
    let quad = group.x % quad_groups * QUADS + local % QUADS;
    let tile = group.x / quad_groups;
    let slice = local / QUADS;
    var s0 = vec4f(0.0);
    var s1 = vec4f(0.0);
    var s2 = vec4f(0.0);
    var s3 = vec4f(0.0);
    if quad < Q {
        for (var i = slice; i < INPUTS; i += SLICES) {
            let w = packed[FORWARD + tile * INPUTS + i];
            let x = values[(INPUT + i) * Q + quad];
            s0 += w.x * x;
            s1 += w.y * x;
            s2 += w.z * x;
            s3 += w.w * x;
        }
    }
    shares[local] = s0;
    shares[64u + local] = s1;
    shares[128u + local] = s2;
    shares[192u + local] = s3;
    workgroupBarrier();
    // Now each of the four makes one of the units.
    let unit = 4u * tile + slice;
    if unit < UNITS && quad < Q {
        let at = 64u * slice + local % QUADS;
        let sum = (shares[at] + shares[at + QUADS]) + (shares[at + 2u * QUADS] + shares[at + 3u * QUADS]);
        values[(OUTPUT + unit) * Q + quad] = finish(sum + state[BIAS + unit], unit, UNITS, quad);
    }
}

// The gradient of four inputs: `dx = W^T dy`.
@compute @workgroup_size(64)
fn input_gradient(@builtin(global_invocation_id) id: vec3u) {
    let quad = id.x % Q;
    let tile = id.x / Q;
    if tile >= (INPUTS + 3u) / 4u {
        return;
    }
    var logits: array<vec4f, 16>;
    if LOSS {
        // By every invocation anew: they are few, and reading them back would cost a dispatch.
        cross_entropy(OUTPUT, UNITS, quad, tile == 0u, &logits);
        if tile == 0u {
            for (var unit = 0u; unit < UNITS; unit++) {
                gradients[(OUTPUT + unit) * Q + quad] = logits[unit];
            }
        }
    }
    var s0 = vec4f(0.0);
    var s1 = vec4f(0.0);
    var s2 = vec4f(0.0);
    var s3 = vec4f(0.0);
    for (var unit = 0u; unit < UNITS; unit++) {
        let w = packed[BACKWARD + tile * UNITS + unit];
        var dy: vec4f;
        if LOSS {
            dy = logits[unit];
        } else {
            dy = gradients[(OUTPUT + unit) * Q + quad];
        }
        s0 += w.x * dy;
        s1 += w.y * dy;
        s2 += w.z * dy;
        s3 += w.w * dy;
    }
    send_back(s0, INPUT, 4u * tile, quad);
    if 4u * tile + 1u < INPUTS { send_back(s1, INPUT, 4u * tile + 1u, quad); }
    if 4u * tile + 2u < INPUTS { send_back(s2, INPUT, 4u * tile + 2u, quad); }
    if 4u * tile + 3u < INPUTS { send_back(s3, INPUT, 4u * tile + 3u, quad); }
}
