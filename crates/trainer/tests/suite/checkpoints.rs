//! The checkpoints of a run: the page is wound back to them and forward again, a new run goes on from one, and they outlive the page.

use nn::memory::{Footprint, checkpoint_bytes};
use nn::preset::Preset;
use nn::spec::{LayerSpec, NetworkSpec, Shape, StopRule, TrainingSpec};
use trainer::Session;
use trainer::messages::{
    CheckpointSummary, Command, Event, Kept, Predictions, RunConfig, Snapshot, Source, Tested, Watch,
};
use wasm_bindgen_test::wasm_bindgen_test;

use crate::common::{SingleCore, digits};

fn config() -> RunConfig {
    let training = TrainingSpec { subset: Some(2_000), ..TrainingSpec::default() };
    RunConfig { network: Preset::Mlp30.network(), training }
}

/// A session with all test images, so that it is measured wherever it stops, and a drawing of which everything is watched.
fn session(RunConfig { network, training }: RunConfig) -> Session {
    let mut session = Session::default();
    session.add_train(&digits(2_000, 0)).unwrap();
    session.add_test(&digits(10_000, 1_000)).unwrap();
    session.handle(Command::Configure { network, training });
    let watch =
        Watch { activations: vec![1], weights: vec![1], norms: true, details: vec![1], ..Watch::default() };
    session.handle(Command::Watch(watch));
    session.handle(Command::Show { image: digits(1, 77).images, reference: None });
    session
}

/// Executes a command, and works until nothing is left to do.
fn tell(session: &mut Session, command: Command) -> Vec<Event> {
    let core = SingleCore::default();
    let mut events = session.handle(command);
    while session.busy() {
        events.extend(session.work(&core));
    }
    events
}

/// The last of the events that `of` takes.
fn last<T>(events: &[Event], of: impl Fn(&Event) -> Option<T>) -> Option<T> {
    events.iter().rev().find_map(of)
}

fn snapshot(events: &[Event]) -> Snapshot {
    last(events, |e| if let Event::Snapshot(snapshot) = e { Some(snapshot.clone()) } else { None })
        .expect("a snapshot")
}

fn checkpoints(events: &[Event]) -> Option<Vec<CheckpointSummary>> {
    last(events, |e| if let Event::Checkpoints(list) = e { Some(list.clone()) } else { None })
}

fn shown(events: &[Event]) -> Option<Option<u64>> {
    last(events, |e| if let Event::Shown { step, .. } = e { Some(*step) } else { None })
}

fn tested(events: &[Event]) -> Option<Tested> {
    last(events, |e| if let Event::Tested(tested) = e { Some(*tested) } else { None })
}

fn steps_of(list: &[CheckpointSummary]) -> Vec<u64> {
    list.iter().map(|checkpoint| checkpoint.step).collect()
}

/// Takes steps one by one. Returns the snapshot after each of them, and all events.
fn step_by_step(session: &mut Session, steps: usize) -> (Vec<Snapshot>, Vec<Event>) {
    let mut all = Vec::new();
    let mut snapshots = Vec::new();
    for _ in 0..steps {
        let events = tell(session, Command::Step);
        snapshots.push(snapshot(&events));
        all.extend(events);
    }
    (snapshots, all)
}

#[wasm_bindgen_test(unsupported = test)]
fn what_was_shown_is_shown_again_and_the_run_is_as_it_was() {
    let mut session = session(config());
    let untrained = snapshot(&session.handle(Command::Show { image: digits(1, 77).images, reference: None }));
    let (then, events) = step_by_step(&mut session, 4);
    let list = checkpoints(&events).expect("a list");
    assert_eq!(steps_of(&list), [0, 1, 2, 3, 4]);
    assert_eq!(list[0].tested, None);
    assert_eq!(list[4].tested, tested(&events));
    assert!(then.iter().all(|snapshot| snapshot.norms.len() == 2), "gradients are watched");
    for step in [2, 4, 1] {
        let events = tell(&mut session, Command::ShowCheckpoint(Some(step)));
        assert_eq!((snapshot(&events), shown(&events)), (then[step as usize - 1].clone(), Some(Some(step))));
        assert_eq!(tested(&events), None, "it was measured then");
    }
    let first = snapshot(&tell(&mut session, Command::ShowCheckpoint(Some(0))));
    assert_eq!(first, untrained, "the initial weights, and no pretrained network");
    let events = tell(&mut session, Command::ShowCheckpoint(None));
    assert_eq!((snapshot(&events), shown(&events)), (then[3].clone(), Some(None)));
    // And it trains on as one that was never wound back.
    let (on, _) = step_by_step(&mut session, 3);
    let mut twin = self::session(config());
    let (never, _) = step_by_step(&mut twin, 7);
    assert_eq!(on, never[4..]);
}

