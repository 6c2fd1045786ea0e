// Dense layers: the twin of crates/tensor/src/dense.rs and of conv2d.rs on maps of one pixel.
//
// A workgroup makes eight units for sixteen quads of samples; two invocations share each sum, which a small batch needs to keep a GPU
// busy.

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

// Small, since each invocation may have to zero all of it first: where this was 8 KB, SwiftShader did nothing else half of the time.
var<workgroup> shares: array<vec4f, 128>;

@compute @workgroup_size(32)
fn forward(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
    let quad_groups = (Q + QUADS - 1u) / QUADS;
    let quad = group.x % quad_groups * QUADS + local % QUADS;
    let tile = group.x / quad_groups;
    let is_first = local < QUADS;
    var s0 = vec4f(0.0);
    var s1 = vec4f(0.0);
    var s2 = vec4f(0.0);
    var s3 = vec4f(0.0);
    var s4 = vec4f(0.0);
    var s5 = vec4f(0.0);
    var s6 = vec4f(0.0);
    var s7 = vec4f(0.0);
    if quad < Q {
        for (var i = local / QUADS; i < INPUTS; i += 2u) {
            let x = values[(INPUT + i) * Q + quad];
            let v = packed[FORWARD + 2u * tile * INPUTS + i];
            s0 += v.x * x;
            s1 += v.y * x;
            s2 += v.z * x;
            s3 += v.w * x;
            // If there are not so many units, some other weights.
            let w = packed[FORWARD + (2u * tile + 1u) * INPUTS + i];
            s4 += w.x * x;
            s5 += w.y * x;
            s6 += w.z * x;
            s7 += w.w * x;
        }
    }
    // The first of the two makes units 0 to 3, and gives its share of the others away.
    shares[local] = select(s0, s4, is_first);
    shares[32u + local] = select(s1, s5, is_first);
    shares[64u + local] = select(s2, s6, is_first);
    shares[96u + local] = select(s3, s7, is_first);
    workgroupBarrier();
    if quad < Q {
        let unit = 8u * tile + select(4u, 0u, is_first);
        let other = local ^ QUADS;
        make(unit, quad, select(s4, s0, is_first) + shares[other]);
        make(unit + 1u, quad, select(s5, s1, is_first) + shares[32u + other]);
        make(unit + 2u, quad, select(s6, s2, is_first) + shares[64u + other]);
        make(unit + 3u, quad, select(s7, s3, is_first) + shares[96u + other]);
    }
}

fn make(unit: u32, quad: u32, sum: vec4f) {
    if unit < UNITS {
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
