//! Building a GPU trainer, which takes a while: the page compiles shaders meanwhile, and the cores train.

use super::gpu_device::GpuDevice;
use super::gpu_training::GpuTraining;
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
    pub(super) result: Result<(Rc<GpuDevice>, GpuTraining), String>,
}

impl GpuRequest {
    /// Opens a GPU unless one is open, and builds a trainer for the network on it.
    pub async fn build(self) -> GpuResponse {
        let Self { generation, device, network, batch_size } = self;
        let build = async {
            let device = match device {
                Some(device) => device,
                None => Rc::new(GpuDevice::open().await?),
            };
            let gpu = GpuTraining::build(&device, network, batch_size).await?;
            Ok((device, gpu))
        };
        GpuResponse { generation, result: build.await }
    }
}
