//! Compute pipelines: each combination of a kernel and its constants is built once.

use crate::device::Gpu;
use crate::dispatch::Dispatch;
use crate::kernel::Kernel;
use crate::lower::Lowered;
use std::collections::HashMap;

/// A dispatch whose pipeline is built.
#[derive(Debug)]
pub(crate) struct PreparedDispatch {
    /// For the profile.
    #[cfg(not(target_family = "wasm"))]
    pub(crate) kernel: Kernel,
    pub(crate) pipeline: wgpu::ComputePipeline,
    pub(crate) workgroups: u32,
}

/// The bindings of all kernels: the step's uniform, and the eight storage buffers of `shaders/lib`.
pub(crate) fn bind_group_layout(gpu: &Gpu) -> wgpu::BindGroupLayout {
    let entries: Vec<_> = (0..9)
        .map(|binding| wgpu::BindGroupLayoutEntry {
            binding,
            visibility: wgpu::ShaderStages::COMPUTE,
            ty: wgpu::BindingType::Buffer {
                ty: match binding {
                    0 => wgpu::BufferBindingType::Uniform,
                    // The images and the table of reductions are only read.
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

/// Builds the pipelines of one executor.
pub(crate) struct PipelineCache<'a> {
    gpu: &'a Gpu,
    lowered: &'a Lowered,
    layout: wgpu::PipelineLayout,
    /// By file.
    modules: HashMap<&'static str, wgpu::ShaderModule>,
    built: Vec<(&'a Dispatch, wgpu::ComputePipeline)>,
}

impl<'a> PipelineCache<'a> {
    pub(crate) fn new(gpu: &'a Gpu, group: &wgpu::BindGroupLayout, lowered: &'a Lowered) -> Self {
        let layout = gpu.device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
            label: None,
            bind_group_layouts: &[Some(group)],
            immediate_size: 0,
        });
        Self { gpu, lowered, layout, modules: HashMap::new(), built: Vec::new() }
    }

    pub(crate) fn prepare(&mut self, dispatch: &'a Dispatch) -> PreparedDispatch {
        let built = self
            .built
            .iter()
            .find(|(other, _)| other.kernel == dispatch.kernel && other.constants == dispatch.constants);
        let pipeline = match built {
            Some((_, pipeline)) => pipeline.clone(),
            None => {
                let pipeline = self.build(dispatch);
                self.built.push((dispatch, pipeline.clone()));
                pipeline
            }
        };
        PreparedDispatch {
            #[cfg(not(target_family = "wasm"))]
            kernel: dispatch.kernel,
            pipeline,
            workgroups: dispatch.workgroups,
        }
    }

    fn build(&mut self, dispatch: &Dispatch) -> wgpu::ComputePipeline {
        let (file, entry) = dispatch.kernel.name();
        let device = &self.gpu.device;
        let module = self.modules.entry(file).or_insert_with(|| {
            let source = wgpu::ShaderSource::Wgsl(Kernel::source(file, &self.lowered.lengths).into());
            device.create_shader_module(wgpu::ShaderModuleDescriptor { label: Some(file), source })
        });
        let mut constants = dispatch.constants.clone();
        constants.push(("Q", f64::from(self.lowered.layout.quads)));
        device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label: Some(entry),
            layout: Some(&self.layout),
            module,
            entry_point: Some(entry),
            compilation_options: wgpu::PipelineCompilationOptions {
                constants: &constants,
                zero_initialize_workgroup_memory: false,
            },
            cache: None,
        })
    }
}
