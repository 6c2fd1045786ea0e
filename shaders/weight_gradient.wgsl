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

// Five pixels of four samples, of each of three rows.
alias Pixels = array<vec4f, 5>;

// Weights of a map: three rows of five. Scalar sums, where vectors would be four times the registers.
struct Sums { upper: array<f32, 5>, middle: array<f32, 5>, lower: array<f32, 5> }

// Adds four samples' part.
fn add(sums: ptr<function, Sums>, dy: vec4f, x: ptr<function, Pixels>, y: ptr<function, Pixels>, z: ptr<function, Pixels>) {
    (*sums).upper[0] += dot(dy, (*x)[0]);
    (*sums).upper[1] += dot(dy, (*x)[1]);
    (*sums).upper[2] += dot(dy, (*x)[2]);
    (*sums).upper[3] += dot(dy, (*x)[3]);
    (*sums).upper[4] += dot(dy, (*x)[4]);
    (*sums).middle[0] += dot(dy, (*y)[0]);
    (*sums).middle[1] += dot(dy, (*y)[1]);
    (*sums).middle[2] += dot(dy, (*y)[2]);
    (*sums).middle[3] += dot(dy, (*y)[3]);
    (*sums).middle[4] += dot(dy, (*y)[4]);
    (*sums).lower[0] += dot(dy, (*z)[0]);
    (*sums).lower[1] += dot(dy, (*z)[1]);
    (*sums).lower[2] += dot(dy, (*z)[2]);
    (*sums).lower[3] += dot(dy, (*z)[3]);
    (*sums).lower[4] += dot(dy, (*z)[4]);
}

// The first four of five pixels.
fn first_four(at: u32) -> Pixels {
    return Pixels(values[at], values[at + Q], values[at + 2u * Q], values[at + 3u * Q], vec4f(0.0));
}

// The five pixels one to the right.
fn next(x: ptr<function, Pixels>, at: u32) -> Pixels {
    var four = Pixels((*x)[1], (*x)[2], (*x)[3], (*x)[4], vec4f(0.0));
    if !SLIDES {
        four = first_four(at);
    }
    return four;
}

// Four maps, a channel, three rows of the kernel, five of its columns: over one row of the output. With a stride of 1 the five pixels
// of each row slide along, so that seven vectors are loaded for 60 products of vectors.
fn convolution(job: Job, item: u32) {
    let row_tiles = (job.kernel_rows + 2u) / 3u;
    let column_tiles = (job.kernel_columns + 4u) / 5u;
    let tiles = (job.maps + 3u) / 4u * job.channels * row_tiles * column_tiles;
    let chunk = item / tiles;
    if chunk >= job.chunks {
        return;
    }
    var rest = item % tiles;
    let kx = rest % column_tiles * 5u;
    rest /= column_tiles;
    let ky = rest % row_tiles * 3u;
    rest /= row_tiles;
    let channel = rest % job.channels;
    let map = rest / job.channels * 4u;
    let row = chunk % job.out_height;
    let first_quad = chunk / job.out_height * job.quads;
    // Maps, rows and columns of the kernel that are not there are summed like the others, over some other pixels, and left out in the end.
    let plane = job.out_height * job.out_width * Q;
    let line = job.width * Q;
    let step = job.stride * Q;
    var s0 = Sums();
    var s1 = Sums();
    var s2 = Sums();
    var s3 = Sums();
    for (var quad = first_quad; quad < min(first_quad + job.quads, Q); quad++) {
        var at = (job.input + (channel * job.height + row * job.stride + ky) * job.width + kx) * Q + quad;
        var to = (job.output + (map * job.out_height + row) * job.out_width) * Q + quad;
        var x = first_four(at);
        var y = first_four(at + line);
        var z = first_four(at + 2u * line);
        for (var column = 0u; column < job.out_width; column++) {
            x[4] = values[at + 4u * Q];
            y[4] = values[at + 4u * Q + line];
            z[4] = values[at + 4u * Q + 2u * line];
            add(&s0, gradients[to], &x, &y, &z);
            add(&s1, gradients[to + plane], &x, &y, &z);
            add(&s2, gradients[to + 2u * plane], &x, &y, &z);
            add(&s3, gradients[to + 3u * plane], &x, &y, &z);
            at += step;
            to += Q;
            x = next(&x, at);
            y = next(&y, at + line);
            z = next(&z, at + 2u * line);
        }
    }
    let size = job.channels * job.kernel_rows * job.kernel_columns;
    let weight = job.partial + chunk * job.count + map * size + (channel * job.kernel_rows + ky) * job.kernel_columns + kx;
    write_map(job, weight, ky, kx, &s0);
    if map + 1u < job.maps { write_map(job, weight + size, ky, kx, &s1); }
    if map + 2u < job.maps { write_map(job, weight + 2u * size, ky, kx, &s2); }
    if map + 3u < job.maps { write_map(job, weight + 3u * size, ky, kx, &s3); }
}

