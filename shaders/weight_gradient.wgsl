// Gradients of the weights and biases of all convolutional and dense layers, and sums of the losses, in one dispatch: the twin of `weight_gradient` in
// crates/tensor/src/conv2d.rs and dense.rs.
//
// One invocation for each weight would be 150 invocations of 50,000 steps for LeNet's first layer. So sums are split over
// (sample, row): each invocation sums some weights over some quads of samples and one row of the output, and `update` adds
// these partial sums, always in the same order. There are no atomic additions of floats, and none are needed.

// Whether all convolutions have a stride of 1.
override SLIDES: bool;

fn sum(v: vec4f) -> f32 {
    return (v.x + v.y) + (v.z + v.w);
}

// Five weights of a map, or five pixels of four samples.
alias Sums = array<f32, 5>;
alias Pixels = array<vec4f, 5>;

// Adds four samples' part. Scalar sums, where a vector's would be four times the registers.
fn add(sums: ptr<function, Sums>, dy: vec4f, x: ptr<function, Pixels>) {
    (*sums)[0] += dot(dy, (*x)[0]);
    (*sums)[1] += dot(dy, (*x)[1]);
    (*sums)[2] += dot(dy, (*x)[2]);
    (*sums)[3] += dot(dy, (*x)[3]);
    (*sums)[4] += dot(dy, (*x)[4]);
}

// Four maps, a channel, a row of the kernel, five of its columns: over one row of the output. With a stride of 1 the five pixels
// slide along.
fn convolution(job: Job, item: u32) {
    let column_tiles = (job.kernel_columns + 4u) / 5u;
    let tiles = (job.maps + 3u) / 4u * job.channels * job.kernel_rows * column_tiles;
    let chunk = item / tiles;
    if chunk >= job.chunks {
        return;
    }
    var rest = item % tiles;
    let kx = rest % column_tiles * 5u;
    rest /= column_tiles;
    let ky = rest % job.kernel_rows;
    rest /= job.kernel_rows;
    let channel = rest % job.channels;
    let map = rest / job.channels * 4u;
    let row = chunk % job.out_height;
    let first_quad = chunk / job.out_height * job.quads;
    // Maps and columns of the kernel that are not there are summed like the others, over some other pixels, and left out in the end.
    let plane = job.out_height * job.out_width * Q;
    let step = job.stride * Q;
    var s0 = Sums();
    var s1 = Sums();
    var s2 = Sums();
    var s3 = Sums();
    for (var quad = first_quad; quad < min(first_quad + job.quads, Q); quad++) {
        var at = (job.input + (channel * job.height + row * job.stride + ky) * job.width + kx) * Q + quad;
        var to = (job.output + (map * job.out_height + row) * job.out_width) * Q + quad;
        var x = Pixels(values[at], values[at + Q], values[at + 2u * Q], values[at + 3u * Q], vec4f(0.0));
        for (var column = 0u; column < job.out_width; column++) {
            x[4] = values[at + 4u * Q];
            add(&s0, gradients[to], &x);
            add(&s1, gradients[to + plane], &x);
            add(&s2, gradients[to + 2u * plane], &x);
            add(&s3, gradients[to + 3u * plane], &x);
            at += step;
            to += Q;
            if SLIDES {
                x = Pixels(x[1], x[2], x[3], x[4], vec4f(0.0));
            } else {
                x = Pixels(values[at], values[at + Q], values[at + 2u * Q], values[at + 3u * Q], vec4f(0.0));
            }
        }
    }
    let size = job.channels * job.kernel_rows * job.kernel_columns;
    let weight = job.partial + chunk * job.count + map * size + (channel * job.kernel_rows + ky) * job.kernel_columns + kx;
    let left = job.kernel_columns - kx;
    write_five(weight, left, &s0);
    if map + 1u < job.maps { write_five(weight + size, left, &s1); }
    if map + 2u < job.maps { write_five(weight + 2u * size, left, &s2); }
    if map + 3u < job.maps { write_five(weight + 3u * size, left, &s3); }
}

fn write_five(at: u32, left: u32, sums: ptr<function, Sums>) {
    partials[at] = (*sums)[0];
    if left > 1u { partials[at + 1u] = (*sums)[1]; }
    if left > 2u { partials[at + 2u] = (*sums)[2]; }
    if left > 3u { partials[at + 3u] = (*sums)[3]; }
    if left > 4u { partials[at + 4u] = (*sums)[4]; }
}

