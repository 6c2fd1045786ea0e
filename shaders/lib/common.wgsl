// Declarations that stand before every kernel.
//
// A value of the network is Q vectors of four samples: buffers are [channel][row][column][sample] as in `crates/tensor`,
// `values[(offset + value) * Q + quad]`. Neighbouring invocations work on neighbouring samples, so their loads are contiguous and they
// multiply by the same weights.

// Vectors of four samples in a batch.
override Q: u32 = 16;

// `BufferLengths` in crates/gpu/src/layout.rs declares the lengths of the buffers, `STATE_LENGTH` and so on, before this file.

// Everything that changes from step to step, laid out as `Step` in crates/gpu/src/step.rs.
struct Step {
    seed: u32,
    number: u32,              // training steps before this one
    epoch: u32,
    first: u32,               // position of the batch's first image in the order of the epoch
    batch_size: u32,          // samples in use
    epoch_images: u32,        // images in the epoch
    slot: u32,                // where the result goes
    optimizer: u32,           // SGD, ADAM or ADAM_W
    learning_rate: f32,
    momentum_or_beta1: f32,   // momentum of SGD, beta1 of Adam
    nesterov_or_beta2: f32,   // 1 or 0 for SGD, beta2 of Adam
    eps: f32,
    step_size: f32,           // of Adam: learning_rate / (1 - beta1^t)
    root_correction: f32,     // of Adam: sqrt(1 - beta2^t)
    l1: f32,
    l2: f32,
    label_smoothing: f32,
    label_noise: f32,         // share of the training images with a wrong label
    penalize_all: f32,        // 1 if biases, scales and shifts are penalised, too
    rotation: f32,
    shift: f32,
    zoom: f32,
    shear: f32,
    elastic: f32,
    crop: f32,
}

// Values of `Step.optimizer`.
const SGD: u32 = 0u;
const ADAM: u32 = 1u;
const ADAM_W: u32 = 2u;

@group(0) @binding(0) var<uniform> step: Step;
// [parameters][gradients][first moments][second moments][running estimates][statistics][results]
@group(0) @binding(1) var<storage, read_write> state: array<f32, STATE_LENGTH>;
// Weights in the orders in which kernels read them, four output channels (forward) or four input channels (backward) to a vector.
@group(0) @binding(2) var<storage, read_write> packed: array<vec4f, PACKED_LENGTH>;
@group(0) @binding(3) var<storage, read_write> values: array<vec4f, VALUES_LENGTH>;
@group(0) @binding(4) var<storage, read_write> gradients: array<vec4f, VALUES_LENGTH>;
// For each pooled value the number of its window's largest pixel (0 to 3), in a byte for each of four samples.
@group(0) @binding(5) var<storage, read_write> argmax: array<u32, VALUES_LENGTH>;
// [labels][losses][hits] of the samples, then sums over parts of the batch, which `optimizer_step` adds up.
@group(0) @binding(6) var<storage, read_write> partials: array<f32, PARTIALS_LENGTH>;
// [training images][test images][training labels][test labels], in bytes.
@group(0) @binding(7) var<storage, read> data: array<u32, DATA_LENGTH>;

// Whether values are NaN, by their bits: a compiler may assume that `x != x` is false.
fn is_nan(x: vec4f) -> vec4<bool> {
    return (bitcast<vec4u>(x) & vec4u(0x7fffffffu)) > vec4u(0x7f800000u);
}

// 1 for each sample of the quad that is in use, else 0.
fn in_use(quad: u32) -> vec4f {
    return select(vec4f(0.0), vec4f(1.0), vec4u(4u * quad) + vec4u(0u, 1u, 2u, 3u) < vec4u(step.batch_size));
}
