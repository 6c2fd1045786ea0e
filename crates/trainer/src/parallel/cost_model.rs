//! The cost of a training step on several cores, and the number of cores that makes it smallest.

use nn::plan::{Op, Plan};
use tensor::BLOCK;

/// Multiply-adds a millisecond on one core. The backward pass and everything else count as twice the forward
/// pass. Measured: 22 million for LeNet, 32 million for a linear layer on mostly empty images.
const MULTIPLY_ADDS_PER_MS: f64 = 25e6;
/// Milliseconds that each further core costs for a parameter: its gradient is copied out, copied in and
/// added.
const PARAMETER_MS: f64 = 4e-6;
/// Milliseconds from one core to another and back, once for each phase of a step.
const PHASE_MS: f64 = 0.1;

/// The number of cores, up to `cores`, on which a step on a batch of `batch` samples is fastest.
///
/// At batch 64, the MLP 784-128-10 took 0.76 ms a step on two cores and 0.63 on one; LeNet-5 takes 2.3 on two
/// and 3.7 on one (wasm in Chromium 156, Zen 4). The constants were fitted to these.
///
/// ```
/// use nn::plan::Plan;
/// use nn::preset::Preset;
/// use trainer::parallel::cost_model::optimal_core_count;
///
/// let plan = Plan::new(&Preset::LeNet5.network())?;
/// assert_eq!(optimal_core_count(&plan, 64, 2), 2);
/// // A block of sixteen samples is not divided.
/// assert_eq!(optimal_core_count(&plan, 16, 8), 1);
/// # Ok::<(), nn::summary::SpecError>(())
/// ```
pub fn optimal_core_count(plan: &Plan, batch: usize, cores: usize) -> usize {
    let of = |op: &Op| match op {
        Op::Conv2d { geometry, .. } => geometry.weights() as u64 * geometry.output().plane() as u64,
        _ => 0,
    };
    // As floats: for the largest networks the products exceed 32 bits.
    let multiply_adds: f64 = plan.ops.iter().map(of).map(|count| count as f64).sum();
    let blocks = batch.div_ceil(BLOCK);
    let step_ms = |cores: &usize| {
        let shard = (blocks.div_ceil(*cores) * BLOCK).min(batch);
        let sums = (cores - 1) as f64 * PARAMETER_MS * plan.parameter_count() as f64;
        let messages = if *cores > 1 { PHASE_MS * plan.phases() as f64 } else { 0.0 };
        3.0 * multiply_adds * shard as f64 / MULTIPLY_ADDS_PER_MS + sums + messages
    };
    (1..=cores.max(1)).min_by(|a, b| step_ms(a).total_cmp(&step_ms(b))).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::optimal_core_count;
    use nn::plan::Plan;
    use nn::preset::Preset;
    use nn::spec::{LayerSpec, NetworkSpec, Shape};
    use wasm_bindgen_test::wasm_bindgen_test;

    // In WebAssembly, too, where `usize` has 32 bits.
    #[wasm_bindgen_test(unsupported = test)]
    fn convolutions_are_shared_and_small_linear_layers_are_not() {
        let optimum = |network: &NetworkSpec, batch, cores| {
            optimal_core_count(&Plan::new(network).unwrap(), batch, cores)
        };
        for preset in [Preset::LeNet5, Preset::LeNetTricks, Preset::LeNet1998] {
            assert_eq!(optimum(&preset.network(), 64, 2), 2, "{preset:?}");
            assert_eq!(optimum(&preset.network(), 64, 1), 1, "{preset:?}");
            assert_eq!(optimum(&preset.network(), 16, 8), 1, "{preset:?}: one block is not divided");
        }
        assert_eq!(optimum(&Preset::Mlp30.network(), 64, 8), 1);
        let mut wide = Preset::Mlp30.network();
        for layer in &mut wide.layers {
            if let LayerSpec::Linear { out_features } = layer
                && *out_features == 30
            {
                *out_features = 128;
            }
        }
        assert_eq!(optimum(&wide, 64, 2), 1);
        assert_eq!(optimum(&wide, 512, 2), 2, "a large batch pays for its messages");
        // 2.2e12 multiply-adds a step.
        let conv = LayerSpec::Conv2d { out_channels: 64, kernel_size: 15, stride: 1, padding: 7 };
        let end = [LayerSpec::Flatten, LayerSpec::Linear { out_features: 10 }];
        let huge = [conv, LayerSpec::Relu, conv, LayerSpec::Relu].into_iter().chain(end).collect();
        let huge = NetworkSpec { input: Shape::maps(1, 28, 28), layers: huge };
        for batch in [128, 256, 1024, 4096] {
            assert_eq!(optimum(&huge, batch, 8), 8, "batches of {batch}");
        }
    }
}
