//! Signals that vanish on their way through a deep network keep their digits, against double precision.

use nn::mnist::{IMAGE, PIXELS};
use nn::network::Network;
use nn::spec::LayerSpec::{Elu, Flatten, Linear, Tanh};
use nn::spec::{Initializer, NetworkSpec};
use wasm_bindgen_test::wasm_bindgen_test;

/// An image of a blob.
fn image() -> Vec<u8> {
    let at = |p: usize| (p % 28).abs_diff(11) + (p / 28).abs_diff(15) < 8;
    (0..PIXELS).map(|p| if at(p) { 150 + (p % 100) as u8 } else { 0 }).collect()
}

/// What a network computes, in double precision, for one image: the outputs of all layers.
fn in_double_precision(network: &Network, input: &[u8]) -> Vec<Vec<f64>> {
    let mut x: Vec<f64> = input.iter().map(|byte| f64::from(f32::from(*byte) / 255.0)).collect();
    let mut outputs = Vec::new();
    for (at, layer) in network.spec().layers.iter().enumerate() {
        x = match layer {
            Flatten => x,
            // Biases are 0.
            Linear { .. } => {
                let rows = network.weights(at).unwrap().chunks_exact(x.len());
                rows.map(|row| row.iter().zip(&x).map(|(w, x)| f64::from(*w) * x).sum()).collect()
            }
            Tanh => x.into_iter().map(f64::tanh).collect(),
            Elu { alpha } => {
                let elu = |x: f64| if x > 0.0 { x } else { f64::from(*alpha) * x.exp_m1() };
                x.into_iter().map(elu).collect()
            }
            other => panic!("{other:?}"),
        };
        outputs.push(x.clone());
    }
    outputs
}

#[wasm_bindgen_test(unsupported = test)]
fn vanishing_signals_keep_their_digits_through_eight_layers() {
    for activation in [Tanh, Elu { alpha: 1.0 }] {
        let hidden = [Linear { out_features: 30 }, activation].repeat(8);
        let layers = [&[Flatten][..], &hidden, &[Linear { out_features: 10 }]].concat();
        let initializer = Initializer::Normal { std: 0.01 };
        let mut network = Network::new(NetworkSpec { input: IMAGE, layers }, initializer, 1).unwrap();
        network.prepare();
        network.infer(std::iter::once(image().as_slice()));
        let expected = in_double_precision(&network, &image());
        for (layer, expected) in expected.iter().enumerate() {
            let got = network.output(layer).unwrap();
            let norm = |values: &mut dyn Iterator<Item = f64>| values.map(|v| v * v).sum::<f64>().sqrt();
            let off = norm(&mut got.iter().zip(expected).map(|(got, expected)| f64::from(*got) - expected));
            let error = off / norm(&mut expected.iter().copied());
            assert!(error < 1e-5, "{activation:?}, layer {layer}: off by {error:e}");
        }
        let last = expected[expected.len() - 1].iter().fold(0.0f64, |m, v| m.max(v.abs()));
        assert!(last < 1e-8, "the signal vanishes: {last}");
    }
}