#[wasm_bindgen_test(unsupported = test)]
fn predictions_are_those_of_the_network_that_is_shown() {
    let mut session = session(config());
    let predictions = |events: &[Event]| -> Predictions {
        last(events, |e| if let Event::Predictions(p) = e { Some(p.clone()) } else { None })
            .expect("predictions")
    };
    tell(&mut session, Command::Watch(Watch { predictions: true, ..Watch::default() }));
    let (_, first) = step_by_step(&mut session, 1);
    let (_, later) = step_by_step(&mut session, 2);
    assert_ne!(predictions(&first).classes, predictions(&later).classes);
    let back = tell(&mut session, Command::ShowCheckpoint(Some(1)));
    assert_eq!(predictions(&back), predictions(&first));
    assert_eq!(predictions(&back).source, Source::Session { step: 1 });
    assert_eq!(tested(&back), None, "the present network is as it was");
    assert_eq!(predictions(&tell(&mut session, Command::ShowCheckpoint(None))), predictions(&later));
}

#[wasm_bindgen_test(unsupported = test)]
fn the_beginning_is_the_untrained_network_where_a_pretrained_one_read_the_drawing() {
    let RunConfig { training, .. } = config();
    let mut session = session(RunConfig { network: Preset::LeNet5.network(), training });
    session.set_pretrained(include_bytes!("../../../../web/assets/lenet5.safetensors")).unwrap();
    step_by_step(&mut session, 1);
    let events = tell(&mut session, Command::ShowCheckpoint(Some(0)));
    assert_eq!(snapshot(&events).source, Source::Session { step: 0 });
}

#[wasm_bindgen_test(unsupported = test)]
fn every_evaluation_of_a_training_is_kept() {
    let mut session = session(config());
    let core = SingleCore::default();
    let mut events = session.handle(Command::Train);
    while events.iter().filter(|event| matches!(event, Event::Tested(_))).count() < 3 {
        events.extend(session.work(&core));
    }
    events.extend(session.handle(Command::Pause));
    let measured = events.iter().filter_map(|e| if let Event::Tested(t) = e { Some(*t) } else { None });
    let kept = checkpoints(&events).expect("a list");
    assert_eq!(kept[0].step, 0);
    assert_eq!(kept[1..].iter().filter_map(|c| c.tested).collect::<Vec<_>>(), measured.collect::<Vec<_>>());
    // After 3,000 images: an epoch in 32 batches, the last of which is smaller, and 16 more.
    assert_eq!(kept[1].step, 48);
    // While it trains, looking back pauses it.
    session.handle(Command::Train);
    let events = session.handle(Command::ShowCheckpoint(Some(kept[1].step)));
    assert!(session.is_paused());
    assert_eq!(snapshot(&events).source, Source::Session { step: kept[1].step });
}

#[wasm_bindgen_test(unsupported = test)]
fn whatever_trains_or_replaces_the_run_shows_it_as_it_is_now() {
    let RunConfig { network, training } = config();
    let other = TrainingSpec { learning_rate: 0.5, ..training };
    let commands = [
        Command::Train,
        Command::Step,
        Command::Reset,
        Command::Undo,
        Command::Configure { network, training: other },
        Command::Compare { runs: vec![config(); 2], epochs: 0.1 },
    ];
    for command in commands {
        let mut session = session(config());
        step_by_step(&mut session, 3);
        session.handle(Command::ShowCheckpoint(Some(1)));
        let events = session.handle(command.clone());
        assert_eq!(shown(&events), Some(None), "{command:?}");
        let ends_at = snapshot(&events).source;
        assert_ne!(ends_at, Source::Session { step: 1 }, "{command:?}");
    }
    let mut session = session(config());
    step_by_step(&mut session, 2);
    session.handle(Command::ShowCheckpoint(Some(1)));
    for command in [Command::Pause, Command::ShowCheckpoint(Some(1))] {
        let events = session.handle(command);
        assert!(shown(&events) != Some(None), "{events:?}");
    }
    let events = session.handle(Command::ShowCheckpoint(Some(77)));
    assert_eq!(shown(&events), Some(None), "there is no such one");
    assert_eq!(
        session.handle(Command::ShowCheckpoint(None)),
        [Event::Shown { step: None, is_answer: true }],
        "the page waits for an answer"
    );
}

