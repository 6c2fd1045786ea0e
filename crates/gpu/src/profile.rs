//! The time of each dispatch by itself; only natively, where a thread can wait for the GPU.

use crate::device::Gpu;
use crate::executor::Executor;
use crate::pipelines::PreparedDispatch;
use crate::step::Step;
use std::time::Instant;

/// One dispatch of a step.
#[derive(Clone, Debug, PartialEq)]
pub struct DispatchTiming {
    /// Name of the kernel.
    pub kernel: String,
    /// Number of workgroups.
    pub workgroups: u32,
    /// Median time from submission to completion, in milliseconds.
    pub milliseconds: f64,
}

impl Executor {
    /// Runs each dispatch of a step alone, `rounds` times, and returns their times in the order of the step.
    pub fn profile(&mut self, gpu: &Gpu, step: Step, rounds: usize) -> Vec<DispatchTiming> {
        self.write_uniforms(gpu, &[step]);
        let mut times = vec![Vec::new(); self.dispatches.len()];
        // In the order of the step in each round, so that each dispatch finds what the one before has written.
        for _ in 0..rounds {
            for (dispatch, times) in self.dispatches.iter().zip(&mut times) {
                let mut encoder =
                    gpu.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
                self.encode(&mut encoder, [dispatch], 0);
                let begin = Instant::now();
                gpu.queue.submit([encoder.finish()]);
                gpu.poll(true);
                times.push(begin.elapsed().as_secs_f64() * 1e3);
            }
        }
        let timing = |(dispatch, mut times): (&PreparedDispatch, Vec<f64>)| {
            times.sort_by(f64::total_cmp);
            DispatchTiming {
                kernel: format!("{:?}", dispatch.kernel),
                workgroups: dispatch.workgroups,
                milliseconds: times[times.len() / 2],
            }
        };
        self.dispatches.iter().zip(times).map(timing).collect()
    }
}
