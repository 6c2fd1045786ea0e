// Which images a batch has, and how they are distorted: the twin of crates/trainer/src/batch.rs and crates/data/src/augment.rs.
// A workgroup makes one sample: `input` [28][28][sample], in the middle of zeros if the first layer pads.

// Where the images, and their labels, begin in `data`, in bytes.
override IMAGES: u32;
override LABELS: u32;
// Where the input lies, its zeros on each side, and its width with them.
override OUTPUT: u32;
override PADDING: u32 = 0u;
// Images of the first epoch are shuffled within so many; a test set (0) is not shuffled or distorted.
override WINDOW: u32 = 5000u;
// Where the labels of the batch go in `partials`.
override BATCH_LABELS: u32;

const SIDE: u32 = 28u;
const PIXELS: u32 = 784u;
// Pixels between two knots of the elastic sheet, and knots across and down.
const KNOT: f32 = 7.0;
const KNOTS: u32 = 7u;

// Seen as single samples here: those of a vector are written by different workgroups.
@group(0) @binding(3) var<storage, read_write> samples: array<f32, 4u * VALUES_SIZE>;

var<workgroup> knots: array<f32, 98>;

fn byte(at: u32) -> f32 {
    return f32((data[at / 4u] >> (8u * (at % 4u))) & 255u);
}

// The number of the `at`-th image of the epoch: shard by shard in the first epoch, so that training can begin with the
// first shard.
fn training_image(at: u32) -> u32 {
    let window = select(step.images, WINDOW, step.epoch == 0u);
    let first = at / window * window;
    let size = min(window, step.images - first);
    return first + permute(step.seed + first, STREAM_SHUFFLE, step.epoch, size, at - first);
}

// Sine and cosine for up to half a turn, by polynomials: the built-in ones may be off by 2^-11. The twin of
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

// Weights of the four knots around a row or column: a uniform cubic B-spline.
fn spline(at: f32) -> vec4f {
    let t = fract(at / KNOT);
    let s = 1.0 - t;
    let t2 = t * t;
    let t3 = t2 * t;
    return vec4f(s * s * s, 3.0 * t3 - 6.0 * t2 + 4.0, -3.0 * t3 + 3.0 * t2 + 3.0 * t + 1.0, t3) / 6.0;
}

// How far the sheet moves a pixel, across (0) or down (1).
fn bend(axis: u32, row: vec4f, first_row: u32, column: vec4f, first_column: u32) -> f32 {
    var sum = 0.0;
    for (var k = 0u; k < 4u; k++) {
        var line = 0.0;
        for (var j = 0u; j < 4u; j++) {
            line += row[j] * knots[(axis * KNOTS + first_row + j) * KNOTS + first_column + k];
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

// The image between pixels.
fn between(image: u32, place: vec2f) -> f32 {
    let corner = floor(place);
    let share = place - corner;
    let x = i32(corner.x);
    let y = i32(corner.y);
    let upper = pixel(image, x, y) * (1.0 - share.x) + pixel(image, x + 1, y) * share.x;
    let lower = pixel(image, x, y + 1) * (1.0 - share.x) + pixel(image, x + 1, y + 1) * share.x;
    return (upper * (1.0 - share.y) + lower * share.y) / 255.0;
}

@compute @workgroup_size(64)
fn gather(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
    let sample = group.x;
    let used = sample < step.batch;
    var number = step.first + sample;
    if used && WINDOW > 0u {
        number = training_image(step.first + sample);
    }
    let image = IMAGES + number * PIXELS;
    let distorted = WINDOW > 0u
        && (step.rotation != 0.0 || step.shift != 0.0 || step.zoom != 0.0 || step.shear != 0.0 || step.elastic != 0.0 || step.crop != 0.0);
    if distorted && step.elastic != 0.0 {
        for (var i = local; i < 98u; i += 64u) {
            let four = symmetric(step.seed, STREAM_AUGMENT, step.epoch, number * 32u + 2u + i / 4u);
            knots[i] = four[i % 4u] * step.elastic;
        }
    }
    workgroupBarrier();
    let first = symmetric(step.seed, STREAM_AUGMENT, step.epoch, number * 32u);
    let second = symmetric(step.seed, STREAM_AUGMENT, step.epoch, number * 32u + 1u);
    let turn = sin_cos(first.x * step.rotation * 0.017453292);
    let scale = 1.0 / (1.0 + first.w * clamp(step.zoom, 0.0, 0.9));
    let shear = second.x * step.shear;
    // Whole steps from -crop to crop, each as likely.
    let steps = 2.0 * step.crop + 1.0;
    let whole = min(floor((second.yz + 1.0) * 0.5 * steps), vec2f(steps - 1.0)) - step.crop;
    let moved = first.yz * step.shift + whole;
    let middle = 13.5;
    let width = SIDE + 2u * PADDING;
    for (var i = local; i < PIXELS; i += 64u) {
        let row = i / SIDE;
        let column = i % SIDE;
        var value = 0.0;
        if used && distorted {
            let u = f32(column) - middle - moved.x;
            let v = f32(row) - middle - moved.y;
            var place = vec2f(
                scale * (turn.y * u + turn.x * v) + shear * v + middle,
                scale * (turn.y * v - turn.x * u) + middle,
            );
            if step.elastic != 0.0 {
                let down = spline(f32(row));
                let across = spline(f32(column));
                place += vec2f(
                    bend(0u, down, row / 7u, across, column / 7u),
                    bend(1u, down, row / 7u, across, column / 7u),
                );
            }
            value = between(image, place);
        } else if used {
            value = byte(image + i) / 255.0;
        }
        let at = OUTPUT + (row + PADDING) * width + column + PADDING;
        samples[at * Q * 4u + sample] = value;
    }
    if local == 0u && used {
        partials[BATCH_LABELS + sample] = byte(LABELS + number);
    }
}
