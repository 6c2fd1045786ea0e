//! Predictions on the test set: the same as for single images, consistent with the evaluation, on the images
//! downloaded so far, and without blocking commands.

use nn::preset::Preset;
use nn::random::pcg4d;
use nn::spec::TrainingSpec;
use trainer::Session;
use trainer::messages::{Command, Event, Predictions, RunConfig, RunState, Source, Split, Tested, Watch};
use wasm_bindgen_test::wasm_bindgen_test;

use crate::common::{LocalGroup, SingleCore, digits};

const SHIPPED: &[u8] = include_bytes!("../../../../web/assets/lenet5.safetensors");

fn watch(predictions: bool) -> Command {
    Command::Watch(Watch { predictions, ..Watch::default() })
}

/// The predictions among events.
fn predictions(events: &[Event]) -> Vec<Predictions> {
    let of = |event: &Event| if let Event::Predictions(p) = event { Some(p.clone()) } else { None };
    events.iter().filter_map(of).collect()
}

/// Works until the session is idle.
fn work(session: &mut Session) -> Vec<Event> {
    let mut events = Vec::new();
    while session.busy() {
        events.extend(session.work(&SingleCore::default()));
    }
    events
}

/// Works until the session is idle. Returns the predictions, which are sent once.
fn predict(session: &mut Session) -> Predictions {
    let mut all = predictions(&work(session));
    assert_eq!(all.len(), 1, "predictions are sent once");
    all.remove(0)
}

fn correct(predicted: &Predictions, labels: &[u8]) -> usize {
    predicted.classes.iter().zip(labels).filter(|(class, label)| class == label).count()
}

/// A session with a small network, and its test set.
fn quick() -> (Session, data::DataSet) {
    let (mut session, test) = (Session::default(), digits(10_000, 1_000));
    session.add_train(&digits(5_000, 0)).unwrap();
    session.add_test(&test).unwrap();
    let training = TrainingSpec { subset: Some(2_000), ..TrainingSpec::default() };
    session.handle(Command::Configure { network: Preset::Mlp30.network(), training });
    (session, test)
}

