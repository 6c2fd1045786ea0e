//! Read this first: the whole stack in a few seconds, from drawings to a trained network, written to a file
//! and read back.

use nn::inspect::changed_share::changed_share;
use nn::preset::Preset;
use nn::spec::{LayerSpec, NetworkSpec, Schedule, Shape, TrainingSpec};
use nn::train::optimizer::learning_rate;
use trainer::Session;
use trainer::messages::{ChangedShare, Command, Event, RunState, Snapshot, Source, Watch, decode, encode};

use crate::common::{SingleCore, calculator_digit, digits};

fn work_until_paused(session: &mut Session) -> Vec<Event> {
    let mut events = Vec::new();
    while session.busy() {
        events.extend(session.work(&SingleCore::default()));
    }
    events
}

fn snapshot(events: Vec<Event>) -> Snapshot {
    let found =
        events.into_iter().rev().find_map(|e| if let Event::Snapshot(s) = e { Some(s) } else { None });
    found.expect("a snapshot")
}

#[test]
fn a_session_trains_and_its_checkpoint_classifies_after_a_round_trip() {
    let mut session = Session::default();
    assert_eq!(session.add_train(&digits(5_000, 0)), Ok(5_000));

    // Messages cross between page and worker as bytes.
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

    // Digits that it was not trained on.
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
    assert!(correct > 144, "{correct} of 160 classified correctly");

    let file = interchange::write_checkpoint(&network).unwrap();
    let mut restored = interchange::read_checkpoint(&file).unwrap();
    restored.prepare();
    restored.infer(std::iter::once(new.image(7)));
    let probabilities = restored.probabilities();
    assert!(probabilities[7] > 0.5, "read back, the checkpoint classifies a 7 as {probabilities:?}");
}

#[test]
fn pause_stops_step_takes_one_step_and_reset_restores_the_initial_weights() {
    let mut session = Session::default();
    session.handle(Command::Train);
    assert!(!session.busy(), "no image is here");
    assert!(matches!(
        session.work(&SingleCore::default())[..],
        [] | [Event::State(RunState::WaitingForData)]
    ));

    session.add_train(&digits(5_000, 0)).unwrap();
    assert!(session.busy(), "the first shard is enough for the first batches");
    session.handle(Command::Pause);
    assert!(!session.busy() && session.work(&SingleCore::default()).is_empty());

    let untrained = session.network().parameters.clone();
    session.handle(Command::Step);
    work_until_paused(&mut session);
    assert!(session.network().parameters != untrained);
    session.handle(Command::Reset);
    assert!(session.network().parameters == untrained, "the initial weights of the seed");
}

#[test]
fn steps_that_are_asked_for_before_the_last_one_is_taken_are_all_taken() {
    let mut session = Session::default();
    session.add_train(&digits(5_000, 0)).unwrap();
    let mut last = 0;
    let note = |last: &mut u64, events: Vec<Event>| {
        for event in events {
            if let Event::Progress(progress) = event {
                *last = progress.step;
            }
        }
    };
    for presses in [20, 1, 3] {
        for _ in 0..presses {
            note(&mut last, session.handle(Command::Step));
        }
        note(&mut last, session.work(&SingleCore::default()));
        note(&mut last, session.handle(Command::Step));
        note(&mut last, work_until_paused(&mut session));
    }
    assert_eq!(last, 20 + 1 + 3 + 3);

    // A pause ends what is still to come.
    (0..20).for_each(|_| note(&mut last, session.handle(Command::Step)));
    note(&mut last, session.handle(Command::Pause));
    note(&mut last, session.handle(Command::Step));
    note(&mut last, work_until_paused(&mut session));
    assert_eq!(last, 28);
}

#[test]
fn train_and_pause_are_answered_even_if_nothing_changes() {
    let mut session = Session::default();
    session.add_train(&digits(5_000, 0)).unwrap();
    for (command, state) in [
        (Command::Pause, RunState::Paused),
        (Command::Train, RunState::Training),
        (Command::Train, RunState::Training),
        (Command::Pause, RunState::Paused),
        (Command::Pause, RunState::Paused),
    ] {
        let events = session.handle(command.clone());
        assert!(events.contains(&Event::State(state)), "{command:?}: {events:?}");
    }
}

