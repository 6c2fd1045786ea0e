//! A comparison: each run trains as it would alone, and the session's own training comes back unchanged.

use nn::preset::Preset;
use nn::spec::{LayerSpec, NetworkSpec, TrainingSpec};
use trainer::Session;
use trainer::messages::{Command, Event, Progress, RunConfig, RunState, Snapshot, Source, Tested};

use crate::common::{LocalGroup, SingleCore, calculator_digit, digits};

const IMAGES: u32 = 1_000;

fn config(network: NetworkSpec) -> RunConfig {
    let training = TrainingSpec { seed: 3, subset: Some(IMAGES), ..TrainingSpec::default() };
    RunConfig { network, training }
}

/// LeNet with dropout before the last layer.
fn with_dropout() -> RunConfig {
    let mut network = Preset::LeNet5.network();
    network.layers.insert(network.layers.len() - 1, LayerSpec::Dropout { p: 0.3 });
    config(network)
}

fn plain() -> RunConfig {
    config(Preset::LeNet5.network())
}

fn fast(learning_rate: f32) -> RunConfig {
    let RunConfig { network, training } = plain();
    RunConfig { network, training: TrainingSpec { learning_rate, ..training } }
}

/// A session after three steps.
fn session() -> Session {
    let mut session = Session::default();
    session.add_train(&digits(5_000, 0)).unwrap();
    for _ in 0..3 {
        session.handle(Command::Step);
        while session.busy() {
            session.work(&SingleCore::default());
        }
    }
    session
}

fn parameters(session: &Session) -> Vec<f32> {
    session.network().parameters.clone()
}

/// Works until the session pauses, or an event is `last`.
fn work(session: &mut Session, last: impl Fn(&Event) -> bool) -> Vec<Event> {
    let mut events = Vec::new();
    let clock = SingleCore::default();
    while session.busy() && !events.iter().any(&last) {
        events.extend(session.work(&clock));
    }
    events
}

/// The events of one run.
fn events_of(events: &[Event], run: Option<usize>) -> Vec<&Event> {
    let mut active = None;
    let mut all = Vec::new();
    for event in events {
        match event {
            Event::ActiveRun(next) => active = *next,
            event if active == run => all.push(event),
            _ => {}
        }
    }
    all
}

fn last_progress(events: &[&Event]) -> Progress {
    let of = |event: &&Event| if let Event::Progress(progress) = event { Some(*progress) } else { None };
    events.iter().rev().find_map(of).expect("progress")
}

fn active_runs(events: &[Event]) -> Vec<Option<usize>> {
    events.iter().filter_map(|e| if let Event::ActiveRun(run) = e { Some(*run) } else { None }).collect()
}

/// The first evaluation of a run that trains alone.
fn alone(config: RunConfig, test: &data::DataSet) -> Tested {
    let mut session = Session::default();
    session.add_train(&digits(5_000, 0)).unwrap();
    session.add_test(test).unwrap();
    session.handle(Command::Configure { network: config.network, training: config.training });
    session.handle(Command::Train);
    let events = work(&mut session, |event| matches!(event, Event::Tested(_)));
    events.iter().find_map(|e| if let Event::Tested(tested) = e { Some(*tested) } else { None }).unwrap()
}

#[test]
fn each_run_gives_the_same_bits_as_alone_on_any_number_of_cores() {
    let test = digits(10_000, 50_000);
    // Three epochs of a thousand images end where an evaluation is due anyhow.
    let expected = [alone(plain(), &test), alone(with_dropout(), &test)];
    assert_eq!(expected.map(|tested| tested.epoch), [3.0; 2]);
    assert!(expected[0].loss != expected[1].loss);
    for cores in [1, 3] {
        let mut session = session();
        session.add_test(&test).unwrap();
        session.set_workers(cores as usize - 1);
        let before = parameters(&session);
        let command = Command::Compare { runs: vec![plain(), with_dropout()], epochs: 3.0 };
        let mut events = session.handle(command);
        events.extend(LocalGroup::new(cores).work(&mut session));
        for (run, expected) in expected.iter().enumerate() {
            let of_run = events_of(&events, Some(run));
            let tested = of_run.iter().filter(|event| matches!(event, Event::Tested(_)));
            let expected = Event::Tested(*expected);
            assert!(tested.eq([&&expected]), "run {run} on {cores} cores, evaluated once");
            assert_eq!(last_progress(&of_run).epoch, 3.0);
        }
        assert_eq!(active_runs(&events), [Some(0), Some(1), None]);
        assert_eq!(
            last_progress(&events_of(&events, None)).step,
            3,
            "the session's own training is at its step again"
        );
        assert_eq!(parameters(&session), before);
        assert!(events.contains(&Event::State(RunState::Paused)) && !session.busy());
    }
}

#[test]
fn the_end_of_each_run_is_evaluated_and_turns_alternate() {
    let test = digits(10_000, 50_000);
    for cores in [1, 3] {
        let mut session = session();
        session.add_test(&test).unwrap();
        session.set_workers(cores as usize - 1);
        let runs =
            vec![RunConfig { training: TrainingSpec { subset: None, ..plain().training }, ..plain() }; 2];
        // Only 5,000 of 60,000 images are here. This comparison takes 4,800 of them.
        let mut events = session.handle(Command::Compare { runs, epochs: 0.08 });
        events.extend(LocalGroup::new(cores).work(&mut session));
        assert_eq!(active_runs(&events), [Some(0), Some(1), Some(0), None]);
        for run in [0, 1] {
            let of_run = events_of(&events, Some(run));
            let tested =
                of_run.iter().filter_map(|e| if let Event::Tested(t) = e { Some(t.step) } else { None });
            let steps: Vec<u64> = tested.collect();
            assert_eq!(steps, [47, 75], "evaluated when it is due, and at the end, on {cores} cores");
            assert_eq!(last_progress(&of_run).step, 75);
        }
    }
}

