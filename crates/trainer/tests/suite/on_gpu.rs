//! A session whose steps are taken by a GPU. Natively, on a GPU in software if there is no other; in the browser the page's own
//! tests do the same.

use nn::preset::Preset;
use nn::spec::{LayerSpec, NetworkSpec, Schedule, Shape, StopRule, TrainingSpec};
use trainer::Session;
use trainer::messages::{Command, Device, DeviceChoice, Event, RunState, Snapshot, Source, Split, Watch};

use crate::common::all_options;
use crate::common::gpu::{Clock, Last, Run, spec};

#[test]
fn a_gpu_learns_what_the_cores_learn() {
    let mut run = Run::new(Preset::LeNetTricks, &spec(), DeviceChoice::WebGpu);
    run.tell(Command::Train);
    run.until_on(Device::WebGpu);
    run.until("a measurement", |event| matches!(event, Event::Tested(_)));
    run.until_step(60);
    run.pause();
    let steps = run.last_step();
    assert_eq!(run.session.network().parameters.len(), Preset::LeNetTricks.network().parameters());
    let mut alone = Run::new(Preset::LeNetTricks, &spec(), DeviceChoice::Cpu);
    alone.steps(steps);
    // Rounding grows from step to step; that both learned the same is seen in what they recognise.
    let (images, there) = run.session.score_on_training_images();
    let (_, here) = alone.session.score_on_training_images();
    let (there, here) = (there.correct as f64 / images as f64, here.correct as f64 / images as f64);
    assert!(here > 0.8 && (here - there).abs() < 0.03, "{here} on the cores, {there} on the GPU");
    let tested = run.tested()[0];
    assert!(tested.accuracy > 0.3 && tested.step == 47, "{tested:?}");
}

#[test]
fn options_and_layers_change_on_the_way() {
    let mut run = Run::new(Preset::LeNet5, &spec(), DeviceChoice::WebGpu);
    run.tell(Command::Train);
    run.until_on(Device::WebGpu);
    run.until_step(40);
    let faster = TrainingSpec { learning_rate: 0.002, ..spec() };
    run.tell(Command::Configure { network: Preset::LeNet5.network(), training: faster.clone() });
    let step = run.last_step();
    run.until_step(step + 20);
    let mut network = Preset::LeNet5.network();
    network.layers.insert(7, LayerSpec::BatchNorm);
    let begin = run.events.len();
    run.tell(Command::Configure { network: network.clone(), training: faster });
    let step = run.last_step();
    run.until_on(Device::WebGpu);
    run.until_step(step + 20);
    run.pause();
    assert_eq!(run.session.network().spec(), &network);
    let losses = run.events[begin..].iter().filter_map(|event| match event {
        Event::Progress(progress) => progress.train_loss,
        _ => None,
    });
    let worst = losses.fold(0.0, f32::max);
    assert!(worst < 1.0, "what was learned stays: the loss rose to {worst}");
}

/// What the GPU has learned is read by a core, and is what the GPU measured.
#[test]
fn the_network_that_is_measured_is_the_one_that_answers() {
    let mut run = Run::new(Preset::Mlp30, &spec(), DeviceChoice::WebGpu);
    let Event::Labels { labels, .. } = run.session.handle(Command::Labels(Split::Test)).remove(0) else {
        panic!()
    };
    run.tell(Command::Watch(Watch { predictions: true, ..Watch::default() }));
    run.until("the answers", |event| matches!(event, Event::Predictions(_)));
    run.tell(Command::Train);
    run.until_on(Device::WebGpu);
    run.events.clear();
    run.until("a measurement", |event| matches!(event, Event::Tested(_)));
    run.until("the answers", |event| matches!(event, Event::Predictions(_)));
    let Some(Event::Predictions(answers)) =
        run.events.iter().rev().find(|e| matches!(e, Event::Predictions(_)))
    else {
        panic!()
    };
    let tested = run.tested()[0];
    assert_eq!(answers.source, Source::Session { step: tested.step });
    let correct = answers.classes.iter().zip(&labels).filter(|(class, label)| class == label).count();
    // Two devices round differently: an image on the edge may fall to either side.
    assert!((correct as f32 / 10_000.0 - tested.accuracy).abs() < 2.5e-4, "{correct} {tested:?}");
}

