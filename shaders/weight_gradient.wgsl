// Gradients of the weights and biases of all convolutional and dense layers, in one dispatch: the twin of `weight_gradient` in
// crates/tensor/src/conv2d.rs and dense.rs.
//
// One invocation for each weight would be 150 invocations of 50,000 steps for LeNet's first layer. So sums are split over
// (sample, row): each invocation sums some weights over some quads of samples and one row of the output, and `update` adds
// these partial sums, always in the same order. There are no atomic additions of floats, and none are needed.

// The gradient of pixel (row, column) of the convolution's own output: `position` is its number in the window, if pooled.
fn output_gradient(job: Job, map: u32, row: u32, column: u32, quad: u32) -> vec4f {
    if job.pooled == 0u {
        return gradients[(job.output + (map * job.out_height + row) * job.out_width + column) * Q + quad];
    }
    let value = (map * (job.out_height / 2u) + row / 2u) * (job.out_width / 2u) + column / 2u;
    let winner = (vec4u(winners[(job.winners + value) * Q + quad]) >> vec4u(0u, 8u, 16u, 24u)) & vec4u(255u);
    return select(vec4f(0.0), gradients[(job.output + value) * Q + quad], winner == vec4u(row % 2u * 2u + column % 2u));
}

fn sum(v: vec4f) -> f32 {
    return (v.x + v.y) + (v.z + v.w);
}

// Two maps, a channel, a row of the kernel, five of its columns: over one row of the output.
fn convolution(job: Job, item: u32) {
    let rows = select(job.out_height, job.out_height / 2u * 2u, job.pooled != 0u);
    let columns = select(job.out_width, job.out_width / 2u * 2u, job.pooled != 0u);
    let column_tiles = (job.kernel_columns + 4u) / 5u;
    let tiles = (job.maps + 1u) / 2u * job.channels * job.kernel_rows * column_tiles;
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
    let map = rest / job.channels * 2u;
    let other = min(map + 1u, job.maps - 1u);
    let row = chunk % rows;
    let first_quad = chunk / rows * job.quads;
    var s0 = vec4f(0.0); var s1 = vec4f(0.0); var s2 = vec4f(0.0); var s3 = vec4f(0.0); var s4 = vec4f(0.0);
    var t0 = vec4f(0.0); var t1 = vec4f(0.0); var t2 = vec4f(0.0); var t3 = vec4f(0.0); var t4 = vec4f(0.0);
    let line = job.input + (channel * job.height + row * job.stride + ky) * job.width + kx;
    // Columns of the kernel that are not there are summed like the others and left out in the end; what they read is some
    // other pixel.
    for (var column = 0u; column < columns; column++) {
        for (var quad = first_quad; quad < min(first_quad + job.quads, Q); quad++) {
            let dy = output_gradient(job, map, row, column, quad);
            let dz = output_gradient(job, other, row, column, quad);
            let at = (line + column * job.stride) * Q + quad;
            let x0 = values[at];
            let x1 = values[at + Q];
            let x2 = values[at + 2u * Q];
            let x3 = values[at + 3u * Q];
            let x4 = values[at + 4u * Q];
            s0 += dy * x0; s1 += dy * x1; s2 += dy * x2; s3 += dy * x3; s4 += dy * x4;
            t0 += dz * x0; t1 += dz * x1; t2 += dz * x2; t3 += dz * x3; t4 += dz * x4;
        }
    }
    let size = job.channels * job.kernel_rows * job.kernel_columns;
    let weight = job.partial + chunk * job.count + map * size + (channel * job.kernel_rows + ky) * job.kernel_columns + kx;
    let left = job.kernel_columns - kx;
    write_five(weight, left, sum(s0), sum(s1), sum(s2), sum(s3), sum(s4));
    if map + 1u < job.maps {
        write_five(weight + size, left, sum(t0), sum(t1), sum(t2), sum(t3), sum(t4));
    }
}

fn write_five(at: u32, left: u32, a: f32, b: f32, c: f32, d: f32, e: f32) {
    partials[at] = a;
    if left > 1u { partials[at + 1u] = b; }
    if left > 2u { partials[at + 2u] = c; }
    if left > 3u { partials[at + 3u] = d; }
    if left > 4u { partials[at + 4u] = e; }
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

// The bias of one map: over one row of what is written (pooled or not), and all samples of some quads.
fn bias(job: Job, item: u32) {
    let map = item % job.maps;
    let chunk = item / job.maps;
    if chunk >= job.chunks {
        return;
    }
    let height = select(job.out_height, job.out_height / 2u, job.pooled != 0u);
    let width = select(job.out_width, job.out_width / 2u, job.pooled != 0u);
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
        default: {}
    }
}
