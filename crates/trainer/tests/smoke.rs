//! Read this first: five seconds through the whole stack, from drawings to a trained network and back out of a file.

use nn::preset::Preset;
use nn::spec::TrainingSpec;
use trainer::Session;
use trainer::messages::{Command, Event, RunState, Snapshot, Source, Watch, decode, encode};

mod common;
use common::{Alone, calculator_digit, digits};

fn work_until_paused(session: &mut Session) -> Vec<Event> {
    let mut events = Vec::new();
    while session.busy() {
        events.extend(session.work(&Alone::default()));
    }
    events
}

fn snapshot(events: Vec<Event>) -> Snapshot {
    let found =
        events.into_iter().rev().find_map(|e| if let Event::Snapshot(s) = e { Some(s) } else { None });
    found.expect("a snapshot")
}

#[test]
fn it_learns_what_it_is_shown_and_keeps_it_in_a_file() {
    let mut session = Session::default();
    assert_eq!(session.add_train(&digits(5_000, 0)), Ok(5_000));

    // Messages are bytes between page and worker; here too.
    let step: Command = decode(&encode(&Command::Step)).unwrap();
    let mut losses = Vec::new();
    for _ in 0..78 {
        session.handle(step.clone());
        for event in work_until_paused(&mut session) {
            if let Event::Progress(progress) = event {
                losses.extend(progress.train_loss);
            }
        }
    }
    let late = losses[68..].iter().sum::<f32>() / 10.0;
    assert!(losses[0] > 1.5 && late < 0.3, "the loss went from {} to {late}", losses[0]);

    // Never seen before.
    let new = digits(160, 10_000);
    let mut network = session.network().clone();
    network.prepare();
    let correct: usize = (0..160)
        .step_by(16)
        .map(|at| {
            network.infer((at..at + 16).map(|i| new.image(i)));
            network.score(&new.labels[at..at + 16]).correct
        })
        .sum();
    assert!(correct > 144, "{correct} of 160 recognised");

    let file = interchange::write_checkpoint(&network).unwrap();
    let mut restored = interchange::read_checkpoint(&file).unwrap();
    restored.prepare();
    restored.infer(std::iter::once(new.image(7)));
    let probabilities = restored.probabilities();
    assert!(probabilities[7] > 0.5, "out of the file, a 7 is {probabilities:?}");
}

#[test]
fn pause_step_and_reset_do_what_they_say() {
    let mut session = Session::default();
    session.handle(Command::Train);
    assert!(!session.busy(), "nothing to train on yet");
    assert!(matches!(session.work(&Alone::default())[..], [] | [Event::State(RunState::WaitingForData)]));

    session.add_train(&digits(5_000, 0)).unwrap();
    assert!(session.busy(), "the first shard is enough to begin");
    session.handle(Command::Pause);
    assert!(!session.busy() && session.work(&Alone::default()).is_empty());

    let untrained = session.network().parameters.clone();
    session.handle(Command::Step);
    work_until_paused(&mut session);
    assert!(session.network().parameters != untrained);
    session.handle(Command::Reset);
    assert!(session.network().parameters == untrained, "the seed's own weights again");
}

#[test]
fn an_image_is_answered_by_the_checkpoint_until_there_is_a_network_of_ones_own() {
    let shipped = include_bytes!("../../../web/assets/lenet5.safetensors");
    let mut session = Session::default();
    session.set_pretrained(shipped).unwrap();
    session.handle(Command::Watch(Watch {
        activations: vec![1, 99],
        weights: vec![0, 1],
        norms: true,
        ..Watch::default()
    }));
    let seven = calculator_digit(7, 3).to_vec();
    let shown = snapshot(session.handle(Command::Show { image: seven.clone() }));
    assert_eq!(shown.source, Source::Pretrained);
    assert!((shown.probabilities.iter().sum::<f32>() - 1.0).abs() < 1e-5);
    // Only what exists: layer 99 does not, layer 1 (ReLU) has no weights.
    assert_eq!(
        shown.activations.iter().map(|a| (a.layer, a.values.len())).collect::<Vec<_>>(),
        [(1, 6 * 784)]
    );
    assert_eq!(shown.weights.iter().map(|w| (w.layer, w.values.len())).collect::<Vec<_>>(), [(0, 150)]);

    session.add_train(&digits(5_000, 0)).unwrap();
    session.handle(Command::Step);
    work_until_paused(&mut session);
    assert_eq!(snapshot(session.handle(Command::Show { image: seven })).source, Source::Session { step: 1 });
}

#[test]
fn what_cannot_be_done_gets_a_sentence_and_changes_nothing() {
    let mut session = Session::default();
    let before = session.network().parameters.clone();
    let mut bad = nn::preset::Preset::LeNet5.network();
    bad.layers.remove(6);
    let training = nn::spec::TrainingSpec::default();
    let none = nn::spec::TrainingSpec { batch_size: 0, ..training.clone() };
    let nan = nn::spec::TrainingSpec { learning_rate: f32::NAN, ..training.clone() };
    let good = nn::preset::Preset::Mlp30.network();
    for (network, training, word) in
        [(bad, training, "Flatten"), (good.clone(), none, "batch size"), (good, nan, "learning rate")]
    {
        match &session.handle(Command::Configure { network, training })[..] {
            [Event::Failed(sentence)] => assert!(sentence.contains(word), "{sentence}"),
            other => panic!("{other:?}"),
        }
    }
    let short = session.handle(Command::Show { image: vec![0; 783] });
    assert!(matches!(&short[..], [Event::Failed(_)]));
    assert!(session.set_pretrained(b"no checkpoint").is_err());
    assert!(session.network().parameters == before);
}

#[test]
fn pause_tells_where_it_stopped() {
    let step = |events: &[Event]| {
        let mut steps =
            events.iter().filter_map(|e| if let Event::Progress(p) = e { Some(p.step) } else { None });
        steps.next_back()
    };
    let mut session = Session::default();
    session.add_train(&digits(5_000, 0)).unwrap();
    // All images are here: it does not wait for more.
    let training = TrainingSpec { subset: Some(5_000), ..TrainingSpec::default() };
    session.handle(Command::Configure { network: Preset::LeNet5.network(), training });
    let clock = Alone::default();
    for slices in 1..8 {
        session.handle(Command::Train);
        (0..slices).for_each(|_| drop(session.work(&clock)));
        let paused = step(&session.handle(Command::Pause)).expect("where it stopped");
        session.handle(Command::Step);
        assert_eq!(step(&work_until_paused(&mut session)), Some(paused + 1));
    }
}
