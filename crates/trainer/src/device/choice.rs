//! The devices, their measured throughput, and the choice between them.

use super::gpu_device::GpuDevice;
use super::gpu_training::{GpuState, GpuTraining};
use super::probe::ThroughputProbe;
use super::request::{GpuFailure, GpuRequest, GpuResponse};
use crate::messages::{Device, DeviceChoice, DeviceReport};
use nn::spec::{NetworkSpec, TrainingSpec};
use std::rc::Rc;

/// After this many lost devices no other one is opened before Train is pressed.
const MAX_LOSSES: u32 = 3;
/// After this many silences the GPU is not used before Train is pressed.
const MAX_SILENCES: u32 = 2;
/// Milliseconds of training on the GPU after which losses and silences are forgotten: they had other causes than those
/// that may come later.
const FORGIVEN_AFTER_MS: f64 = 60_000.0;
/// Milliseconds after which a GPU that has not been built is mentioned, and is asked for anew at the next
/// Train.
const MAX_BUILDING_MS: f64 = 3_000.0;
/// Milliseconds after which a GPU that could not be opened is asked for again, each time four times as long.
const RETRY_MS: f64 = 2_000.0;
const MAX_RETRIES: u32 = 4;

const BUILDING: &str = "The GPU has not answered yet. The CPU trains meanwhile.";

/// The devices, and which of them is to train.
#[derive(Default)]
pub(crate) struct Devices {
    choice: DeviceChoice,
    pub(crate) device: Option<Rc<GpuDevice>>,
    pub(crate) gpu: Option<GpuTraining>,
    /// Milliseconds for which a request has been built; `None` if there is none.
    building_ms: Option<f64>,
    /// Number of the last request. A response to an older one is dropped.
    generation: u32,
    /// Failures since the last [`Devices::ask_again`].
    failures: Failures,
    /// Why no GPU trains, and what happened to workers.
    note: Option<String>,
    worker_note: Option<String>,
    /// Measures the cores, with the present network and batch size.
    cpu_probe: ThroughputProbe,
    // Images a second with the present network and batch size.
    cpu_speed: Option<f32>,
    gpu_speed: Option<f32>,
    /// The GPU does not train before this step.
    pub(crate) cpu_until_step: u64,
    /// The last report.
    reported: Option<DeviceReport>,
}

/// What went wrong with GPUs.
#[derive(Default)]
struct Failures {
    /// Devices that were lost.
    losses: u32,
    /// Times that the GPU did not answer in time.
    silences: u32,
    /// Milliseconds of training on the GPU since the last of both.
    healthy_ms: f64,
    /// Times that no GPU could be opened, and milliseconds before it is tried again.
    refusals: u32,
    retry_in_ms: f64,
    /// The network and the batch size that the GPU cannot train.
    unsuitable: Option<(NetworkSpec, usize)>,
}

impl Failures {
    /// Whether the GPU may be used for a network.
    fn allow(&self, network: &NetworkSpec, batch_size: usize) -> bool {
        let is_unsuitable =
            self.unsuitable.as_ref().is_some_and(|(spec, batch)| spec == network && *batch == batch_size);
        self.losses < MAX_LOSSES && self.silences < MAX_SILENCES && self.retry_in_ms <= 0.0 && !is_unsuitable
    }
}

impl Failures {
    fn add_loss(&mut self) {
        (self.losses, self.healthy_ms) = (self.losses + 1, 0.0);
    }

    fn add_silence(&mut self) {
        (self.silences, self.healthy_ms) = (self.silences + 1, 0.0);
    }

    /// Counts `ms` milliseconds in which the GPU has trained.
    fn add_training(&mut self, ms: f64) {
        self.healthy_ms += ms;
        if self.healthy_ms >= FORGIVEN_AFTER_MS {
            (self.losses, self.silences) = (0, 0);
        }
    }
}

impl Devices {
    /// Sets how the device is chosen, and asks for a GPU that has failed before.
    pub(crate) fn set_choice(&mut self, choice: DeviceChoice) {
        self.choice = choice;
        self.ask_again();
    }

