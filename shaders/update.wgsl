// The end of a step: adds up the partial sums of each gradient, updates each parameter, packs it for the next step, and adds up
// losses and hits. The twin of crates/nn/src/optimizer.rs.

// Parameters in all, and where in `state` their gradients, the optimiser's two memories, and the results are.
override PARAMETERS: u32;
override GRADIENTS: u32;
override FIRST: u32;
override SECOND: u32;
override RESULTS: u32;
override LOSSES: u32;
override HITS: u32;

fn job_of(parameter: u32) -> u32 {
    var i = 0u;
    while i + 1u < JOBS && jobs[i + 1u].parameter <= parameter {
        i++;
    }
    return i;
}

fn update_parameter(i: u32) {
    let job = jobs[job_of(i)];
    var gradient = 0.0;
    for (var chunk = 0u; chunk < job.chunks; chunk++) {
        gradient += partials[job.partial + chunk * job.count + i - job.parameter];
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
    pack(job, i - job.parameter, parameter);
}

// Puts a weight [map][channel][row][column] where the kernels read it: four maps, or four channels, to a vector.
fn pack(job: Job, i: u32, parameter: f32) {
    if job.kind > 1u {
        return;
    }
    let taps = job.kernel_rows * job.kernel_columns;
    let tap = i % taps;
    let channel = i / taps % job.channels;
    let map = i / taps / job.channels;
    weights[(job.forward + (map / 4u * job.channels + channel) * taps + tap) * 4u + map % 4u] = parameter;
    weights[(job.backward + (channel / 4u * taps + tap) * job.maps + map) * 4u + channel % 4u] = parameter;
}

// `packed` as single numbers.
@group(0) @binding(2) var<storage, read_write> weights: array<f32>;

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
    let groups = (PARAMETERS + 63u) / 64u;
    if group.x == groups {
        add_up(local);
    } else if group.x * 64u + local < PARAMETERS {
        update_parameter(group.x * 64u + local);
    }
}

// Packs what came from outside.
@compute @workgroup_size(64)
fn pack_all(@builtin(global_invocation_id) id: vec3u) {
    if id.x < PARAMETERS {
        let job = jobs[job_of(id.x)];
        pack(job, id.x - job.parameter, state[id.x]);
    }
}

// The losses and hits of a batch that was only measured.
@compute @workgroup_size(64)
fn measured(@builtin(local_invocation_index) local: u32) {
    add_up(local);
}