#[test]
fn the_checkpoint_classifies_until_the_first_step() {
    let shipped = include_bytes!("../../../../web/assets/lenet5.safetensors");
    let mut session = Session::default();
    session.set_pretrained(shipped).unwrap();
    session.handle(Command::Watch(Watch {
        activations: vec![1, 99],
        weights: vec![0, 1],
        norms: true,
        ..Watch::default()
    }));
    let seven = calculator_digit(7, 3).to_vec();
    let shown = snapshot(session.handle(Command::Show { image: seven.clone(), reference: None }));
    assert_eq!(shown.source, Source::Pretrained);
    assert!((shown.probabilities.iter().sum::<f32>() - 1.0).abs() < 1e-5);
    // Layer 99 does not exist, and layer 1 (ReLU) has no weights.
    assert_eq!(
        shown.activations.iter().map(|a| (a.layer, a.values.len())).collect::<Vec<_>>(),
        [(1, 6 * 784)]
    );
    assert_eq!(shown.weights.iter().map(|w| (w.layer, w.values.len())).collect::<Vec<_>>(), [(0, 150)]);

    session.add_train(&digits(5_000, 0)).unwrap();
    session.handle(Command::Step);
    work_until_paused(&mut session);
    assert_eq!(
        snapshot(session.handle(Command::Show { image: seven, reference: None })).source,
        Source::Session { step: 1 }
    );
}

#[test]
fn the_rate_that_is_reported_is_the_one_of_the_next_step() {
    let mut session = Session::default();
    // With few images, the schedule's epochs are not those of the run.
    let schedule = Schedule::Cosine { epochs: 0.01 };
    let training = TrainingSpec { schedule, subset: Some(640), ..TrainingSpec::default() };
    session.handle(Command::Configure { network: Preset::LeNet5.network(), training: training.clone() });
    session.add_train(&digits(5_000, 0)).unwrap();
    for step in 1..=8 {
        session.handle(Command::Step);
        let events = work_until_paused(&mut session);
        let rate = events.iter().rev().find_map(|event| match event {
            Event::Progress(progress) => Some(progress.learning_rate),
            _ => None,
        });
        let expected = learning_rate(&training, f64::from(step * 64) / 60_000.0);
        assert_eq!(rate, Some(expected), "step {step}");
    }
    assert!(learning_rate(&training, 0.0085) < 0.1 * training.learning_rate);
}

#[test]
fn an_image_is_compared_with_its_reference_layer_by_layer() {
    let mut session = Session::default();
    session.handle(Command::Watch(Watch { activations: vec![1, 2], ..Watch::default() }));
    let seven = calculator_digit(7, 3).to_vec();
    let mut moved = seven.clone();
    moved.rotate_right(2);
    let mut show = |image: &[u8], reference: Option<&[u8]>| {
        let (image, reference) = (image.to_vec(), reference.map(<[u8]>::to_vec));
        snapshot(session.handle(Command::Show { image, reference }))
    };
    let alone = show(&moved, None);
    assert_eq!(alone.changed, []);
    let compared = show(&moved, Some(&seven));
    assert_eq!(compared.activations, alone.activations);
    assert_eq!(compared.probabilities, alone.probabilities);
    let before = show(&seven, None).activations;
    let share = |layer: usize| changed_share(&alone.activations[layer].values, &before[layer].values);
    let expected = [(1, share(0)), (2, share(1))].map(|(layer, share)| ChangedShare { layer, share });
    assert_eq!(compared.changed, expected);
    assert!(expected.iter().all(|changed| changed.share > 0.05), "{expected:?}");
    assert!(show(&seven, Some(&seven)).changed.iter().all(|changed| changed.share == 0.0));
    let short = session.handle(Command::Show { image: seven, reference: Some(vec![0; 783]) });
    assert!(matches!(&short[..], [Event::Failed(sentence)] if sentence.contains("28x28")));
}

#[test]
fn a_command_that_fails_gives_a_sentence_and_changes_nothing() {
    let mut session = Session::default();
    let before = session.network().parameters.clone();
    let mut bad = nn::preset::Preset::LeNet5.network();
    bad.layers.remove(6);
    let training = nn::spec::TrainingSpec::default();
    let none = nn::spec::TrainingSpec { batch_size: 0, ..training.clone() };
    let nan = nn::spec::TrainingSpec { learning_rate: f32::NAN, ..training.clone() };
    let good = nn::preset::Preset::Mlp30.network();
    // As many values as an image has, in other shapes.
    let shaped =
        |channels, height, width| NetworkSpec { input: Shape::maps(channels, height, width), ..good.clone() };
    let mut refused: Vec<(NetworkSpec, TrainingSpec, &str)> = vec![
        (bad, training.clone(), "Flatten"),
        (good.clone(), none, "batch size"),
        (good.clone(), nan, "learning rate"),
    ];
    for input in
        [shaped(1, 14, 56), shaped(1, 56, 14), shaped(16, 7, 7), shaped(784, 1, 1), shaped(1, 1, 784)]
    {
        refused.push((input, training.clone(), "28x28"));
    }
    let convolution = |input: NetworkSpec| NetworkSpec {
        layers: vec![
            LayerSpec::Conv2d { out_channels: 3, kernel_size: 3, stride: 1, padding: 1 },
            LayerSpec::Flatten,
            LayerSpec::Linear { out_features: 10 },
        ],
        ..input
    };
    refused.push((convolution(shaped(1, 14, 56)), training.clone(), "28x28"));
    refused.push((convolution(shaped(16, 7, 7)), training.clone(), "28x28"));
    for (network, training, word) in refused {
        match &session.handle(Command::Configure { network, training })[..] {
            [Event::Failed(sentence)] => assert!(sentence.contains(word), "{sentence}"),
            other => panic!("{other:?}"),
        }
    }
    let short = session.handle(Command::Show { image: vec![0; 783], reference: None });
    assert!(matches!(&short[..], [Event::Failed(_)]));
    assert!(session.set_pretrained(b"no checkpoint").is_err());
    assert!(session.network().parameters == before);
}

