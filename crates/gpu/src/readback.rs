//! Reading back without waiting: staging buffers that are copied to, mapped, read and used again.

use crate::device::Gpu;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

/// A staging buffer that is being mapped.
#[derive(Debug)]
pub(crate) struct Mapping {
    buffer: wgpu::Buffer,
    bytes: u64,
    status: Arc<Mutex<MappingStatus>>,
}

/// Shared with the callback of `map_async`.
#[derive(Debug, Default)]
struct MappingStatus {
    /// Whether mapping succeeded; `None` while it is pending.
    mapped: Option<bool>,
    waker: Option<Waker>,
}

/// Staging buffers of one size, which are used over and over.
#[derive(Debug)]
pub(crate) struct StagingPool {
    /// Bytes of each buffer.
    size: u64,
    free: Vec<wgpu::Buffer>,
    created: usize,
}

impl StagingPool {
    pub(crate) fn new(size: u64) -> Self {
        Self { size, free: Vec::new(), created: 0 }
    }

    /// A free buffer to copy to; a new one if there is none.
    pub(crate) fn take(&mut self, gpu: &Gpu) -> wgpu::Buffer {
        self.free.pop().unwrap_or_else(|| {
            self.created += 1;
            let usage = wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::MAP_READ;
            gpu.create_buffer("staging", self.size, usage)
        })
    }

    /// Destroys the buffer of a mapping that nobody reads.
    pub(crate) fn discard(&mut self, mapping: &Mapping) {
        self.created -= 1;
        mapping.buffer.destroy();
    }

    /// Destroys the buffers that are free.
    pub(crate) fn destroy(&mut self) {
        self.created -= self.free.len();
        self.free.drain(..).for_each(|buffer| buffer.destroy());
    }

    /// Buffers that exist, free or in use.
    pub(crate) fn created(&self) -> usize {
        self.created
    }

    /// Calls `read` with the numbers of a finished mapping, and frees its buffer; `None` if the buffer is lost.
    pub(crate) fn read<T>(&mut self, mapping: Mapping, read: impl FnOnce(&[f32]) -> T) -> Option<T> {
        if !mapping.succeeded() {
            self.discard(&mapping);
            return None;
        }
        let result = {
            let view = mapping.buffer.get_mapped_range(..mapping.bytes).ok()?;
            read(bytemuck::cast_slice(&view))
        };
        mapping.buffer.unmap();
        self.free.push(mapping.buffer.clone());
        Some(result)
    }
}

impl Mapping {
    /// Starts to map the first `bytes` of `buffer`, which happens after the submissions that precede this call.
    pub(crate) fn new(buffer: wgpu::Buffer, bytes: u64) -> Self {
        let status = Arc::new(Mutex::new(MappingStatus::default()));
        let shared = status.clone();
        buffer.map_async(wgpu::MapMode::Read, ..bytes, move |result| {
            if let Ok(mut status) = shared.lock() {
                status.mapped.get_or_insert(result.is_ok());
                status.waker.take().into_iter().for_each(Waker::wake);
            }
        });
        Self { buffer, bytes, status }
    }

    /// Whether mapping has ended, in success or failure.
    pub(crate) fn is_done(&self) -> bool {
        self.status.lock().is_ok_and(|status| status.mapped.is_some())
    }

    /// Resolves when mapping has ended, in success or failure.
    pub(crate) fn done(&self) -> MappingDone {
        MappingDone(self.status.clone())
    }

    fn succeeded(&self) -> bool {
        self.status.lock().is_ok_and(|status| status.mapped == Some(true))
    }
}

impl Drop for Mapping {
    /// Ends the wait for a mapping that nobody reads any more.
    fn drop(&mut self) {
        if let Ok(mut status) = self.status.lock() {
            status.mapped.get_or_insert(false);
            status.waker.take().into_iter().for_each(Waker::wake);
        }
    }
}

/// The future of [`Mapping::done`].
#[derive(Debug)]
pub(crate) struct MappingDone(Arc<Mutex<MappingStatus>>);

impl Future for MappingDone {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let Ok(mut status) = self.0.lock() else { return Poll::Ready(()) };
        if status.mapped.is_some() {
            return Poll::Ready(());
        }
        status.waker = Some(context.waker().clone());
        Poll::Pending
    }
}