    /// Forgets what went wrong: a GPU that has failed is asked for again.
    pub(crate) fn ask_again(&mut self) {
        let is_silent = self.gpu.as_ref().is_some_and(GpuTraining::is_silent);
        let is_stuck = self.building_ms.is_some_and(|ms| ms >= MAX_BUILDING_MS);
        if is_silent || is_stuck {
            self.drop_device();
        }
        self.failures = Failures::default();
        (self.note, self.worker_note) = (None, None);
    }

    /// Drops the device, with everything in its memory, and the response under way, which is about it.
    fn drop_device(&mut self) {
        (self.device, self.gpu, self.building_ms) = (None, None, None);
        self.generation += 1;
    }

    /// Forgets all measurements: the network or the batch size has changed.
    pub(crate) fn forget_speeds(&mut self) {
        self.cpu_probe = ThroughputProbe::default();
        (self.cpu_speed, self.gpu_speed) = (None, None);
    }

    /// Adds the time of one step on the cores, unless their throughput is known.
    pub(crate) fn measure_cpu(&mut self, images: usize, ms: f64) {
        if self.cpu_speed.is_none() {
            self.cpu_probe.add(images, ms);
        }
    }

    /// Takes over the throughput of the cores, once it is known.
    pub(crate) fn update_cpu_speed(&mut self) {
        if self.cpu_speed.is_none() {
            self.cpu_speed = self.cpu_probe.median();
        }
    }

    /// Whether the GPU was measured to be no faster than the cores.
    fn gpu_is_slower(&self) -> bool {
        self.choice == DeviceChoice::Automatic
            && matches!((self.cpu_speed, self.gpu_speed), (Some(cpu), Some(gpu)) if gpu <= cpu)
    }

    /// Sets the throughput of the GPU, and returns whether the GPU is to train.
    pub(crate) fn choose_device(&mut self, gpu_speed: f32) -> Device {
        self.gpu_speed = Some(gpu_speed);
        if self.cpu_speed.is_none_or(|cpu| gpu_speed > cpu) { Device::WebGpu } else { Device::Cpu }
    }

    /// The GPU trainer to be built now, if any.
    pub(crate) fn request(&mut self, network: &NetworkSpec, spec: &TrainingSpec) -> Option<GpuRequest> {
        let is_here = self.gpu.as_ref().is_some_and(|gpu| gpu.is_silent() || gpu.fits(network, spec));
        if self.choice == DeviceChoice::Cpu
            || self.building_ms.is_some()
            || is_here
            || self.gpu_is_slower()
            || !self.failures.allow(network, spec.batch_size)
        {
            return None;
        }
        self.building_ms = Some(0.0);
        self.generation += 1;
        Some(GpuRequest {
            generation: self.generation,
            device: self.device.clone(),
            network: network.clone(),
            batch_size: spec.batch_size,
        })
    }

    /// Takes over what was built for the last request.
    pub(crate) fn on_response(&mut self, response: GpuResponse) {
        if response.generation != self.generation {
            return;
        }
        self.building_ms = None;
        if self.note.as_deref() == Some(BUILDING) {
            self.note = None;
        }
        let in_use = self.gpu.as_ref().is_some_and(|gpu| gpu.state != GpuState::Idle);
        match response.result {
            // A trainer in use is not replaced. This one is built again if it is still wanted later.
            Ok(_) if in_use => {}
            Ok((device, gpu)) => (self.device, self.gpu) = (Some(device), Some(gpu)),
            Err(GpuFailure::NoDevice(sentence)) => {
                let Failures { refusals, retry_in_ms, .. } = &mut self.failures;
                *retry_in_ms = if *refusals < MAX_RETRIES {
                    RETRY_MS * f64::from(4_u32.pow(*refusals))
                } else {
                    f64::INFINITY
                };
                *refusals += 1;
                self.note = Some(format!("{sentence} The CPU trains."));
            }
            Err(GpuFailure::Unsuitable { device, network, batch_size, sentence }) => {
                self.device = Some(device);
                self.failures.unsuitable = Some((network, batch_size));
                self.note = Some(format!("{sentence} The CPU trains."));
            }
            Err(GpuFailure::Lost) if in_use => {}
            Err(GpuFailure::Lost) => self.on_device_lost("The GPU failed. The CPU trains".into()),
        }
    }

