//! Changing an option in the middle of a training keeps what was learned.

use nn::network::Network;
use nn::preset::Preset;
use nn::spec::LayerSpec::{self, BatchNorm, Dropout, Relu, Tanh};
use nn::spec::{Augmentation, Initializer, NetworkSpec, Optimizer, Penalty, Schedule, TrainingSpec};
use trainer::Session;
use trainer::messages::{Command, Event};

mod common;
use common::{SingleCore, digits};

fn steps(session: &mut Session, steps: usize) -> f32 {
    let mut loss = f32::NAN;
    for _ in 0..steps {
        session.handle(Command::Step);
        while session.busy() {
            for event in session.work(&SingleCore::default()) {
                if let Event::Progress(progress) = event {
                    loss = progress.train_loss.unwrap_or(loss);
                }
            }
        }
    }
    loss
}

/// Inserts a layer after each layer for which `of` is true.
fn insert(network: &NetworkSpec, new: LayerSpec, of: impl Fn(&LayerSpec) -> bool) -> NetworkSpec {
    let layers = network.layers.iter().flat_map(|l| [Some(*l), of(l).then_some(new)]).flatten().collect();
    NetworkSpec { layers, ..network.clone() }
}

fn replace(network: &NetworkSpec, change: impl Fn(LayerSpec) -> LayerSpec) -> NetworkSpec {
    NetworkSpec { layers: network.layers.iter().map(|l| change(*l)).collect(), ..network.clone() }
}

/// Checks that parameters with the same name and shape are equal, and returns their number of values.
fn kept(before: &Network, after: &Network) -> usize {
    let mut kept = 0;
    for p in &after.plan().parameters {
        if let Some(q) = before.plan().parameters.iter().find(|q| q.name == p.name && q.dims == p.dims) {
            assert_eq!(after.parameters[p.range()], before.parameters[q.range()], "{}", p.name);
            kept += p.range().len();
        }
    }
    kept
}

#[test]
fn every_option_can_change() {
    let lenet = Preset::LeNet5.network();
    let spec = TrainingSpec::default();
    let weighs =
        |l: &LayerSpec| matches!(l, LayerSpec::Conv2d { .. } | LayerSpec::Linear { out_features: 120 | 84 });
    let changes: Vec<(&str, NetworkSpec, TrainingSpec)> = vec![
        ("learning rate", lenet.clone(), TrainingSpec { learning_rate: 0.002, ..spec.clone() }),
        ("batch size", lenet.clone(), TrainingSpec { batch_size: 33, ..spec.clone() }),
        (
            "optimiser",
            lenet.clone(),
            TrainingSpec { optimizer: Optimizer::MOMENTUM, learning_rate: 0.01, ..spec.clone() },
        ),
        (
            "schedule",
            lenet.clone(),
            TrainingSpec { schedule: Schedule::Cosine { epochs: 9.0 }, ..spec.clone() },
        ),
        (
            "penalty",
            lenet.clone(),
            TrainingSpec { penalty: Penalty { l1: 1e-5, l2: 1e-4, biases: false }, ..spec.clone() },
        ),
        ("smoothing", lenet.clone(), TrainingSpec { label_smoothing: 0.01, ..spec.clone() }),
        ("initialiser", lenet.clone(), TrainingSpec { initializer: Initializer::Zeros, ..spec.clone() }),
        ("seed", lenet.clone(), TrainingSpec { seed: 99, ..spec.clone() }),
        ("subset", lenet.clone(), TrainingSpec { subset: Some(500), ..spec.clone() }),
        (
            "augmentation",
            lenet.clone(),
            TrainingSpec {
                augmentation: Augmentation { rotation: 5.0, shift: 0.5, ..Augmentation::default() },
                ..spec.clone()
            },
        ),
        ("dropout", insert(&lenet, Dropout { p: 0.1 }, |l| *l == Relu), spec.clone()),
        ("batch norm", insert(&lenet, BatchNorm, weighs), spec.clone()),
        (
            "leaky ReLU",
            replace(&lenet, |l| if l == Relu { LayerSpec::LeakyRelu { negative_slope: 0.01 } } else { l }),
            spec.clone(),
        ),
    ];
    let mut trained = Session::default();
    trained.add_train(&digits(5_000, 0)).unwrap();
    let before_loss = steps(&mut trained, 60);
    let before = trained.network().clone();
    for (name, network, training) in changes {
        let mut session = Session::default();
        session.add_train(&digits(5_000, 0)).unwrap();
        steps(&mut session, 60);
        assert_eq!(session.network().parameters, before.parameters, "a repeated run gives the same bits");
        let events = session.handle(Command::Configure { network, training });
        assert!(!events.iter().any(|e| matches!(e, Event::Failed(_))), "{name}: {events:?}");
        assert_eq!(kept(&before, session.network()), 61_706, "{name}");
        let loss = steps(&mut session, 1);
        assert!(loss < before_loss + 0.5, "{name}: the loss went from {before_loss} to {loss}");
        let loss = steps(&mut session, 30);
        assert!(loss < before_loss + 0.3, "{name}: 30 steps later it is {loss}");
    }
}

#[test]
fn layers_of_another_shape_are_initialized_and_the_others_keep_their_weights() {
    let mut session = Session::default();
    session.add_train(&digits(5_000, 0)).unwrap();
    steps(&mut session, 5);
    let before = session.network().clone();
    let wider = replace(before.spec(), |l| match l {
        LayerSpec::Linear { out_features: 84 } => LayerSpec::Linear { out_features: 90 },
        Relu => Tanh,
        other => other,
    });
    session.handle(Command::Configure { network: wider, training: TrainingSpec::default() });
    // conv1, conv2, fc1 and the biases of the last layer.
    assert_eq!(kept(&before, session.network()), 156 + 2_416 + 48_120 + 10);
    assert!(session.network().parameters.iter().all(|w| w.is_finite()));
}

/// The loss on 64 digits, in inference mode.
fn test_loss(session: &Session) -> f64 {
    let (test, mut network) = (digits(64, 50_000), session.network().clone());
    network.prepare();
    let blocks = test.labels.chunks(16).enumerate();
    let losses = blocks.map(|(i, labels)| {
        network.infer((i * 16..i * 16 + labels.len()).map(|i| test.image(i)));
        network.score(labels).loss
    });
    losses.sum::<f64>() / 64.0
}

#[test]
fn adding_and_removing_batch_norm_keeps_the_loss() {
    let lenet = Preset::LeNet5.network();
    let mut session = Session::default();
    session.add_train(&digits(5_000, 0)).unwrap();
    let configure = |session: &mut Session, network: &NetworkSpec| {
        session.handle(Command::Configure { network: network.clone(), training: TrainingSpec::default() });
    };
    steps(&mut session, 40);
    let mut before = test_loss(&session);
    let everywhere = insert(&lenet, BatchNorm, |l| {
        matches!(l, LayerSpec::Conv2d { .. } | LayerSpec::Linear { out_features: 120 | 84 })
    });
    let behind_conv = insert(&lenet, BatchNorm, |l| matches!(l, LayerSpec::Conv2d { .. }));
    for (name, network) in
        [("in", &everywhere), ("some out", &behind_conv), ("out", &lenet), ("some in", &behind_conv)]
    {
        configure(&mut session, network);
        let after = test_loss(&session);
        assert!(
            (after - before).abs() < 1e-3 * (1.0 + before),
            "{name}: the loss jumps from {before} to {after}"
        );
        steps(&mut session, 10);
        before = test_loss(&session);
        assert!(before < 0.5, "{name}: {before} after some steps");
    }
}
