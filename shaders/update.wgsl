// The end of a step: adds up the partial sums of each gradient, updates each parameter, packs it for the next step, and adds up
// losses and hits. The twin of crates/nn/src/optimizer.rs.

// Where in `state` the gradients, the optimiser's two memories, and the results are.
override GRADIENTS: u32;
override FIRST: u32;
override SECOND: u32;
override RESULTS: u32;
override LOSSES: u32;
override HITS: u32;

// Parameters to a workgroup, and workgroups that all of them need.
const UPDATED_AT_ONCE: u32 = 256u;
override GROUPS: u32;

// The job that a workgroup works on.
fn job_of(group: u32) -> u32 {
    var i = 0u;
    while i + 1u < JOBS && jobs[i + 1u].first_update <= group {
        i++;
    }
    return i;
}

// Parameter number `at` of a job.
fn update_parameter(job: Job, at: u32) {
    let i = job.parameter + at;
    var gradient = 0.0;
    for (var chunk = 0u; chunk < job.chunks; chunk++) {
        gradient += partials[job.partial + chunk * job.count + at];
    }
    var parameter = state[i];
    if job.penalized == 1u || step.penalize_all != 0.0 {
        gradient += step.l1 * sign(parameter);
        if step.optimizer == 2u {
            parameter -= step.rate * step.l2 * parameter;
        } else {
            gradient += step.l2 * parameter;
        }
    }
    state[GRADIENTS + i] = gradient;
    var first = state[FIRST + i];
    if step.optimizer == 0u {
        first = step.momentum * first + gradient;
        parameter -= step.rate * select(first, gradient + step.momentum * first, step.nesterov != 0.0);
    } else {
        let second = step.nesterov * state[SECOND + i] + (1.0 - step.nesterov) * gradient * gradient;
        first += (1.0 - step.momentum) * (gradient - first);
        parameter -= step.size * first / (sqrt(second) / step.root + step.epsilon);
        state[SECOND + i] = second;
    }
    state[FIRST + i] = first;
    state[i] = parameter;
    pack(job, at, parameter);
}

// Puts a weight [map][channel][row][column] where the kernels read it: four maps, or four channels, to a vector.
fn pack(job: Job, i: u32, parameter: f32) {
    if job.kind > 1u {
        return;
    }
    let line = i / job.kernel_columns;
    let column = i - line * job.kernel_columns;
    let plane = line / job.kernel_rows;
    let row = line - plane * job.kernel_rows;
    let map = plane / job.channels;
    let channel = plane - map * job.channels;
    weights[(job.forward + ((map / 4u * job.channels + channel) * job.kernel_rows + row) * job.kernel_columns + column) * 4u + map % 4u] = parameter;
    let columns = job.kernel_columns + 2u * job.border;
    let at = ((channel / 4u * job.maps + map) * job.kernel_rows + row) * columns + job.border + column;
    weights[(job.backward + at) * 4u + channel % 4u] = parameter;
}

// `packed` as single numbers.
@group(0) @binding(2) var<storage, read_write> weights: array<f32, 4u * PACKED_SIZE>;

var<workgroup> loss: array<f32, 64>;
var<workgroup> hits: array<f32, 64>;

// Adds up the losses and hits of the batch, in an order that depends on nothing but its size.
fn add_up(local: u32) {
    var l = 0.0;
    var h = 0.0;
    for (var sample = local; sample < step.batch; sample += 64u) {
        l += partials[LOSSES + sample];
        h += partials[HITS + sample];
    }
    loss[local] = l;
    hits[local] = h;
    workgroupBarrier();
    for (var half = 32u; half > 0u; half /= 2u) {
        if local < half {
            loss[local] += loss[local + half];
            hits[local] += hits[local + half];
        }
        workgroupBarrier();
    }
    if local == 0u {
        state[RESULTS + 2u * step.slot] = loss[0];
        state[RESULTS + 2u * step.slot + 1u] = hits[0];
    }
}

// A workgroup more than the parameters need: it adds up the losses.
@compute @workgroup_size(64)
fn update(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
    if group.x == GROUPS {
        add_up(local);
        return;
    }
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

// The losses and hits of a batch that was only measured.
@compute @workgroup_size(64)
fn measured(@builtin(local_invocation_index) local: u32) {
    add_up(local);
}
