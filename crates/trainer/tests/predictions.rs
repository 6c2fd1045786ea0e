//! How the network reads each test image: the same as one by one, as the evaluation counts, on whatever is here, while commands
//! are heard.

use nn::preset::Preset;
use nn::random::pcg4d;
use nn::spec::TrainingSpec;
use trainer::Session;
use trainer::messages::{Command, Event, Predictions, RunState, Source, Split, Tested, Watch};
use wasm_bindgen_test::wasm_bindgen_test;

mod common;
use common::{Alone, Together, digits};

const SHIPPED: &[u8] = include_bytes!("../../../web/assets/lenet5.safetensors");

fn watch(predictions: bool) -> Command {
    Command::Watch(Watch { predictions, ..Watch::default() })
}

/// The answers among some events.
fn answers(events: &[Event]) -> Vec<Predictions> {
    let answers =
        |event: &Event| if let Event::Predictions(answers) = event { Some(answers.clone()) } else { None };
    events.iter().filter_map(answers).collect()
}

/// Works until there is nothing to do.
fn work(session: &mut Session) -> Vec<Event> {
    let mut events = Vec::new();
    while session.busy() {
        events.extend(session.work(&Alone::default()));
    }
    events
}

/// The one set of answers that is told until there is nothing to do.
fn answer(session: &mut Session) -> Predictions {
    let mut all = answers(&work(session));
    assert_eq!(all.len(), 1, "answers are told once");
    all.remove(0)
}

fn correct(answers: &Predictions, labels: &[u8]) -> usize {
    answers.classes.iter().zip(labels).filter(|(class, label)| class == label).count()
}

/// A session that learns quickly, and the set it is measured on.
fn quick() -> (Session, data::DataSet) {
    let (mut session, test) = (Session::default(), digits(10_000, 1_000));
    session.add_train(&digits(5_000, 0)).unwrap();
    session.add_test(&test).unwrap();
    let training = TrainingSpec { subset: Some(2_000), ..TrainingSpec::default() };
    session.handle(Command::Configure { network: Preset::Mlp30.network(), training });
    (session, test)
}