/// A trainer that comes when another network has the GPU again is not kept; it is built anew when it is wanted.
#[test]
fn a_trainer_that_comes_too_late_is_built_again() {
    let (small, large) = (Preset::Mlp30.network(), Preset::LeNet5.network());
    let mut run = Run::new(Preset::Mlp30, &spec(), DeviceChoice::WebGpu);
    let configure = |network: &NetworkSpec| Command::Configure { network: network.clone(), training: spec() };
    run.tell(Command::Train);
    run.until_on(Device::WebGpu);
    run.tell(configure(&large));
    while run.session.network().spec() != &large {
        run.session.gpu().unwrap().poll(false);
        run.events.extend(run.session.work(&run.here));
    }
    let late = run.session.gpu_request().expect("LeNet wants a trainer of its own");
    run.tell(configure(&small));
    run.until_on(Device::WebGpu);
    let built = pollster::block_on(late.build());
    run.events.extend(run.session.gpu_built(built));
    run.tell(configure(&large));
    run.until_on(Device::WebGpu);
    assert_eq!(run.session.network().spec(), &large);
}

/// The state is read back every half second when nobody watches. By a clock that the test moves, so that the loss is the
/// same on every machine.
#[test]
fn a_lost_device_loses_half_a_second_of_training_at_most() {
    const ROUND_MS: f64 = 100.0;
    let mut run = Run::small_on_gpu();
    // The clock and the step of each report, from the moment when the GPU took over.
    let mut reports = vec![(run.here.advance(0.0), run.last_step())];
    for _ in 0..14 {
        run.session.gpu().unwrap().poll(true);
        let now = run.here.advance(ROUND_MS);
        for event in run.session.work(&run.here) {
            match &event {
                Event::Progress(progress) => reports.push((now, progress.step)),
                // The snapshot is of the state that was read back last.
                Event::Snapshot(Snapshot { source: Source::Session { step: saved }, .. }) => {
                    let (reached, _) = reports.iter().rev().find(|(_, step)| step <= saved).unwrap();
                    // It is asked for in the first round after half a second, and arrives in the next one.
                    assert!(now - reached <= 500.0 + 2.0 * ROUND_MS, "{} ms would be lost", now - reached);
                }
                _ => {}
            }
            run.events.push(event);
        }
    }
    let step = run.last_step();
    let saved = run.events.iter().rev().find_map(|event| match event {
        Event::Snapshot(Snapshot { source: Source::Session { step }, .. }) => Some(*step),
        _ => None,
    });
    run.session.gpu().unwrap().destroy();
    run.until_on(Device::Cpu);
    let noted = |event: &Event| match event {
        Event::Device(report) => report.note.clone(),
        _ => None,
    };
    let at = run.events.iter().rposition(|event| noted(event).is_some()).expect("a note");
    let note = noted(&run.events[at]).unwrap();
    let resumed = note
        .strip_prefix("The GPU was lost. Training goes on from step ")
        .and_then(|rest| rest.split(' ').next()?.parse::<u64>().ok())
        .unwrap_or_else(|| panic!("{note}"));
    let first = run.events[at..].iter().find_map(|event| match event {
        Event::Progress(progress) => Some(progress.step),
        _ => None,
    });
    assert_eq!(first, Some(resumed), "{note}");
    assert!(
        Some(resumed) >= saved && resumed < step,
        "from step {step} to {resumed}, with {saved:?} read back"
    );
    run.until_on(Device::WebGpu);
    run.until_step(step + 20);
    // 625 batches an epoch: the state and the position in the data are of one step.
    for event in &run.events {
        if let Event::Progress(progress) = event {
            assert!((progress.epoch - progress.step as f64 / 625.0).abs() < 1e-9, "{progress:?}");
        }
    }
    assert!(run.events.contains_state(RunState::Training));
}

