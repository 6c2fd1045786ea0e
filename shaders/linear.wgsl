// Linear layers. Computes the same as crates/tensor/src/linear.rs, and as conv2d/ on maps of one pixel.
//
// A workgroup computes eight output features for sixteen quads of samples. Two invocations share each sum: otherwise a small batch would
// not keep a GPU busy.

// From [IN_FEATURES] to [OUT_FEATURES].
override INPUT: u32;
override IN_FEATURES: u32;
override OUTPUT: u32;
override OUT_FEATURES: u32;
// Offsets of the weights in `packed`, and of the biases in `state`.
override FORWARD_WEIGHTS: u32 = 0u;
override BACKWARD_WEIGHTS: u32 = 0u;
override BIAS: u32 = 0u;
// Whether `input_gradient` also computes the loss: in the last layer.
override LOSS: bool = false;

const QUADS: u32 = 16u;

// Small, because each invocation may have to zero all of it first: with 8 KB, SwiftShader spent half of the time on that.
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
        for (var i = local / QUADS; i < IN_FEATURES; i += 2u) {
            let x = values[(INPUT + i) * Q + quad];
            let v = packed[FORWARD_WEIGHTS + 2u * tile * IN_FEATURES + i];
            s0 += v.x * x;
            s1 += v.y * x;
            s2 += v.z * x;
            s3 += v.w * x;
            // Behind the last feature these are other weights, whose sums are not written.
            let w = packed[FORWARD_WEIGHTS + (2u * tile + 1u) * IN_FEATURES + i];
            s4 += w.x * x;
            s5 += w.y * x;
            s6 += w.z * x;
            s7 += w.w * x;
        }
    }
    // The first of the two invocations completes features 0 to 3, the second features 4 to 7.
    shares[local] = select(s0, s4, is_first);
    shares[32u + local] = select(s1, s5, is_first);
    shares[64u + local] = select(s2, s6, is_first);
    shares[96u + local] = select(s3, s7, is_first);
    workgroupBarrier();
    if quad < Q {
        let feature = 8u * tile + select(4u, 0u, is_first);
        let other = local ^ QUADS;
        write_output(feature, quad, select(s4, s0, is_first) + shares[other]);
        write_output(feature + 1u, quad, select(s5, s1, is_first) + shares[32u + other]);
        write_output(feature + 2u, quad, select(s6, s2, is_first) + shares[64u + other]);
        write_output(feature + 3u, quad, select(s7, s3, is_first) + shares[96u + other]);
    }
}

fn write_output(feature: u32, quad: u32, sum: vec4f) {
    if feature < OUT_FEATURES {
        values[(OUTPUT + feature) * Q + quad] = epilogue(sum + state[BIAS + feature], feature, OUT_FEATURES, quad);
    }
}

// The gradient of four input features: `dx = W^T dy`.
@compute @workgroup_size(64)
fn input_gradient(@builtin(global_invocation_id) id: vec3u) {
    let quad = id.x % Q;
    let tile = id.x / Q;
    if tile >= (IN_FEATURES + 3u) / 4u {
        return;
    }
    var loss_gradient: array<vec4f, MAX_CLASSES>;
    if LOSS {
        // Every invocation computes it again: there are few classes, and a kernel of its own would cost a dispatch.
        cross_entropy(OUTPUT, OUT_FEATURES, quad, tile == 0u, &loss_gradient);
        if tile == 0u {
            for (var feature = 0u; feature < OUT_FEATURES; feature++) {
                gradients[(OUTPUT + feature) * Q + quad] = loss_gradient[feature];
            }
        }
    }
    var s0 = vec4f(0.0);
    var s1 = vec4f(0.0);
    var s2 = vec4f(0.0);
    var s3 = vec4f(0.0);
    for (var feature = 0u; feature < OUT_FEATURES; feature++) {
        let w = packed[BACKWARD_WEIGHTS + tile * OUT_FEATURES + feature];
        var dy: vec4f;
        if LOSS {
            dy = loss_gradient[feature];
        } else {
            dy = gradients[(OUTPUT + feature) * Q + quad];
        }
        s0 += w.x * dy;
        s1 += w.y * dy;
        s2 += w.z * dy;
        s3 += w.w * dy;
    }
    write_gradient(s0, INPUT, 4u * tile, quad);
    if 4u * tile + 1u < IN_FEATURES { write_gradient(s1, INPUT, 4u * tile + 1u, quad); }
    if 4u * tile + 2u < IN_FEATURES { write_gradient(s2, INPUT, 4u * tile + 2u, quad); }
    if 4u * tile + 3u < IN_FEATURES { write_gradient(s3, INPUT, 4u * tile + 3u, quad); }
}
