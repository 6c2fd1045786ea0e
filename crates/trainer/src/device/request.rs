//! Building a GPU trainer, which takes a while: the page compiles shaders meanwhile, and the cores train.

use super::gpu_device::GpuDevice;
use super::gpu_training::GpuTraining;
use gpu::guarded;
use nn::spec::NetworkSpec;
use std::rc::Rc;

/// A GPU trainer to be built, from [`Session::gpu_request`](crate::Session::gpu_request).
pub struct GpuRequest {
    pub(super) generation: u32,
    pub(super) device: Option<Rc<GpuDevice>>,
    pub(super) network: NetworkSpec,
    pub(super) batch_size: usize,
}

/// The outcome of a [`GpuRequest`], for [`Session::gpu_built`](crate::Session::gpu_built).
pub struct GpuResponse {
    pub(super) generation: u32,
    pub(super) result: Result<(Rc<GpuDevice>, GpuTraining), GpuFailure>,
}

/// Why there is no GPU trainer.
pub(super) enum GpuFailure {
    /// No GPU could be opened, for the reason in this sentence.
    NoDevice(String),
    /// The GPU is open, but cannot train this network in batches of this size, for the reason in this
    /// sentence.
    Unsuitable { device: Rc<GpuDevice>, network: NetworkSpec, batch_size: usize, sentence: String },
    /// The GPU failed.
    Lost,
}

impl GpuRequest {
    /// Opens a GPU unless one is open, and builds a trainer for the network on it.
    pub async fn build(self) -> GpuResponse {
        GpuResponse { generation: self.generation, result: self.result().await }
    }

    /// The outcome of this request if no GPU can be opened, for this reason; tests use it.
    pub fn fail(self, sentence: &str) -> GpuResponse {
        GpuResponse { generation: self.generation, result: Err(GpuFailure::NoDevice(sentence.into())) }
    }

    async fn result(self) -> Result<(Rc<GpuDevice>, GpuTraining), GpuFailure> {
        let Self { device, network, batch_size, .. } = self;
        let device = match device {
            Some(device) => device,
            None => {
                let opened = guarded(GpuDevice::open()).await;
                let opened = opened.unwrap_or_else(|| Err("This browser's WebGPU failed.".into()));
                Rc::new(opened.map_err(GpuFailure::NoDevice)?)
            }
        };
        let built = {
            let (device, network) = (device.clone(), network.clone());
            guarded(async move { GpuTraining::build(&device, network, batch_size).await }).await
        };
        match built {
            Some(Ok(training)) => Ok((device, training)),
            Some(Err(_)) if device.gpu.is_lost() => Err(GpuFailure::Lost),
            Some(Err(sentence)) => Err(GpuFailure::Unsuitable { device, network, batch_size, sentence }),
            None => {
                // With the buffers that the call that threw would have kept for ever.
                device.gpu.destroy();
                Err(GpuFailure::Lost)
            }
        }
    }
}
