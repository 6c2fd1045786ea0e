//! A single step is reported image by image: what the network read, its loss, and how far the weights moved.

use nn::preset::Preset;
use nn::random::noisy_label;
use nn::spec::{LayerSpec, NetworkSpec, TrainingSpec};
use trainer::Session;
use trainer::cursor::training_image;
use trainer::messages::{Command, Event, REPORTED_IMAGES, RunConfig, StepReport, StepSample, Watch};

use crate::common::{LocalGroup, all_options, digits};

/// A session on so many cores whose steps are reported.
fn session(cores: u32, network: NetworkSpec, training: TrainingSpec) -> (Session, LocalGroup) {
    let mut session = Session::default();
    session.add_train(&digits(5_000, 0)).unwrap();
    session.set_workers(cores as usize - 1);
    session.handle(Command::Configure { network, training });
    session.handle(Command::Watch(Watch { step: true, ..Watch::default() }));
    (session, LocalGroup::new(cores))
}

fn reports(events: &[Event]) -> Vec<StepReport> {
    let report = |event: &Event| match event {
        Event::StepTaken(report) => Some((**report).clone()),
        _ => None,
    };
    events.iter().filter_map(report).collect()
}

/// Takes a step. Returns its report and what the session says of its loss and its hits.
fn step(session: &mut Session, group: &LocalGroup) -> (StepReport, f32, f32) {
    let mut events = session.handle(Command::Step);
    events.extend(group.work(session));
    let scores = events.iter().rev().find_map(|event| match event {
        Event::Progress(progress) => progress.train_loss.zip(progress.train_accuracy),
        _ => None,
    });
    let (loss, accuracy) = scores.expect("a step has a loss");
    let mut reports = reports(&events);
    assert_eq!(reports.len(), 1);
    (reports.remove(0), loss, accuracy)
}

#[test]
fn a_report_has_each_image_with_its_loss_the_largest_first() {
    // Batch normalisation, dropout, and everything that training can do to images and labels.
    let spec = all_options();
    let (mut session, group) = session(1, Preset::LeNetTricks.network(), spec.clone());
    for number in 1..4 {
        let (report, loss, accuracy) = step(&mut session, &group);
        assert_eq!((report.step, report.images), (number, spec.batch_size));
        assert!((report.loss - loss).abs() < 1e-5 * loss, "{} and {loss}", report.loss);
        assert_eq!(report.correct as f32 / report.images as f32, accuracy);
        assert_eq!(report.samples.len(), REPORTED_IMAGES);
        assert_eq!(report.pixels.len(), REPORTED_IMAGES * 784);
        assert!(report.samples.is_sorted_by(|a, b| a.score.loss >= b.score.loss));
        let of_batch: Vec<u32> = (0..spec.batch_size as u32)
            .map(|at| training_image(spec.seed, 0, (number as u32 - 1) * 80 + at, 5_000))
            .collect();
        for sample in &report.samples {
            assert!(of_batch.contains(&sample.index));
            let label = noisy_label(spec.seed, spec.label_noise, sample.index, (sample.index % 10) as u8);
            assert_eq!(sample.label, label);
        }
    }
}

#[test]
fn the_images_are_those_that_the_network_got() {
    let plain = TrainingSpec { subset: Some(5_000), ..TrainingSpec::default() };
    let turned = TrainingSpec { augmentation: all_options().augmentation, ..plain.clone() };
    let images = digits(5_000, 0);
    let own = |report: &StepReport| {
        let image = |(at, _): &(usize, &StepSample)| {
            report.pixels[at * 784..][..784] == *images.image(report.samples[*at].index as usize)
        };
        report.samples.iter().enumerate().filter(image).count()
    };
    let (mut session_of_plain, group) = session(1, Preset::LeNet5.network(), plain);
    assert_eq!(own(&step(&mut session_of_plain, &group).0), 64);
    let (mut session_of_turned, group) = session(1, Preset::LeNet5.network(), turned);
    assert!(own(&step(&mut session_of_turned, &group).0) < 4, "they are augmented");
}

#[test]
fn the_changes_are_those_of_the_weights() {
    let (mut session, group) = session(1, Preset::LeNet5.network(), TrainingSpec::default());
    step(&mut session, &group);
    let before = session.network().parameters.clone();
    let (report, ..) = step(&mut session, &group);
    let network = session.network();
    let layers: Vec<usize> = report.changes.iter().map(|change| change.layer).collect();
    assert_eq!(layers, [0, 3, 7, 9, 11], "the layers of LeNet-5 with weights");
    for change in &report.changes {
        let weights = network.plan().parameters.iter().find(|p| p.layer == change.layer).unwrap().range();
        let moved = |at: usize| (network.parameters[at] - before[at]).abs();
        let most = weights.clone().map(moved).fold(0.0, f32::max);
        assert!(most > 0.0);
        let at = weights.start + change.at;
        assert_eq!(moved(at), most);
        assert_eq!((change.before, change.after), (before[at], network.parameters[at]));
        assert!((0.1 * most..=most).contains(&change.change), "{change:?}");
    }
}

