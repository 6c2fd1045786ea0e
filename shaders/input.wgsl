// The input of a step: chooses the batch's images and distorts them. Computes the same as crates/trainer/src/batch.rs and
// crates/data/src/augment.rs.
//
// A workgroup computes seven rows of four samples of the input [28][28][sample], which lies in the middle of zeros if the first layer pads.
// Each of its invocations computes four pixels of each sample, which lie in one word of `data`.

// Offsets of images and labels in `data`, in bytes.
override IMAGES: u32;
override LABELS: u32;
// Offset of the input, and its zeros on each side.
override OUTPUT: u32;
override PADDING: u32 = 0u;
// The first epoch shuffles within windows of this many images. The test set (0) is not shuffled.
override WINDOW: u32;
// Offset of the batch's labels in `partials`.
override BATCH_LABELS: u32;
// Whether the images are distorted. That is a pipeline of its own, because SwiftShader runs both sides of a branch.
override DISTORTS: bool = false;

const SIDE: u32 = 28u;
const PIXELS: u32 = 784u;
// Pixels between two knots of the elastic displacement, and knots across and down.
const KNOT: f32 = 7.0;
const KNOTS: u32 = 7u;

struct Sample {
    image: u32,           // offset in `data`, in bytes
    used: bool,           // whether the batch has this sample
    rotation: vec2f,      // sine and cosine
    scale: f32,
    shear: f32,
    translation: vec2f,
}

var<workgroup> samples: array<Sample, 4>;
// Displacements of the knots, [sample][across, down][KNOTS][KNOTS].
var<workgroup> knots: array<f32, 392>;

fn byte(at: u32) -> f32 {
    return f32((data[at / 4u] >> (8u * (at % 4u))) & 255u);
}

// The number of the image at position `at` of the epoch. The first epoch goes shard by shard, so that training can start with the first
// shard.
fn training_image(at: u32) -> u32 {
    let window = select(step.epoch_images, WINDOW, step.epoch == 0u);
    let first = at / window * window;
    let size = min(window, step.epoch_images - first);
    return first + permute(step.seed + first, STREAM_SHUFFLE, step.epoch, size, at - first);
}

// Sine and cosine for up to half a turn, by polynomials, because the built-in functions may be off by 2^-11. Computes the same as
// `tensor::math::sin_cos`.
fn sin_cos(angle: f32) -> vec2f {
    let quarter = round(angle * 0.63661977);
    let r = angle - quarter * 1.5707964;
    let r2 = r * r;
    let s = r + r * r2 * (-0.16666667 + r2 * (8.333333e-3 + r2 * -1.984127e-4));
    let c = 1.0 + r2 * (-0.5 + r2 * (4.1666667e-2 + r2 * (-1.3888889e-3 + r2 * 2.4801587e-5)));
    let turned = select(vec2f(s, c), vec2f(c, -s), (i32(quarter) & 1) != 0);
    return select(turned, -turned, (i32(quarter) & 2) != 0);
}

// Weights of the four knots around row or column `at`: a uniform cubic B-spline.
fn spline(at: f32) -> vec4f {
    let t = fract(at / KNOT);
    let s = 1.0 - t;
    let t2 = t * t;
    let t3 = t2 * t;
    return vec4f(s * s * s, 3.0 * t3 - 6.0 * t2 + 4.0, -3.0 * t3 + 3.0 * t2 + 3.0 * t + 1.0, t3) / 6.0;
}

// Elastic displacement of a pixel. Each sample has two sheets of knots: 2 * sample across, and 2 * sample + 1 down.
fn displacement(sheet: u32, row: vec4f, first_row: u32, column: vec4f, first_column: u32) -> f32 {
    var sum = 0.0;
    for (var k = 0u; k < 4u; k++) {
        var line = 0.0;
        for (var j = 0u; j < 4u; j++) {
            line += row[j] * knots[(sheet * KNOTS + first_row + j) * KNOTS + first_column + k];
        }
        sum += column[k] * line;
    }
    return sum;
}

fn pixel(image: u32, x: i32, y: i32) -> f32 {
    if x < 0 || y < 0 || x >= 28 || y >= 28 {
        return 0.0;
    }
    return byte(image + u32(y) * SIDE + u32(x));
}

// Bilinear interpolation at `position`, from 0 to 1.
fn interpolate(image: u32, position: vec2f) -> f32 {
    let corner = floor(position);
    let share = position - corner;
    let x = i32(corner.x);
    let y = i32(corner.y);
    let upper = pixel(image, x, y) * (1.0 - share.x) + pixel(image, x + 1, y) * share.x;
    let lower = pixel(image, x, y + 1) * (1.0 - share.x) + pixel(image, x + 1, y + 1) * share.x;
    return (upper * (1.0 - share.y) + lower * share.y) / 255.0;
}

