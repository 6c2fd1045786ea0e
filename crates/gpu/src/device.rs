//! Finding a GPU, and hearing of its loss.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Why there is no GPU, as a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GpuError(pub String);

/// A device and its queue.
#[derive(Clone, Debug)]
pub struct Gpu {
    pub(crate) device: wgpu::Device,
    pub(crate) queue: wgpu::Queue,
    name: String,
    lost: Arc<AtomicBool>,
}

/// Bytes that a buffer must be able to hold: all of MNIST.
const LARGEST_BUFFER: u64 = 56 << 20;

impl Gpu {
    /// Asks for a new adapter, and for its device.
    ///
    /// # Errors
    /// A sentence that says why there is none, or why it would not do.
    pub async fn open() -> Result<Self, GpuError> {
        let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle());
        let options = wgpu::RequestAdapterOptions {
            power_preference: wgpu::PowerPreference::HighPerformance,
            ..wgpu::RequestAdapterOptions::default()
        };
        let adapter = instance.request_adapter(&options).await;
        let adapter = adapter.map_err(|_| GpuError("This browser offers no WebGPU adapter.".into()))?;
        let limits = adapter.limits();
        let small = |what: &str| Err(GpuError(format!("The GPU's {what} are too small.")));
        if limits.max_storage_buffer_binding_size < LARGEST_BUFFER {
            return small("buffers");
        }
        if limits.max_storage_buffers_per_shader_stage < 8 {
            return small("bind groups");
        }
        let required_limits = wgpu::Limits {
            max_storage_buffer_binding_size: limits.max_storage_buffer_binding_size,
            max_buffer_size: limits.max_buffer_size,
            ..wgpu::Limits::downlevel_defaults()
        };
        let required_limits = wgpu::Limits { max_storage_buffers_per_shader_stage: 8, ..required_limits };
        let descriptor = wgpu::DeviceDescriptor { required_limits, ..wgpu::DeviceDescriptor::default() };
        let (device, queue) = adapter
            .request_device(&descriptor)
            .await
            .map_err(|e| GpuError(format!("The GPU refused to start: {e}.")))?;
        let lost = Arc::new(AtomicBool::new(false));
        let told = lost.clone();
        device.set_device_lost_callback(move |_, _| told.store(true, Ordering::Relaxed));
        let name = match adapter.get_info().name {
            name if name.is_empty() => browser_name().await,
            name => name,
        };
        Ok(Self { device, queue, name, lost })
    }

    /// The adapter's name; empty where a browser does not tell.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether the device was lost: nothing that was given to it will come back.
    pub fn is_lost(&self) -> bool {
        self.lost.load(Ordering::Relaxed)
    }

    /// Gives the device up, as a driver that crashes would.
    pub fn destroy(&self) {
        self.device.destroy();
    }

    /// Natively, lets callbacks run; in a browser they do so by themselves. Waits for all work to be done, if asked.
    pub fn poll(&self, wait: bool) {
        let kind = if wait { wgpu::PollType::wait_indefinitely() } else { wgpu::PollType::Poll };
        let _ = self.device.poll(kind);
    }
}

/// What the browser says of its adapter, in words; wgpu leaves it out.
#[cfg(target_family = "wasm")]
async fn browser_name() -> String {
    use wasm_bindgen::{JsCast, JsValue};
    let get = |of: &JsValue, name: &str| js_sys::Reflect::get(of, &name.into());
    let info = async || -> Result<JsValue, JsValue> {
        let gpu = get(&get(&js_sys::global(), "navigator")?, "gpu")?;
        let request: js_sys::Function = get(&gpu, "requestAdapter")?.dyn_into()?;
        let adapter: js_sys::Promise = request.call0(&gpu)?.dyn_into()?;
        get(&wasm_bindgen_futures::JsFuture::from(adapter).await?, "info")
    };
    let Ok(info) = info().await else { return String::new() };
    let word = |name: &str| get(&info, name).ok().and_then(|word| word.as_string()).unwrap_or_default();
    match word("description") {
        none if none.is_empty() => format!("{} {}", word("vendor"), word("architecture")).trim().to_owned(),
        description => description,
    }
}

/// There is nobody else to ask.
#[cfg(not(target_family = "wasm"))]
async fn browser_name() -> String {
    String::new()
}
