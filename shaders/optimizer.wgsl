// The end of a step: adds up the partial sums of gradients, losses and hits, updates each parameter, and packs it for the next step. The
// optimisers are the same as in crates/nn/src/optimizer.rs.
//
// There are no barriers here: SwiftShader runs every workgroup of a kernel with a barrier as a coroutine, which took longer than the work.

// Offsets in `state` of the gradients, the optimiser's moments, and the results.
override GRADIENTS: u32;
override FIRST_MOMENTS: u32;
override SECOND_MOMENTS: u32;
override RESULTS: u32;

// Parameters that a workgroup updates.
const UPDATES_PER_WORKGROUP: u32 = 512u;

// Index of the reduction that a workgroup belongs to.
fn reduction_of(group: u32) -> u32 {
    var i = 0u;
    while i + 1u < REDUCTIONS && reductions[i + 1u].first_update_workgroup <= group {
        i++;
    }
    return i;
}

// Updates parameter number `at` of a reduction, or sums the losses (0) or hits (1).
fn update_parameter(reduction: Reduction, at: u32) {
    var gradient = 0.0;
    for (var chunk = 0u; chunk < reduction.chunks; chunk++) {
        gradient += partials[reduction.partial + chunk * reduction.count + at];
    }
    if reduction.kind == LOSS_AND_HITS {
        state[RESULTS + 2u * step.slot + at] = gradient;
        return;
    }
    let i = reduction.parameter + at;
    var parameter = state[i];
    if reduction.penalized == 1u || step.penalize_all != 0.0 {
        gradient += step.l1 * sign(parameter);
        if step.optimizer == ADAM_W {
            parameter -= step.learning_rate * step.l2 * parameter;
        } else {
            gradient += step.l2 * parameter;
        }
    }
    state[GRADIENTS + i] = gradient;
    var first = state[FIRST_MOMENTS + i];
    if step.optimizer == SGD {
        first = step.momentum_or_beta1 * first + gradient;
        parameter -= step.learning_rate * select(first, gradient + step.momentum_or_beta1 * first, step.nesterov_or_beta2 != 0.0);
    } else {
        let second = step.nesterov_or_beta2 * state[SECOND_MOMENTS + i] + (1.0 - step.nesterov_or_beta2) * gradient * gradient;
        first += (1.0 - step.momentum_or_beta1) * (gradient - first);
        parameter -= step.step_size * first / (sqrt(second) / step.root_correction + step.eps);
        state[SECOND_MOMENTS + i] = second;
    }
    state[FIRST_MOMENTS + i] = first;
    state[i] = parameter;
    pack(reduction, at, parameter);
}

// The tile of four or six that channel `i` is in, and its index in the tile. Tiles of four use shifts: a division takes SwiftShader longer
// than the rest of a parameter's update.
fn tile_of(i: u32, tile: u32) -> vec2u {
    if tile == 6u {
        return vec2u(i / 6u, i % 6u);
    }
    return vec2u(i >> 2u, i & 3u);
}

// Puts weight number `i` of [out_channel][in_channel][row][column] where the kernels read it: beside the others of its tile of channels, in
// one vector or two.
fn pack(reduction: Reduction, i: u32, parameter: f32) {
    // Only the first two kinds are packed.
    if reduction.kind > LINEAR_WEIGHT {
        return;
    }
    // The kernel of a linear layer is one number, which saves two divisions.
    var row = 0u;
    var column = 0u;
    var plane = i;
    if reduction.kernel_height * reduction.kernel_width > 1u {
        let line = i / reduction.kernel_width;
        plane = line / reduction.kernel_height;
        column = i - line * reduction.kernel_width;
        row = line - plane * reduction.kernel_height;
    }
    let out_channel = plane / reduction.in_channels;
    let in_channel = plane - out_channel * reduction.in_channels;
    let out_tile = tile_of(out_channel, reduction.out_channel_tile);
    let forward = ((out_tile.x * reduction.in_channels + in_channel) * reduction.kernel_height + row) * reduction.kernel_width + column;
    weights[4u * reduction.forward_weights + forward * select(4u, 8u, reduction.out_channel_tile == 6u) + out_tile.y] = parameter;
    let in_tile = tile_of(in_channel, reduction.in_channel_tile);
    let backward = ((in_tile.x * reduction.out_channels + out_channel) * reduction.kernel_height + row) * reduction.kernel_width + column;
    weights[4u * reduction.backward_weights + backward * select(4u, 8u, reduction.in_channel_tile == 6u) + in_tile.y] = parameter;
}

// `packed`, as single numbers.
@group(0) @binding(2) var<storage, read_write> weights: array<f32, 4u * PACKED_LENGTH>;

@compute @workgroup_size(64)
fn optimizer_step(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
    let reduction = reductions[reduction_of(group.x)];
    let first = (group.x - reduction.first_update_workgroup) * UPDATES_PER_WORKGROUP;
    for (var at = first + local; at < min(first + UPDATES_PER_WORKGROUP, reduction.count); at += 64u) {
        update_parameter(reduction, at);
    }
}

// Packs all weights, after parameters were loaded.
@compute @workgroup_size(64)
fn pack_weights(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
    let reduction = reductions[reduction_of(group.x)];
    let first = (group.x - reduction.first_update_workgroup) * UPDATES_PER_WORKGROUP;
    for (var at = first + local; at < min(first + UPDATES_PER_WORKGROUP, reduction.count); at += 64u) {
        pack(reduction, at, state[reduction.parameter + at]);
    }
}
