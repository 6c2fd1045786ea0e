//! A session beside a GPU that fails: one that cannot be opened, is silent, answers late, or is lost again and again. By a clock that
//! the tests move, so that nothing depends on the speed of the machine.

use nn::preset::Preset;
use nn::spec::{LayerSpec, NetworkSpec, Optimizer, Shape, TrainingSpec};
use trainer::messages::{Command, Device, DeviceChoice, Event, RunState};

use crate::common::gpu::{Clock, Last, Run, spec};

/// Milliseconds between two ticks.
const TICK_MS: f64 = 200.0;

trait Faults {
    /// Lets this many milliseconds pass in which the GPU answers nothing.
    fn silence(&mut self, ms: f64);
    /// Lets this many seconds pass in which the GPU answers once a second.
    fn answers(&mut self, seconds: u32);
    fn device(&self) -> Option<Device>;
    fn note(&self) -> Option<String>;
    fn state(&self) -> Option<RunState>;
}

impl Faults for Run {
    fn silence(&mut self, ms: f64) {
        for _ in 0..(ms / TICK_MS) as usize {
            self.here.advance(TICK_MS);
            self.events.extend(self.session.tick(&self.here));
            // Natively, a submission would make the GPU answer.
            if self.device() != Some(Device::WebGpu) {
                self.events.extend(self.session.work(&self.here));
            }
        }
    }

    fn answers(&mut self, seconds: u32) {
        for _ in 0..seconds {
            self.silence(1_000.0);
            self.session.gpu().expect("it is open").poll(true);
            self.events.extend(self.session.work(&self.here));
        }
    }

    fn device(&self) -> Option<Device> {
        let device =
            |event: &Event| if let Event::Device(report) = event { Some(report.device) } else { None };
        self.events.iter().rev().find_map(device)
    }

    fn note(&self) -> Option<String> {
        let report =
            |event: &Event| if let Event::Device(report) = event { Some(report.clone()) } else { None };
        self.events.iter().rev().find_map(report)?.note
    }

    fn state(&self) -> Option<RunState> {
        let state = |event: &Event| if let Event::State(state) = event { Some(*state) } else { None };
        self.events.iter().rev().find_map(state)
    }
}

/// A run of a small network on the GPU, by a clock of the test's own.
fn on_gpu() -> Run {
    let mut run = Run::small_on_gpu();
    run.until_step(run.last_step() + 10);
    run
}

#[test]
fn training_goes_on_without_a_silent_gpu_and_with_it_when_it_answers() {
    let mut run = on_gpu();
    let before = run.last_step();
    run.silence(1_000.0);
    assert_eq!(run.device(), Some(Device::WebGpu), "it may still answer");
    // By this clock, which moves with each look at it, submissions take long: patience is at its limit of four seconds.
    run.silence(4_000.0);
    assert_eq!(run.device(), Some(Device::Cpu));
    let note = run.note().expect("a note");
    assert!(note.starts_with("The GPU has not answered in time. Training goes on from step "), "{note}");
    assert!(note.ends_with(" on the CPU, until the GPU answers again."), "{note}");
    let (step, is_open) = (run.last_step(), run.session.gpu().is_some());
    assert!(step > 0 && is_open && run.state() == Some(RunState::Training));
    run.silence(1_000.0);
    assert!(run.last_step() > step.max(before), "the CPU trains");
    assert_eq!(run.device(), Some(Device::Cpu));
    // It answers late.
    run.until_on(Device::WebGpu);
    assert_eq!(run.note(), None);
    run.until_step(run.last_step() + 10);
    // The second silence is the last one, until Train is pressed.
    run.silence(5_000.0);
    let note = run.note().expect("a note");
    assert!(note.ends_with(" on the CPU. Train asks for the GPU again."), "{note}");
    assert!(run.session.gpu().is_none(), "its memory is free");
    let step = run.last_step();
    run.until_step(step + 50);
    assert_eq!(run.device(), Some(Device::Cpu));
    run.tell(Command::Pause);
    run.tell(Command::Train);
    run.until_on(Device::WebGpu);
    // Positions in the data and steps belong together all the time: 625 batches an epoch.
    for event in &run.events {
        if let Event::Progress(progress) = event {
            assert!((progress.epoch - progress.step as f64 / 625.0).abs() < 1e-9, "{progress:?}");
        }
    }
}

