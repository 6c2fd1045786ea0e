// The table of sums over the batch: losses and hits first, then each parameter tensor in its order. Laid out as `Reduction` in
// crates/gpu/src/reduction.rs.

// Values of `Reduction.kind`.
const CONV2D_WEIGHT: u32 = 0u;
const LINEAR_WEIGHT: u32 = 1u;
const BIAS: u32 = 2u;
// Parameters whose partial sums another kernel makes.
const OTHER: u32 = 3u;
const LOSS_AND_HITS: u32 = 4u;

struct Reduction {
    kind: u32,
    first_workgroup: u32,          // of its workgroups in `weight_gradient`
    parameter: u32,                // offset of its parameters in `state`
    count: u32,                    // of its parameters
    partial: u32,                  // offset of its partial sums in `partials`, [chunk][parameter]
    chunks: u32,                   // partial sums of each parameter
    input: u32,                    // offset of the padded input [in_channels][height][width] in `values`; of the losses in `partials`
    in_channels: u32,
    height: u32,
    width: u32,
    kernel_height: u32,
    kernel_width: u32,
    stride: u32,
    output_gradient: u32,          // offset of [out_channels][out_height][out_width], before pooling, in `gradients`; of the hits in `partials`
    out_channels: u32,
    out_height: u32,
    out_width: u32,
    chunk_quads: u32,              // quads of samples in a chunk
    forward_weights: u32,          // offset in `packed` of the weights that the forward kernel reads
    backward_weights: u32,         // and of those that the kernel for the input's gradient reads
    out_channel_tile: u32,         // output channels whose forward weights are packed side by side: 4, or 6 and two empty places
    in_channel_tile: u32,          // input channels whose backward weights are packed side by side
    penalized: u32,                // 1 for weights, which penalties always include
    first_update_workgroup: u32,   // of its workgroups in `optimizer_step`
}

@group(0) @binding(8) var<storage, read> reductions: array<Reduction, REDUCTIONS>;