/// A fully connected network with batch normalisation, and LeNet with batch normalisation of maps alone.
fn normalized() -> [NetworkSpec; 2] {
    use LayerSpec::{BatchNorm, Flatten, Linear};
    let layers =
        vec![Flatten, Linear { out_features: 20 }, BatchNorm, LayerSpec::Relu, Linear { out_features: 10 }];
    let mut maps = nn::preset::Preset::LeNet5.network();
    maps.layers.insert(1, BatchNorm);
    [NetworkSpec { layers, ..maps.clone() }, maps]
}

#[test]
fn batch_norm_of_single_values_is_refused_before_training_with_what_to_do() {
    let [features, maps] = normalized();
    let spec = |subset, batch_size| TrainingSpec { subset, batch_size, ..TrainingSpec::default() };
    for (training, words) in [
        (spec(None, 1), "Choose a larger batch size"),
        (spec(Some(1), 64), "Train on more images"),
        (spec(Some(1), 1), "Train on more images"),
        (spec(Some(65), 64), "of 65 images in batches of 64 one is left"),
        (spec(Some(51), 25), "Choose another batch size"),
    ] {
        let mut session = Session::default();
        session.add_train(&digits(5_000, 0)).unwrap();
        let configure = |network: &NetworkSpec| Command::Configure {
            network: network.clone(),
            training: training.clone(),
        };
        for command in [configure(&features), Command::Train, Command::Step] {
            match &session.handle(command)[..] {
                [Event::Failed(sentence)] => assert!(sentence.contains(words), "{sentence}"),
                other => panic!("{other:?}"),
            }
            assert!(!session.busy(), "nothing is trained that the page does not show");
        }
        // Of a single image, a map has many values.
        assert!(!session.handle(configure(&maps)).iter().any(|event| matches!(event, Event::Failed(_))));
        session.handle(Command::Step);
        work_until_paused(&mut session);
        assert!(session.network().running.iter().all(|value| value.is_finite()));
        assert_eq!(session.network().spec(), &maps);
    }
    // Two images are enough, and so is an epoch that ends with two.
    for training in [spec(None, 2), spec(Some(2), 64), spec(Some(66), 64)] {
        let mut session = Session::default();
        let events = session.handle(Command::Configure { network: features.clone(), training });
        assert!(!events.iter().any(|event| matches!(event, Event::Failed(_))), "{events:?}");
    }
}

#[test]
fn options_that_are_refused_in_the_middle_of_a_training_pause_it() {
    let [features, _] = normalized();
    let mut session = Session::default();
    session.add_train(&digits(5_000, 0)).unwrap();
    let configure = |batch_size| Command::Configure {
        network: features.clone(),
        training: TrainingSpec { batch_size, subset: Some(5_000), ..TrainingSpec::default() },
    };
    session.handle(configure(64));
    session.handle(Command::Train);
    session.work(&SingleCore::default());
    assert!(session.busy());
    let events = session.handle(configure(1));
    assert!(matches!(&events[..], [Event::State(RunState::Paused), .., Event::Failed(_)]), "{events:?}");
    assert!(!session.busy());
    session.handle(configure(32));
    session.handle(Command::Train);
    assert!(session.busy(), "options that can be trained are");
}

#[test]
fn pause_reports_the_step_at_which_it_stopped() {
    let step = |events: &[Event]| {
        let mut steps =
            events.iter().filter_map(|e| if let Event::Progress(p) = e { Some(p.step) } else { None });
        steps.next_back()
    };
    let mut session = Session::default();
    session.add_train(&digits(5_000, 0)).unwrap();
    // All images of the subset are here, so training does not wait for more.
    let training = TrainingSpec { subset: Some(5_000), ..TrainingSpec::default() };
    session.handle(Command::Configure { network: Preset::LeNet5.network(), training });
    let clock = SingleCore::default();
    for slices in 1..8 {
        session.handle(Command::Train);
        (0..slices).for_each(|_| drop(session.work(&clock)));
        let paused = step(&session.handle(Command::Pause)).expect("pause reports progress");
        session.handle(Command::Step);
        assert_eq!(step(&work_until_paused(&mut session)), Some(paused + 1));
    }
}
