//! Reading back without waiting: a pool of staging buffers, each on its way once.

use crate::device::Gpu;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

/// A buffer that is being mapped.
#[derive(Debug)]
pub(crate) struct Mapping {
    buffer: wgpu::Buffer,
    bytes: u64,
    outcome: Arc<Mutex<Outcome>>,
}

#[derive(Debug, Default)]
struct Outcome {
    mapped: Option<bool>,
    waker: Option<Waker>,
}

/// Staging buffers of one size.
#[derive(Debug)]
pub(crate) struct Pool {
    size: u64,
    free: Vec<wgpu::Buffer>,
    made: usize,
}

impl Pool {
    pub(crate) fn new(size: u64) -> Self {
        Self { size, free: Vec::new(), made: 0 }
    }

    /// A buffer to copy to.
    pub(crate) fn take(&mut self, gpu: &Gpu) -> wgpu::Buffer {
        self.free.pop().unwrap_or_else(|| {
            self.made += 1;
            gpu.device.create_buffer(&wgpu::BufferDescriptor {
                label: Some("staging"),
                size: self.size,
                usage: wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::MAP_READ,
                mapped_at_creation: false,
            })
        })
    }

    /// Buffers that there are: those in use and those that wait.
    pub(crate) fn made(&self) -> usize {
        self.made
    }

    /// Reads what has come, and takes the buffer back; nothing if it was lost.
    pub(crate) fn read<T>(&mut self, mapping: Mapping, read: impl FnOnce(&[f32]) -> T) -> Option<T> {
        if !mapping.is_there() {
            self.made -= 1;
            return None;
        }
        let result = {
            let view = mapping.buffer.get_mapped_range(..mapping.bytes).ok()?;
            read(bytemuck::cast_slice(&view))
        };
        mapping.buffer.unmap();
        self.free.push(mapping.buffer);
        Some(result)
    }
}

impl Mapping {
    /// Begins to map the first bytes of a buffer, once the work that was submitted is done.
    pub(crate) fn new(buffer: wgpu::Buffer, bytes: u64) -> Self {
        let outcome = Arc::new(Mutex::new(Outcome::default()));
        let told = outcome.clone();
        buffer.map_async(wgpu::MapMode::Read, ..bytes, move |result| {
            if let Ok(mut outcome) = told.lock() {
                outcome.mapped = Some(result.is_ok());
                outcome.waker.take().into_iter().for_each(Waker::wake);
            }
        });
        Self { buffer, bytes, outcome }
    }

    /// Whether it came to an end, good or bad.
    pub(crate) fn is_done(&self) -> bool {
        self.outcome.lock().is_ok_and(|outcome| outcome.mapped.is_some())
    }

    /// To be awaited.
    pub(crate) fn done(&self) -> MappingDone {
        MappingDone(self.outcome.clone())
    }

    fn is_there(&self) -> bool {
        self.outcome.lock().is_ok_and(|outcome| outcome.mapped == Some(true))
    }
}

/// Resolves when a mapping came to an end, good or bad.
#[derive(Debug)]
pub(crate) struct MappingDone(Arc<Mutex<Outcome>>);

impl Future for MappingDone {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let Ok(mut outcome) = self.0.lock() else { return Poll::Ready(()) };
        if outcome.mapped.is_some() {
            return Poll::Ready(());
        }
        outcome.waker = Some(context.waker().clone());
        Poll::Pending
    }
}