#[test]
fn numbers_that_are_not_finite_are_found_by_the_cores() {
    let wild = TrainingSpec { learning_rate: 1e4, optimizer: nn::spec::Optimizer::SGD, ..spec() };
    let mut run = Run::new(Preset::LeNet5, &spec(), DeviceChoice::WebGpu);
    run.tell(Command::Train);
    run.until_on(Device::WebGpu);
    run.until_step(30);
    run.tell(Command::Configure { network: Preset::LeNet5.network(), training: wild });
    run.until("the divergence", |event| matches!(event, Event::Diverged(_)));
    assert!(run.events.contains_state(RunState::Paused));
    run.tell(Command::Restore);
    assert!(run.session.network().parameters.iter().all(|w| w.is_finite()));
}

#[test]
fn a_trial_that_the_cores_win_leaves_no_trace() {
    let mut run = Run::new(Preset::Mlp30, &spec(), DeviceChoice::Automatic);
    run.tell(Command::Train);
    let report = run.until_measured();
    let (cpu, gpu) = (report.cpu_speed.unwrap(), report.gpu_speed.unwrap());
    assert_eq!(report.device == Device::WebGpu, gpu > cpu, "{report:?}");
    assert!(report.adapter.is_some());
    if gpu > cpu {
        return;
    }
    run.until_step(run.last_step() + 20);
    run.pause();
    let mut alone = Run::new(Preset::Mlp30, &spec(), DeviceChoice::Cpu);
    alone.steps(run.last_step());
    assert!(run.session.network().parameters == alone.session.network().parameters, "bit by bit");
}

#[test]
fn a_stall_in_the_first_step_does_not_make_the_cores_look_slow() {
    // The clock is read at the begin of a slice, of the step, and at its end.
    for stall in 1..5 {
        let mut run = Run::new(Preset::Mlp30, &spec(), DeviceChoice::Automatic);
        run.here.clock = Clock::ticking(Some(stall));
        run.tell(Command::Train);
        run.until(
            "the speed of the cores",
            |event| matches!(event, Event::Device(report) if report.cpu_speed.is_some()),
        );
        let speed = run.events.iter().rev().find_map(|event| match event {
            Event::Device(report) => report.cpu_speed,
            _ => None,
        });
        // A batch of 64 takes 1 to 4 ms by this clock; in the minute of the stall it would be one image a second.
        assert!(speed >= Some(16_000.0), "stalled after {stall}: {speed:?}");
    }
}

/// FNV-1a over the bits of all weights and running estimates.
fn hash(session: &Session) -> u64 {
    let network = session.network();
    let bytes = network.parameters.iter().chain(&network.running).flat_map(|w| w.to_bits().to_le_bytes());
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}

/// Trains until the images end, which is after the same step whatever the GPU is submitted at a time, and pauses.
fn train_to_the_last_image(run: &mut Run) -> (u64, u64) {
    run.tell(Command::Train);
    run.until("the last image", |event| matches!(event, Event::State(RunState::WaitingForData)));
    run.pause();
    (run.last_step(), hash(&run.session))
}

#[test]
fn a_run_that_is_killed_on_the_gpu_goes_on_bit_by_bit() {
    let training = TrainingSpec {
        batch_size: 64,
        learning_rate: 0.003,
        schedule: Schedule::OneCycle { epochs: 3.0 },
        subset: None,
        ..all_options()
    };
    // Every kind of layer, and a quarter of the work of LeNet-5: the GPU may be one in software.
    let layers = vec![
        LayerSpec::Conv2d { out_channels: 4, kernel_size: 5, stride: 1, padding: 2 },
        LayerSpec::BatchNorm,
        LayerSpec::Relu,
        LayerSpec::MaxPool2d { kernel_size: 2, stride: 2 },
        LayerSpec::Flatten,
        LayerSpec::Linear { out_features: 32 },
        LayerSpec::BatchNorm,
        LayerSpec::Relu,
        LayerSpec::Dropout { p: 0.3 },
        LayerSpec::Linear { out_features: 10 },
    ];
    let network = NetworkSpec { input: Shape::maps(1, 28, 28), layers };
    let new = || {
        let mut run = Run::new(Preset::Mlp30, &training, DeviceChoice::WebGpu);
        run.tell(Command::Configure { network: network.clone(), training: training.clone() });
        // The state is read back as often as something is drawn.
        run.tell(Command::Show { image: vec![9; 784], reference: None });
        run
    };
    let mut whole = new();
    let end = train_to_the_last_image(&mut whole);
    assert_eq!(end.0, 5_000 / 64);

    let mut killed = new();
    killed.tell(Command::Train);
    killed.until_on(Device::WebGpu);
    killed.until("a state that was read back", |event| {
        matches!(event, Event::Snapshot(Snapshot { source: Source::Session { step: 15.. }, .. }))
    });
    let file = killed.session.encode().unwrap();
    let mut next = new();
    let events = next.session.offer(&file, &[], &[]).unwrap();
    let Event::Kept(kept) = &events[0] else { panic!("{events:?}") };
    assert!((15..end.0).contains(&kept.step), "stored at step {}", kept.step);
    next.tell(Command::Resume);
    assert_eq!(next.last_step(), kept.step);
    assert_eq!(train_to_the_last_image(&mut next), end, "killed at step {}", kept.step);
}

