//! Trainings side by side: each as if it were alone, and nothing of what was there before is lost.

use nn::preset::Preset;
use nn::spec::{LayerSpec, NetworkSpec, TrainingSpec};
use trainer::Session;
use trainer::messages::{Command, Event, Progress, RunConfig, RunState, Snapshot, Source, Tested};

mod common;
use common::{Alone, Together, calculator_digit, digits};

const IMAGES: u32 = 1_000;

fn recipe(network: NetworkSpec) -> RunConfig {
    let training = TrainingSpec { seed: 3, subset: Some(IMAGES), ..TrainingSpec::default() };
    RunConfig { network, training }
}

/// LeNet with dropout before its last layer.
fn with_dropout() -> RunConfig {
    let mut network = Preset::LeNet5.network();
    network.layers.insert(network.layers.len() - 1, LayerSpec::Dropout { p: 0.3 });
    recipe(network)
}

fn plain() -> RunConfig {
    recipe(Preset::LeNet5.network())
}

fn fast(learning_rate: f32) -> RunConfig {
    let RunConfig { network, training } = plain();
    RunConfig { network, training: TrainingSpec { learning_rate, ..training } }
}

/// A session that has learned a little from the first images.
fn session() -> Session {
    let mut session = Session::default();
    session.add_train(&digits(5_000, 0)).unwrap();
    for _ in 0..3 {
        session.handle(Command::Step);
        while session.busy() {
            session.work(&Alone::default());
        }
    }
    session
}

fn learned(session: &Session) -> Vec<f32> {
    session.network().parameters.clone()
}

/// Events until it pauses, or until one of them is `last`.
fn work(session: &mut Session, last: impl Fn(&Event) -> bool) -> Vec<Event> {
    let mut events = Vec::new();
    let clock = Alone::default();
    while session.busy() && !events.iter().any(&last) {
        events.extend(session.work(&clock));
    }
    events
}

/// What is told of one run.
fn told(events: &[Event], run: Option<usize>) -> Vec<&Event> {
    let mut turn = None;
    let mut all = Vec::new();
    for event in events {
        match event {
            Event::ActiveRun(next) => turn = *next,
            event if turn == run => all.push(event),
            _ => {}
        }
    }
    all
}

fn last_progress(events: &[&Event]) -> Progress {
    let of = |event: &&Event| if let Event::Progress(progress) = event { Some(*progress) } else { None };
    events.iter().rev().find_map(of).expect("progress")
}

fn turns(events: &[Event]) -> Vec<Option<usize>> {
    events.iter().filter_map(|e| if let Event::ActiveRun(turn) = e { Some(*turn) } else { None }).collect()
}

/// The last measurement of one that trains alone, an epoch and a bit.
fn alone(recipe: RunConfig, test: &data::DataSet) -> Tested {
    let mut session = Session::default();
    session.add_train(&digits(5_000, 0)).unwrap();
    session.add_test(test).unwrap();
    session.handle(Command::Configure { network: recipe.network, training: recipe.training });
    session.handle(Command::Train);
    let events = work(&mut session, |event| matches!(event, Event::Tested(_)));
    events.iter().find_map(|e| if let Event::Tested(tested) = e { Some(*tested) } else { None }).unwrap()
}

#[test]
fn each_learns_what_it_would_learn_alone_on_any_number_of_cores() {
    let test = digits(10_000, 50_000);
    // Three epochs of a thousand images end where a measurement is due anyhow.
    let expected = [alone(plain(), &test), alone(with_dropout(), &test)];
    assert_eq!(expected.map(|tested| tested.epoch), [3.0; 2]);
    assert!(expected[0].loss != expected[1].loss);
    for cores in [1, 3] {
        let mut session = session();
        session.add_test(&test).unwrap();
        session.set_workers(cores as usize - 1);
        let before = learned(&session);
        let command = Command::Compare { runs: vec![plain(), with_dropout()], epochs: 3.0 };
        let mut events = session.handle(command);
        events.extend(Together::new(cores).work(&mut session));
        for (run, expected) in expected.iter().enumerate() {
            let told = told(&events, Some(run));
            let tested = told.iter().filter(|event| matches!(event, Event::Tested(_)));
            let expected = Event::Tested(*expected);
            assert!(tested.eq([&&expected]), "run {run} on {cores} cores, measured once");
            assert_eq!(last_progress(&told).epoch, 3.0);
        }
        assert_eq!(turns(&events), [Some(0), Some(1), None]);
        assert_eq!(last_progress(&told(&events, None)).step, 3, "back where it was");
        assert_eq!(learned(&session), before);
        assert!(events.contains(&Event::State(RunState::Paused)) && !session.busy());
    }
}

