//! The devices, their measured throughput, and the choice between them.

use super::gpu_device::GpuDevice;
use super::gpu_training::{GpuState, GpuTraining};
use super::probe::ThroughputProbe;
use super::request::{GpuRequest, GpuResponse};
use crate::messages::{Device, DeviceChoice, DeviceReport};
use nn::spec::{NetworkSpec, TrainingSpec};
use std::rc::Rc;

/// After this many lost devices no other one is opened.
const MAX_LOSSES: u32 = 3;

/// The devices, and which of them is to train.
#[derive(Default)]
pub(crate) struct Devices {
    choice: DeviceChoice,
    pub(crate) device: Option<Rc<GpuDevice>>,
    pub(crate) gpu: Option<GpuTraining>,
    /// A request is being built.
    building: bool,
    /// Number of the last request. A response to an older one is dropped.
    generation: u32,
    losses: u32,
    /// Why no GPU trains.
    note: Option<String>,
    /// No GPU is requested: it refused the network, or was lost too often.
    refused: bool,
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

impl Devices {
    /// Sets how the device is chosen. A GPU that refused before is requested again.
    pub(crate) fn set_choice(&mut self, choice: DeviceChoice) {
        self.choice = choice;
        (self.refused, self.losses, self.note) = (false, 0, None);
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
        let built = self.gpu.as_ref().is_some_and(|gpu| gpu.fits(network, spec));
        if self.choice == DeviceChoice::Cpu || self.building || self.refused || built || self.gpu_is_slower()
        {
            return None;
        }
        self.building = true;
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
        self.building = false;
        let in_use = self.gpu.as_ref().is_some_and(|gpu| gpu.state != GpuState::Idle);
        match response.result {
            // A trainer in use is not replaced. This one is built again if it is still wanted later.
            Ok(_) if in_use => {}
            Ok((device, gpu)) => (self.device, self.gpu) = (Some(device), Some(gpu)),
            Err(sentence) => (self.refused, self.note) = (true, Some(format!("{sentence} The CPU trains."))),
        }
    }

    /// Drops the device that was lost, with everything in its memory.
    pub(crate) fn on_device_lost(&mut self, note: String) {
        (self.device, self.gpu, self.building) = (None, None, false);
        // A response under way is about the lost device.
        self.generation += 1;
        self.losses += 1;
        self.refused = self.losses >= MAX_LOSSES;
        self.note = Some(note);
    }

    /// The state in which the GPU should go on after `step` steps, if it should.
    pub(crate) fn next_gpu_state(
        &self,
        network: &NetworkSpec,
        spec: &TrainingSpec,
        step: u64,
    ) -> Option<GpuState> {
        let gpu = self.gpu.as_ref()?;
        if !gpu.fits(network, spec) || gpu.state != GpuState::Idle || step < self.cpu_until_step {
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
            note: self.note.clone(),
        };
        let is_new = self.reported.as_ref() != Some(&report);
        self.reported = Some(report.clone());
        is_new.then_some(report)
    }
}
