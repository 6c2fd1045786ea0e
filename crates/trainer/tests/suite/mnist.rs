//! Whole runs on MNIST, and the accuracy that they must reach.

use std::path::PathBuf;

use data::DataSet;
use nn::preset::Preset;
use nn::spec::LayerSpec::{BatchNorm, Flatten, Linear, Sigmoid};
use nn::spec::{Initializer, NetworkSpec, Shape, TrainingSpec};
use trainer::Session;
use trainer::messages::{Command, Event, Split, Tested, Watch};

use crate::common::SingleCore;

fn session() -> Session {
    let folder =
        PathBuf::from(std::env::var_os("LENET_MNIST").expect("run `cargo xtask test native`: it has MNIST"));
    let split = |name: &str| {
        let file = |kind: &str| std::fs::read(folder.join(format!("{name}-{kind}-ubyte"))).unwrap();
        DataSet::from_idx(&file("images-idx3"), &file("labels-idx1")).unwrap()
    };
    let mut session = Session::default();
    session.add_train(&split("train")).unwrap();
    session.add_test(&split("t10k")).unwrap();
    session.set_threads(2);
    session
}

/// The accuracy of a network that always predicts the most frequent class: 1,135 of the test images are ones.
const MOST_FREQUENT: f32 = 0.1135;

/// Trains for `epochs` epochs. Returns the last evaluation, and the best training accuracy.
fn train(network: NetworkSpec, training: TrainingSpec, epochs: f64) -> (Tested, f32) {
    let mut session = session();
    session.handle(Command::Configure { network, training });
    session.handle(Command::Train);
    let (mut best, clock) = (0.0f32, SingleCore::default());
    loop {
        for event in session.work(&clock) {
            match event {
                Event::Progress(progress) => best = best.max(progress.train_accuracy.unwrap_or(0.0)),
                Event::Tested(tested) if tested.epoch >= epochs - 1e-3 => return (tested, best),
                Event::Diverged(diverged) => panic!("{}", diverged.sentence),
                _ => {}
            }
        }
    }
}

#[test]
fn lenet_exceeds_97_percent_in_one_epoch() {
    let (tested, _) = train(Preset::LeNet5.network(), TrainingSpec::default(), 1.0);
    assert!(tested.accuracy > 0.97, "{tested:?}");
}

#[test]
fn every_preset_learns_in_one_epoch_of_ten_thousand_images() {
    for preset in Preset::ALL {
        let training = TrainingSpec { subset: Some(10_000), ..preset.training() };
        let (tested, _) = train(preset.network(), training, 1.2);
        // The deep sigmoid network shows vanishing gradients: after an epoch and a half it reaches 25.7 %.
        let expected = if preset == Preset::DeepSigmoid { 1.5 * MOST_FREQUENT..0.5 } else { 0.8..1.0 };
        assert!(expected.contains(&tested.accuracy), "{preset:?}: {tested:?}");
    }
}

#[test]
fn fifty_images_are_overfitted() {
    // At a constant rate, and with the preset's, which falls with the epochs.
    for training in [TrainingSpec::default(), Preset::LeNet5.training()] {
        let training = TrainingSpec { subset: Some(50), ..training };
        let (tested, best) = train(Preset::LeNet5.network(), training, 200.0);
        assert_eq!(best, 1.0, "on the training images; {tested:?}");
        assert!(
            (0.5..0.9).contains(&tested.accuracy),
            "an overfitted network does not generalize: {tested:?}"
        );
    }
}

#[test]
fn badly_initialized_deep_layers_need_batch_norm() {
    let train = |normalised: bool| {
        let hidden = if normalised {
            vec![Linear { out_features: 30 }, BatchNorm, Sigmoid]
        } else {
            vec![Linear { out_features: 30 }, Sigmoid]
        };
        let layers =
            [Flatten].into_iter().chain(hidden.repeat(5)).chain([Linear { out_features: 10 }]).collect();
        let training = TrainingSpec {
            initializer: Initializer::Normal { std: 0.01 },
            learning_rate: 0.003,
            ..TrainingSpec::default()
        };
        train(NetworkSpec { input: Shape::maps(1, 28, 28), layers }, training, 1.0).0.accuracy
    };
    let (without, with) = (train(false), train(true));
    assert!(without < 0.3 && with > 0.8, "{without} without, {with} with batch norm");
}

#[test]
fn the_shipped_checkpoint_misclassifies_51_test_images() {
    let mut session = session();
    session.set_pretrained(include_bytes!("../../../../web/assets/lenet5.safetensors")).unwrap();
    session.handle(Command::Watch(Watch { predictions: true, ..Watch::default() }));
    let Event::Labels { labels, .. } = session.handle(Command::Labels(Split::Test)).remove(0) else {
        panic!()
    };
    let clock = SingleCore::default();
    let answers = loop {
        if let Some(Event::Predictions(answers)) = session.work(&clock).pop() {
            break answers;
        }
    };
    let wrong = answers.classes.iter().zip(&labels).filter(|(class, label)| class != label).count();
    assert_eq!((answers.classes.len(), wrong), (10_000, 51));
}
