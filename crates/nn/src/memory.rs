//! The memory that a training takes, in bytes, known before anything is allocated. Engine, page and GPU refuse
//! by it what would not fit.

use crate::mnist::PIXELS;
use crate::plan::{Op, Plan};
use crate::spec::NetworkSpec;
pub use crate::summary::MAX_BYTES;
use crate::summary::SpecError;
use std::ops::Range;
use tensor::conv2d::{Conv2d, Convolution, ScratchSize};
use tensor::pool::Pool2d;
use tensor::{BLOCK, Lanes};

/// What a session takes beside its training.
const SESSION_BYTES: u64 = 200_000;

/// The memory of a training.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Footprint {
    /// Everything that grows with the parameters: on each core the parameters, their gradients, the optimizer's
    /// state, packed weights and sums; once, the checkpoints that the session keeps, and the copy of the network that
    /// it evaluates where training stops; and messages.
    pub weights: u64,
    /// Activations, their gradients and scratch memory of one block of sixteen images, on each core and in that copy.
    pub block: u64,
    /// The images of the batch, and activations and gradients of all its further blocks. Without batch
    /// normalisation those are not kept.
    pub batch: u64,
    /// What is taken beside these now and then: the file of the run and a copy of it, while it is stored; and the
    /// block that finds where a training diverged, beyond the blocks that are freed before, or that which a single step is
    /// reported from. A saliency map takes less: the gradients of the parameters, which it computes by the way.
    pub occasional: u64,
}

impl Footprint {
    /// The memory of a training in batches of `batch` images on `cores` cores.
    ///
    /// # Errors
    /// If the layers do not fit together.
    ///
    /// ```
    /// use nn::memory::Footprint;
    /// use nn::preset::Preset;
    ///
    /// let bytes = |batch, cores| Footprint::new(&Preset::LeNet5.network(), batch, cores).map(|f| f.total());
    /// assert!(bytes(64, 1)? < 20_000_000);
    /// assert!(bytes(64, 7)? < 80_000_000);
    /// # Ok::<(), nn::summary::SpecError>(())
    /// ```
    pub fn new(network: &NetworkSpec, batch: usize, cores: usize) -> Result<Self, SpecError> {
        let (plan, inspected) = (Plan::new(network)?, Plan::for_inspection(network)?);
        let blocks = batch.div_ceil(BLOCK).max(1);
        let cores = cores.clamp(1, blocks);
        let of_core = blocks.div_ceil(cores);
        let (parameters, running) = (plan.parameter_count() as u64, plan.running_count() as u64);
        let phases = (0..plan.phases()).map(|phase| plan.contribution(plan.phase(phase)).len());
        let contribution = phases.max().unwrap_or(0) as u64;
        // A shard of n blocks has at most log2(n) + 1 sums at a time, which then go to the sum over the batch.
        let own_sums = u64::from(of_core.ilog2() + 1);
        let sent = (0..cores).map(|shard| partial_sums(blocks * shard / cores..blocks * (shard + 1) / cores));
        let sent = sent.sum::<u64>();
        let other_sums = u64::from(of_core.count_ones()) + (cores as u64 - 1);
        // Parameters, gradients, total, and two moments.
        let replica = 5 * parameters + 2 * running + (own_sums + other_sums) * contribution;
        // Two healthy checkpoints.
        let session = 2 * (3 * parameters + running);
        // The state that workers get; messages between each two cores, sent and received.
        let others = cores as u64 - 1;
        let state = if others > 0 { 3 * parameters + running } else { 0 };
        let messages = state + 2 * others * sent * contribution;
        // The batch, on its way, and in the shards.
        let images = batch as u64 * (PIXELS as u64 + 5) * (1 + 2 * others.min(2));
        let weights = |plan: &Plan| {
            convolutions(plan).map(|(geometry, pool)| Convolution::bytes(geometry, pool)).sum::<u64>()
        };
        let all = cores as u64;
        let keeps_all = plan.segments.len() > 1;
        let kept = if keeps_all { blocks as u64 - all.min(blocks as u64) } else { 0 };
        let freed = if keeps_all { of_core as u64 } else { 1 } * block_bytes(&plan);
        let inspected_block = block_bytes(&inspected) + scratch_bytes(&inspected);
        let trace = inspected_block + weights(&inspected);
        let copy = 4 * (parameters + running) + weights(&inspected);
        let file = checkpoint_bytes(parameters, running);
        let report = 4 * parameters + block_bytes(&plan) + scratch_bytes(&plan) + weights(&plan);
        Ok(Self {
            weights: all * (4 * replica + weights(&plan) + weights(&inspected))
                + 4 * session
                // The copy is made when no messages are under way.
                + (4 * messages).saturating_sub(inspected_block).max(copy),
            block: SESSION_BYTES
                + all * (block_bytes(&plan) + scratch_bytes(&plan))
                + (all + 1) * inspected_block,
            batch: kept * block_bytes(&plan) + images,
            occasional: 2 * file + trace.saturating_sub(freed).max(report),
        })
    }

    /// What it takes while it trains.
    pub fn total(&self) -> u64 {
        self.weights + self.block + self.batch
    }

    /// The most that it takes.
    pub fn peak(&self) -> u64 {
        self.total() + self.occasional
    }
}

/// Bytes of a run in memory or in a file: the parameters, two moments and the gradients, and the running estimates.
pub fn checkpoint_bytes(parameters: u64, running: u64) -> u64 {
    4 * (4 * parameters + running)
}

