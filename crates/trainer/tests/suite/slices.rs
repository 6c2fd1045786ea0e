//! Work in slices: a step, an evaluation or a snapshot of a large network is interrupted for commands, and gives the same bits.

use std::cell::Cell;

use nn::inspect::divergence::Divergence;
use nn::preset::Preset;
use nn::spec::{LayerSpec, NetworkSpec, Optimizer, Shape, TrainingSpec};
use trainer::Session;
use trainer::messages::{Command, Event, RunState};
use trainer::parallel::transport::Transport;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::common::{LocalGroup, digits};

/// A core on which time is always over: each look at the clock is an hour after the last.
#[derive(Default)]
struct Slow(Cell<f64>);

impl Transport for Slow {
    fn now(&self) -> f64 {
        self.0.replace(self.0.get() + 3_600_000.0)
    }

    fn post(&self, _: usize, _: &[&[u32]]) {
        panic!("there are no workers");
    }
}

/// Every kind of kernel: direct, Winograd's, max-pooled and linear layers.
fn network() -> NetworkSpec {
    let conv = |out_channels, kernel_size, padding| LayerSpec::Conv2d {
        out_channels,
        kernel_size,
        stride: 1,
        padding,
    };
    let layers = vec![
        conv(24, 5, 2),
        LayerSpec::BatchNorm,
        LayerSpec::Relu,
        conv(24, 5, 2),
        LayerSpec::Relu,
        LayerSpec::MaxPool2d { kernel_size: 2, stride: 2 },
        conv(24, 3, 1),
        LayerSpec::Tanh,
        LayerSpec::Flatten,
        LayerSpec::Linear { out_features: 64 },
        LayerSpec::Dropout { p: 0.3 },
        LayerSpec::Linear { out_features: 10 },
    ];
    NetworkSpec { input: Shape::maps(1, 28, 28), layers }
}

fn session(network: &NetworkSpec) -> Session {
    let mut session = Session::default();
    session.add_train(&digits(5_000, 0)).unwrap();
    let training = TrainingSpec { batch_size: 40, subset: Some(5_000), ..TrainingSpec::default() };
    session.handle(Command::Configure { network: network.clone(), training });
    session
}

fn bits(session: &Session) -> Vec<u32> {
    let network = session.network();
    network.parameters.iter().chain(&network.running).map(|weight| weight.to_bits()).collect()
}

/// Slices until there is nothing to do.
fn slices(session: &mut Session, transport: &dyn Transport) -> (usize, Vec<Event>) {
    let (mut count, mut events) = (0, Vec::new());
    while session.busy() {
        events.extend(session.work(transport));
        count += 1;
    }
    (count, events)
}

