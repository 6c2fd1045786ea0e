//! A network's buffers and pipelines, and the commands of its steps. Everything is built once, when the network is.

use crate::device::{Gpu, GpuError};
use crate::guard::attempt;
use crate::images::Images;
use crate::layout::{Layout, MAX_STEPS, Pass};
use crate::lower::{Lowered, lower};
use crate::pipelines::{PipelineCache, PreparedDispatch, bind_group_layout};
use crate::reduction::Reduction;
use crate::step::Step;
use nn::memory::MAX_BYTES;
use nn::spec::NetworkSpec;
use nn::train::TrainingState;

/// Bytes between the uniforms of two steps (WebGPU's default alignment).
pub(crate) const UNIFORM_STRIDE: u64 = 256;

/// A network on the GPU, for training or for evaluation.
#[derive(Debug)]
pub struct Executor {
    layout: Layout,
    pub(crate) dispatches: Vec<PreparedDispatch>,
    /// Replaces the first dispatch in steps that distort their images.
    distorting: Option<PreparedDispatch>,
    pack: PreparedDispatch,
    bind_group: wgpu::BindGroup,
    pub(crate) state: wgpu::Buffer,
    uniforms: wgpu::Buffer,
    /// All other buffers, which only kernels use.
    others: [wgpu::Buffer; 6],
    /// Uniforms of the steps of one submission.
    staged: Vec<u8>,
}

impl Executor {
    /// Builds everything for batches of up to `batch_size` samples.
    ///
    /// # Errors
    /// A sentence: the layers do not fit together, or the network is too large for this GPU.
    pub async fn new(
        gpu: &Gpu,
        network: &NetworkSpec,
        batch_size: usize,
        pass: Pass,
        images: &Images,
    ) -> Result<Self, GpuError> {
        let lowered = lower(network, batch_size, pass).map_err(|e| GpuError(e.message))?;
        let memory = gpu.device.push_error_scope(wgpu::ErrorFilter::OutOfMemory);
        let validation = gpu.device.push_error_scope(wgpu::ErrorFilter::Validation);
        let executor = Self::build(gpu, &lowered, images);
        if let Some(error) = validation.pop().await {
            return Err(GpuError(format!("The GPU cannot run this network: {error}")));
        }
        if memory.pop().await.is_some() {
            return Err(GpuError("The GPU has not enough memory for this network and batch size.".into()));
        }
        executor
    }

    fn build(gpu: &Gpu, lowered: &Lowered, images: &Images) -> Result<Self, GpuError> {
        use wgpu::BufferUsages as Usage;
        let lengths = lowered.lengths;
        let bytes = lengths.bytes();
        let largest = gpu.device.limits().max_storage_buffer_binding_size;
        if bytes.iter().any(|bytes| *bytes > largest) || bytes.iter().sum::<u64>() > MAX_BYTES {
            return Err(GpuError("This network, or this batch size, is too large for this GPU.".into()));
        }
        let [of_state, of_packed, of_values, of_gradients, of_argmax, of_partials] = bytes;
        let storage = |label: &str, bytes: u64| {
            gpu.create_buffer(label, bytes, Usage::STORAGE | Usage::COPY_DST | Usage::COPY_SRC)
        };
        let uniforms = gpu.create_buffer(
            "steps",
            UNIFORM_STRIDE * u64::from(MAX_STEPS),
            Usage::UNIFORM | Usage::COPY_DST,
        );
        let state = storage("state", of_state);
        let reductions = storage("reductions", size_of::<Reduction>() as u64 * lengths.reductions);
        gpu.queue.write_buffer(&reductions, 0, bytemuck::cast_slice(&lowered.reductions));
        let packed = storage("packed", of_packed);
        let values = storage("values", of_values);
        let gradients = storage("gradients", of_gradients);
        let argmax = storage("argmax", of_argmax);
        let partials = storage("partials", of_partials);
        // In the order of the bindings from 1 on.
        let bound = [&state, &packed, &values, &gradients, &argmax, &partials, &images.buffer, &reductions];
        let group_layout = bind_group_layout(gpu);
        let bind_group = bind(gpu, &group_layout, &uniforms, &bound);
        let mut pipelines = PipelineCache::new(gpu, &group_layout, lowered);
        Ok(Self {
            layout: lowered.layout,
            dispatches: lowered.dispatches.iter().map(|dispatch| pipelines.prepare(dispatch)).collect(),
            distorting: lowered.distorting.as_ref().map(|dispatch| pipelines.prepare(dispatch)),
            pack: pipelines.prepare(&lowered.pack),
            bind_group,
            state,
            uniforms,
            others: [packed, values, gradients, argmax, partials, reductions],
            staged: Vec::new(),
        })
    }

    /// Number of dispatches in a step.
    pub fn dispatches(&self) -> usize {
        self.dispatches.len()
    }