// The label of an image: of training images a share is wrong. Computes the same as `nn::random::noisy_label`.
fn label_of(number: u32) -> f32 {
    let label = byte(LABELS + number);
    let word = pcg4d(vec4u(step.seed, STREAM_LABELS, 0u, number));
    if f32(word.x >> 8u) >= step.label_noise * 16777216.0 {
        return label;
    }
    return f32((u32(label) + 1u + word.y % 9u) % 10u);
}

// The number of the image that is sample number `sample` of the batch.
fn number(sample: u32) -> u32 {
    if WINDOW > 0u && sample < step.batch_size {
        return training_image(step.first + sample);
    }
    return step.first + sample;
}

fn sample_of(number: u32, used: bool) -> Sample {
    let first = symmetric(step.seed, STREAM_AUGMENT, step.epoch, number * 32u);
    let second = symmetric(step.seed, STREAM_AUGMENT, step.epoch, number * 32u + 1u);
    // Whole pixels from -crop to crop, with equal probability.
    let choices = 2.0 * step.crop + 1.0;
    let crop = min(floor((second.yz + 1.0) * 0.5 * choices), vec2f(choices - 1.0)) - step.crop;
    return Sample(
        IMAGES + number * PIXELS,
        used,
        sin_cos(first.x * step.rotation * 0.017453292),
        1.0 / (1.0 + first.w * clamp(step.zoom, 0.0, 0.9)),
        second.x * step.shear,
        first.yz * step.shift + crop,
    );
}

// One pixel of a distorted sample.
fn distorted(i: u32, row: u32, column: u32) -> f32 {
    let sample = samples[i];
    let middle = 13.5;
    let u = f32(column) - middle - sample.translation.x;
    let v = f32(row) - middle - sample.translation.y;
    var position = vec2f(
        sample.scale * (sample.rotation.y * u + sample.rotation.x * v) + sample.shear * v + middle,
        sample.scale * (sample.rotation.y * v - sample.rotation.x * u) + middle,
    );
    if step.elastic != 0.0 {
        let down = spline(f32(row));
        let across = spline(f32(column));
        position += vec2f(
            displacement(2u * i, down, row / 7u, across, column / 7u),
            displacement(2u * i + 1u, down, row / 7u, across, column / 7u),
        );
    }
    return interpolate(sample.image, position);
}

// Four pixels of a sample, from `column` on.
fn pixels(i: u32, row: u32, column: u32) -> vec4f {
    var all: vec4f;
    if DISTORTS {
        for (var k = 0u; k < 4u; k++) {
            all[k] = distorted(i, row, column + k);
        }
    } else {
        let word = data[(samples[i].image + row * SIDE + column) / 4u];
        all = vec4f((vec4u(word) >> vec4u(0u, 8u, 16u, 24u)) & vec4u(255u)) / 255.0;
    }
    return select(vec4f(0.0), all, samples[i].used);
}

@compute @workgroup_size(64)
fn input(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
    let quad = group.x / 4u;
    if local < 4u {
        let sample = 4u * quad + local;
        let used = sample < step.batch_size;
        let number = number(sample);
        samples[local] = sample_of(number, used);
        if group.x % 4u == 0u && used {
            partials[BATCH_LABELS + sample] = label_of(number);
        }
    }
    workgroupBarrier();
    if DISTORTS {
        for (var i = local; i < 392u; i += 64u) {
            let number = (samples[i / 98u].image - IMAGES) / PIXELS;
            let knot = symmetric(step.seed, STREAM_AUGMENT, step.epoch, number * 32u + 2u + i % 98u / 4u);
            knots[i] = knot[i % 98u % 4u] * step.elastic;
        }
        workgroupBarrier();
    }
    if local >= 49u {
        return;
    }
    let row = group.x % 4u * 7u + local / 7u;
    let column = local % 7u * 4u;
    var all: array<vec4f, 4>;
    for (var i = 0u; i < 4u; i++) {
        all[i] = pixels(i, row, column);
    }
    let at = (OUTPUT + (row + PADDING) * (SIDE + 2u * PADDING) + column + PADDING) * Q + quad;
    for (var k = 0u; k < 4u; k++) {
        values[at + k * Q] = vec4f(all[0][k], all[1][k], all[2][k], all[3][k]);
    }
}
