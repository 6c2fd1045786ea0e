//! Pipelines, buffers and the commands of steps: all made once, when the network is.

use crate::constants::Constants;
use crate::device::{Gpu, GpuError};
use crate::kernel::Kernel;
use crate::layout::{Layout, RESULTS};
use crate::lower::{Dispatch, Lowered, lower};
use crate::reduction::Job;
use crate::step::Step;
use nn::spec::NetworkSpec;
use nn::train::TrainingState;
use std::collections::HashMap;

/// Whether a network is trained or measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pass {
    /// On the training set.
    Training,
    /// On the test set.
    Evaluation,
}

/// Images and labels of MNIST in one buffer, in bytes.
pub(crate) const TEST_IMAGES: u64 = 60_000 * 784;
pub(crate) const TRAIN_LABELS: u64 = TEST_IMAGES + 10_000 * 784;
pub(crate) const TEST_LABELS: u64 = TRAIN_LABELS + 60_000;
pub(crate) const DATA: u64 = TEST_LABELS + 10_000;

/// Steps that can wait in one submission.
pub(crate) const STEPS: u32 = RESULTS;
/// Bytes between the uniforms of two steps (WebGPU's default alignment).
pub(crate) const UNIFORM: u64 = 256;

/// The images on the GPU.
#[derive(Clone, Debug)]
pub struct Images {
    buffer: wgpu::Buffer,
}

impl Images {
    /// Room for all of MNIST.
    pub fn new(gpu: &Gpu) -> Self {
        let usage = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_DST;
        Self { buffer: buffer(gpu, "images", DATA, usage) }
    }

    /// Writes images of the training (or test) set from number `first` on. Bytes must come in fours: `first` and the number of
    /// images are multiples of four.
    pub fn write(&self, gpu: &Gpu, training: bool, first: usize, images: &[u8], labels: &[u8]) {
        let first = first as u64;
        let (at_images, at_labels) = if training { (0, TRAIN_LABELS) } else { (TEST_IMAGES, TEST_LABELS) };
        gpu.queue.write_buffer(&self.buffer, at_images + first * 784, images);
        gpu.queue.write_buffer(&self.buffer, at_labels + first, labels);
    }
}

/// A pipeline, and how many workgroups of it.
pub(crate) type Run = (wgpu::ComputePipeline, u32);

/// A network on the GPU.
#[derive(Debug)]
pub struct Executor {
    layout: Layout,
    pub(crate) dispatches: Vec<Run>,
    /// What each dispatch runs, for whoever measures it.
    #[cfg(not(target_family = "wasm"))]
    pub(crate) names: Vec<String>,
    /// In the place of the first, for steps that distort their images.
    distorting: Option<Run>,
    pack: Run,
    bind_group: wgpu::BindGroup,
    pub(crate) state: wgpu::Buffer,
    uniforms: wgpu::Buffer,
    /// Uniforms of the steps of one submission.
    staged: Vec<u8>,
}

impl Executor {
    /// Makes everything for batches of up to `batch` samples.
    ///
    /// # Errors
    /// A sentence: the network does not fit, or not on this GPU.
    pub async fn new(
        gpu: &Gpu,
        network: &NetworkSpec,
        batch: usize,
        mode: Pass,
        images: &Images,
    ) -> Result<Self, GpuError> {
        let lowered = lower(network, batch, mode).map_err(|e| GpuError(e.message))?;
        let scope = gpu.device.push_error_scope(wgpu::ErrorFilter::OutOfMemory);
        let valid = gpu.device.push_error_scope(wgpu::ErrorFilter::Validation);
        let executor = Self::build(gpu, &lowered, images);
        if let Some(error) = valid.pop().await {
            return Err(GpuError(format!("The GPU cannot run this network: {error}")));
        }
        if scope.pop().await.is_some() {
            return Err(GpuError("The GPU has not enough memory for this network and batch size.".into()));
        }
        executor
    }