    /// Replaces weights, running estimates and optimiser state by those of `state`.
    pub fn load(&self, gpu: &Gpu, state: &TrainingState) {
        let layout = &self.layout;
        let write = |offset: u32, values: &[f32]| {
            gpu.queue.write_buffer(&self.state, 4 * u64::from(offset), bytemuck::cast_slice(values));
        };
        write(0, &state.parameters);
        write(layout.first_moments(), &state.optimizer.first);
        write(layout.second_moments(), &state.optimizer.second);
        write(layout.running(), &state.running);
        let mut encoder = gpu.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        self.encode(&mut encoder, [&self.pack], 0);
        gpu.queue.submit([encoder.finish()]);
    }

    /// Copies parameters and running estimates from the state of another executor of the same network.
    pub(crate) fn copy_weights(&self, gpu: &Gpu, from: &wgpu::Buffer) {
        let mut encoder = gpu.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        let bytes = |numbers: u32| 4 * u64::from(numbers);
        encoder.copy_buffer_to_buffer(from, 0, &self.state, 0, bytes(self.layout.parameters));
        if self.layout.running_count > 0 {
            let (running, count) = (bytes(self.layout.running()), bytes(self.layout.running_count));
            encoder.copy_buffer_to_buffer(from, running, &self.state, running, count);
        }
        self.encode(&mut encoder, [&self.pack], 0);
        gpu.queue.submit([encoder.finish()]);
    }

    /// Encodes `steps` (at most 64) into one submission, and then what `after` adds; `after` gets the state buffer.
    pub(crate) fn submit(
        &mut self,
        gpu: &Gpu,
        steps: &[Step],
        after: impl FnOnce(&mut wgpu::CommandEncoder, &wgpu::Buffer),
    ) {
        assert!(steps.len() <= MAX_STEPS as usize);
        self.write_uniforms(gpu, steps);
        let mut encoder = gpu.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        for (i, step) in steps.iter().enumerate() {
            let input = self.distorting.as_ref().filter(|_| step.distorts()).unwrap_or(&self.dispatches[0]);
            let all = std::iter::once(input).chain(&self.dispatches[1..]);
            self.encode(&mut encoder, all, i as u32);
        }
        after(&mut encoder, &self.state);
        gpu.queue.submit([encoder.finish()]);
    }

    /// Writes the uniforms of these steps.
    pub(crate) fn write_uniforms(&mut self, gpu: &Gpu, steps: &[Step]) {
        self.staged.clear();
        for step in steps {
            self.staged.extend_from_slice(bytemuck::bytes_of(step));
            self.staged.resize(self.staged.len().next_multiple_of(UNIFORM_STRIDE as usize), 0);
        }
        gpu.queue.write_buffer(&self.uniforms, 0, &self.staged);
    }

    /// Encodes dispatches with the uniform of the step of this number.
    pub(crate) fn encode<'a>(
        &'a self,
        encoder: &mut wgpu::CommandEncoder,
        dispatches: impl IntoIterator<Item = &'a PreparedDispatch>,
        step: u32,
    ) {
        let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
        pass.set_bind_group(0, &self.bind_group, &[step * UNIFORM_STRIDE as u32]);
        for dispatch in dispatches {
            pass.set_pipeline(&dispatch.pipeline);
            pass.dispatch_workgroups(dispatch.workgroups, 1, 1);
        }
    }

    /// Byte offset in the state of a slot's results: loss, then hits.
    pub(crate) fn result_offset(&self, slot: u32) -> u64 {
        4 * u64::from(self.layout.results() + 2 * (slot % MAX_STEPS))
    }

    /// Bytes from the beginning of the state that are read back as a training's state.
    pub(crate) fn saved_bytes(&self) -> u64 {
        4 * u64::from(self.layout.saved())
    }

    /// Splits them into parameters, gradients, first moments, second moments and running estimates.
    pub(crate) fn split_saved<'a>(&self, saved: &'a [f32]) -> [&'a [f32]; 5] {
        let p = self.layout.parameters as usize;
        [&saved[..p], &saved[p..2 * p], &saved[2 * p..3 * p], &saved[3 * p..4 * p], &saved[4 * p..]]
    }
}

impl Drop for Executor {
    /// Frees the memory on the GPU at once. A browser would free it only when its garbage is collected, and to its collector a buffer
    /// of 100 MB is a small object.
    fn drop(&mut self) {
        let all = [&self.state, &self.uniforms].into_iter().chain(&self.others);
        attempt(|| all.for_each(wgpu::Buffer::destroy));
    }
}

/// Binds the uniform of one step to binding 0, and these buffers to the bindings from 1 on.
fn bind(
    gpu: &Gpu,
    layout: &wgpu::BindGroupLayout,
    uniforms: &wgpu::Buffer,
    storage: &[&wgpu::Buffer],
) -> wgpu::BindGroup {
    let step = wgpu::BufferBinding {
        buffer: uniforms,
        offset: 0,
        size: std::num::NonZeroU64::new(size_of::<Step>() as u64),
    };
    let mut entries =
        vec![wgpu::BindGroupEntry { binding: 0, resource: wgpu::BindingResource::Buffer(step) }];
    entries.extend(
        (1..)
            .zip(storage)
            .map(|(binding, buffer)| wgpu::BindGroupEntry { binding, resource: buffer.as_entire_binding() }),
    );
    gpu.device.create_bind_group(&wgpu::BindGroupDescriptor { label: None, layout, entries: &entries })
}
