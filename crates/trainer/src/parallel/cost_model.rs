//! How many cores are worth their messages.

use nn::plan::{Op, Plan};
use tensor::BLOCK;

/// Multiply-adds of a millisecond on one core, all three passes and what is around them counted as three times the forward one:
/// between LeNet's 22 million and the 32 million of a dense layer on mostly empty images.
const PER_MS: f64 = 25e6;
/// Milliseconds that each further core costs for a parameter: its sum is copied out, copied in and added.
const PARAMETER_MS: f64 = 4e-6;
/// Milliseconds from one core to another and back, once for each phase of a step.
const PHASE_MS: f64 = 0.1;

/// Of so many cores, how many should share a step of this plan on a batch of so many samples.
///
/// Two cores took 0.76 ms for a step of the dense 784-128-10 at batch 64, one took 0.63; for LeNet-5 it is 2.3 against 3.7 (wasm in
/// Chromium 156, Zen 4). The constants were fitted to these.
pub fn cores_worth_it(plan: &Plan, batch: usize, cores: usize) -> usize {
    let of = |op: &Op| match op {
        Op::Conv2d { geometry, .. } => geometry.weights() * geometry.output().plane(),
        _ => 0,
    };
    let multiply_adds: usize = plan.ops.iter().map(of).sum();
    let blocks = batch.div_ceil(BLOCK);
    let ms = |cores: &usize| {
        let own = (blocks.div_ceil(*cores) * BLOCK).min(batch);
        let others = (cores - 1) as f64 * PARAMETER_MS * plan.parameter_count() as f64;
        let messages = if *cores > 1 { PHASE_MS * plan.phases() as f64 } else { 0.0 };
        (3 * multiply_adds * own) as f64 / PER_MS + others + messages
    };
    (1..=cores.max(1)).min_by(|a, b| ms(a).total_cmp(&ms(b))).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::cores_worth_it;
    use nn::plan::Plan;
    use nn::preset::Preset;
    use nn::spec::{LayerSpec, NetworkSpec};

    #[test]
    fn convolutions_are_shared_and_small_dense_layers_are_not() {
        let worth =
            |network: &NetworkSpec, batch, cores| cores_worth_it(&Plan::new(network).unwrap(), batch, cores);
        for preset in [Preset::LeNet5, Preset::LeNetTricks, Preset::LeNet1998] {
            assert_eq!(worth(&preset.network(), 64, 2), 2, "{preset:?}");
            assert_eq!(worth(&preset.network(), 64, 1), 1, "{preset:?}");
            assert_eq!(worth(&preset.network(), 16, 8), 1, "{preset:?}: one block is one core's");
        }
        assert_eq!(worth(&Preset::Mlp30.network(), 64, 8), 1);
        let mut wide = Preset::Mlp30.network();
        for layer in &mut wide.layers {
            if let LayerSpec::Linear { out_features } = layer
                && *out_features == 30
            {
                *out_features = 128;
            }
        }
        assert_eq!(worth(&wide, 64, 2), 1);
        assert_eq!(worth(&wide, 512, 2), 2, "a large batch pays for its messages");
    }
}
