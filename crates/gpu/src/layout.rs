//! Where everything lies in the buffers that all kernels share.

use nn::mnist;
use nn::plan::Plan;

/// Which images an executor reads, and whether it trains on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pass {
    /// Forward, backward and update on the training set.
    Training,
    /// Forward and loss on the test set.
    Evaluation,
}

// The data set's buffer: `[training images][test images][training labels][test labels]`, in bytes.
/// Byte offset of the test images.
pub(crate) const TEST_IMAGES_OFFSET: u64 = (mnist::TRAIN_IMAGES * mnist::PIXELS) as u64;
/// Byte offset of the training labels.
pub(crate) const TRAIN_LABELS_OFFSET: u64 = TEST_IMAGES_OFFSET + (mnist::TEST_IMAGES * mnist::PIXELS) as u64;
/// Byte offset of the test labels.
pub(crate) const TEST_LABELS_OFFSET: u64 = TRAIN_LABELS_OFFSET + mnist::TRAIN_IMAGES as u64;
/// Bytes of the whole buffer.
pub(crate) const DATA_BYTES: u64 = TEST_LABELS_OFFSET + mnist::TEST_IMAGES as u64;

/// Steps in one submission. Each has a slot for its results, which the submission copies out.
pub(crate) const MAX_STEPS: u32 = 64;
/// Samples whose losses and hits one invocation of `weight_gradient` adds up.
pub(crate) const LOSS_CHUNK: u32 = 16;

/// Offsets in `state` and `partials`, in numbers.
///
/// `state` is `[parameters][gradients][first moments][second moments][running estimates][statistics][results]`, and `partials` begins
/// with `[labels][losses][hits]` of the batch's samples.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Layout {
    /// Vectors of four samples in a batch.
    pub(crate) quads: u32,
    /// Parameters of the network.
    pub(crate) parameters: u32,
    /// Running means and variances of the network.
    pub(crate) running_count: u32,
}

impl Layout {
    pub(crate) fn new(plan: &Plan, batch_size: usize) -> Self {
        Self {
            quads: batch_size.div_ceil(4) as u32,
            parameters: plan.parameter_count() as u32,
            running_count: plan.running_count() as u32,
        }
    }

    pub(crate) const fn gradients(&self) -> u32 {
        self.parameters
    }

    pub(crate) const fn first_moments(&self) -> u32 {
        2 * self.parameters
    }

    pub(crate) const fn second_moments(&self) -> u32 {
        3 * self.parameters
    }

    pub(crate) const fn running(&self) -> u32 {
        4 * self.parameters
    }

    /// Length of the part that is read back as a training's state: up to the end of the running estimates.
    pub(crate) const fn saved(&self) -> u32 {
        self.running() + self.running_count
    }

    /// Four numbers for each normalised channel, where the running estimates have two.
    pub(crate) const fn statistics(&self) -> u32 {
        self.saved()
    }

    /// Loss and hits of each step of a submission.
    pub(crate) const fn results(&self) -> u32 {
        self.statistics() + 2 * self.running_count
    }

    pub(crate) const fn state_len(&self) -> u32 {
        self.results() + 2 * MAX_STEPS
    }

    pub(crate) const fn labels(&self) -> u32 {
        0
    }

    pub(crate) const fn losses(&self) -> u32 {
        4 * self.quads
    }

    pub(crate) const fn hits(&self) -> u32 {
        8 * self.quads
    }

    /// Partial sums of losses and hits, of [`LOSS_CHUNK`] samples each.
    pub(crate) const fn loss_sums(&self) -> u32 {
        12 * self.quads
    }

    /// All other partial sums.
    pub(crate) const fn partial_sums(&self) -> u32 {
        self.loss_sums() + 2 * (4 * self.quads).div_ceil(LOSS_CHUNK)
    }
}

/// Lengths of the shared buffers, in elements of their type in `shaders/lib`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BufferLengths {
    /// Numbers in `state`.
    pub(crate) state: u64,
    /// Vectors of four weights in `packed`.
    pub(crate) packed: u64,
    /// Vectors of four samples in `values`, in `gradients`, and words in `argmax`.
    pub(crate) values: u64,
    /// Numbers in `partials`.
    pub(crate) partials: u64,
    /// Rows of the table `reductions`.
    pub(crate) reductions: u64,
}

impl BufferLengths {
    /// Bytes of `state`, `packed`, `values`, `gradients`, `argmax` and `partials`.
    pub(crate) const fn bytes(&self) -> [u64; 6] {
        let Self { state, packed, values, partials, .. } = *self;
        [4 * state, 16 * packed, 16 * values, 16 * values, 4 * values, 4 * partials]
    }

    /// The lengths as WGSL constants. Were they unknown to the compiler, every load would compute one from the size of its buffer first,
    /// with a division; on SwiftShader that is half of what a load takes.
    pub(crate) fn declarations(&self) -> String {
        let lengths = [
            ("STATE_LENGTH", self.state),
            ("PACKED_LENGTH", self.packed),
            ("VALUES_LENGTH", self.values),
            ("PARTIALS_LENGTH", self.partials),
            ("DATA_LENGTH", DATA_BYTES / 4),
            ("REDUCTIONS", self.reductions),
        ];
        lengths.map(|(name, length)| format!("const {name}: u32 = {length}u;\n")).concat()
    }
}