fn write_map(job: Job, at: u32, ky: u32, kx: u32, sums: ptr<function, Sums>) {
    let left = job.kernel_columns - kx;
    write_five(at, left, (*sums).upper);
    if ky + 1u < job.kernel_rows { write_five(at + job.kernel_columns, left, (*sums).middle); }
    if ky + 2u < job.kernel_rows { write_five(at + 2u * job.kernel_columns, left, (*sums).lower); }
}

fn write_five(at: u32, left: u32, sums: array<f32, 5>) {
    partials[at] = sums[0];
    if left > 1u { partials[at + 1u] = sums[1]; }
    if left > 2u { partials[at + 2u] = sums[2]; }
    if left > 3u { partials[at + 3u] = sums[3]; }
    if left > 4u { partials[at + 4u] = sums[4]; }
}

// Four units and eight inputs: dot products over samples.
fn dense(job: Job, item: u32) {
    let input_tiles = (job.channels + 7u) / 8u;
    let tiles = (job.maps + 3u) / 4u * input_tiles;
    let chunk = item / tiles;
    if chunk >= job.chunks {
        return;
    }
    let input = item % tiles % input_tiles * 8u;
    let unit = item % tiles / input_tiles * 4u;
    let first_quad = chunk * job.quads;
    var low = mat4x4f();
    var high = mat4x4f();
    for (var quad = first_quad; quad < min(first_quad + job.quads, Q); quad++) {
        // Those that are not there are summed like the others, over some other values, and left out in the end.
        let x = (job.input + input) * Q + quad;
        let dy = (job.output + unit) * Q + quad;
        let d = mat4x4f(gradients[dy], gradients[dy + Q], gradients[dy + 2u * Q], gradients[dy + 3u * Q]);
        low += mat4x4f(values[x] * d, values[x + Q] * d, values[x + 2u * Q] * d, values[x + 3u * Q] * d);
        high += mat4x4f(values[x + 4u * Q] * d, values[x + 5u * Q] * d, values[x + 6u * Q] * d, values[x + 7u * Q] * d);
    }
    let at = job.partial + chunk * job.count + unit * job.channels + input;
    let left = job.channels - input;
    low = transpose(low);
    high = transpose(high);
    write_eight(at, left, low[0], high[0]);
    if unit + 1u < job.maps { write_eight(at + job.channels, left, low[1], high[1]); }
    if unit + 2u < job.maps { write_eight(at + 2u * job.channels, left, low[2], high[2]); }
    if unit + 3u < job.maps { write_eight(at + 3u * job.channels, left, low[3], high[3]); }
}

fn write_eight(at: u32, left: u32, low: vec4f, high: vec4f) {
    write_four(at, left, low);
    if left > 4u { write_four(at + 4u, left - 4u, high); }
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
    for (var sample = 16u * chunk; sample < min(16u * chunk + 16u, step.batch_size); sample++) {
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