// Four units and four inputs: dot products over samples.
fn dense(job: Job, item: u32) {
    let input_tiles = (job.channels + 3u) / 4u;
    let tiles = (job.maps + 3u) / 4u * input_tiles;
    let chunk = item / tiles;
    if chunk >= job.chunks {
        return;
    }
    let input = item % tiles % input_tiles * 4u;
    let unit = item % tiles / input_tiles * 4u;
    let first_quad = chunk * job.quads;
    let last_input = job.channels - 1u;
    let last_unit = job.maps - 1u;
    var s0 = vec4f(0.0);
    var s1 = vec4f(0.0);
    var s2 = vec4f(0.0);
    var s3 = vec4f(0.0);
    for (var quad = first_quad; quad < min(first_quad + job.quads, Q); quad++) {
        let x0 = values[(job.input + input) * Q + quad];
        let x1 = values[(job.input + min(input + 1u, last_input)) * Q + quad];
        let x2 = values[(job.input + min(input + 2u, last_input)) * Q + quad];
        let x3 = values[(job.input + min(input + 3u, last_input)) * Q + quad];
        let d0 = gradients[(job.output + unit) * Q + quad];
        let d1 = gradients[(job.output + min(unit + 1u, last_unit)) * Q + quad];
        let d2 = gradients[(job.output + min(unit + 2u, last_unit)) * Q + quad];
        let d3 = gradients[(job.output + min(unit + 3u, last_unit)) * Q + quad];
        s0 += vec4f(dot(d0, x0), dot(d0, x1), dot(d0, x2), dot(d0, x3));
        s1 += vec4f(dot(d1, x0), dot(d1, x1), dot(d1, x2), dot(d1, x3));
        s2 += vec4f(dot(d2, x0), dot(d2, x1), dot(d2, x2), dot(d2, x3));
        s3 += vec4f(dot(d3, x0), dot(d3, x1), dot(d3, x2), dot(d3, x3));
    }
    let at = job.partial + chunk * job.count + unit * job.channels + input;
    let left = job.channels - input;
    write_four(at, left, s0);
    if unit + 1u < job.maps { write_four(at + job.channels, left, s1); }
    if unit + 2u < job.maps { write_four(at + 2u * job.channels, left, s2); }
    if unit + 3u < job.maps { write_four(at + 3u * job.channels, left, s3); }
}

fn write_four(at: u32, left: u32, v: vec4f) {
    partials[at] = v.x;
    if left > 1u { partials[at + 1u] = v.y; }
    if left > 2u { partials[at + 2u] = v.z; }
    if left > 3u { partials[at + 3u] = v.w; }
}

// The bias of one map: over one row of the output, and all samples of some quads.
fn bias(job: Job, item: u32) {
    let map = item % job.maps;
    let chunk = item / job.maps;
    if chunk >= job.chunks {
        return;
    }
    let height = job.out_height;
    let width = job.out_width;
    var total = vec4f(0.0);
    let first_quad = chunk / height * job.quads;
    let line = job.output + (map * height + chunk % height) * width;
    for (var column = 0u; column < width; column++) {
        for (var quad = first_quad; quad < min(first_quad + job.quads, Q); quad++) {
            total += gradients[(line + column) * Q + quad];
        }
    }
    partials[job.partial + chunk * job.count + map] = sum(total);
}

// The losses, or hits, of sixteen samples.
fn losses(job: Job, item: u32) {
    let chunk = item / 2u;
    if chunk >= job.chunks {
        return;
    }
    let first = select(job.output, job.input, item % 2u == 0u);
    var total = 0.0;
    for (var sample = 16u * chunk; sample < min(16u * chunk + 16u, step.batch); sample++) {
        total += partials[first + sample];
    }
    partials[job.partial + item] = total;
}

@compute @workgroup_size(64)
fn weight_gradient(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
    var i = 0u;
    while i + 1u < JOBS && jobs[i + 1u].first_group <= group.x {
        i++;
    }
    let job = jobs[i];
    let item = (group.x - job.first_group) * 64u + local;
    switch job.kind {
        case 0u: { convolution(job, item); }
        case 1u: { dense(job, item); }
        case 2u: { bias(job, item); }
        case LOSSES: { losses(job, item); }
        default: {}
    }
}
