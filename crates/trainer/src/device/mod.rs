//! What trains: the cores, or a GPU that was asked for, built for the network and found faster.

pub(crate) mod probe;

use std::cell::Cell;
use std::rc::Rc;

use crate::batch::Place;
use crate::device::probe::Trial;
use crate::messages::{Device, DeviceChoice, DeviceReport};
use data::DataSet;
use gpu::{Gpu, GpuTrainer, Images, Pace, Pass};
use nn::network::Score;
use nn::spec::{NetworkSpec, TrainingSpec};

/// After so many lost devices no other one is asked for.
const MOST_LOSSES: u32 = 3;

/// A GPU with the images on it.
pub struct GpuDevice {
    pub(crate) gpu: Gpu,
    images: Images,
    written: Cell<(usize, usize)>,
}

impl GpuDevice {
    async fn open() -> Result<Self, String> {
        let gpu = Gpu::open().await.map_err(|e| e.0)?;
        Ok(Self { images: Images::new(&gpu), gpu, written: Cell::default() })
    }

    /// Writes the images that have come since.
    pub(crate) fn write(&self, train: &DataSet, test: &DataSet) {
        let (had_train, had_test) = self.written.replace((train.len(), test.len()));
        for (set, had, pass) in [(train, had_train, Pass::Training), (test, had_test, Pass::Evaluation)] {
            if set.len() > had {
                // Labels are written four at a time.
                let first = had / 4 * 4;
                let mut labels = set.labels[first..].to_vec();
                labels.resize(labels.len().next_multiple_of(4), 0);
                self.images.write(&self.gpu, pass, first, &set.images[first * 784..], &labels);
            }
        }
    }
}

/// A GPU trainer to be made, which takes a while: asked for by [`crate::Session::gpu_request`].
pub struct Request {
    ticket: u32,
    device: Option<Rc<GpuDevice>>,
    network: NetworkSpec,
    batch_size: usize,
}

/// What came of a [`Request`], for [`crate::Session::gpu_built`].
pub struct Built {
    pub(crate) ticket: u32,
    pub(crate) result: Result<(Rc<GpuDevice>, OnGpu), String>,
}

impl Request {
    /// Finds a GPU, unless there is one, and makes all that the network needs there.
    pub async fn build(self) -> Built {
        let Self { ticket, device, network, batch_size } = self;
        let build = async {
            let device = match device {
                Some(device) => device,
                None => Rc::new(GpuDevice::open().await?),
            };
            let gpu = device.gpu.clone();
            let trainer = GpuTrainer::new(gpu, &device.images, &network, batch_size).await;
            let trainer = trainer.map_err(|e| e.0)?;
            Ok((device, OnGpu::new(trainer, network, batch_size)))
        };
        Built { ticket, result: build.await }
    }
}

/// What is done on the GPU.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Mode {
    /// Nothing.
    Idle,
    /// Training that is thrown away, unless it turns out to be the faster one.
    Trial,
    /// Training.
    Active,
    /// Nothing more is begun: what was learned is on its way back.
    Settling,
}

/// Tag of a submission of training steps.
pub(crate) struct SubmittedSteps {
    /// Milliseconds on the host's clock.
    pub(crate) submitted: f64,
    /// Images of each step.
    pub(crate) sizes: Vec<usize>,
    /// Where training is in the data after these steps.
    pub(crate) after: Place,
}

/// Tag of an evaluation on the test set.
pub(crate) struct SubmittedEvaluation {
    pub(crate) step: u64,
    pub(crate) epoch: f64,
    pub(crate) images: usize,
}

/// A trainer on the GPU, and what the session knows of its work.
pub(crate) struct OnGpu {
    pub(crate) trainer: GpuTrainer<SubmittedSteps, SubmittedEvaluation>,
    network: NetworkSpec,
    batch_size: usize,
    pub(crate) mode: Mode,
    pub(crate) pace: Pace,
    /// Where the next submission begins.
    pub(crate) place: Place,
    /// Where the state is from that came back last.
    pub(crate) saved: Place,
    pub(crate) saved_at: f64,
    /// Steps that came back.
    pub(crate) steps: u64,
    /// What came back since the last state: steps, images, how they did.
    pub(crate) since_saved: (u32, usize, Score),
    pub(crate) trial: Trial,
    /// Results of the trial.
    pub(crate) tried: Vec<(usize, Score)>,
    pub(crate) last_landing: f64,
}

impl OnGpu {
    fn new(
        trainer: GpuTrainer<SubmittedSteps, SubmittedEvaluation>,
        network: NetworkSpec,
        batch_size: usize,
    ) -> Self {
        Self {
            trainer,
            network,
            batch_size,
            mode: Mode::Idle,
            pace: Pace::default(),
            place: Place::default(),
            saved: Place::default(),
            saved_at: 0.0,
            steps: 0,
            since_saved: Default::default(),
            trial: Trial::default(),
            tried: Vec::new(),
            last_landing: 0.0,
        }
    }