#[test]
fn the_end_is_measured_wherever_it_is_and_turns_alternate() {
    let test = digits(10_000, 50_000);
    for cores in [1, 3] {
        let mut session = session();
        session.add_test(&test).unwrap();
        session.set_workers(cores as usize - 1);
        let runs =
            vec![RunConfig { training: TrainingSpec { subset: None, ..plain().training }, ..plain() }; 2];
        // Of 60,000 images there are only 5,000: this comparison takes 4,800 of them.
        let mut events = session.handle(Command::Compare { runs, epochs: 0.08 });
        events.extend(Together::new(cores).work(&mut session));
        assert_eq!(turns(&events), [Some(0), Some(1), Some(0), None]);
        for run in [0, 1] {
            let told = told(&events, Some(run));
            let tested =
                told.iter().filter_map(|e| if let Event::Tested(t) = e { Some(t.step) } else { None });
            let steps: Vec<u64> = tested.collect();
            assert_eq!(steps, [47, 75], "when it is due, and at the end, on {cores} cores");
            assert_eq!(last_progress(&told).step, 75);
        }
    }
}

#[test]
fn it_pauses_goes_on_and_shows_pictures_of_the_first() {
    let mut session = session();
    let runs = vec![plain(), with_dropout()];
    session.handle(Command::Show { image: calculator_digit(4, 1).to_vec() });
    session.handle(Command::Compare { runs, epochs: 5.0 });
    let second = work(&mut session, |event| *event == Event::ActiveRun(Some(1)));
    assert!(second.contains(&Event::ActiveRun(Some(1))));
    let looked = session.handle(Command::Show { image: calculator_digit(7, 2).to_vec() });
    let [Event::Snapshot(Snapshot { source: Source::Session { step: 48 }, .. })] = looked[..] else {
        panic!("the first has taken 48 steps: {looked:?}")
    };
    let paused = session.handle(Command::Pause);
    assert_eq!(turns(&paused), [Some(0)]);
    assert!(!session.busy());
    let mut events = session.handle(Command::Train);
    events.extend(work(&mut session, |_| false));
    assert_eq!(last_progress(&told(&events, Some(1))).epoch, 5.0);
    assert_eq!(turns(&events).last(), Some(&None));
}

#[test]
fn one_that_diverges_is_over_and_the_other_goes_on() {
    let mut session = session();
    let before = learned(&session);
    let mut events = session.handle(Command::Compare { runs: vec![fast(3e38), plain()], epochs: 1.0 });
    events.extend(work(&mut session, |_| false));
    assert!(told(&events, Some(0)).iter().any(|event| matches!(event, Event::Diverged(_))));
    let second = told(&events, Some(1));
    assert!(!second.iter().any(|event| matches!(event, Event::Diverged(_))));
    assert_eq!(last_progress(&second).epoch, 1.0);
    assert_eq!(learned(&session), before);
}

#[test]
fn a_reset_or_other_options_end_it_and_what_cannot_be_compared_is_refused() {
    let mut session = session();
    let before = learned(&session);
    let wrong = NetworkSpec { layers: Vec::new(), ..Preset::LeNet5.network() };
    for (runs, epochs) in [
        (vec![], 1.0),
        (vec![plain(); 9], 1.0),
        (vec![plain()], 0.0),
        (vec![plain()], f64::NAN),
        (vec![plain(), recipe(wrong)], 1.0),
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
        assert_eq!(learned(&session), before, "{end:?}");
        assert!(!session.busy());
    }
    session.handle(Command::Reset);
    assert!(learned(&session) != before, "a second reset is one");
}
