//! A benchmark on the cores.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use bench::config::Config;
use js_sys::{Function, Promise};
use nn::network::Network;
use nn::train::Training;
use trainer::parallel::cost_model::cores_worth_it;
use trainer::parallel::group::{Crew, Done, Host};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{DedicatedWorkerGlobalScope, MessageChannel};

use super::job::{BatchSampler, Job, Mnist};
use crate::worker::pool::{self, WorkerPool};

pub(super) struct CpuJob {
    crew: RefCell<Crew>,
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
    done: Cell<Option<Done>>,
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
            crew: RefCell::new(Crew::new(training)),
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
        let mut crew = self.crew.borrow_mut();
        let mut batch = crew.spare_batch();
        batch.gather_images(&self.mnist.train, sampler.order[first..first + self.batch].iter().copied());
        crew.plan_batch(batch, 0.0, &*self.pool.channels);
    }

    /// Trains until workers have to answer, and plans the next steps for them meanwhile, as [`trainer::Session`] does. `done` is
    /// the result that came last.
    fn go_on(&self, mut done: Option<Done>) {
        loop {
            match done {
                Some(Done::Step(images, Ok(score))) => {
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
            if self.crew.borrow().planned() == 0 {
                if !self.more() {
                    return self.wake();
                }
                self.plan();
            }
            done = self.crew.borrow_mut().go_on(&*self.pool.channels);
            if done.is_none() {
                let ahead = self.crew.borrow().plans_more();
                (0..ahead).take_while(|_| self.more()).for_each(|_| self.plan());
                return self.crew.borrow_mut().tell(&*self.pool.channels);
            }
        }
    }

    /// Whether another step is to be planned.
    fn more(&self) -> bool {
        let planned = self.steps.get() + self.crew.borrow().planned() as u32;
        planned < self.target.get() && self.pool.channels.now() < self.deadline.get()
    }
}

impl Job for CpuJob {
    fn now(&self) -> f64 {
        self.pool.channels.now() / 1000.0
    }

    fn info(&self) -> String {
        format!("wasm simd128, {} core(s)", self.crew.borrow().working())
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
            if self.crew.borrow().planned() == 0 {
                return Ok((self.steps.get() - before, self.now() - start));
            }
            self.sleep().await;
        }
    }

    async fn test(&self) -> Result<f64, String> {
        let mut done = None;
        while done.is_none() {
            let waiting = self.crew.borrow().is_waiting();
            if waiting {
                self.sleep().await;
            } else {
                done = self.crew.borrow_mut().measure(&self.mnist.test, &*self.pool.channels);
                // Messages of workers are handled between two slices of work.
                let _ = next_task().await;
            }
            done = done.or(self.done.take());
        }
        match done {
            Some(Done::Measurement(measured)) => {
                Ok(measured.score.correct as f64 / measured.classes.len() as f64)
            }
            _ => Err("A step came while the test set was measured.".into()),
        }
    }

    async fn network(&self) -> Result<Network, String> {
        Ok(self.crew.borrow().training().network.clone())
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
        let mut crew = self.crew.borrow_mut();
        crew.set_helpers(workers);
        let cores = cores_worth_it(crew.training().network.plan(), self.batch, crew.cores());
        crew.limit(cores);
        drop(crew);
        self.wake();
    }

    fn worker_lost(self: &Rc<Self>, _: usize) {
        self.wake();
    }

    fn message(self: &Rc<Self>, rank: usize, words: &mut Vec<u32>) {
        let done = self.crew.borrow_mut().hear(rank, words, &self.mnist.test, &*self.pool.channels);
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
