//! How long each dispatch of a step takes, one by one: natively only, where one can wait.

use crate::device::Gpu;
use crate::executor::Executor;
use crate::step::Step;
use std::time::Instant;

impl Executor {
    /// Runs each dispatch of a training step alone, so many times. Gives its file, its kernel, its workgroups, and the median of
    /// the milliseconds.
    pub fn profile(&mut self, gpu: &Gpu, step: Step, times: usize) -> Vec<(String, u32, f64)> {
        self.stage(gpu, &[step]);
        let this = &*self;
        let one = |i: usize| {
            let mut encoder = gpu.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
            this.encode(&mut encoder, [&this.dispatches[i]], 0);
            let begin = Instant::now();
            gpu.queue.submit([encoder.finish()]);
            gpu.poll(true);
            begin.elapsed().as_secs_f64() * 1e3
        };
        // In their order, over and over, so that each finds what the one before left.
        let mut took = vec![Vec::new(); this.dispatches.len()];
        for _ in 0..times {
            took.iter_mut().enumerate().for_each(|(i, took)| took.push(one(i)));
        }
        let median = |mut took: Vec<f64>| {
            took.sort_by(f64::total_cmp);
            took[took.len() / 2]
        };
        let names = this.names.iter().zip(&this.dispatches).zip(took);
        names.map(|((name, (_, groups)), took)| (name.clone(), *groups, median(took))).collect()
    }
}
