// What there is to do for losses and hits, and then for the parameters in their order: the twin of `Job` in crates/gpu/src/jobs.rs.

const LOSSES: u32 = 4u;

struct Job {
    kind: u32,             // 0: convolution, 1: dense layer, 2: biases of either, 3: no work here, 4: losses and hits
    first_group: u32,      // its workgroups begin here
    parameter: u32,        // its parameters in `state` begin here,
    count: u32,            // so many
    partial: u32,          // their partial sums in `partials`, [chunk][parameter], begin here,
    chunks: u32,           // so many
    input: u32,            // padded input [channels][height][width]
    channels: u32,
    height: u32,
    width: u32,
    kernel_rows: u32,
    kernel_columns: u32,
    stride: u32,
    output: u32,           // [maps][out_height][out_width], before pooling
    maps: u32,
    out_height: u32,
    out_width: u32,
    quads: u32,            // quads of samples to a chunk
    forward: u32,          // where `update` packs the weights
    backward: u32,
    map_tile: u32,         // maps whose weights are packed side by side: 4, or 6 and two empty places
    channel_tile: u32,     // channels, for the way back
    penalized: u32,
    first_update: u32,     // its workgroups in `update` begin here
}

@group(0) @binding(8) var<storage, read> jobs: array<Job, JOBS>;