#[wasm_bindgen_test(unsupported = test)]
fn a_new_run_goes_on_from_a_checkpoint_and_the_old_one_comes_back() {
    let mut session = session(config());
    session.handle(Command::KeepRecord { setup: "settings".into(), record: "curves".into() });
    let (then, _) = step_by_step(&mut session, 6);
    session.handle(Command::ShowCheckpoint(Some(2)));
    let events = tell(&mut session, Command::ContinueFrom(2));
    let restored = |events: &[Event]| -> Kept {
        last(events, |e| if let Event::Restored(kept) = e { Some((**kept).clone()) } else { None })
            .expect("a run")
    };
    let kept = restored(&events);
    assert_eq!((kept.step, kept.config, kept.page.record.as_str()), (2, config(), "curves"));
    assert_eq!((snapshot(&events), shown(&events)), (then[1].clone(), Some(None)));
    let list = checkpoints(&events).unwrap();
    assert_eq!(steps_of(&list), [0, 1, 2]);
    assert_eq!(tested(&events), list[2].tested, "its accuracy is known");
    assert_eq!(kept.page.setup, "settings");
    let replaced = last(&events, |e| if let Event::Replaced(kept) = e { kept.clone() } else { None });
    assert_eq!(replaced.map(|kept| kept.step), Some(6));
    // Its steps are those of the run that it goes on from.
    let (on, events) = step_by_step(&mut session, 2);
    assert_eq!(on, then[2..4]);
    assert_eq!(checkpoints(&events).map(|list| steps_of(&list)), Some(vec![0, 1, 2, 3, 4]));
    let events = tell(&mut session, Command::Undo);
    assert_eq!(restored(&events).step, 6);
    assert_eq!(snapshot(&events), then[5]);
    assert_eq!(checkpoints(&events).map(|list| steps_of(&list)), Some((0..=6).collect()));
    assert_eq!(session.handle(Command::ContinueFrom(99)), [], "there is no such checkpoint");
}

#[wasm_bindgen_test(unsupported = test)]
fn a_checkpoint_has_the_layers_that_the_network_had_then() {
    let mut session = session(config());
    step_by_step(&mut session, 2);
    let RunConfig { network: plain, training } = config();
    let mut normalised = plain.clone();
    normalised.layers.insert(2, LayerSpec::BatchNorm);
    tell(&mut session, Command::Configure { network: normalised.clone(), training });
    let (_, events) = step_by_step(&mut session, 2);
    assert_eq!(checkpoints(&events).map(|list| steps_of(&list)), Some(vec![0, 1, 2, 3, 4]));
    let network =
        |events: &[Event]| last(events, |e| if let Event::Network(n) = e { Some(n.clone()) } else { None });
    assert_eq!(network(&tell(&mut session, Command::ShowCheckpoint(Some(1)))), Some(plain.clone()));
    assert_eq!(network(&tell(&mut session, Command::ShowCheckpoint(Some(4)))), Some(normalised));
    tell(&mut session, Command::ContinueFrom(1));
    assert_eq!(session.network().spec(), &plain);
}

#[wasm_bindgen_test(unsupported = test)]
fn a_run_begun_anew_has_none_of_the_one_before() {
    let mut session = session(config());
    step_by_step(&mut session, 2);
    assert_eq!(checkpoints(&tell(&mut session, Command::Reset)), Some(vec![]));
    assert!(session.checkpoints().is_empty());
    let (_, events) = step_by_step(&mut session, 1);
    assert_eq!(checkpoints(&events).map(|list| steps_of(&list)), Some(vec![0, 1]));
}

