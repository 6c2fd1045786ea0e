//! A session beside a GPU, with a clock that tests can move.

use super::digits;
use nn::preset::Preset;
use nn::spec::{LayerSpec, NetworkSpec, Shape, TrainingSpec};
use std::cell::Cell;
use std::time::Instant;
use trainer::Session;
use trainer::messages::{Command, Device, DeviceChoice, DeviceReport, Event, RunState, Tested};
use trainer::parallel::transport::Transport;

/// This process, by the clock of the machine or by one of the test's own.
pub(crate) struct Here {
    pub(crate) clock: Clock,
}

pub(crate) enum Clock {
    Machine(Instant),
    /// Advances by 1 ms each time it is read, and by a minute at one of the reads.
    Ticking {
        ms: Cell<f64>,
        reads: Cell<u32>,
        stall: Option<u32>,
    },
}

impl Clock {
    pub(crate) fn ticking(stall: Option<u32>) -> Self {
        Self::Ticking { ms: Cell::new(0.0), reads: Cell::new(0), stall }
    }
}

impl Here {
    /// Moves the clock of the test on.
    pub(crate) fn advance(&self, by: f64) -> f64 {
        match &self.clock {
            Clock::Machine(start) => start.elapsed().as_secs_f64() * 1000.0,
            Clock::Ticking { ms, .. } => {
                ms.set(ms.get() + by);
                ms.get()
            }
        }
    }
}

impl Transport for Here {
    fn now(&self) -> f64 {
        match &self.clock {
            Clock::Ticking { reads, stall, .. } if Some(reads.replace(reads.get() + 1)) == *stall => {
                self.advance(60_000.0)
            }
            _ => self.advance(1.0),
        }
    }

    fn post(&self, _: usize, _: &[&[u32]]) {
        panic!("there are no workers");
    }
}

pub(crate) struct Run {
    pub(crate) session: Session,
    pub(crate) here: Here,
    pub(crate) events: Vec<Event>,
}

impl Run {
    pub(crate) fn new(network: Preset, training: &TrainingSpec, choice: DeviceChoice) -> Self {
        let mut session = Session::default();
        session.add_train(&digits(5_000, 0)).unwrap();
        session.add_test(&digits(10_000, 600)).unwrap();
        let mut run =
            Self { session, here: Here { clock: Clock::Machine(Instant::now()) }, events: Vec::new() };
        run.tell(Command::Configure { network: network.network(), training: training.clone() });
        run.tell(Command::UseDevice(choice));
        run
    }

    /// A small network that the GPU trains, by a clock of the test's own. By that clock a submission of many steps takes no
    /// longer than one of few, so a step should be small.
    pub(crate) fn small_on_gpu() -> Self {
        let training = TrainingSpec { batch_size: 8, ..spec() };
        let mut run = Self::new(Preset::Mlp30, &training, DeviceChoice::WebGpu);
        let network = NetworkSpec {
            input: Shape::maps(1, 28, 28),
            layers: vec![LayerSpec::Flatten, LayerSpec::Linear { out_features: 10 }],
        };
        run.tell(Command::Configure { network, training });
        run.here.clock = Clock::ticking(None);
        run.tell(Command::Train);
        run.until_on(Device::WebGpu);
        run
    }

    /// Both devices are measured.
    pub(crate) fn until_measured(&mut self) -> DeviceReport {
        self.until("the trial", |event| matches!(event, Event::Device(report) if report.gpu_speed.is_some()));
        let report = self.events.iter().rev().find_map(|event| match event {
            Event::Device(report) => Some(report.clone()),
            _ => None,
        });
        report.unwrap()
    }

    pub(crate) fn tell(&mut self, command: Command) {
        self.events.extend(self.session.handle(command));
    }

    /// Works until something happened. The limit only ends a test whose outcome never comes.
    pub(crate) fn until(&mut self, what: &str, mut happened: impl FnMut(&Event) -> bool) {
        let begin = Instant::now();
        loop {
            assert!(begin.elapsed().as_secs() < 1_200, "{what} did not happen");
            let from = self.events.len();
            if let Some(request) = self.session.gpu_request() {
                let built = pollster::block_on(request.build());
                self.events.extend(self.session.gpu_built(built));
            }
            if let Some(gpu) = self.session.gpu() {
                gpu.poll(false);
            }
            self.events.extend(self.session.work(&self.here));
            if self.events[from..].iter().any(&mut happened) {
                return;
            }
        }
    }

    pub(crate) fn until_on(&mut self, device: Device) {
        self.until("the device", |event| matches!(event, Event::Device(report) if report.device == device));
    }

    pub(crate) fn until_step(&mut self, step: u64) {
        self.until("the step", |event| matches!(event, Event::Progress(progress) if progress.step >= step));
    }

    pub(crate) fn pause(&mut self) {
        self.tell(Command::Pause);
        if !self.events.contains_state(RunState::Paused) {
            self.until("the pause", |event| matches!(event, Event::State(RunState::Paused)));
        }
    }

    /// So many single steps, from the beginning.
    pub(crate) fn steps(&mut self, steps: u64) {
        for _ in 0..steps {
            self.tell(Command::Step);
            self.until("the step", |event| matches!(event, Event::State(RunState::Paused)));
        }
        assert_eq!(self.last_step(), steps);
    }

    pub(crate) fn tested(&self) -> Vec<Tested> {
        let tested = |event: &Event| match event {
            Event::Tested(tested) => Some(*tested),
            _ => None,
        };
        self.events.iter().filter_map(tested).collect()
    }

    pub(crate) fn last_step(&self) -> u64 {
        let step = |event: &Event| match event {
            Event::Progress(progress) => Some(progress.step),
            _ => None,
        };
        self.events.iter().rev().find_map(step).unwrap()
    }
}

pub(crate) trait Last {
    fn contains_state(&self, state: RunState) -> bool;
}

impl Last for Vec<Event> {
    /// Whether the last state told is this.
    fn contains_state(&self, state: RunState) -> bool {
        self.iter().rev().find_map(|event| match event {
            Event::State(told) => Some(*told == state),
            _ => None,
        }) == Some(true)
    }
}

pub(crate) fn spec() -> TrainingSpec {
    TrainingSpec { subset: Some(5_000), ..TrainingSpec::default() }
}