#[wasm_bindgen_test(unsupported = test)]
fn they_are_those_of_one_image_at_a_time() {
    for preset in [Preset::LeNet5, Preset::LeNetTricks, Preset::Mlp30] {
        let (mut session, test) = (Session::default(), digits(500, 77));
        session.add_train(&digits(5_000, 0)).unwrap();
        session.add_test(&test).unwrap();
        session.handle(Command::Configure { network: preset.network(), training: TrainingSpec::default() });
        for _ in 0..3 {
            session.handle(Command::Step);
            work(&mut session);
        }
        session.handle(watch(true));
        let answers = answer(&mut session);
        assert_eq!(answers.source, Source::Session { step: 3 });
        assert_eq!((answers.classes.len(), answers.confidences.len()), (500, 500));
        let mut network = session.network().clone();
        network.prepare();
        for (i, (class, confidence)) in answers.classes.iter().zip(&answers.confidences).enumerate() {
            network.infer(std::iter::once(test.image(i)));
            let alone = network.probabilities();
            assert_eq!(alone[usize::from(*class)].to_bits(), confidence.to_bits(), "{preset:?}, image {i}");
            assert!(alone.iter().all(|p| p <= confidence), "{preset:?}, image {i}: {alone:?}");
        }
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn after_each_evaluation_they_agree_with_it_to_the_image_on_any_number_of_cores() {
    let told = [1, 3].map(|cores| {
        let (mut session, test) = quick();
        session.set_workers(cores as usize - 1);
        let together = Together::new(cores);
        session.handle(watch(true));
        assert_eq!(answers(&together.work(&mut session)).len(), 1, "before training");
        session.handle(Command::Train);
        let mut events = Vec::new();
        while answers(&events).len() < 3 {
            events.extend(session.work(&together));
            if !session.busy() {
                let (core, mut words) = together.deliver().expect("somebody works");
                events.extend(session.on_message(core, &mut words, &together));
            }
        }
        let tested: Vec<Tested> =
            events.iter().filter_map(|e| if let Event::Tested(t) = e { Some(*t) } else { None }).collect();
        for answers in answers(&events) {
            assert_eq!(answers.classes.len(), 10_000);
            let Source::Session { step } = answers.source else { panic!("{:?}", answers.source) };
            let tested =
                tested.iter().find(|tested| tested.step == step).expect("an evaluation of that step");
            let share = correct(&answers, &test.labels) as f32 / 10_000.0;
            assert_eq!(share, tested.accuracy, "step {step}");
        }
        assert_eq!(tested.len(), answers(&events).len(), "none is left out");
        answers(&events).remove(0)
    });
    assert_eq!(told[0].source, Source::Session { step: 48 });
    assert!(told[0] == told[1]);
}

#[wasm_bindgen_test(unsupported = test)]
fn while_the_test_set_comes_those_that_are_here_are_read() {
    let (mut session, test) = (Session::default(), digits(1_000, 5));
    session.set_pretrained(SHIPPED).unwrap();
    session.handle(watch(true));
    assert!(!session.busy(), "nothing to read yet");
    let part = |from: usize, to: usize| data::DataSet {
        images: test.images[from * 784..to * 784].to_vec(),
        labels: test.labels[from..to].to_vec(),
        ..test.clone()
    };
    session.add_test(&part(0, 387)).unwrap();
    let first = answer(&mut session);
    assert_eq!((first.source, first.classes.len()), (Source::Pretrained, 387));
    assert!(correct(&first, &test.labels) > 200, "the checkpoint reads a pocket calculator, mostly");
    session.add_test(&part(387, 1_000)).unwrap();
    let whole = answer(&mut session);
    assert_eq!(whole.classes.len(), 1_000);
    assert_eq!(whole.classes[..387], first.classes);
    assert_eq!(whole.confidences[..387], first.confidences);

    // In one piece it is the same.
    let mut at_once = Session::default();
    at_once.add_test(&test).unwrap();
    at_once.set_pretrained(SHIPPED).unwrap();
    at_once.handle(watch(true));
    assert_eq!(answer(&mut at_once), whole);
}

#[wasm_bindgen_test(unsupported = test)]
fn they_follow_what_happens_to_the_network() {
    let mut session = Session::default();
    session.add_train(&digits(5_000, 0)).unwrap();
    session.add_test(&digits(320, 9)).unwrap();
    session.handle(Command::Step);
    assert!(answers(&work(&mut session)).is_empty(), "nobody looks");
    session.handle(watch(true));
    assert_eq!(answer(&mut session).source, Source::Session { step: 1 });
    // The same once more is no reason to read again.
    session.handle(watch(true));
    assert!(!session.busy());

    session.handle(Command::Step);
    let second = answer(&mut session);
    assert_eq!(second.source, Source::Session { step: 2 });
    session.handle(Command::Reset);
    let untrained = answer(&mut session);
    assert_eq!(untrained.source, Source::Session { step: 0 });
    session.set_pretrained(SHIPPED).unwrap();
    let shipped = answer(&mut session);
    assert_eq!(shipped.source, Source::Pretrained);
    assert!(shipped.classes != untrained.classes);

    let network = Preset::Mlp30.network();
    session.handle(Command::Configure { network, training: TrainingSpec::default() });
    let other = answer(&mut session);
    assert_eq!(other.source, Source::Session { step: 0 });
    assert!(other.classes != untrained.classes);

    session.handle(watch(false));
    session.handle(Command::Step);
    assert!(answers(&work(&mut session)).is_empty(), "nobody looks any more");
}

#[wasm_bindgen_test(unsupported = test)]
fn commands_are_heard_and_training_goes_on_while_images_are_read() {
    let (mut session, _) = quick();
    session.handle(watch(true));
    let clock = Alone::default();
    assert!(answers(&session.work(&clock)).is_empty() && session.busy(), "a slice is not all of it");
    let shown = session.handle(Command::Show { image: vec![0; 784] });
    assert!(matches!(&shown[..], [Event::Snapshot(_)]));
    session.handle(Command::Train);
    let step = |events: &[Event]| {
        events.iter().rev().find_map(|e| if let Event::Progress(p) = e { Some(p.step) } else { None })
    };
    let (mut events, mut slices) = (Vec::new(), 0);
    while answers(&events).is_empty() {
        events.extend(session.work(&clock));
        slices += 1;
    }
    assert!(slices > 10, "{slices} slices");
    assert!(step(&events) >= Some(20), "training went on meanwhile: {:?}", step(&events));
    let paused = session.handle(Command::Pause);
    assert!(matches!(paused[0], Event::State(RunState::Paused)));
    let source = Source::Session { step: step(&paused).unwrap() };
    assert_eq!(answer(&mut session).source, source, "the network as it was paused");
    // One that is closed while it reads stops reading.
    session.handle(Command::Reset);
    session.work(&clock);
    assert!(session.busy());
    session.handle(watch(false));
    assert!(!session.busy());
}

#[wasm_bindgen_test(unsupported = test)]
fn watching_changes_no_weight() {
    let steps = |watched: bool| {
        let (mut session, _) = quick();
        session.handle(watch(watched));
        for _ in 0..20 {
            session.handle(Command::Step);
            work(&mut session);
        }
        session.network().parameters.clone()
    };
    assert!(steps(true) == steps(false));
}

#[wasm_bindgen_test(unsupported = test)]
fn labels_and_images_are_those_of_the_data_as_far_as_it_is_here() {
    let (mut session, train, test) = (Session::default(), digits(700, 3), digits(90, 8));
    let labels = |session: &mut Session, split| match &session.handle(Command::Labels(split))[..] {
        [Event::Labels { split: told, labels }] if *told == split => labels.clone(),
        other => panic!("{other:?}"),
    };
    assert!(labels(&mut session, Split::Train).is_empty());
    session.add_train(&train).unwrap();
    session.add_test(&test).unwrap();
    assert_eq!(labels(&mut session, Split::Train), train.labels);
    assert_eq!(labels(&mut session, Split::Test), test.labels);
    for round in 0..200 {
        let [split, count, at, step] = pcg4d([round, 5, 6, 7]);
        let (split, data) = if split % 2 == 0 { (Split::Train, &train) } else { (Split::Test, &test) };
        let indices: Vec<u32> =
            (0..count % 40).map(|i| (at.wrapping_add(i.wrapping_mul(step))) % 1_000).collect();
        let events = session.handle(Command::Images { split, indices: indices.clone() });
        let [Event::Images(images)] = &events[..] else { panic!("{events:?}") };
        let here: Vec<u32> = indices.into_iter().filter(|i| (*i as usize) < data.len()).collect();
        assert_eq!((images.split, &images.indices), (split, &here));
        assert_eq!(images.pixels.len(), 784 * here.len());
        for (index, pixels) in here.iter().zip(images.pixels.chunks(784)) {
            assert_eq!(pixels, data.image(*index as usize));
        }
    }
}