/// Number of partial sums, each over a node of the tree of blocks, that a shard of these blocks sends.
fn partial_sums(blocks: Range<usize>) -> u64 {
    let (mut at, mut count) = (blocks.start, 0);
    while at < blocks.end {
        let aligned = if at == 0 { usize::MAX.ilog2() } else { at.trailing_zeros() };
        at += 1 << aligned.min((blocks.end - at).ilog2());
        count += 1;
    }
    count
}

/// Bytes of the activations of one block and their gradients.
pub fn block_bytes(plan: &Plan) -> u64 {
    2 * (size_of::<Lanes>() * plan.arena) as u64
}

/// The geometry of each convolution, and the max pooling that follows it.
fn convolutions(plan: &Plan) -> impl Iterator<Item = (Conv2d, Option<Pool2d>)> + '_ {
    plan.ops.iter().enumerate().filter_map(|(at, op)| match op {
        Op::Conv2d { geometry, .. } => Some((*geometry, plan.pooling(at).map(|(pool, _)| pool))),
        _ => None,
    })
}

fn scratch_bytes(plan: &Plan) -> u64 {
    let sizes = convolutions(plan).map(|(geometry, pool)| ScratchSize::of(geometry, pool));
    let samples = (4 * BLOCK * plan.input.shape.len()) as u64;
    sizes.fold(ScratchSize::default(), ScratchSize::max).bytes() + samples
}

/// The largest number of cores, up to `cores`, on which a training takes at most `budget` bytes; at least one.
pub fn max_cores(network: &NetworkSpec, batch: usize, cores: usize, budget: u64) -> usize {
    let fits = |cores: &usize| Footprint::new(network, batch, *cores).is_ok_and(|f| f.peak() <= budget);
    (2..=cores).rev().find(fits).unwrap_or(1)
}

/// Checks that a training takes at most `budget` bytes on one core.
///
/// # Errors
/// A sentence that says what to lower.
pub fn check(network: &NetworkSpec, batch: usize, budget: u64) -> Result<(), String> {
    let bytes = |batch| Footprint::new(network, batch, 1).map_err(|e| e.message);
    let footprint = bytes(batch)?;
    if footprint.peak() <= budget {
        return Ok(());
    }
    let gigabytes = |bytes: u64| format!("{:.1} GB", bytes as f64 / 1e9);
    let (takes, has) = (gigabytes(footprint.peak()), gigabytes(budget));
    let mut smaller = (0..16).rev().map(|power| 1_usize << power).filter(|smaller| *smaller < batch);
    let fitting = smaller.find(|smaller| bytes(*smaller).is_ok_and(|f| f.peak() <= budget));
    Err(match fitting {
        Some(smaller) => format!(
            "In batches of {batch} images this network takes {takes} of memory, and there are {has}: lower the \
             batch size to {smaller}, or use fewer maps or layers."
        ),
        None if footprint.weights > footprint.block + footprint.batch => format!(
            "This network takes {takes} of memory, most of it for its weights, and there are {has}: use smaller \
             or fewer dense layers, or fewer maps."
        ),
        None => format!(
            "This network takes {takes} of memory, most of it for its maps, and there are {has}: use fewer maps, \
             fewer layers, or pooling before them."
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preset::Preset;
    use crate::spec::{LayerSpec, Shape};
    use wasm_bindgen_test::wasm_bindgen_test;

    fn network(layers: &[LayerSpec]) -> NetworkSpec {
        let end = [LayerSpec::Flatten, LayerSpec::Linear { out_features: 10 }];
        NetworkSpec { input: Shape::maps(1, 28, 28), layers: layers.iter().chain(&end).copied().collect() }
    }

    fn conv(out_channels: usize) -> LayerSpec {
        LayerSpec::Conv2d { out_channels, kernel_size: 3, stride: 1, padding: 1 }
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn what_does_not_fit_is_told_what_to_lower() {
        let normalized = network(&[conv(64), LayerSpec::BatchNorm, conv(64), LayerSpec::BatchNorm]);
        let sentence = check(&normalized, 1024, MAX_BYTES).unwrap_err();
        assert!(sentence.contains("lower the batch size to "), "{sentence}");
        let smaller = sentence.split("lower the batch size to ").nth(1).unwrap();
        let smaller: usize = smaller.split(',').next().unwrap().parse().unwrap();
        assert!(check(&normalized, smaller, MAX_BYTES).is_ok() && smaller >= 64, "{sentence}");
        assert!(check(&normalized, 2 * smaller, MAX_BYTES).is_err(), "{sentence}");

        let wide = network(&[LayerSpec::Flatten, LayerSpec::Linear { out_features: 15_000 }]);
        let sentence = check(&wide, 1, MAX_BYTES / 2).unwrap_err();
        assert!(sentence.contains("dense layers"), "{sentence}");

        let sentence = check(&network(&[conv(64); 12]), 16, MAX_BYTES / 4).unwrap_err();
        assert!(sentence.contains("fewer maps"), "{sentence}");
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn presets_fit_a_phone_in_every_batch_and_seven_cores_fit_in_ordinary_ones() {
        for preset in Preset::ALL {
            for batch in [1, 64, 1024] {
                assert!(check(&preset.network(), batch, 300_000_000).is_ok(), "{preset:?} {batch}");
            }
            assert_eq!(max_cores(&preset.network(), 64, 7, 245_000_000), 7, "{preset:?}");
        }
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn fewer_cores_train_what_takes_much_memory() {
        let large = network(&[conv(64); 4]);
        let of_one = Footprint::new(&large, 1024, 1).unwrap().peak();
        assert_eq!(max_cores(&large, 1024, 8, of_one), 1);
        let some = max_cores(&large, 1024, 8, 4 * of_one);
        assert!((3..=5).contains(&some), "{some} cores");
    }
}