    /// Counts `ms` milliseconds in which the GPU trained, and requests were built or put off.
    pub(crate) fn wait(&mut self, ms: f64) {
        if self.gpu.as_ref().is_some_and(GpuTraining::is_training) {
            self.failures.add_training(ms);
        }
        self.failures.retry_in_ms -= ms;
        if let Some(building_ms) = &mut self.building_ms {
            *building_ms += ms;
            if *building_ms >= MAX_BUILDING_MS && self.note.is_none() {
                self.note = Some(BUILDING.into());
            }
        }
    }

    /// Drops the device that was lost. `note` is a sentence without its full stop.
    pub(crate) fn on_device_lost(&mut self, note: String) {
        self.drop_device();
        self.failures.add_loss();
        self.note = Some(if self.failures.losses < MAX_LOSSES {
            format!("{note}, until a GPU answers again.")
        } else {
            format!("{note}. Train asks for the GPU again.")
        });
    }

    /// Stops using the GPU, which has not answered in time, until it answers. `note` is a sentence without
    /// its full stop.
    pub(crate) fn on_silence(&mut self, note: String) {
        self.failures.add_silence();
        if self.failures.silences < MAX_SILENCES {
            self.note = Some(format!("{note}, until the GPU answers again."));
        } else {
            self.drop_device();
            self.note = Some(format!("{note}. Train asks for the GPU again."));
        }
    }

    /// Notes what happened to a worker, in a sentence.
    pub(crate) fn note_worker(&mut self, note: Option<String>) {
        self.worker_note = note;
    }

    /// The state in which the GPU should go on after `step` steps, if it should.
    pub(crate) fn next_gpu_state(
        &self,
        network: &NetworkSpec,
        spec: &TrainingSpec,
        step: u64,
    ) -> Option<GpuState> {
        let gpu = self.gpu.as_ref()?;
        let is_ready = gpu.fits(network, spec) && gpu.state == GpuState::Idle && !gpu.is_silent();
        if !is_ready || step < self.cpu_until_step || !self.failures.allow(network, spec.batch_size) {
            return None;
        }
        match (self.choice, self.cpu_speed, self.gpu_speed) {
            (DeviceChoice::WebGpu, ..) => Some(GpuState::Training),
            (DeviceChoice::Automatic, Some(cpu), Some(gpu)) if gpu > cpu => Some(GpuState::Training),
            (DeviceChoice::Automatic, Some(_), None) => Some(GpuState::Probing),
            _ => None,
        }
    }

    /// Forgets the note: the GPU goes on.
    pub(crate) fn clear_note(&mut self) {
        self.note = None;
    }

    /// A report, if it differs from the last one.
    pub(crate) fn new_report(&mut self) -> Option<DeviceReport> {
        let notes: Vec<&str> =
            [&self.note, &self.worker_note].into_iter().flatten().map(String::as_str).collect();
        let report = DeviceReport {
            choice: self.choice,
            device: if self.gpu.as_ref().is_some_and(GpuTraining::is_training) {
                Device::WebGpu
            } else {
                Device::Cpu
            },
            adapter: self.device.as_ref().map(|device| device.gpu.name().to_owned()),
            cpu_speed: self.cpu_speed,
            gpu_speed: self.gpu_speed,
            measuring: self.gpu.as_ref().is_some_and(|gpu| gpu.state == GpuState::Probing),
            note: (!notes.is_empty()).then(|| notes.join(" ")),
        };
        let is_new = self.reported.as_ref() != Some(&report);
        self.reported = Some(report.clone());
        is_new.then_some(report)
    }
}