    fn build(gpu: &Gpu, lowered: &Lowered, images: &Images) -> Result<Self, GpuError> {
        use wgpu::BufferUsages as Usage;
        let layout = lowered.layout;
        let sizes = lowered.sizes();
        let [state, packed, values, partials, _, jobs] = sizes.map(|(_, size)| size);
        if 16 * values > gpu.device.limits().max_storage_buffer_binding_size {
            return Err(GpuError("This network, or this batch size, is too large for this GPU.".into()));
        }
        let storage = Usage::STORAGE | Usage::COPY_DST | Usage::COPY_SRC;
        let room = |name: &str, bytes: u64| buffer(gpu, name, bytes, storage);
        let state = room("state", 4 * state);
        let uniforms = buffer(gpu, "steps", UNIFORM * u64::from(STEPS), Usage::UNIFORM | Usage::COPY_DST);
        let jobs = room("jobs", size_of::<Job>() as u64 * jobs);
        gpu.queue.write_buffer(&jobs, 0, bytemuck::cast_slice(&lowered.jobs));
        let others = [
            room("packed", 16 * packed),
            room("values", 16 * values),
            room("gradients", 16 * values),
            room("winners", 4 * values),
            room("partials", 4 * partials),
        ];
        let [packed, values, gradients, winners, partials] = &others;
        let bound = [&state, packed, values, gradients, winners, partials, &images.buffer, &jobs];
        let group_layout = group_layout(gpu);
        let step = wgpu::BufferBinding {
            buffer: &uniforms,
            offset: 0,
            size: std::num::NonZeroU64::new(size_of::<Step>() as u64),
        };
        let entries = [wgpu::BindGroupEntry { binding: 0, resource: wgpu::BindingResource::Buffer(step) }];
        let storage_entries = bound.iter().enumerate().map(|(i, buffer)| wgpu::BindGroupEntry {
            binding: i as u32 + 1,
            resource: buffer.as_entire_binding(),
        });
        let entries: Vec<_> = entries.into_iter().chain(storage_entries).collect();
        let bind_group = gpu.device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: None,
            layout: &group_layout,
            entries: &entries,
        });
        let mut pipelines = Pipelines::new(gpu, &group_layout, lowered);
        let mut run = |dispatch: &Dispatch| (pipelines.get(dispatch), dispatch.groups);
        let dispatches = lowered.dispatches.iter().map(&mut run).collect();
        let (distorting, pack) = (lowered.distorting.as_ref().map(&mut run), run(&lowered.pack));
        Ok(Self {
            layout,
            dispatches,
            #[cfg(not(target_family = "wasm"))]
            names: lowered.dispatches.iter().map(|d| format!("{:?}", d.kernel)).collect(),
            distorting,
            pack,
            bind_group,
            state,
            uniforms,
            staged: Vec::new(),
        })
    }

    /// Dispatches of a step.
    pub fn dispatches(&self) -> usize {
        self.dispatches.len()
    }

    /// Takes what a training has learned.
    pub fn load(&self, gpu: &Gpu, state: &TrainingState) {
        let layout = &self.layout;
        let write = |at: u32, values: &[f32]| {
            gpu.queue.write_buffer(&self.state, 4 * u64::from(at), bytemuck::cast_slice(values));
        };
        write(0, &state.parameters);
        write(layout.first_moments(), &state.optimizer.first);
        write(layout.second_moments(), &state.optimizer.second);
        write(layout.running, &state.running);
        let mut encoder = gpu.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        self.encode(&mut encoder, [&self.pack], 0);
        gpu.queue.submit([encoder.finish()]);
    }

    /// Takes parameters and running estimates from the state of another executor of the same network.
    pub(crate) fn copy_weights(&self, gpu: &Gpu, from: &wgpu::Buffer) {
        let mut encoder = gpu.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        let (parameters, running) =
            (4 * u64::from(self.layout.parameters), 4 * u64::from(self.layout.running));
        encoder.copy_buffer_to_buffer(from, 0, &self.state, 0, parameters);
        let estimates = 4 * u64::from(self.layout.running_count);
        if estimates > 0 {
            encoder.copy_buffer_to_buffer(from, running, &self.state, running, estimates);
        }
        self.encode(&mut encoder, [&self.pack], 0);
        gpu.queue.submit([encoder.finish()]);
    }

    /// Encodes so many steps into one submission, each with the result in its slot.
    pub fn submit(
        &mut self,
        gpu: &Gpu,
        steps: &[Step],
        mut after: impl FnMut(&mut wgpu::CommandEncoder, &wgpu::Buffer),
    ) {
        assert!(steps.len() <= STEPS as usize);
        self.stage(gpu, steps);
        let mut encoder = gpu.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        for (i, step) in steps.iter().enumerate() {
            let gather = self.distorting.as_ref().filter(|_| step.distorts()).unwrap_or(&self.dispatches[0]);
            let all = std::iter::once(gather).chain(&self.dispatches[1..]);
            self.encode(&mut encoder, all, i as u32);
        }
        after(&mut encoder, &self.state);
        gpu.queue.submit([encoder.finish()]);
    }

    /// Sends the uniforms of these steps.
    pub(crate) fn stage(&mut self, gpu: &Gpu, steps: &[Step]) {
        self.staged.clear();
        for step in steps {
            self.staged.extend_from_slice(bytemuck::bytes_of(step));
            self.staged.resize(self.staged.len().next_multiple_of(UNIFORM as usize), 0);
        }
        gpu.queue.write_buffer(&self.uniforms, 0, &self.staged);
    }

    pub(crate) fn encode<'a>(
        &'a self,
        encoder: &mut wgpu::CommandEncoder,
        all: impl IntoIterator<Item = &'a Run>,
        uniform: u32,
    ) {
        let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
        pass.set_bind_group(0, &self.bind_group, &[uniform * UNIFORM as u32]);
        for (pipeline, groups) in all {
            pass.set_pipeline(pipeline);
            pass.dispatch_workgroups(*groups, 1, 1);
        }
    }

    /// Where the results of a slot are in the state, in bytes: loss and hits.
    pub(crate) fn result_offset(&self, slot: u32) -> u64 {
        4 * u64::from(self.layout.results() + 2 * (slot % RESULTS))
    }

    /// Bytes of the state that make up a training's state, from its beginning.
    pub(crate) fn saved_bytes(&self) -> u64 {
        4 * u64::from(self.layout.saved())
    }

    /// The parts of what was read back of the state: parameters, gradients, first and second moments, running estimates.
    pub(crate) fn split_saved<'a>(&self, saved: &'a [f32]) -> [&'a [f32]; 5] {
        let p = self.layout.parameters as usize;
        [&saved[..p], &saved[p..2 * p], &saved[2 * p..3 * p], &saved[3 * p..4 * p], &saved[4 * p..]]
    }
}

