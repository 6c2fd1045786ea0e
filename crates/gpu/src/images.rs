//! The data set on the GPU: images and labels as bytes.

use crate::device::Gpu;
use crate::layout::{DATA_BYTES, Pass, TEST_IMAGES_OFFSET, TEST_LABELS_OFFSET, TRAIN_LABELS_OFFSET};
use nn::mnist;

/// All images and labels of MNIST, in one buffer of 55 MB.
#[derive(Clone, Debug)]
pub struct Images {
    pub(crate) buffer: wgpu::Buffer,
}

impl Images {
    /// Reserves the memory; all bytes are zero.
    pub fn new(gpu: &Gpu) -> Self {
        let usage = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_DST;
        Self { buffer: gpu.create_buffer("images", DATA_BYTES, usage) }
    }

    /// Writes images `[image][row][column]` and their labels, from number `first` on, into the set that `pass` reads. WebGPU writes four
    /// bytes at a time: `first` and the number of images are multiples of four.
    pub fn write(&self, gpu: &Gpu, pass: Pass, first: usize, images: &[u8], labels: &[u8]) {
        let first = first as u64;
        let (images_offset, labels_offset) = match pass {
            Pass::Training => (0, TRAIN_LABELS_OFFSET),
            Pass::Evaluation => (TEST_IMAGES_OFFSET, TEST_LABELS_OFFSET),
        };
        gpu.attempt(|| {
            gpu.queue.write_buffer(&self.buffer, images_offset + first * mnist::PIXELS as u64, images);
            gpu.queue.write_buffer(&self.buffer, labels_offset + first, labels);
        });
    }
}
