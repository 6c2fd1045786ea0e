//! The job on all cores.

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

use super::super::pool::{self, Helpers};
use super::{Batches, Sets};

pub(super) struct Job {
    crew: RefCell<Crew>,
    helpers: Helpers,
    sets: Sets,
    batches: RefCell<Batches>,
    batch: usize,
    loss_every: u32,
    losses: RefCell<Vec<(u32, f64)>>,
    /// Steps taken, how many there are to be, and the moment (ms) from which on no more are planned.
    steps: Cell<u32>,
    wanted: Cell<u32>,
    until: Cell<f64>,
    /// What else came to its end, and who waits for it or for the steps.
    done: Cell<Option<Done>>,
    resolve: RefCell<Option<Function>>,
}

impl Job {
    pub(super) async fn new(
        config: &Config,
        training: Training,
        sets: Sets,
        helpers: Helpers,
        scope: &DedicatedWorkerGlobalScope,
    ) -> Rc<Self> {
        let cores = if config.cores == 0 { pool::cores(scope) } else { config.cores };
        let job = Rc::new(Self {
            crew: RefCell::new(Crew::new(training)),
            helpers,
            sets,
            batches: RefCell::new(Batches::new(config.seed)),
            batch: config.batch,
            loss_every: config.loss_every,
            losses: RefCell::default(),
            steps: Cell::new(0),
            wanted: Cell::new(0),
            until: Cell::new(0.0),
            done: Cell::new(None),
            resolve: RefCell::default(),
        });
        job.helpers.want(cores - 1, &job);
        while job.helpers.count() < cores - 1 {
            job.sleep().await;
        }
        job
    }

    fn wake(&self) {
        if let Some(resolve) = self.resolve.take() {
            let _ = resolve.call0(&JsValue::NULL);
        }
    }

    /// Until somebody calls [`Job::wake`].
    async fn sleep(&self) {
        let promise = Promise::new(&mut |resolve, _| {
            self.resolve.replace(Some(resolve));
        });
        let _ = JsFuture::from(promise).await;
    }

    /// Plans a step on the next batch.
    fn plan(&self) {
        let mut batches = self.batches.borrow_mut();
        let (at, _) = batches.next(self.batch);
        let mut crew = self.crew.borrow_mut();
        let mut batch = crew.spare_batch();
        batch.gather_images(&self.sets.train, batches.order[at..at + self.batch].iter().copied());
        crew.plan_batch(batch, 0.0, &*self.helpers.lines);
    }

    /// Goes on with the steps that are wanted until helpers must answer, as [`trainer::Session`] does: they are told the steps
    /// that come next meanwhile. `done` is what has just come to its end.
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
            done = self.crew.borrow_mut().go_on(&*self.helpers.lines);
            if done.is_none() {
                let ahead = self.crew.borrow().plans_more();
                (0..ahead).take_while(|_| self.more()).for_each(|_| self.plan());
                return self.crew.borrow_mut().tell(&*self.helpers.lines);
            }
        }
    }

    /// Whether a step is wanted that is not planned.
    fn more(&self) -> bool {
        let planned = self.steps.get() + self.crew.borrow().planned() as u32;
        planned < self.wanted.get() && self.helpers.lines.now() < self.until.get()
    }
}

impl super::Job for Job {
    fn now(&self) -> f64 {
        self.helpers.lines.now() / 1000.0
    }

    fn info(&self) -> String {
        format!("wasm simd128, {} core(s)", self.crew.borrow().working())
    }

    async fn steps(&self, steps: u32, limit: f64) -> Result<(u32, f64), String> {
        let (start, before) = (self.now(), self.steps.get());
        self.wanted.set(before + steps);
        self.until.set(1000.0 * (start + limit));
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
                done = self.crew.borrow_mut().measure(&self.sets.test, &*self.helpers.lines);
                // Helpers are heard between two pieces of work.
                let _ = hop().await;
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

    fn test_image(&self, number: usize) -> &[u8] {
        self.sets.test.image(number)
    }
}

impl pool::Trainer for Job {
    fn helpers_changed(self: &Rc<Self>, helpers: usize) {
        let mut crew = self.crew.borrow_mut();
        crew.set_helpers(helpers);
        let cores = cores_worth_it(crew.training().network.plan(), self.batch, crew.cores());
        crew.limit(cores);
        drop(crew);
        self.wake();
    }

    fn lost(self: &Rc<Self>, _: usize) {
        self.wake();
    }

    fn heard(self: &Rc<Self>, core: usize, words: &mut Vec<u32>) {
        let done = self.crew.borrow_mut().hear(core, words, &self.sets.test, &*self.helpers.lines);
        if done.is_some() {
            self.go_on(done);
        }
    }
}

/// Once through the event loop.
async fn hop() -> Result<(), JsValue> {
    let channel = MessageChannel::new()?;
    let promise = Promise::new(&mut |resolve, _| channel.port1().set_onmessage(Some(&resolve)));
    channel.port2().post_message(&JsValue::NULL)?;
    JsFuture::from(promise).await?;
    channel.port1().close();
    Ok(())
}