#[test]
fn the_report_is_the_same_on_several_cores() {
    let reports = [1, 2, 3].map(|cores| {
        let (mut session, group) = session(cores, Preset::LeNetTricks.network(), all_options());
        (0..3).map(|_| step(&mut session, &group).0).collect::<Vec<_>>()
    });
    assert_eq!(reports[0], reports[1]);
    assert_eq!(reports[0], reports[2]);
}

#[test]
fn steps_that_nobody_looks_at_one_by_one_are_not_reported() {
    let (mut session, group) = session(1, Preset::LeNet5.network(), TrainingSpec::default());
    // Of several that are asked for at once, the last one is.
    let mut events = session.handle(Command::Step);
    events.extend(session.handle(Command::Step));
    events.extend(group.work(&mut session));
    let of_two = reports(&events);
    assert_eq!(of_two.iter().map(|report| report.step).collect::<Vec<_>>(), [2]);
    // Training has no end.
    let mut events = session.handle(Command::Step);
    events.extend(session.handle(Command::Train));
    (0..10).for_each(|_| events.extend(session.work(&group)));
    events.extend(session.handle(Command::Pause));
    assert_eq!(reports(&events), []);
    // A comparison takes its own steps.
    let config = RunConfig {
        network: session.network().spec().clone(),
        training: TrainingSpec { subset: Some(5_000), ..TrainingSpec::default() },
    };
    let mut events = session.handle(Command::Compare { runs: vec![config; 2], epochs: 1.0 });
    events.extend(session.handle(Command::Pause));
    events.extend(session.handle(Command::Step));
    (0..50).for_each(|_| events.extend(session.work(&group)));
    assert_eq!(reports(&events), []);
    session.handle(Command::EndComparison);
    // Nobody looks.
    session.handle(Command::Watch(Watch::default()));
    session.handle(Command::Step);
    assert_eq!(reports(&group.work(&mut session)), []);
}

#[test]
fn a_step_that_waits_is_reported_with_what_it_was_taken_with() {
    let training = TrainingSpec { batch_size: 1_024, ..TrainingSpec::default() };
    let (mut session, group) = session(1, Preset::Mlp30.network(), training.clone());
    (0..4).for_each(|_| drop(step(&mut session, &group)));
    // The next batch is not here; then it is one of fewer images.
    session.handle(Command::Step);
    assert_eq!(reports(&group.work(&mut session)), []);
    let fewer = TrainingSpec { subset: Some(1_000), ..training };
    let network = Preset::Mlp30.network();
    session.handle(Command::Configure { network: network.clone(), training: fewer.clone() });
    let report = reports(&group.work(&mut session)).remove(0);
    assert_eq!(report.step, 5);
    assert!(report.images <= 1_000 && report.samples.iter().all(|sample| sample.index < 1_000));
    // Before the first step another seed means other weights.
    session.handle(Command::Reset);
    session.handle(Command::Step);
    session.handle(Command::Configure { network, training: TrainingSpec { seed: 9, ..fewer } });
    let before = session.network().parameters.clone();
    let report = reports(&group.work(&mut session)).remove(0);
    let change = report.changes[0];
    let first = session.network().plan().parameters[0].range().start;
    assert_eq!(change.before, before[first + change.at]);
    // A reset leaves no report of what was.
    session.handle(Command::Step);
    session.handle(Command::Reset);
    assert_eq!(reports(&group.work(&mut session)), []);
}

#[test]
fn a_step_that_takes_long_is_reported_in_slices_unless_the_network_is_replaced() {
    let conv = LayerSpec::Conv2d { out_channels: 32, kernel_size: 5, stride: 1, padding: 2 };
    let mut layers = vec![conv; 3];
    layers.extend([LayerSpec::Flatten, LayerSpec::Linear { out_features: 10 }]);
    let network = NetworkSpec { input: nn::mnist::IMAGE, layers };
    let training = TrainingSpec { subset: Some(5_000), ..TrainingSpec::default() };
    for replaced in [false, true] {
        let (mut session, group) = session(1, network.clone(), training.clone());
        let mut events = session.handle(Command::Step);
        while !events.iter().any(|event| matches!(event, Event::Progress(_))) {
            events.extend(session.work(&group));
        }
        assert_eq!(reports(&events), [], "it takes several slices");
        if replaced {
            let network = Preset::Mlp30.network();
            events = session.handle(Command::Configure { network, training: training.clone() });
        }
        events.extend(group.work(&mut session));
        assert_eq!(reports(&events).len(), usize::from(!replaced));
    }
}