#[test]
fn a_comparison_pauses_and_resumes_and_its_snapshots_show_the_first_run() {
    let mut session = session();
    let runs = vec![plain(), with_dropout()];
    session.handle(Command::Show { image: calculator_digit(4, 1).to_vec(), reference: None });
    session.handle(Command::Compare { runs, epochs: 5.0 });
    let second = work(&mut session, |event| *event == Event::ActiveRun(Some(1)));
    assert!(second.contains(&Event::ActiveRun(Some(1))));
    let shown = session.handle(Command::Show { image: calculator_digit(7, 2).to_vec(), reference: None });
    let [Event::Snapshot(Snapshot { source: Source::Session { step: 48 }, .. })] = shown[..] else {
        panic!("the first run has taken 48 steps: {shown:?}")
    };
    let paused = session.handle(Command::Pause);
    assert_eq!(active_runs(&paused), [Some(0)]);
    assert!(!session.busy());
    let mut events = session.handle(Command::Train);
    events.extend(work(&mut session, |_| false));
    assert_eq!(last_progress(&events_of(&events, Some(1))).epoch, 5.0);
    assert_eq!(active_runs(&events).last(), Some(&None));
}

#[test]
fn a_run_that_diverges_has_ended_and_the_other_continues() {
    let mut session = session();
    let before = parameters(&session);
    let mut events = session.handle(Command::Compare { runs: vec![fast(3e38), plain()], epochs: 1.0 });
    events.extend(work(&mut session, |_| false));
    assert!(events_of(&events, Some(0)).iter().any(|event| matches!(event, Event::Diverged(_))));
    let second = events_of(&events, Some(1));
    assert!(!second.iter().any(|event| matches!(event, Event::Diverged(_))));
    assert_eq!(last_progress(&second).epoch, 1.0);
    assert_eq!(parameters(&session), before);
}

#[test]
fn a_reset_or_other_options_end_a_comparison_and_a_wrong_one_is_refused() {
    let mut session = session();
    let before = parameters(&session);
    let wrong = NetworkSpec { layers: Vec::new(), ..Preset::LeNet5.network() };
    for (runs, epochs) in [
        (vec![], 1.0),
        (vec![plain(); 9], 1.0),
        (vec![plain()], 0.0),
        (vec![plain()], f64::NAN),
        (vec![plain(), config(wrong)], 1.0),
    ] {
        let events = session.handle(Command::Compare { runs, epochs });
        assert!(matches!(&events[..], [Event::Failed(sentence)] if sentence.ends_with('.')), "{events:?}");
        assert!(!session.busy());
    }
    let network = Preset::LeNet5.network();
    for end in [
        Command::EndComparison,
        Command::Reset,
        Command::Configure { network, training: TrainingSpec::default() },
        Command::Compare { runs: vec![plain()], epochs: 1.0 },
    ] {
        session.handle(Command::Compare { runs: vec![plain(), with_dropout()], epochs: 9.0 });
        work(&mut session, |event| *event == Event::ActiveRun(Some(1)));
        let ended = session.handle(end.clone());
        assert!(ended.contains(&Event::ActiveRun(None)), "{end:?}");
        session.handle(Command::EndComparison);
        assert_eq!(parameters(&session), before, "{end:?}");
        assert!(!session.busy());
    }
    session.handle(Command::Reset);
    assert!(parameters(&session) != before, "a second reset resets the session's own training");
}

#[test]
fn the_runs_of_a_sweep_train_one_after_the_other_as_each_would_alone() {
    let test = digits(10_000, 50_000);
    let expected = [alone(plain(), &test), alone(with_dropout(), &test)];
    let mut session = session();
    session.add_test(&test).unwrap();
    let before = parameters(&session);
    let mut events =
        session.handle(Command::Sweep { runs: vec![plain(), with_dropout(), fast(1e4)], epochs: 3.0 });
    events.extend(work(&mut session, |event| *event == Event::ActiveRun(Some(1))));
    // A pause leaves the run where it is.
    events.extend(session.handle(Command::Pause));
    events.extend(session.handle(Command::Train));
    events.extend(work(&mut session, |event| *event == Event::ActiveRun(None)));
    assert_eq!(active_runs(&events), [Some(0), Some(1), Some(2), None]);
    for (run, expected) in expected.iter().enumerate() {
        let of_run = events_of(&events, Some(run));
        assert_eq!(last_progress(&of_run).epoch, 3.0);
        assert!(of_run.contains(&&Event::Tested(*expected)), "run {run}");
    }
    let wild = events_of(&events, Some(2));
    assert!(wild.iter().any(|event| matches!(event, Event::Diverged(_))), "the last one ends by itself");
    assert_eq!(parameters(&session), before, "the session's own training is back");
    let many = session.handle(Command::Sweep { runs: vec![plain(); 41], epochs: 1.0 });
    assert_eq!(many, [Event::Failed("A comparison has 1 to 40 runs.".into())]);
}
