//! Inference with the units that dropout keeps.

use nn::cpu::Units;
use nn::network::Network;
use nn::random::dropped_units;
use nn::spec::{Initializer, LayerSpec, NetworkSpec, Shape};

const P: f32 = 0.5;
const SEED: u32 = 9;

/// Twelve inputs, eight units with dropout, three classes.
fn network() -> Network {
    let layers = vec![
        LayerSpec::Flatten,
        LayerSpec::Linear { out_features: 8 },
        LayerSpec::Dropout { p: P },
        LayerSpec::Linear { out_features: 3 },
    ];
    let mut network =
        Network::new(NetworkSpec { input: Shape::maps(1, 3, 4), layers }, Initializer::He, 1).unwrap();
    network.prepare();
    network
}

fn run(network: &mut Network, images: usize, units: Units) {
    let image: Vec<u8> = (0..12).map(|at| 20 * at).collect();
    network.begin_inference((0..images).map(|_| image.as_slice()), units);
    assert!(network.continue_inference());
}

/// The logits by hand: the second layer on these units.
fn logits(network: &Network, units: &[f32]) -> Vec<f32> {
    let weights = network.weights(3).unwrap();
    weights.chunks(8).map(|row| row.iter().zip(units).map(|(w, x)| w * x).sum()).collect()
}

fn assert_close(a: &[f32], b: &[f32]) {
    assert!(a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-5), "{a:?}, {b:?}");
}

#[test]
fn a_thinned_network_answers_without_the_units_that_its_mask_drops() {
    let mut network = network();
    run(&mut network, 1, Units::All);
    let all = network.output(1).unwrap();
    assert_close(&network.logits_of(0), &logits(&network, &all));
    // Masks 3 to 7 side by side, and mask 5 by itself.
    run(&mut network, 5, Units::Kept { seed: SEED, sample: 3 });
    let mut answers = Vec::new();
    for (lane, sample) in (3..8).enumerate() {
        let dropped = dropped_units(SEED, (0, sample), 2, P, 8);
        let kept: Vec<f32> =
            all.iter().zip(&dropped).map(|(x, dropped)| if *dropped { 0.0 } else { x / (1.0 - P) }).collect();
        assert_close(&network.output_of(lane, 2).unwrap(), &kept);
        assert_close(&network.logits_of(lane), &logits(&network, &kept));
        answers.push(network.logits_of(lane));
    }
    assert!(answers.windows(2).any(|pair| pair[0] != pair[1]), "masks differ");
    run(&mut network, 1, Units::Kept { seed: SEED, sample: 5 });
    assert_eq!(network.logits_of(0), answers[2]);
    run(&mut network, 1, Units::All);
    assert_eq!(network.output(2).unwrap(), all, "nothing of a mask is left");
}

#[test]
fn without_the_halving_all_units_count_twice() {
    let mut network = network();
    run(&mut network, 1, Units::All);
    let twice: Vec<f32> = network.output(1).unwrap().iter().map(|x| x / (1.0 - P)).collect();
    run(&mut network, 1, Units::AllScaled);
    assert_close(&network.output(2).unwrap(), &twice);
    assert_close(&network.logits_of(0), &logits(&network, &twice));
}