#[wasm_bindgen_test(unsupported = test)]
fn interrupted_steps_give_the_same_bits() {
    let (mut quiet, alone) = (session(&network()), LocalGroup::new(1));
    let (mut interrupted, slow) = (session(&network()), Slow::default());
    for _ in 0..2 {
        quiet.handle(Command::Step);
        alone.work(&mut quiet);
        interrupted.handle(Command::Step);
        let (count, _) = slices(&mut interrupted, &slow);
        // A step takes 3 x 40 x 13 million multiply-adds.
        assert!(count > 10, "{count} slices");
        assert!(bits(&interrupted) == bits(&quiet));
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn a_pause_takes_effect_in_the_middle_of_a_step() {
    let (mut quiet, alone) = (session(&network()), LocalGroup::new(1));
    quiet.handle(Command::Step);
    alone.work(&mut quiet);
    let (mut session, slow) = (session(&network()), Slow::default());
    let initial = bits(&session);
    for after in [1, 4, 9] {
        session.handle(Command::Train);
        for _ in 0..after {
            session.work(&slow);
        }
        let events = session.handle(Command::Pause);
        assert!(events.contains(&Event::State(RunState::Paused)), "after {after} slices: {events:?}");
        assert!(bits(&session) == initial, "the step that was begun has changed nothing");
    }
    session.handle(Command::Step);
    slices(&mut session, &slow);
    assert!(bits(&session) == bits(&quiet));
}

#[wasm_bindgen_test(unsupported = test)]
fn the_cause_of_a_divergence_is_found_in_slices_and_a_pause_ends_that() {
    /// The slices of the second step at this rate, and its divergence.
    fn second_step(session: &mut Session, slow: &Slow) -> (usize, Option<Divergence>) {
        session.handle(Command::Step);
        let (count, events) = slices(session, slow);
        (count, events.iter().find_map(|e| if let Event::Diverged(d) = e { Some(d.cause) } else { None }))
    }
    let slow = Slow::default();
    let start = |learning_rate| {
        let mut session = session(&network());
        let training = TrainingSpec {
            batch_size: 40,
            subset: Some(5_000),
            optimizer: Optimizer::SGD,
            learning_rate,
            ..TrainingSpec::default()
        };
        session.handle(Command::Configure { network: network(), training });
        session.handle(Command::Step);
        slices(&mut session, &slow);
        session
    };
    let (of_step, none) = second_step(&mut start(1e-3), &slow);
    assert_eq!(none, None);
    let (all, cause) = second_step(&mut start(1e38), &slow);
    assert!(cause.is_some());
    // All outputs are computed anew: 40 x 13 million multiply-adds.
    assert!(all > of_step + 5, "{of_step} slices of a step, {all} with the cause why it was not taken");
    let mut paused = start(1e38);
    paused.handle(Command::Step);
    (0..of_step + 3)
        .for_each(|_| assert!(!paused.work(&slow).iter().any(|e| matches!(e, Event::Diverged(_)))));
    let events = paused.handle(Command::Pause);
    assert!(events.contains(&Event::State(RunState::Paused)) && !paused.busy(), "{events:?}");
    assert_eq!(second_step(&mut paused, &slow), (all, cause));
}

#[wasm_bindgen_test(unsupported = test)]
fn workers_interrupt_their_shards_and_answer_between_slices() {
    let (mut quiet, alone) = (session(&network()), LocalGroup::new(1));
    quiet.handle(Command::Step);
    alone.work(&mut quiet);
    let mut session = session(&network());
    session.set_workers(1);
    let mut worker = trainer::Worker::new(1);
    let (to_worker, to_session) = (Queue::default(), Queue::default());
    session.handle(Command::Step);
    let mut count = 0;
    loop {
        if session.busy() {
            session.work(&to_worker);
        } else if worker.busy() {
            worker.work(&to_session);
            count += 1;
        } else if let Some(mut words) = to_worker.take() {
            worker.on_message(0, &mut words, &to_session);
        } else if let Some(mut words) = to_session.take() {
            session.on_message(1, &mut words, &to_worker);
        } else {
            break;
        }
    }
    assert!(count > 5, "{count} slices of the worker");
    assert!(bits(&session) == bits(&quiet));
}

/// Messages to one core, whose sender has no time.
#[derive(Default)]
struct Queue {
    slow: Slow,
    waiting: std::cell::RefCell<std::collections::VecDeque<Vec<u32>>>,
}

impl Queue {
    fn take(&self) -> Option<Vec<u32>> {
        self.waiting.borrow_mut().pop_front()
    }
}

impl Transport for Queue {
    fn now(&self) -> f64 {
        self.slow.now()
    }

    fn post(&self, _: usize, parts: &[&[u32]]) {
        self.waiting.borrow_mut().push_back(parts.concat());
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn snapshots_and_evaluations_are_interrupted_and_complete() {
    let conv = |kernel_size| LayerSpec::Conv2d {
        out_channels: 32,
        kernel_size,
        stride: 1,
        padding: kernel_size / 2,
    };
    let layers = vec![conv(5), conv(9), LayerSpec::Flatten, LayerSpec::Linear { out_features: 10 }];
    // 65 million multiply-adds an image: a block takes more than a slice.
    let large = NetworkSpec { input: Shape::maps(1, 28, 28), layers };
    let slow = Slow::default();
    let mut session = session(&large);
    let image = digits(1, 3).images;
    let mut events = session.handle(Command::Show { image: image.clone(), reference: None });
    assert!(!events.iter().any(|event| matches!(event, Event::Snapshot(_))), "it takes more than a slice");
    let (count, later) = slices(&mut session, &slow);
    events.extend(later);
    let snapshots: Vec<_> =
        events.iter().filter_map(|e| if let Event::Snapshot(s) = e { Some(s) } else { None }).collect();
    assert!(count > 1 && snapshots.len() == 1, "{count} slices, {} snapshots", snapshots.len());
    let mut network = session.network().clone();
    network.prepare();
    network.infer(std::iter::once(image.as_slice()));
    assert_eq!(snapshots[0].probabilities, network.probabilities());
}

#[wasm_bindgen_test(unsupported = test)]
fn an_evaluation_in_slices_is_the_whole_one() {
    let test = digits(10_000, 1_000);
    let tested = |transport: &dyn Transport| {
        let mut session = session(&Preset::LeNet5.network());
        session.add_test(&test).unwrap();
        let training = TrainingSpec { batch_size: 1024, subset: Some(5_000), ..TrainingSpec::default() };
        session.handle(Command::Configure { network: Preset::LeNet5.network(), training });
        session.handle(Command::Train);
        for count in 1.. {
            let events = session.work(transport);
            if let Some(tested) =
                events.iter().find_map(|e| if let Event::Tested(t) = e { Some(*t) } else { None })
            {
                return (count, tested);
            }
        }
        unreachable!()
    };
    let (slices, interrupted) = tested(&Slow::default());
    let (_, whole) = tested(&crate::common::SingleCore::default());
    assert_eq!(interrupted, whole);
    assert!(slices > 60, "{slices} slices");
}