#[test]
fn a_silent_gpu_holds_up_no_command() {
    for command in [Command::Pause, Command::UseDevice(DeviceChoice::Cpu), Command::Reset] {
        let mut run = on_gpu();
        run.tell(command.clone());
        run.silence(1_800.0);
        match command {
            Command::Pause | Command::Reset => assert_eq!(run.state(), Some(RunState::Paused), "{command:?}"),
            _ => assert_eq!(run.state(), Some(RunState::Training)),
        }
        assert_eq!(run.device(), Some(Device::Cpu), "{command:?}");
        if matches!(command, Command::Reset) {
            assert_eq!(run.last_step(), 0);
        }
        // A later Train asks the GPU anew, unless it is not wanted.
        run.tell(Command::Train);
        if !matches!(command, Command::UseDevice(_)) {
            run.until_on(Device::WebGpu);
        }
    }
}

#[test]
fn a_gpu_that_is_slow_but_answers_is_not_silent() {
    let mut run = on_gpu();
    run.answers(20);
    assert_eq!((run.device(), run.note()), (Some(Device::WebGpu), None));
    // A pause does not wait for all that is in flight, if that takes long.
    run.tell(Command::Pause);
    run.silence(1_200.0);
    run.silence(1_000.0);
    assert_eq!(run.state(), Some(RunState::Paused));
}

/// Tells the session a command while submissions take three seconds, so that an answer is not expected before.
fn tell_slowly(run: &mut Run, command: Command) {
    for _ in 0..12 {
        run.here.advance(3_000.0);
        run.session.gpu().expect("it is open").poll(true);
        run.events.extend(run.session.work(&run.here));
    }
    assert_eq!((run.device(), run.note()), (Some(Device::WebGpu), None));
    run.tell(command);
    // Natively, the last submission makes the GPU answer those before it.
    run.here.advance(3_000.0);
    run.events.extend(run.session.work(&run.here));
}

#[test]
fn a_command_that_does_not_wait_for_a_slow_gpu_is_no_silence() {
    let mut run = on_gpu();
    for round in 0..3 {
        let training = TrainingSpec { batch_size: 8, learning_rate: 0.002 + 0.001 * round as f32, ..spec() };
        let network = run.session.network().spec().clone();
        tell_slowly(&mut run, Command::Configure { network, training });
        run.silence(1_800.0);
        assert_eq!(run.note(), None, "round {round}");
    }
    tell_slowly(&mut run, Command::Pause);
    run.silence(1_800.0);
    assert_eq!((run.state(), run.note()), (Some(RunState::Paused), None));
}

#[test]
fn what_went_wrong_is_forgotten_after_a_minute_of_good_answers() {
    let mut run = on_gpu();
    for _ in 0..3 {
        run.silence(5_000.0);
        let note = run.note().expect("a note");
        assert!(note.ends_with("until the GPU answers again."), "{note}");
        run.until_on(Device::WebGpu);
        run.answers(62);
        assert_eq!(run.note(), None);
    }
    for _ in 0..4 {
        run.session.gpu().unwrap().destroy();
        run.until_on(Device::Cpu);
        let note = run.note().expect("a note");
        assert!(note.ends_with("until a GPU answers again."), "{note}");
        run.until_on(Device::WebGpu);
        run.answers(62);
    }
}

#[test]
fn a_sleeping_machine_is_not_a_silent_gpu() {
    let mut run = on_gpu();
    run.silence(TICK_MS);
    run.here.advance(3_600_000.0);
    run.events.extend(run.session.tick(&run.here));
    assert_eq!((run.device(), run.note()), (Some(Device::WebGpu), None));
}

#[test]
fn a_gpu_that_is_lost_three_times_is_left_alone_until_train() {
    let mut run = on_gpu();
    for loss in 1..=3 {
        run.session.gpu().unwrap().destroy();
        run.until_on(Device::Cpu);
        let note = run.note().expect("a note");
        assert!(note.starts_with("The GPU was lost. Training goes on from step "), "{note}");
        if loss < 3 {
            assert!(note.ends_with("until a GPU answers again."), "{note}");
            run.until_on(Device::WebGpu);
        } else {
            assert!(note.ends_with("Train asks for the GPU again."), "{note}");
        }
    }
    run.until_step(run.last_step() + 50);
    assert!(run.session.gpu_request().is_none());
    run.tell(Command::Train);
    run.until_on(Device::WebGpu);
}

