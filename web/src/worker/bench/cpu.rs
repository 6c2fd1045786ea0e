//! A benchmark on the cores.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use bench::config::Config;
use js_sys::{Function, Promise};
use nn::network::Network;
use nn::train::Training;
use trainer::parallel::cost_model::optimal_core_count;
use trainer::parallel::group::{Completed, ProcessGroup};
use trainer::parallel::transport::Transport;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{DedicatedWorkerGlobalScope, MessageChannel};

use super::job::{BatchSampler, Job, Mnist};
use crate::worker::pool::{self, WorkerPool};

pub(super) struct CpuJob {
    group: RefCell<ProcessGroup>,
    pool: WorkerPool,
    mnist: Mnist,
    sampler: RefCell<BatchSampler>,
    batch: usize,
    loss_every: u32,
    losses: RefCell<Vec<(u32, f64)>>,
    /// Steps done.
    steps: Cell<u32>,
    /// Steps to be done in all.
    target: Cell<u32>,
    /// When to plan no more steps (ms).
    deadline: Cell<f64>,
    /// A result that is no step.
    done: Cell<Option<Completed>>,
    /// Resolves the promise of [`CpuJob::sleep`].
    resolve: RefCell<Option<Function>>,
}

impl CpuJob {
    pub(super) async fn new(
        config: &Config,
        training: Training,
        mnist: Mnist,
        pool: WorkerPool,
        scope: &DedicatedWorkerGlobalScope,
    ) -> Rc<Self> {
        let cores = if config.cores == 0 { pool::core_count(scope) } else { config.cores };
        let job = Rc::new(Self {
            group: RefCell::new(ProcessGroup::new(training)),
            pool,
            mnist,
            sampler: RefCell::new(BatchSampler::new(config.seed)),
            batch: config.batch,
            loss_every: config.loss_every,
            losses: RefCell::default(),
            steps: Cell::new(0),
            target: Cell::new(0),
            deadline: Cell::new(0.0),
            done: Cell::new(None),
            resolve: RefCell::default(),
        });
        job.pool.resize(cores - 1, &job);
        while job.pool.len() < cores - 1 {
            job.sleep().await;
        }
        job
    }

    /// Ends [`CpuJob::sleep`].
    fn wake(&self) {
        if let Some(resolve) = self.resolve.take() {
            let _ = resolve.call0(&JsValue::NULL);
        }
    }

    /// Waits for [`CpuJob::wake`].
    async fn sleep(&self) {
        let promise = Promise::new(&mut |resolve, _| {
            self.resolve.replace(Some(resolve));
        });
        let _ = JsFuture::from(promise).await;
    }

    /// Plans a step on the next batch.
    fn plan(&self) {
        let mut sampler = self.sampler.borrow_mut();
        let (first, _) = sampler.next(self.batch);
        let mut group = self.group.borrow_mut();
        let mut batch = group.spare_batch();
        batch.gather_images(&self.mnist.train, sampler.order[first..first + self.batch].iter().copied());
        group.plan_batch(batch, 0.0, &*self.pool.channels);
    }

    /// Trains until workers have to answer, and plans the next steps for them meanwhile, as [`trainer::Session`] does. `done` is
    /// the result that came last.
    fn go_on(&self, mut done: Option<Completed>) {
        loop {
            match done {
                Some(Completed::Step(images, Ok(score))) => {
                    let step = self.steps.replace(self.steps.get() + 1);
                    if step.is_multiple_of(self.loss_every) {
                        self.losses.borrow_mut().push((step, score.loss / images as f64));
                    }
                }
                None => {}
                _ => {
                    self.done.set(done);
                    return self.wake();
                }
            }
            if self.group.borrow().planned_steps() == 0 {
                if !self.more() {
                    return self.wake();
                }
                self.plan();
            }
            done = self.group.borrow_mut().advance(&*self.pool.channels);
            if done.is_none() {
                let ahead = self.group.borrow().steps_to_plan();
                (0..ahead).take_while(|_| self.more()).for_each(|_| self.plan());
                return self.group.borrow_mut().send_steps(&*self.pool.channels);
            }
        }
    }

    /// Whether another step is to be planned.
    fn more(&self) -> bool {
        let planned = self.steps.get() + self.group.borrow().planned_steps() as u32;
        planned < self.target.get() && self.pool.channels.now() < self.deadline.get()
    }
}

impl Job for CpuJob {
    fn now(&self) -> f64 {
        self.pool.channels.now() / 1000.0
    }

    fn info(&self) -> String {
        format!("wasm simd128, {} core(s)", self.group.borrow().world_size())
    }

    async fn train(&self, steps: u32, limit: f64) -> Result<(u32, f64), String> {
        let (start, before) = (self.now(), self.steps.get());
        self.target.set(before + steps);
        self.deadline.set(1000.0 * (start + limit));
        self.go_on(None);
        loop {
            if self.done.take().is_some() {
                return Err("Training diverged.".into());
            }
            if self.group.borrow().planned_steps() == 0 {
                return Ok((self.steps.get() - before, self.now() - start));
            }
            self.sleep().await;
        }
    }

    async fn test(&self) -> Result<f64, String> {
        let mut done = None;
        while done.is_none() {
            let waiting = self.group.borrow().is_waiting();
            if waiting {
                self.sleep().await;
            } else {
                done = self.group.borrow_mut().evaluate(&self.mnist.test, &*self.pool.channels);
                // Messages of workers are handled between two slices of work.
                let _ = next_task().await;
            }
            done = done.or(self.done.take());
        }
        match done {
            Some(Completed::Evaluation(evaluation)) => {
                Ok(evaluation.score.correct as f64 / evaluation.classes.len() as f64)
            }
            _ => Err("A step came while the test set was evaluation.".into()),
        }
    }

    async fn network(&self) -> Result<Network, String> {
        Ok(self.group.borrow().training().network.clone())
    }

    fn losses(&self) -> Vec<(u32, f64)> {
        self.losses.borrow().clone()
    }

    fn test_image(&self, index: usize) -> &[u8] {
        self.mnist.test.image(index)
    }
}

impl pool::Owner for CpuJob {
    fn resized(self: &Rc<Self>, workers: usize) {
        let mut group = self.group.borrow_mut();
        group.set_workers(workers);
        let cores = optimal_core_count(group.training().network.plan(), self.batch, group.available_cores());
        group.set_max_world_size(cores);
        drop(group);
        self.wake();
    }

    fn worker_lost(self: &Rc<Self>, _: usize) {
        self.wake();
    }

    fn message(self: &Rc<Self>, rank: usize, words: &mut Vec<u32>) {
        let done = self.group.borrow_mut().on_message(rank, words, &self.mnist.test, &*self.pool.channels);
        if done.is_some() {
            self.go_on(done);
        }
    }
}

/// Waits until the event loop has handled the queued tasks.
async fn next_task() -> Result<(), JsValue> {
    let channel = MessageChannel::new()?;
    let promise = Promise::new(&mut |resolve, _| channel.port1().set_onmessage(Some(&resolve)));
    channel.port2().post_message(&JsValue::NULL)?;
    JsFuture::from(promise).await?;
    channel.port1().close();
    Ok(())
}
