//! A GPU: its adapter, its device and queue, and the loss of it.

use crate::guard::attempt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Why a GPU cannot be used, as a sentence.
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

/// Bytes that a storage buffer must be able to hold: the image buffer has 55 MB.
const MIN_STORAGE_BUFFER: u64 = 56 << 20;
/// Storage buffers that every kernel binds.
const STORAGE_BUFFERS: u32 = 8;

impl Gpu {
    /// Asks for an adapter, and for its device.
    ///
    /// # Errors
    /// A sentence: there is no adapter, its limits are too small, or it refuses.
    pub async fn open() -> Result<Self, GpuError> {
        Self::open_with_limits(|adapter| adapter).await
    }

    /// Does the same as if the adapter offered no more than the WebGPU specification guarantees: every adapter can run what runs on this
    /// device. Tests use it.
    ///
    /// # Errors
    /// As [`Gpu::open`].
    pub async fn open_with_default_limits() -> Result<Self, GpuError> {
        Self::open_with_limits(|_| wgpu::Limits::default()).await
    }

    /// `offered` returns the limits that count as the adapter's.
    async fn open_with_limits(offered: fn(wgpu::Limits) -> wgpu::Limits) -> Result<Self, GpuError> {
        let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle());
        let options = wgpu::RequestAdapterOptions {
            power_preference: wgpu::PowerPreference::HighPerformance,
            ..wgpu::RequestAdapterOptions::default()
        };
        let adapter = instance.request_adapter(&options).await;
        let adapter = adapter.map_err(|_| GpuError("This browser offers no WebGPU adapter.".into()))?;
        let required_limits = required_limits(&offered(adapter.limits()))?;
        let descriptor = wgpu::DeviceDescriptor { required_limits, ..wgpu::DeviceDescriptor::default() };
        let (device, queue) = adapter
            .request_device(&descriptor)
            .await
            .map_err(|e| GpuError(format!("The GPU refused to start: {e}.")))?;
        let lost = Arc::new(AtomicBool::new(false));
        let shared = lost.clone();
        device.set_device_lost_callback(move |_, _| shared.store(true, Ordering::Relaxed));
        let shared = lost.clone();
        // Nothing computed after an error that nobody expects can be trusted: memory that ran out, a command that was refused.
        device.on_uncaptured_error(Arc::new(move |_| shared.store(true, Ordering::Relaxed)));
        let name = match adapter.get_info().name {
            name if name.is_empty() => browser_name().await,
            name => name,
        };
        Ok(Self { device, queue, name, lost })
    }

    /// The adapter's name; empty where a browser hides it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether the device was lost, or has failed: work in flight never completes.
    pub fn is_lost(&self) -> bool {
        self.lost.load(Ordering::Relaxed)
    }

    /// Makes the device count as lost.
    pub(crate) fn set_lost(&self) {
        self.lost.store(true, Ordering::Relaxed);
    }

    /// Destroys the device with everything in its memory, as the crash of a driver would.
    pub fn destroy(&self) {
        self.attempt(|| self.device.destroy());
    }

    /// Calls `f`, which uses this device. Returns `None` if it throws: then the device counts as lost.
    pub(crate) fn attempt<T>(&self, f: impl FnOnce() -> T) -> Option<T> {
        let result = attempt(f);
        if result.is_none() {
            self.set_lost();
        }
        result
    }

    /// Runs callbacks natively, after all work is done if `wait`. A browser runs them by itself.
    pub fn poll(&self, wait: bool) {
        let kind = if wait { wgpu::PollType::wait_indefinitely() } else { wgpu::PollType::Poll };
        let _ = self.device.poll(kind);
    }

    pub(crate) fn create_buffer(&self, label: &str, size: u64, usage: wgpu::BufferUsages) -> wgpu::Buffer {
        self.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some(label),
            size,
            usage,
            mapped_at_creation: false,
        })
    }
}

/// What a device must offer, given the adapter's limits: as large buffers as the adapter has, and little else.
fn required_limits(adapter: &wgpu::Limits) -> Result<wgpu::Limits, GpuError> {
    let small = |what: &str| Err(GpuError(format!("The GPU's {what} are too small.")));
    if adapter.max_storage_buffer_binding_size < MIN_STORAGE_BUFFER {
        return small("buffers");
    }
    if adapter.max_storage_buffers_per_shader_stage < STORAGE_BUFFERS {
        return small("bind groups");
    }
    Ok(wgpu::Limits {
        max_storage_buffer_binding_size: adapter.max_storage_buffer_binding_size,
        max_buffer_size: adapter.max_buffer_size,
        max_storage_buffers_per_shader_stage: STORAGE_BUFFERS,
        ..wgpu::Limits::downlevel_defaults()
    })
}

/// The browser's description of its adapter, which wgpu leaves out.
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

/// A native adapter always has a name.
#[cfg(not(target_family = "wasm"))]
async fn browser_name() -> String {
    String::new()
}

#[cfg(test)]
mod tests {
    use super::{MIN_STORAGE_BUFFER, required_limits};

    #[test]
    fn an_adapter_with_small_limits_is_refused_with_a_sentence() {
        let default = wgpu::Limits::default();
        assert!(required_limits(&default).is_ok(), "WebGPU's default limits suffice");
        let buffers =
            wgpu::Limits { max_storage_buffer_binding_size: MIN_STORAGE_BUFFER - 1, ..default.clone() };
        assert_eq!(required_limits(&buffers).unwrap_err().0, "The GPU's buffers are too small.");
        let bindings = wgpu::Limits { max_storage_buffers_per_shader_stage: 7, ..default };
        assert_eq!(required_limits(&bindings).unwrap_err().0, "The GPU's bind groups are too small.");
    }
}