    /// Whether it was made for this.
    fn fits(&self, network: &NetworkSpec, spec: &TrainingSpec) -> bool {
        self.network == *network && self.batch_size == spec.batch_size
    }

    /// Forgets what is on its way.
    pub(crate) fn abandon(&mut self) {
        self.trainer.abandon();
        self.mode = Mode::Idle;
    }
}

/// The devices, and which of them is to train.
#[derive(Default)]
pub(crate) struct Devices {
    pub(crate) choice: DeviceChoice,
    pub(crate) device: Option<Rc<GpuDevice>>,
    pub(crate) gpu: Option<OnGpu>,
    building: bool,
    ticket: u32,
    losses: u32,
    /// Why there is no GPU, or no longer one.
    pub(crate) note: Option<String>,
    refused: bool,
    /// Images a second, measured with the present network and batch size.
    pub(crate) cpu_speed: Option<f32>,
    pub(crate) gpu_speed: Option<f32>,
    /// The GPU does not go on before this step.
    pub(crate) rest_until: u64,
    told: Option<DeviceReport>,
}

impl Devices {
    /// Takes a choice. A GPU that refused before is asked again.
    pub(crate) fn choose(&mut self, choice: DeviceChoice) {
        self.choice = choice;
        (self.refused, self.losses, self.note) = (false, 0, None);
    }

    /// Another network or batch size: what was measured no longer counts.
    pub(crate) fn forget_speeds(&mut self) {
        (self.cpu_speed, self.gpu_speed) = (None, None);
    }

    /// Whether the GPU has lost against the cores.
    fn gpu_is_slower(&self) -> bool {
        self.choice == DeviceChoice::Automatic
            && matches!((self.cpu_speed, self.gpu_speed), (Some(cpu), Some(gpu)) if gpu <= cpu)
    }

    /// What is to be built now, if anything.
    pub(crate) fn request(&mut self, network: &NetworkSpec, spec: &TrainingSpec) -> Option<Request> {
        let there = self.gpu.as_ref().is_some_and(|gpu| gpu.fits(network, spec));
        if self.choice == DeviceChoice::Cpu || self.building || self.refused || there || self.gpu_is_slower()
        {
            return None;
        }
        self.building = true;
        self.ticket += 1;
        Some(Request {
            ticket: self.ticket,
            device: self.device.clone(),
            network: network.clone(),
            batch_size: spec.batch_size,
        })
    }

    /// Takes what was built.
    pub(crate) fn built(&mut self, built: Built) {
        if built.ticket != self.ticket {
            return;
        }
        self.building = false;
        let at_work = self.gpu.as_ref().is_some_and(|gpu| gpu.mode != Mode::Idle);
        match built.result {
            // One that trains is not replaced while it does: this one is built again if it is still wanted then.
            Ok(_) if at_work => {}
            Ok((device, gpu)) => (self.device, self.gpu) = (Some(device), Some(gpu)),
            Err(sentence) => (self.refused, self.note) = (true, Some(format!("{sentence} The CPU trains."))),
        }
    }

    /// The device is gone, with all that was on it.
    pub(crate) fn lose(&mut self, note: String) {
        (self.device, self.gpu, self.building) = (None, None, false);
        // An answer that is still to come is about the device that is lost.
        self.ticket += 1;
        self.losses += 1;
        self.refused = self.losses >= MOST_LOSSES;
        self.note = Some(note);
    }

    /// How the GPU should go on from here, if it should.
    pub(crate) fn take_over(&self, network: &NetworkSpec, spec: &TrainingSpec, step: u64) -> Option<Mode> {
        let gpu = self.gpu.as_ref()?;
        if !gpu.fits(network, spec) || gpu.mode != Mode::Idle || step < self.rest_until {
            return None;
        }
        match (self.choice, self.cpu_speed, self.gpu_speed) {
            (DeviceChoice::WebGpu, ..) => Some(Mode::Active),
            (DeviceChoice::Automatic, Some(cpu), Some(gpu)) if gpu > cpu => Some(Mode::Active),
            (DeviceChoice::Automatic, Some(_), None) => Some(Mode::Trial),
            _ => None,
        }
    }

    /// What to tell, if it is something new.
    pub(crate) fn report(&mut self) -> Option<DeviceReport> {
        let training = |gpu: &OnGpu| matches!(gpu.mode, Mode::Active | Mode::Settling);
        let report = DeviceReport {
            choice: self.choice,
            device: if self.gpu.as_ref().is_some_and(training) { Device::WebGpu } else { Device::Cpu },
            adapter: self.device.as_ref().map(|device| device.gpu.name().to_owned()),
            cpu_speed: self.cpu_speed,
            gpu_speed: self.gpu_speed,
            note: self.note.clone(),
        };
        let new = self.told.as_ref() != Some(&report);
        self.told = Some(report.clone());
        new.then_some(report)
    }
}
