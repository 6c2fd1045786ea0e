//! What `bench.html` offers: training as other libraries are measured, and the kernels one by one.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use bench::jobs::{Config, initial_parameters, shuffled};
use data::DataSet;
use js_sys::{Function, Promise};
use nn::network::Network;
use nn::training::Training;
use serde_json::{Value, json};
use trainer::crew::{Crew, Done, Host};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{DedicatedWorkerGlobalScope, MessageChannel};

use super::download::fetch_bytes;
use super::helpers::{self, Helpers};

/// Rounds of the kernels' measurement.
const ROUNDS: usize = 9;

/// Measures, and sends what came of it.
pub(crate) fn run(base: String, glue: String, config: String) {
    let scope: DedicatedWorkerGlobalScope = js_sys::global().unchecked_into();
    spawn_local(async move {
        let answer = match answer(&scope, &base, glue, &config).await {
            Ok(result) => result.to_string(),
            Err(sentence) => format!("Error: {sentence}"),
        };
        let _ = scope.post_message(&answer.into());
    });
}

async fn answer(
    scope: &DedicatedWorkerGlobalScope,
    base: &str,
    glue: String,
    config: &str,
) -> Result<Value, String> {
    let config: Config =
        serde_json::from_str(config).map_err(|e| format!("The settings do not fit: {e}."))?;
    let helpers = Helpers::new(scope, base, glue);
    if config.job == "kernels" {
        let table = bench::kernels::measure(ROUNDS, &|| helpers.lines.now());
        return serde_json::to_value(table).map_err(|e| e.to_string());
    }
    let train = fetch_set(scope, &config.data_url, "train").await?;
    let test = fetch_set(scope, &config.data_url, "t10k").await?;
    let begin = helpers.lines.now();
    let mut training = Training::new(config.network()?, config.training()?).map_err(|e| e.message)?;
    training.network.parameters = initial_parameters(training.network.plan(), config.seed);
    let cores = if config.cores == 0 { helpers::cores(scope) } else { config.cores };
    let job = Rc::new(Job {
        crew: RefCell::new(Crew::new(training)),
        helpers,
        train,
        test,
        order: RefCell::new(shuffled(60_000, config.seed + 1000)),
        epoch: Cell::new(0),
        at: Cell::new(0),
        steps: Cell::new(0),
        losses: RefCell::default(),
        done: Cell::new(None),
        resolve: RefCell::default(),
        config,
    });
    job.start_helpers(cores - 1).await;
    let setup = job.now() - begin / 1000.0;
    let mut result = match job.config.mode.as_str() {
        "accuracy" => job.accuracy().await?,
        _ => job.throughput().await?,
    };
    for (name, value) in [
        ("info", json!(format!("wasm simd128, {cores} core(s)"))),
        ("setupSeconds", json!(setup)),
        ("losses", json!(*job.losses.borrow())),
        ("hash", json!(job.hash())),
    ] {
        result[name] = value;
    }
    Ok(result)
}

async fn fetch_set(scope: &DedicatedWorkerGlobalScope, base: &str, name: &str) -> Result<DataSet, String> {
    let file = async |kind: &str| {
        let url = format!("{base}{name}-{kind}-ubyte");
        fetch_bytes(scope, &url).await.map_err(|_| format!("{url} cannot be fetched."))
    };
    DataSet::from_idx(&file("images-idx3").await?, &file("labels-idx1").await?).map_err(|e| e.to_string())
}

/// One run of one job.
struct Job {
    config: Config,
    crew: RefCell<Crew>,
    helpers: Helpers,
    train: DataSet,
    test: DataSet,
    /// The order of the epoch's images, the number of the epoch, and how many of its images were used.
    order: RefCell<Vec<u32>>,
    epoch: Cell<u32>,
    at: Cell<usize>,
    steps: Cell<u32>,
    losses: RefCell<Vec<(u32, f64)>>,
    /// What came to its end when a helper answered, and who waits for it.
    done: Cell<Option<Done>>,
    resolve: RefCell<Option<Function>>,
}

impl Job {
    /// Seconds.
    fn now(&self) -> f64 {
        self.helpers.lines.now() / 1000.0
    }