#[test]
fn a_gpu_that_cannot_be_opened_is_asked_for_again_later_and_at_the_next_train() {
    let mut run = Run::new(Preset::Mlp30, &spec(), DeviceChoice::WebGpu);
    run.here.clock = Clock::ticking(None);
    run.tell(Command::Train);
    let refuse = |run: &mut Run| {
        let request = run.session.gpu_request().expect("a request");
        let events = run.session.gpu_built(request.fail("This browser offers no WebGPU adapter."));
        run.events.extend(events);
        assert!(run.session.gpu_request().is_none(), "not at once");
    };
    run.silence(TICK_MS);
    for wait in [2_000.0, 8_000.0, 32_000.0] {
        refuse(&mut run);
        assert_eq!(run.note().as_deref(), Some("This browser offers no WebGPU adapter. The CPU trains."));
        // By this clock each look at it takes time, too.
        run.silence(0.6 * wait);
        assert!(run.session.gpu_request().is_none(), "not before {wait} ms");
        run.silence(0.6 * wait);
    }
    refuse(&mut run);
    run.tell(Command::Train);
    assert_eq!(run.note(), None);
    run.until_on(Device::WebGpu);
}

#[test]
fn a_gpu_that_never_opens_is_mentioned_and_asked_anew_by_train() {
    let mut run = Run::new(Preset::Mlp30, &spec(), DeviceChoice::WebGpu);
    run.here.clock = Clock::ticking(None);
    run.tell(Command::Train);
    let never = run.session.gpu_request().expect("a request");
    run.silence(4_000.0);
    assert_eq!(run.note().as_deref(), Some("The GPU has not answered yet. The CPU trains meanwhile."));
    assert!(run.last_step() > 0 && run.session.gpu_request().is_none());
    run.tell(Command::Train);
    let now = run.session.gpu_request().expect("another request");
    // The first one answers after all: it is too late.
    run.events.extend(run.session.gpu_built(pollster::block_on(never.build())));
    assert!(run.session.gpu().is_none());
    run.events.extend(run.session.gpu_built(pollster::block_on(now.build())));
    run.until_on(Device::WebGpu);
}

#[test]
fn a_gpu_that_refuses_one_network_trains_others() {
    let spec = TrainingSpec { batch_size: 1024, ..spec() };
    let mut run = Run::new(Preset::Mlp30, &spec, DeviceChoice::WebGpu);
    let shape = Shape::maps(1, 28, 28);
    // More than 65,535 workgroups.
    let conv = |out_channels| LayerSpec::Conv2d { out_channels, kernel_size: 3, stride: 1, padding: 1 };
    let layers = vec![conv(64), conv(64), LayerSpec::Flatten, LayerSpec::Linear { out_features: 10 }];
    let large = NetworkSpec { input: shape, layers };
    run.tell(Command::Configure { network: large.clone(), training: spec.clone() });
    run.tell(Command::Train);
    run.until("a refusal", |event| matches!(event, Event::Device(report) if report.note.is_some()));
    assert!(run.note().unwrap().ends_with("is too large for a GPU. The CPU trains."), "{:?}", run.note());
    run.tell(Command::Configure { network: Preset::Mlp30.network(), training: spec });
    run.until_on(Device::WebGpu);
    assert_eq!(run.note(), None);
}

#[test]
fn a_reset_after_a_divergence_on_the_gpu_trains_on_the_gpu_again() {
    let mut run = Run::new(Preset::Mlp30, &spec(), DeviceChoice::WebGpu);
    run.tell(Command::Train);
    run.until_on(Device::WebGpu);
    run.until_step(200);
    let wild = TrainingSpec { learning_rate: 1e30, optimizer: Optimizer::SGD, ..spec() };
    run.tell(Command::Configure { network: Preset::Mlp30.network(), training: wild });
    run.until("the divergence", |event| matches!(event, Event::Diverged(_)));
    run.tell(Command::Configure { network: Preset::Mlp30.network(), training: spec() });
    run.tell(Command::Reset);
    run.tell(Command::Train);
    run.until_on(Device::WebGpu);
    assert!(run.last_step() < 100, "the GPU takes over at once, not after step {}", run.last_step());
    assert!(run.events.contains_state(RunState::Training));
}
