//! Tricks that are switched on and off all the time, in the middle of a training, leave it healthy.

use nn::preset::Preset;
use nn::random::pcg4d;
use nn::spec::LayerSpec::{self, BatchNorm, Conv2d, Dropout, Linear, Relu};
use nn::spec::{Augmentation, NetworkSpec, Optimizer, Penalty, Schedule, TrainingSpec};
use trainer::Session;
use trainer::messages::{Command, Event};

use crate::common::{SingleCore, digits};

/// LeNet-5 with batch normalisation and dropout, or without, as the page inserts them.
fn network(batch_norm: bool, dropout: Option<f32>) -> NetworkSpec {
    let plain = Preset::LeNet5.network();
    let hidden = |layer: &LayerSpec| matches!(layer, Conv2d { .. } | Linear { out_features: 84 | 120 });
    let mut layers = Vec::new();
    for layer in plain.layers {
        layers.push(layer);
        if batch_norm && hidden(&layer) {
            layers.push(BatchNorm);
        }
        let is_linear = layers.iter().any(|layer| matches!(layer, Linear { .. }));
        if let (Relu, true, Some(p)) = (layer, is_linear, dropout) {
            layers.push(Dropout { p });
        }
    }
    NetworkSpec { layers, ..plain }
}

/// The losses of some steps.
fn steps(session: &mut Session, steps: usize) -> Vec<f32> {
    let mut losses = Vec::new();
    for _ in 0..steps {
        session.handle(Command::Step);
        while session.busy() {
            for event in session.work(&SingleCore::default()) {
                match event {
                    Event::Progress(progress) => losses.extend(progress.train_loss),
                    Event::Diverged(diverged) => panic!("{}", diverged.sentence),
                    _ => {}
                }
            }
        }
    }
    losses
}

/// Switches a random trick 180 times, each time after some steps. Returns the losses.
fn switch(seed: u32, base: &TrainingSpec) -> Vec<f32> {
    let mut session = Session::default();
    session.add_train(&digits(5_000, 0)).unwrap();
    let base = TrainingSpec { subset: Some(5_000), ..base.clone() };
    let (mut batch_norm, mut dropout, mut training) = (false, None, base.clone());
    let configure = |session: &mut Session, batch_norm, dropout, training: &TrainingSpec| {
        let (network, training) = (network(batch_norm, dropout), training.clone());
        for event in session.handle(Command::Configure { network, training }) {
            assert!(!matches!(event, Event::Failed(_) | Event::Note(_)), "{event:?}");
        }
    };
    configure(&mut session, batch_norm, dropout, &training);
    let mut losses = steps(&mut session, 60);
    for round in 0..180 {
        let [which, strength, some, _] = pcg4d([seed, round, 0, 0]);
        let off = |is_on: bool, strong: f32| if is_on { 0.0 } else { strong };
        match which % 6 {
            0 | 1 => batch_norm = !batch_norm,
            2 => {
                dropout = if dropout.is_some() { None } else { Some([0.1, 0.3, 0.5][strength as usize % 3]) }
            }
            3 => training.penalty.l1 = off(training.penalty.l1 > 0.0, 1e-4),
            4 => training.penalty.l2 = off(training.penalty.l2 > 0.0, 1e-2),
            _ if training.augmentation.is_off() => {
                training.augmentation =
                    Augmentation { rotation: 10.0, shift: 1.0, elastic: 1.0, ..Augmentation::default() };
            }
            _ => training.augmentation = Augmentation::default(),
        }
        configure(&mut session, batch_norm, dropout, &training);
        let taken = steps(&mut session, 1 + some as usize % 8);
        assert!(!taken.is_empty());
        losses.extend(taken);
        let last = losses[losses.len() - 1];
        assert!(last < 12.0, "seed {seed}, switch {round} ({}): a loss of {last}", which % 6);
    }
    let all_off = Penalty::default();
    configure(&mut session, false, None, &TrainingSpec { penalty: all_off, ..base });
    losses.extend(steps(&mut session, 120));
    losses
}

/// Checks that 180 switches from these options on leave a loss as low as without them.
fn check(seed: u32, base: TrainingSpec) {
    let losses = switch(seed, &base);
    let end = losses[losses.len() - 20..].iter().sum::<f32>() / 20.0;
    let worst = losses.iter().fold(0.0f32, |m, l| m.max(*l));
    assert!(end < 0.5, "{base:?}, seed {seed}: the loss ends at {end}, after {worst} at worst");
}

// A test for each, so that they run at the same time.

#[test]
fn a_hundred_and_eighty_switches_of_the_preset_leave_a_healthy_run() {
    check(1, Preset::LeNet5.training());
}

#[test]
fn a_hundred_and_eighty_switches_at_a_high_rate_leave_a_healthy_run() {
    check(3, TrainingSpec { learning_rate: 0.004, schedule: Schedule::Constant, ..TrainingSpec::default() });
}

#[test]
fn a_hundred_and_eighty_switches_with_momentum_leave_a_healthy_run() {
    check(2, TrainingSpec { optimizer: Optimizer::MOMENTUM, learning_rate: 0.02, ..TrainingSpec::default() });
}