#[test]
fn an_evaluation_on_the_gpu_leaves_a_checkpoint_of_the_network_that_was_measured() {
    let mut run = Run::new(Preset::Mlp30, &spec(), DeviceChoice::WebGpu);
    let Event::Labels { labels, .. } = run.session.handle(Command::Labels(Split::Test)).remove(0) else {
        panic!()
    };
    run.tell(Command::Train);
    run.until_on(Device::WebGpu);
    run.until("a measurement", |event| matches!(event, Event::Tested(_)));
    let tested = run.tested()[0];
    run.until_step(tested.step + 5);
    run.pause();
    let list = run.events.iter().rev().find_map(|event| match event {
        Event::Checkpoints(list) => Some(list.clone()),
        _ => None,
    });
    let place = list.unwrap().into_iter().find(|checkpoint| checkpoint.step == tested.step).unwrap();
    assert_eq!((place.epoch, place.tested), (tested.epoch, Some(tested)), "its place in the images");
    run.tell(Command::Watch(Watch { predictions: true, ..Watch::default() }));
    run.events.clear();
    run.tell(Command::ShowCheckpoint(Some(tested.step)));
    run.until("the answers", |event| matches!(event, Event::Predictions(_)));
    let Some(Event::Predictions(answers)) =
        run.events.iter().find(|event| matches!(event, Event::Predictions(_)))
    else {
        panic!()
    };
    assert_eq!(answers.source, Source::Session { step: tested.step });
    let correct = answers.classes.iter().zip(&labels).filter(|(class, label)| class == label).count();
    // Rounding may decide an image or two.
    assert!((correct as f32 - tested.accuracy * 10_000.0).abs() <= 5.0, "{correct}, {tested:?}");
    // The cores go on from there, as they do from any step.
    run.tell(Command::UseDevice(DeviceChoice::Cpu));
    run.tell(Command::ContinueFrom(tested.step));
    assert_eq!(run.last_step(), tested.step);
    run.tell(Command::Step);
    run.until_step(tested.step + 1);
}

#[test]
fn the_gpu_stops_at_the_evaluation_that_is_set_with_the_network_that_was_measured() {
    let training = TrainingSpec { stop: StopRule::Epoch { epochs: 0.75 }, ..spec() };
    let mut run = Run::new(Preset::Mlp30, &training, DeviceChoice::WebGpu);
    run.tell(Command::Train);
    run.until_on(Device::WebGpu);
    run.until("the stop", |event| matches!(event, Event::Stopped(_)));
    assert!(run.session.is_paused());
    let tested = *run.tested().last().unwrap();
    assert_eq!(tested.step, (3_750_u64).div_ceil(64), "{tested:?}");
    assert_eq!(run.last_step(), tested.step, "the steps behind it are dropped");
    // It is the checkpoint, and a core goes on from it.
    run.tell(Command::UseDevice(DeviceChoice::Cpu));
    run.tell(Command::Step);
    run.until_step(tested.step + 1);
}