    async fn start_helpers(self: &Rc<Self>, wanted: usize) {
        self.helpers.want(wanted, self);
        while self.helpers.count() < wanted {
            self.sleep().await;
        }
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

    /// Plans a step on the next batch: like the others, which leave out what does not fill a batch.
    fn plan(&self) {
        let size = self.config.batch;
        if self.at.get() + size > self.train.len() {
            self.epoch.set(self.epoch.get() + 1);
            *self.order.borrow_mut() = shuffled(60_000, self.config.seed + 1000 + self.epoch.get());
            self.at.set(0);
        }
        let at = self.at.replace(self.at.get() + size);
        let mut crew = self.crew.borrow_mut();
        let mut batch = crew.spare_batch();
        batch.gather_images(&self.train, self.order.borrow()[at..at + size].iter().copied());
        crew.plan_batch(batch, 0.0, &*self.helpers.lines);
    }

    /// Takes the next step; if there is `more` to come, helpers are told of it meanwhile.
    async fn step(&self, more: bool) -> Result<(), String> {
        if self.crew.borrow().planned() == 0 {
            self.plan();
        }
        let mut done = self.crew.borrow_mut().go_on(&*self.helpers.lines);
        if done.is_none() && more {
            self.plan();
        }
        while done.is_none() {
            self.sleep().await;
            done = self.done.take();
        }
        let Some(Done::Step(images, Ok(score))) = done else { return Err("Training diverged.".into()) };
        let step = self.steps.replace(self.steps.get() + 1);
        if step.is_multiple_of(self.config.loss_every) {
            self.losses.borrow_mut().push((step, score.loss / images as f64));
        }
        Ok(())
    }

    /// So many steps, or fewer once `limit` seconds are over; steps and seconds.
    async fn steps(&self, steps: u32, limit: f64) -> Result<(u32, f64), String> {
        let (start, mut done) = (self.now(), 0);
        while done < steps && self.now() - start < limit {
            done += 1;
            self.step(done < steps).await?;
        }
        Ok((done, self.now() - start))
    }

    /// Share of the test set that is recognised.
    async fn test(&self) -> f64 {
        let mut done = None;
        while done.is_none() {
            let waiting = self.crew.borrow().is_waiting();
            if waiting {
                self.sleep().await;
            } else {
                done = self.crew.borrow_mut().measure(&self.test, &*self.helpers.lines);
                // Helpers are heard between two pieces of work.
                let _ = hop().await;
            }
            done = done.or(self.done.take());
        }
        match done {
            Some(Done::Measurement(images, score)) => score.correct as f64 / images as f64,
            _ => f64::NAN,
        }
    }

    async fn throughput(&self) -> Result<Value, String> {
        let Config { warmup, steps, batch, max_seconds, latency, eval_count, .. } = self.config;
        let (_, first) = self.steps(1, f64::INFINITY).await?;
        self.steps(warmup.saturating_sub(1), max_seconds / 3.0).await?;
        let before = memory_bytes();
        let (done, seconds) = self.steps(steps, max_seconds).await?;
        let mut result = json!({
            "samplesPerSecond": (done as usize * batch) as f64 / seconds,
            "stepsDone": done,
            "seconds": seconds,
            "firstStepSeconds": first,
            "memoryBytes": [before, memory_bytes()],
        });
        if latency > 0 {
            let mut network = self.crew.borrow().training().network.clone();
            network.prepare();
            let mut times: Vec<f64> = (0..latency + 20).map(|i| self.latency(&mut network, i)).collect();
            times.drain(..20);
            times.sort_by(f64::total_cmp);
            result["latencyMs"] = json!(times[latency / 2]);
        }
        if eval_count > 0 {
            result["testAccuracy"] = json!(self.test().await);
        }
        Ok(result)
    }

    /// Milliseconds in which one image is recognised.
    fn latency(&self, network: &mut Network, image: usize) -> f64 {
        let start = self.helpers.lines.now();
        network.infer(std::iter::once(self.test.image(image)));
        std::hint::black_box(network.probabilities());
        self.helpers.lines.now() - start
    }

    async fn accuracy(&self) -> Result<Value, String> {
        let Config { batch, eval_every, cap_seconds, target, .. } = self.config;
        let (start, mut train, mut best) = (self.now(), 0.0, 0.0);
        let mut evals = Vec::new();
        let mut reached = None;
        while reached.is_none() && self.now() - start < cap_seconds {
            let left = cap_seconds - (self.now() - start);
            train += self.steps((eval_every / batch) as u32, left).await?.1;
            let accuracy = self.test().await;
            evals.push((self.steps.get(), self.now() - start, accuracy));
            best = f64::max(best, accuracy);
            reached = (accuracy >= target).then(|| (self.now() - start, train));
        }
        Ok(json!({
            "secondsToTarget": reached.map(|r| r.0),
            "trainSecondsToTarget": reached.map(|r| r.1),
            "bestAccuracy": best,
            "stepsDone": self.steps.get(),
            "evals": evals,
        }))
    }

    /// FNV-1a over the bits of all weights: the same wherever the same was done.
    fn hash(&self) -> String {
        let crew = self.crew.borrow();
        let bytes = crew.training().network.parameters.iter().flat_map(|w| w.to_bits().to_le_bytes());
        let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
        });
        format!("{hash:016x}")
    }
}

impl helpers::Trainer for Job {
    fn helpers_changed(&self, helpers: usize) {
        self.crew.borrow_mut().set_helpers(helpers);
        self.wake();
    }

    fn lost(&self, _: usize) {
        self.wake();
    }

    fn heard(&self, core: usize, words: &mut Vec<u32>) {
        let done = self.crew.borrow_mut().hear(core, words, &self.test, &*self.helpers.lines);
        if done.is_some() {
            self.done.set(done);
            self.wake();
        }
    }
}

/// Memory of this module.
fn memory_bytes() -> u32 {
    let memory: js_sys::WebAssembly::Memory = wasm_bindgen::memory().unchecked_into();
    memory.buffer().unchecked_into::<js_sys::ArrayBuffer>().byte_length()
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