#[wasm_bindgen_test(unsupported = test)]
fn checkpoints_outlive_the_page() {
    let mut first = session(config());
    let (then, events) = step_by_step(&mut first, 4);
    let list = checkpoints(&events).unwrap();
    let mut files: Vec<_> = first
        .checkpoints()
        .into_iter()
        .map(|number| first.encode_numbered(number).unwrap().unwrap())
        .collect();
    assert_eq!(files.len(), 5);
    let own = first.encode().unwrap();
    // Whatever order they come in. One is damaged, and one is no checkpoint.
    files.reverse();
    files[1].truncate(100);
    files.push(own.clone());
    let mut next = session(config());
    next.offer(&own, &[], &files).unwrap();
    let events = tell(&mut next, Command::Resume);
    let mut expected = list;
    expected.remove(3);
    assert_eq!(checkpoints(&events), Some(expected));
    assert_eq!(snapshot(&tell(&mut next, Command::ShowCheckpoint(Some(2)))), then[1]);
    assert_eq!(snapshot(&tell(&mut next, Command::ShowCheckpoint(None))), then[3]);
    // Those of a longer run do not belong to a shorter one.
    let mut short = session(config());
    step_by_step(&mut short, 1);
    let mut next = session(config());
    next.offer(&short.encode().unwrap(), &[], &files).unwrap();
    assert_eq!(checkpoints(&tell(&mut next, Command::Resume)).map(|list| steps_of(&list)), Some(vec![0, 1]));
    // A run that is set aside comes back with its own.
    let mut aside = session(config());
    aside.offer(&own, &[], &files).unwrap();
    tell(&mut aside, Command::SetAside);
    assert_eq!(
        checkpoints(&tell(&mut aside, Command::Undo)).map(|list| steps_of(&list)),
        Some(vec![0, 1, 2, 4])
    );
}

#[wasm_bindgen_test(unsupported = test)]
fn where_memory_is_short_checkpoints_are_spread_evenly() {
    let mut session = session(config());
    // Half of the memory that is left: five checkpoints fit.
    let RunConfig { network, training } = config();
    let left = 2 * 5 * checkpoint_bytes(network.parameters() as u64, 0);
    session.limit_memory(Footprint::new(&network, training.batch_size, 1).unwrap().peak() + left);
    let even = |events: &[Event], last: u64| {
        let steps = steps_of(&checkpoints(events).unwrap());
        assert_eq!((steps.len(), steps[0], steps[4]), (5, 0, last), "{steps:?}");
        let gaps: Vec<u64> = steps.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert!(
            gaps[..3].iter().max() <= gaps[..3].iter().min().map(|least| 3 * least).as_ref(),
            "{steps:?}"
        );
        steps
    };
    let (then, events) = step_by_step(&mut session, 22);
    let step = even(&events, 22)[2];
    let shown = snapshot(&tell(&mut session, Command::ShowCheckpoint(Some(step))));
    assert_eq!(shown, then[step as usize - 1]);
    tell(&mut session, Command::ShowCheckpoint(None));
    let (_, events) = step_by_step(&mut session, 10);
    even(&events, 32);
    // With less room fewer stay, and the page is told.
    let events = session.limit_memory(1);
    assert!(session.checkpoints().is_empty() && checkpoints(&events) == Some(vec![]));
}

#[wasm_bindgen_test(unsupported = test)]
fn a_run_has_no_more_checkpoints_than_a_film_has_moments() {
    let network = NetworkSpec {
        input: Shape::maps(1, 28, 28),
        layers: vec![
            LayerSpec::AvgPool2d { kernel_size: 7, stride: 7 },
            LayerSpec::Flatten,
            LayerSpec::Linear { out_features: 10 },
        ],
    };
    let mut session = session(RunConfig { network, ..config() });
    let (_, events) = step_by_step(&mut session, 90);
    let steps = steps_of(&checkpoints(&events).unwrap());
    assert_eq!((steps.len(), steps[0], steps[59]), (60, 0, 90));
    assert!(steps.windows(2).all(|pair| pair[1] - pair[0] <= 2), "{steps:?}");
}

