// The loss of networks that do not end in a dense layer, and of those that are only measured.

override OUTPUT: u32;
override UNITS: u32;
// Whether the gradient is wanted, and what finished the logits.
override TRAINING: bool = true;

@compute @workgroup_size(64)
fn loss(@builtin(global_invocation_id) id: vec3u) {
    let quad = id.x;
    if quad >= Q {
        return;
    }
    var gradient: array<vec4f, 16>;
    cross_entropy(OUTPUT, UNITS, quad, true, &gradient);
    if TRAINING {
        for (var unit = 0u; unit < UNITS; unit++) {
            send_back(gradient[unit], OUTPUT, unit, quad);
        }
    }
}
