//! Descriptions of networks come from files and links and may hold any number: each is either refused with a
//! sentence, or makes a network of limited size that works. Also in WebAssembly, where sizes have 32 bits.

use nn::network::Network;
use nn::plan::Plan;
use nn::random::pcg4d;
use nn::spec::{Initializer, LayerSpec, NetworkSpec, Shape};
use nn::summary::{MAX_BYTES, SpecError};
use wasm_bindgen_test::wasm_bindgen_test;

/// A sequence of random numbers.
struct Random(u32);

impl Random {
    fn next(&mut self) -> u32 {
        self.0 += 1;
        pcg4d([self.0, 5, 6, 7])[0]
    }

    fn below(&mut self, n: usize) -> usize {
        self.next() as usize % n
    }

    /// Mostly small sizes, sometimes 0 or sizes whose products overflow.
    fn size(&mut self) -> usize {
        match self.below(24) {
            0 => 0,
            1 => usize::MAX - self.below(3),
            2 => usize::MAX / 2 + self.below(3),
            3 => 1 << (usize::BITS / 2),
            4 => 1 << self.below(usize::BITS as usize),
            _ => 1 + self.below(3),
        }
    }

    fn number(&mut self) -> f32 {
        match self.below(3) {
            0 => f32::from_bits(self.next()),
            _ => self.below(5) as f32 / 4.0,
        }
    }

    fn layer(&mut self) -> LayerSpec {
        let (kernel_size, stride) = (self.size(), self.size());
        match self.below(13) {
            0 | 1 => LayerSpec::Conv2d {
                out_channels: self.size(),
                kernel_size,
                stride,
                padding: match self.below(3) {
                    0 => kernel_size.saturating_sub(1),
                    1 => self.size(),
                    _ => 0,
                },
            },
            2 => LayerSpec::MaxPool2d { kernel_size, stride },
            3 => LayerSpec::AvgPool2d { kernel_size, stride },
            4 => LayerSpec::Subsample2d { kernel_size, stride },
            5 => LayerSpec::Flatten,
            6 => LayerSpec::Linear { out_features: self.size() },
            7 => LayerSpec::BatchNorm,
            8 => LayerSpec::Relu,
            9 => LayerSpec::LeakyRelu { negative_slope: self.number() },
            10 => LayerSpec::Elu { alpha: self.number() },
            11 => LayerSpec::Tanh,
            12 => LayerSpec::Permute { seed: self.size() },
            _ => LayerSpec::Dropout { p: self.number() },
        }
    }

    fn network(&mut self) -> NetworkSpec {
        let sides =
            [self.size(), self.size(), self.size()].map(|size| size.saturating_mul(1 + self.below(4)));
        let mut layers: Vec<LayerSpec> = (0..self.below(5)).map(|_| self.layer()).collect();
        if self.below(2) == 0 {
            layers.extend([LayerSpec::Flatten, LayerSpec::Linear { out_features: self.size() }]);
        }
        NetworkSpec { input: Shape::maps(sides[0], sides[1], sides[2]), layers }
    }
}

fn check(spec: &NetworkSpec, sizes: &mut [usize; 2]) -> Result<(), SpecError> {
    let parameters = spec.summary()?.iter().map(|layer| layer.parameters).sum::<usize>();
    for plan in [Plan::new(spec)?, Plan::for_inspection(spec)?] {
        assert_eq!(plan.parameter_count(), parameters, "{spec:?}");
        let bytes = 256 * plan.arena as u64 + 64 * parameters as u64;
        assert!(bytes <= MAX_BYTES, "{spec:?} takes {bytes} bytes");
        *sizes = [plan.arena, parameters];
    }
    Ok(())
}

#[wasm_bindgen_test(unsupported = test)]
fn random_descriptions_are_refused_or_work() {
    let mut random = Random(0);
    let (mut refused, mut worked) = (0, 0);
    for _ in 0..30_000 {
        let spec = random.network();
        let mut sizes = [0; 2];
        if let Err(error) = check(&spec, &mut sizes) {
            let message = &error.message;
            assert!(message.ends_with('.') && error.layer <= spec.layers.len(), "{spec:?}: {error:?}");
            refused += 1;
        } else if sizes.iter().all(|&size| size < 3_000) {
            // Larger networks are lowered in the same way, but are slow.
            let Ok(mut network) = Network::new(spec, Initializer::He, 1) else { continue };
            network.prepare();
            network.infer([[200; 64].as_slice()].into_iter());
            assert!(!network.probabilities().is_empty());
            worked += 1;
        }
    }
    assert!(refused > 1_000 && worked > 1_000, "{refused} refused, {worked} worked");
}

#[wasm_bindgen_test(unsupported = test)]
fn networks_up_to_the_limits_are_accepted_and_larger_ones_refused() {
    let dense = |out_features| NetworkSpec {
        input: Shape::vector(1 << 12),
        layers: vec![LayerSpec::Linear { out_features }],
    };
    assert!(dense(4_000).summary().is_ok());
    assert!(
        dense(1 << 12)
            .summary()
            .unwrap_err()
            .message
            .contains("1 GB of memory: use fewer maps or dense units")
    );
    let deep =
        |layers| NetworkSpec { input: Shape::maps(1, 512, 512), layers: vec![LayerSpec::Tanh; layers] };
    assert!(deep(15).summary().is_ok());
    assert_eq!(deep(20).summary().unwrap_err().layer, 15);
    let none = NetworkSpec { input: Shape::maps(1, 0, 3), layers: vec![LayerSpec::Relu] };
    assert_eq!(none.summary().unwrap_err().layer, 0);
    let padded = LayerSpec::Conv2d { out_channels: 1, kernel_size: 3_000, stride: 9_000, padding: 2_999 };
    let padded = NetworkSpec { input: Shape::maps(1, 28, 28), layers: vec![padded] };
    assert!(padded.summary().unwrap_err().message.contains("fewer maps, or pooling"));
}