/// Trains until the session pauses by itself. Returns its reason, and the last evaluation.
fn train_to_the_stop(session: &mut Session) -> (Option<String>, Tested) {
    let core = SingleCore::default();
    let mut events = session.handle(Command::Train);
    for _ in 0..2_000 {
        if session.busy() {
            events.extend(session.work(&core));
        }
    }
    assert!(session.is_paused() && !session.busy(), "it does not stop");
    let reason = last(&events, |e| if let Event::Stopped(reason) = e { Some(reason.clone()) } else { None });
    (reason, tested(&events).expect("an evaluation"))
}

#[wasm_bindgen_test(unsupported = test)]
fn training_stops_at_the_epoch_that_is_set_and_goes_on_when_it_is_told_to() {
    let RunConfig { network, training } = config();
    let stop = |epochs| TrainingSpec { stop: StopRule::Epoch { epochs }, ..training.clone() };
    let mut session = session(RunConfig { network: network.clone(), training: stop(2.5) });
    let (reason, tested) = train_to_the_stop(&mut session);
    assert_eq!(reason.as_deref(), Some("Training stopped at epoch 2.51: it is set to stop at 2.5."));
    // 32 batches an epoch, and 1,000 images of the third one in batches of 64.
    assert_eq!((tested.step, session.checkpoints().len()), (80, 3), "{tested:?}");
    // It is the network after as many steps one by one.
    let mut twin = self::session(config());
    step_by_step(&mut twin, 80);
    assert_eq!(session.network().parameters, twin.network().parameters);
    // It goes on, and stops where it is set to then.
    tell(&mut session, Command::Configure { network, training: stop(4.0) });
    let (reason, tested) = train_to_the_stop(&mut session);
    assert_eq!(reason.as_deref(), Some("Training stopped at epoch 4.00: it is set to stop at 4."));
    assert_eq!(tested.step, 128);
}

#[wasm_bindgen_test(unsupported = test)]
fn training_stops_at_an_accuracy_and_where_the_test_loss_falls_no_more() {
    let RunConfig { network, training } = config();
    let with =
        |stop| RunConfig { network: network.clone(), training: TrainingSpec { stop, ..training.clone() } };
    let mut at_accuracy = session(with(StopRule::Accuracy { accuracy: 0.6 }));
    let (reason, reached) = train_to_the_stop(&mut at_accuracy);
    assert!(reason.is_some_and(|reason| reason.contains("set to stop at 60 %")) && reached.accuracy >= 0.6);
    // A rate of 0 learns nothing: the second evaluation after the first has the same loss.
    let still = RunConfig {
        training: TrainingSpec {
            learning_rate: 0.0,
            ..with(StopRule::Patience { evaluations: 1.0 }).training
        },
        network: network.clone(),
    };
    let mut still = session(still);
    let (reason, tested) = train_to_the_stop(&mut still);
    assert!(reason.is_some_and(|reason| reason.contains("has not fallen in 1 evaluation.")));
    assert_eq!(tested.step, 96, "after 6,000 images");
    // A comparison has a length of its own.
    let runs = vec![with(StopRule::Epoch { epochs: 0.5 }); 2];
    let events = tell(&mut still, Command::Compare { runs, epochs: 1.0 });
    assert!(!events.iter().any(|event| matches!(event, Event::Stopped(_))));
}

#[wasm_bindgen_test(unsupported = test)]
fn another_network_begins_with_a_checkpoint_and_no_time_of_training() {
    let mut session = session(config());
    tell(&mut session, Command::Step);
    let core = SingleCore::default();
    session.handle(Command::Train);
    (0..5).for_each(|_| drop(session.work(&core)));
    let network = Preset::DeepSigmoid.network();
    let events = session.handle(Command::Configure { network, training: config().training });
    let step =
        last(&events, |e| if let Event::Progress(p) = e { Some((p.step, p.train_seconds)) } else { None });
    let (step, seconds) = step.expect("progress");
    assert!(step > 1);
    assert_eq!(seconds, Some(0.0));
    let steps: Vec<u64> = checkpoints(&events).expect("checkpoints").iter().map(|one| one.step).collect();
    assert_eq!(steps, [step], "those of the network before are gone");
}