#[wasm_bindgen_test(unsupported = test)]
fn predictions_are_those_of_single_images() {
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
        let predicted = predict(&mut session);
        assert_eq!(predicted.source, Source::Session { step: 3 });
        assert_eq!((predicted.classes.len(), predicted.confidences.len()), (500, 500));
        let mut network = session.network().clone();
        network.prepare();
        for (i, (class, confidence)) in predicted.classes.iter().zip(&predicted.confidences).enumerate() {
            network.infer(std::iter::once(test.image(i)));
            let alone = network.probabilities();
            assert_eq!(alone[usize::from(*class)].to_bits(), confidence.to_bits(), "{preset:?}, image {i}");
            assert!(alone.iter().all(|p| p <= confidence), "{preset:?}, image {i}: {alone:?}");
        }
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn after_each_evaluation_predictions_agree_with_it_on_any_number_of_cores() {
    let first = [1, 3].map(|cores| {
        let (mut session, test) = quick();
        session.set_workers(cores as usize - 1);
        let group = LocalGroup::new(cores);
        session.handle(watch(true));
        assert_eq!(predictions(&group.work(&mut session)).len(), 1, "before training");
        session.handle(Command::Train);
        let mut events = Vec::new();
        while predictions(&events).len() < 3 {
            events.extend(session.work(&group));
            if !session.busy() {
                let (core, mut words) = group.deliver().expect("a worker answers");
                events.extend(session.on_message(core, &mut words, &group));
            }
        }
        let tested: Vec<Tested> =
            events.iter().filter_map(|e| if let Event::Tested(t) = e { Some(*t) } else { None }).collect();
        for predicted in predictions(&events) {
            assert_eq!(predicted.classes.len(), 10_000);
            let Source::Session { step } = predicted.source else { panic!("{:?}", predicted.source) };
            let tested =
                tested.iter().find(|tested| tested.step == step).expect("an evaluation of the same step");
            let share = correct(&predicted, &test.labels) as f32 / 10_000.0;
            assert_eq!(share, tested.accuracy, "step {step}");
        }
        assert_eq!(tested.len(), predictions(&events).len(), "every evaluation has predictions");
        predictions(&events).remove(0)
    });
    assert_eq!(first[0].source, Source::Session { step: 48 });
    assert!(first[0] == first[1]);
}

#[wasm_bindgen_test(unsupported = test)]
fn during_the_download_the_images_that_are_here_are_classified() {
    let (mut session, test) = (Session::default(), digits(1_000, 5));
    session.set_pretrained(SHIPPED).unwrap();
    session.handle(watch(true));
    assert!(!session.busy(), "no image is here");
    let part = |from: usize, to: usize| data::DataSet {
        images: test.images[from * 784..to * 784].to_vec(),
        labels: test.labels[from..to].to_vec(),
        ..test.clone()
    };
    session.add_test(&part(0, 387)).unwrap();
    let first = predict(&mut session);
    assert_eq!((first.source, first.classes.len()), (Source::Pretrained, 387));
    assert!(
        correct(&first, &test.labels) > 200,
        "the checkpoint classifies most seven-segment digits correctly"
    );
    session.add_test(&part(387, 1_000)).unwrap();
    let whole = predict(&mut session);
    assert_eq!(whole.classes.len(), 1_000);
    assert_eq!(whole.classes[..387], first.classes);
    assert_eq!(whole.confidences[..387], first.confidences);

    // Downloaded in one piece, the predictions are the same.
    let mut at_once = Session::default();
    at_once.add_test(&test).unwrap();
    at_once.set_pretrained(SHIPPED).unwrap();
    at_once.handle(watch(true));
    assert_eq!(predict(&mut at_once), whole);
}

#[wasm_bindgen_test(unsupported = test)]
fn predictions_are_made_anew_when_the_network_changes() {
    let mut session = Session::default();
    session.add_train(&digits(5_000, 0)).unwrap();
    session.add_test(&digits(320, 9)).unwrap();
    session.handle(Command::Step);
    assert!(predictions(&work(&mut session)).is_empty(), "predictions are not watched");
    session.handle(watch(true));
    assert_eq!(predict(&mut session).source, Source::Session { step: 1 });
    // The same command again changes nothing.
    session.handle(watch(true));
    assert!(!session.busy());

    session.handle(Command::Step);
    let second = predict(&mut session);
    assert_eq!(second.source, Source::Session { step: 2 });
    session.handle(Command::Reset);
    let untrained = predict(&mut session);
    assert_eq!(untrained.source, Source::Session { step: 0 });
    session.set_pretrained(SHIPPED).unwrap();
    let shipped = predict(&mut session);
    assert_eq!(shipped.source, Source::Pretrained);
    assert!(shipped.classes != untrained.classes);

    let network = Preset::Mlp30.network();
    session.handle(Command::Configure { network, training: TrainingSpec::default() });
    let other = predict(&mut session);
    assert_eq!(other.source, Source::Session { step: 0 });
    assert!(other.classes != untrained.classes);

    session.handle(watch(false));
    session.handle(Command::Step);
    assert!(predictions(&work(&mut session)).is_empty(), "predictions are no longer watched");
}

#[wasm_bindgen_test(unsupported = test)]
fn commands_and_training_go_on_while_images_are_classified() {
    let (mut session, _) = quick();
    session.handle(watch(true));
    let clock = SingleCore::default();
    assert!(predictions(&session.work(&clock)).is_empty() && session.busy(), "one slice is not enough");
    let shown = session.handle(Command::Show { image: vec![0; 784], reference: None });
    assert!(matches!(&shown[..], [Event::Snapshot(_)]));
    session.handle(Command::Train);
    let step = |events: &[Event]| {
        events.iter().rev().find_map(|e| if let Event::Progress(p) = e { Some(p.step) } else { None })
    };
    let (mut events, mut slices) = (Vec::new(), 0);
    while predictions(&events).is_empty() {
        events.extend(session.work(&clock));
        slices += 1;
    }
    assert!(slices > 10, "{slices} slices");
    assert!(step(&events) >= Some(20), "training continued meanwhile: {:?}", step(&events));
    let paused = session.handle(Command::Pause);
    assert!(matches!(paused[0], Event::State(RunState::Paused)));
    let source = Source::Session { step: step(&paused).unwrap() };
    assert_eq!(predict(&mut session).source, source, "predictions of the paused network");
    // Predictions that are no longer watched stop.
    session.handle(Command::Reset);
    session.work(&clock);
    assert!(session.busy());
    session.handle(watch(false));
    assert!(!session.busy());
}

#[wasm_bindgen_test(unsupported = test)]
fn watching_predictions_changes_no_weight() {
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
fn labels_and_images_are_those_of_the_downloaded_data() {
    let (mut session, train, test) = (Session::default(), digits(700, 3), digits(90, 8));
    let labels = |session: &mut Session, split| match &session.handle(Command::Labels(split))[..] {
        [Event::Labels { split: of, labels }] if *of == split => labels.clone(),
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

/// The evaluations among events.
fn tested(events: &[Event]) -> Vec<Tested> {
    events
        .iter()
        .filter_map(|event| if let Event::Tested(tested) = event { Some(*tested) } else { None })
        .collect()
}

#[wasm_bindgen_test(unsupported = test)]
fn the_network_is_measured_where_training_stops() {
    let (mut session, test) = quick();
    assert_eq!(work(&mut session), [], "nothing is learned yet");
    for step in 1..=3 {
        session.handle(Command::Step);
        let events = work(&mut session);
        assert_eq!(predictions(&events), [], "nobody watches");
        let tested = tested(&events);
        assert_eq!(tested.iter().map(|tested| tested.step).collect::<Vec<_>>(), [step]);
        session.handle(watch(true));
        let predicted = predict(&mut session);
        assert_eq!(correct(&predicted, &test.labels) as f32 / 10_000.0, tested[0].accuracy, "step {step}");
        session.handle(watch(false));
        work(&mut session);
    }
    // Another network with the same weights is measured anew, and named before its first figures.
    let mut network = Preset::Mlp30.network();
    network
        .layers
        .retain(|layer| *layer != nn::spec::LayerSpec::Sigmoid && *layer != nn::spec::LayerSpec::Relu);
    let training = TrainingSpec { subset: Some(2_000), ..TrainingSpec::default() };
    let events = session.handle(Command::Configure { network: network.clone(), training });
    let named = events.iter().position(|event| *event == Event::Network(network.clone()));
    let shown = events.iter().position(|event| matches!(event, Event::Snapshot(_)));
    assert!(named.is_some() && named < shown, "{named:?} {shown:?}");
    assert_eq!(tested(&work(&mut session)).len(), 1);
    let before = work(&mut session);
    assert_eq!(before, [], "once");
}

#[wasm_bindgen_test(unsupported = test)]
fn after_a_comparison_all_figures_are_those_of_the_own_run() {
    let (mut session, test) = quick();
    for _ in 0..3 {
        session.handle(Command::Step);
        work(&mut session);
    }
    session.handle(watch(true));
    work(&mut session);
    let training = TrainingSpec { subset: Some(2_000), seed: 8, ..TrainingSpec::default() };
    let runs = vec![RunConfig { network: Preset::Mlp30.network(), training }; 2];
    let mut events = session.handle(Command::Compare { runs, epochs: 1.0 });
    events.extend(work(&mut session));
    let end = events.iter().rposition(|event| *event == Event::ActiveRun(None)).expect("its end");
    let (tested, predicted) = (tested(&events[end..]), predictions(&events[end..]));
    let [predicted] = &predicted[..] else { panic!("{} times", predicted.len()) };
    assert_eq!(predicted.source, Source::Session { step: 3 });
    let accuracy = correct(predicted, &test.labels) as f32 / 10_000.0;
    let tested: Vec<_> = tested.iter().map(|tested| (tested.step, tested.accuracy)).collect();
    assert_eq!(tested, [(3, accuracy)]);
}

#[wasm_bindgen_test(unsupported = test)]
fn the_checkpoint_is_measured_while_it_is_shown() {
    let (mut session, test) = (Session::default(), digits(10_000, 1_000));
    session.set_pretrained(SHIPPED).unwrap();
    assert!(!session.busy(), "there are no test images yet");
    session.add_test(&test).unwrap();
    let events = work(&mut session);
    let accuracies: Vec<f32> = events
        .iter()
        .filter_map(|event| if let Event::PretrainedTested(t) = event { Some(t.accuracy) } else { None })
        .collect();
    session.handle(watch(true));
    let predicted = predict(&mut session);
    assert_eq!(predicted.source, Source::Pretrained);
    assert_eq!(accuracies, [correct(&predicted, &test.labels) as f32 / 10_000.0]);
}

#[wasm_bindgen_test(unsupported = test)]
fn where_nothing_trains_the_certainty_that_98_of_100_test_images_reach_is_known() {
    let (mut session, _) = quick();
    session.handle(watch(true));
    let mut events = session.handle(Command::Step);
    events.extend(work(&mut session));
    let (tested, predicted) = (tested(&events), predictions(&events));
    let (tested, predicted) =
        (tested.last().expect("it stopped"), predicted.last().expect("they are watched"));
    let certainty = tested.certainty.expect("all images were classified here");
    let reached =
        |least: f32| predicted.confidences.iter().filter(|confidence| **confidence >= least).count();
    assert!(reached(certainty) >= 9_800, "{certainty}: {}", reached(certainty));
    let more = f32::from_bits(certainty.to_bits() + 1);
    assert!(reached(more) < 9_800, "{certainty} is the largest such number: {}", reached(more));
    assert!(certainty > 0.1 && certainty < 1.0, "{certainty}");
}
