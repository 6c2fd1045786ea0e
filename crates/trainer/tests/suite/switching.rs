//! Changing an option in the middle of a training keeps what was learned.

use nn::network::Network;
use nn::preset::Preset;
use nn::spec::LayerSpec::{self, BatchNorm, Dropout, Relu, Tanh};
use nn::spec::{Augmentation, Initializer, NetworkSpec, Optimizer, Penalty, Schedule, TrainingSpec};
use trainer::Session;
use trainer::messages::{Command, Event, Progress};

use crate::common::{SingleCore, digits};

/// The reports of single steps.
fn reports(session: &mut Session, steps: usize) -> Vec<Progress> {
    let mut reports = Vec::new();
    for _ in 0..steps {
        session.handle(Command::Step);
        while session.busy() {
            for event in session.work(&SingleCore::default()) {
                match event {
                    Event::Progress(progress) if progress.train_loss.is_some() => reports.push(progress),
                    Event::Diverged(diverged) => panic!("{}", diverged.sentence),
                    _ => {}
                }
            }
        }
    }
    reports
}

/// The loss of the last of some steps.
fn steps(session: &mut Session, steps: usize) -> f32 {
    reports(session, steps).last().and_then(|progress| progress.train_loss).unwrap_or(f32::NAN)
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
        ("wrong labels", lenet.clone(), TrainingSpec { label_noise: 0.01, ..spec.clone() }),
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
fn shuffled_pixels_are_undone_exactly() {
    let mut session = Session::default();
    session.add_train(&digits(5_000, 0)).unwrap();
    session.add_test(&digits(1_000, 500)).unwrap();
    steps(&mut session, 60);
    let (before, score) = (session.network().clone(), session.score_on_test_images());
    let mut shuffled = before.spec().clone();
    shuffled.layers.insert(0, LayerSpec::Permute { seed: 1 });
    let mut configure = |network: &NetworkSpec| {
        let training = TrainingSpec::default();
        session.handle(Command::Configure { network: network.clone(), training });
        assert_eq!(session.network().parameters, before.parameters);
        session.score_on_test_images()
    };
    let with = configure(&shuffled);
    assert!(with.accuracy < score.accuracy - 0.3, "{} with shuffled pixels", with.accuracy);
    let after = configure(before.spec());
    assert_eq!((after.loss, after.accuracy), (score.loss, score.accuracy));
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

#[test]
fn fifty_images_are_learned_by_heart_after_an_ordinary_training() {
    let (network, preset) = (Preset::LeNet5.network(), Preset::LeNet5.training());
    assert!(matches!(preset.schedule, Schedule::Step { epochs: 1.0, .. }), "the rate falls with the epochs");
    let mut session = Session::default();
    session.add_train(&digits(5_000, 0)).unwrap();
    let use_images = |session: &mut Session, images: u32| {
        let training = TrainingSpec { subset: Some(images), ..preset.clone() };
        session.handle(Command::Configure { network: network.clone(), training });
    };
    let epochs = |reports: &[Progress]| reports.iter().map(|progress| progress.epoch).collect::<Vec<_>>();
    use_images(&mut session, 5_000);
    let mut curve = epochs(&reports(&mut session, 158));
    assert_eq!(curve.last(), Some(&2.0));
    use_images(&mut session, 50);
    let few = reports(&mut session, 60);
    assert_eq!((few[0].epoch, few[59].epoch), (3.0, 62.0), "from epoch 2 on, one a step");
    assert!(few[59].train_accuracy == Some(1.0) && few[59].train_loss.unwrap() < 0.02, "{:?}", few[59]);
    curve.extend(epochs(&few));
    use_images(&mut session, 5_000);
    curve.extend(epochs(&reports(&mut session, 40)));
    // The curves of the page are drawn by epochs.
    assert!(curve.is_sorted_by(|a, b| a < b && b - a <= 1.0), "{curve:?}");
}

#[test]
fn one_image_and_batches_larger_than_the_images_are_trained_on() {
    for (images, batch_size) in [(1, 1), (1, 64), (3, 1_024), (5, 2)] {
        let mut session = Session::default();
        session.add_train(&digits(5_000, 0)).unwrap();
        let training = TrainingSpec { subset: Some(images), batch_size, ..TrainingSpec::default() };
        session.handle(Command::Configure { network: Preset::LeNet5.network(), training });
        let reports = reports(&mut session, 60);
        let [first, .., last] = &reports[..] else { panic!("{images} images: {} steps", reports.len()) };
        assert!(last.train_loss < first.train_loss && last.train_accuracy == Some(1.0), "{images}: {last:?}");
    }
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
