// The end of a step: adds up the partial sums of each gradient, of losses and of hits; updates each parameter, and packs it for the next
// step. The twin of crates/nn/src/optimizer.rs. No barriers here: SwiftShader runs every workgroup of a kernel that has one as a coroutine,
// which took longer than the work.

// Where in `state` the gradients, the optimiser's two memories, and the results are.
override GRADIENTS: u32;
override FIRST: u32;
override SECOND: u32;
override RESULTS: u32;

// Parameters to a workgroup.
const UPDATED_AT_ONCE: u32 = 512u;

// The job that a workgroup works on.
fn job_of(group: u32) -> u32 {
    var i = 0u;
    while i + 1u < JOBS && jobs[i + 1u].first_update <= group {
        i++;
    }
    return i;
}

// Parameter number `at` of a job; or the sum of the losses (0) or hits (1).
fn update_parameter(job: Job, at: u32) {
    var gradient = 0.0;
    for (var chunk = 0u; chunk < job.chunks; chunk++) {
        gradient += partials[job.partial + chunk * job.count + at];
    }
    if job.kind == LOSSES {
        state[RESULTS + 2u * step.slot + at] = gradient;
        return;
    }
    let i = job.parameter + at;
    var parameter = state[i];
    if job.penalized == 1u || step.penalize_all != 0.0 {
        gradient += step.l1 * sign(parameter);
        if step.optimizer == ADAM_W {
            parameter -= step.learning_rate * step.l2 * parameter;
        } else {
            gradient += step.l2 * parameter;
        }
    }
    state[GRADIENTS + i] = gradient;
    var first = state[FIRST + i];
    if step.optimizer == SGD {
        first = step.momentum_or_beta1 * first + gradient;
        parameter -= step.learning_rate * select(first, gradient + step.momentum_or_beta1 * first, step.nesterov_or_beta2 != 0.0);
    } else {
        let second = step.nesterov_or_beta2 * state[SECOND + i] + (1.0 - step.nesterov_or_beta2) * gradient * gradient;
        first += (1.0 - step.momentum_or_beta1) * (gradient - first);
        parameter -= step.step_size * first / (sqrt(second) / step.root_correction + step.eps);
        state[SECOND + i] = second;
    }
    state[FIRST + i] = first;
    state[i] = parameter;
    pack(job, at, parameter);
}

// Which tile of four or six a map or channel is in, and which of the tile it is. By shifts: a division takes SwiftShader longer than all
// the rest of a parameter's update.
fn tile_of(i: u32, tile: u32) -> vec2u {
    if tile == 6u {
        return vec2u(i / 6u, i % 6u);
    }
    return vec2u(i >> 2u, i & 3u);
}

// Puts a weight [map][channel][row][column] where the kernels read it: a tile of maps, or of channels, in one vector or two.
fn pack(job: Job, i: u32, parameter: f32) {
    if job.kind > 1u {
        return;
    }
    // Of a dense layer, whose kernels are one number, `i` says it all but for one division.
    var row = 0u;
    var column = 0u;
    var plane = i;
    if job.kernel_rows * job.kernel_columns > 1u {
        let line = i / job.kernel_columns;
        plane = line / job.kernel_rows;
        column = i - line * job.kernel_columns;
        row = line - plane * job.kernel_rows;
    }
    let map = plane / job.channels;
    let channel = plane - map * job.channels;
    let maps = tile_of(map, job.map_tile);
    let tap = ((maps.x * job.channels + channel) * job.kernel_rows + row) * job.kernel_columns + column;
    weights[4u * job.forward + tap * select(4u, 8u, job.map_tile == 6u) + maps.y] = parameter;
    let channels = tile_of(channel, job.channel_tile);
    let back = ((channels.x * job.maps + map) * job.kernel_rows + row) * job.kernel_columns + column;
    weights[4u * job.backward + back * select(4u, 8u, job.channel_tile == 6u) + channels.y] = parameter;
}

// `packed` as single numbers.
@group(0) @binding(2) var<storage, read_write> weights: array<f32, 4u * PACKED_SIZE>;

@compute @workgroup_size(64)
fn update(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
    let job = jobs[job_of(group.x)];
    let first = (group.x - job.first_update) * UPDATED_AT_ONCE;
    for (var at = first + local; at < min(first + UPDATED_AT_ONCE, job.count); at += 64u) {
        update_parameter(job, at);
    }
}

// Packs what came from outside.
@compute @workgroup_size(64)
fn pack_all(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
    let job = jobs[job_of(group.x)];
    let first = (group.x - job.first_update) * UPDATED_AT_ONCE;
    for (var at = first + local; at < min(first + UPDATED_AT_ONCE, job.count); at += 64u) {
        pack(job, at, state[job.parameter + at]);
    }
}