fn buffer(gpu: &Gpu, label: &str, size: u64, usage: wgpu::BufferUsages) -> wgpu::Buffer {
    gpu.device.create_buffer(&wgpu::BufferDescriptor {
        label: Some(label),
        size,
        usage,
        mapped_at_creation: false,
    })
}

fn group_layout(gpu: &Gpu) -> wgpu::BindGroupLayout {
    let entries: Vec<_> = (0..9)
        .map(|binding| wgpu::BindGroupLayoutEntry {
            binding,
            visibility: wgpu::ShaderStages::COMPUTE,
            ty: wgpu::BindingType::Buffer {
                ty: match binding {
                    0 => wgpu::BufferBindingType::Uniform,
                    // The images and the table of jobs are only read.
                    _ => wgpu::BufferBindingType::Storage { read_only: binding >= 7 },
                },
                has_dynamic_offset: binding == 0,
                min_binding_size: None,
            },
            count: None,
        })
        .collect();
    gpu.device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor { label: None, entries: &entries })
}

/// Makes each pipeline once.
struct Pipelines<'a> {
    gpu: &'a Gpu,
    layout: wgpu::PipelineLayout,
    lowered: &'a Lowered,
    modules: HashMap<&'static str, wgpu::ShaderModule>,
    made: Vec<(Kernel, Constants, wgpu::ComputePipeline)>,
}

impl<'a> Pipelines<'a> {
    fn new(gpu: &'a Gpu, group: &wgpu::BindGroupLayout, lowered: &'a Lowered) -> Self {
        let layout = gpu.device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
            label: None,
            bind_group_layouts: &[Some(group)],
            immediate_size: 0,
        });
        Self { gpu, layout, lowered, modules: HashMap::new(), made: Vec::new() }
    }

    fn get(&mut self, dispatch: &Dispatch) -> wgpu::ComputePipeline {
        let made = self
            .made
            .iter()
            .find(|(kernel, constants, _)| *kernel == dispatch.kernel && *constants == dispatch.constants);
        if let Some((.., pipeline)) = made {
            return pipeline.clone();
        }
        let (file, entry) = dispatch.kernel.name();
        let device = &self.gpu.device;
        let module = self.modules.entry(file).or_insert_with(|| {
            let source = wgpu::ShaderSource::Wgsl(Kernel::source(file, &self.lowered.sizes()).into());
            device.create_shader_module(wgpu::ShaderModuleDescriptor { label: Some(file), source })
        });
        let mut constants = dispatch.constants.clone();
        constants.push(("Q", f64::from(self.lowered.layout.quads)));
        let pipeline = device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label: Some(entry),
            layout: Some(&self.layout),
            module,
            entry_point: Some(entry),
            compilation_options: wgpu::PipelineCompilationOptions {
                constants: &constants,
                zero_initialize_workgroup_memory: false,
            },
            cache: None,
        });
        self.made.push((dispatch.kernel, dispatch.constants.clone(), pipeline.clone()));
        pipeline
    }
}
