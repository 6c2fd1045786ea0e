// The loss by itself: in evaluations, and for networks that do not end in a linear layer.

// The logits [CLASSES].
override OUTPUT: u32;
override CLASSES: u32;
// Whether the gradient is written, too.
override TRAINING: bool = true;

@compute @workgroup_size(64)
fn loss(@builtin(global_invocation_id) id: vec3u) {
    let quad = id.x;
    if quad >= Q {
        return;
    }
    var gradient: array<vec4f, MAX_CLASSES>;
    cross_entropy(OUTPUT, CLASSES, quad, true, &gradient);
    if TRAINING {
        for (var label = 0u; label < CLASSES; label++) {
            write_gradient(gradient[label], OUTPUT, label, quad);
        }
    }
}
