//! What `bench.html` offers: training as other libraries are measured, and the kernels one by one.

mod cpu;
mod gpu;

use bench::config::{Config, initial_parameters, shuffled};
use data::DataSet;
use nn::network::Network;
use nn::train::Training;
use serde_json::{Value, json};
use trainer::parallel::group::Host;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::spawn_local;
use web_sys::DedicatedWorkerGlobalScope;

use super::dataset::fetch_bytes;
use super::pool::Helpers;

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
    let sets = Sets { train, test };
    match config.device.as_str() {
        "webgpu" => measure(&gpu::Job::new(&config, training, sets, helpers).await?, &config, begin).await,
        "cpu" => {
            measure(&*cpu::Job::new(&config, training, sets, helpers, scope).await, &config, begin).await
        }
        other => Err(format!("There is no device {other}: it is cpu or webgpu.")),
    }
}

async fn measure(job: &impl Job, config: &Config, begin: f64) -> Result<Value, String> {
    let setup = job.now() - begin / 1000.0;
    let mut result = match config.mode.as_str() {
        "accuracy" => accuracy(job, config).await?,
        _ => throughput(job, config).await?,
    };
    let learned = job.network().await?;
    for (name, value) in [
        ("info", json!(job.info())),
        ("setupSeconds", json!(setup)),
        ("losses", json!(job.losses())),
        ("hash", json!(hash(&learned))),
    ] {
        result[name] = value;
    }
    Ok(result)
}

/// MNIST.
struct Sets {
    train: DataSet,
    test: DataSet,
}

async fn fetch_set(scope: &DedicatedWorkerGlobalScope, base: &str, name: &str) -> Result<DataSet, String> {
    let file = async |kind: &str| {
        let url = format!("{base}{name}-{kind}-ubyte");
        fetch_bytes(scope, &url).await.map_err(|_| format!("{url} cannot be fetched."))
    };
    DataSet::from_idx(&file("images-idx3").await?, &file("labels-idx1").await?).map_err(|e| e.to_string())
}

/// One run of one job, on some device.
trait Job {
    /// Seconds.
    fn now(&self) -> f64;
    /// The device.
    fn info(&self) -> String;
    /// Takes so many steps, or fewer once `limit` seconds are over; how many, and in how many seconds.
    async fn steps(&self, steps: u32, limit: f64) -> Result<(u32, f64), String>;
    /// Share of the test set that is recognised.
    async fn test(&self) -> Result<f64, String>;
    /// The network as it is now.
    async fn network(&self) -> Result<Network, String>;
    /// Losses of some steps.
    fn losses(&self) -> Vec<(u32, f64)>;
    /// An image of the test set.
    fn test_image(&self, number: usize) -> &[u8];
}

async fn throughput(job: &impl Job, config: &Config) -> Result<Value, String> {
    let Config { warmup, steps, batch, max_seconds, latency, eval_count, .. } = *config;
    let (_, first) = job.steps(1, f64::INFINITY).await?;
    job.steps(warmup.saturating_sub(1), max_seconds / 3.0).await?;
    let before = memory_bytes();
    let (done, seconds) = job.steps(steps, max_seconds).await?;
    let mut result = json!({
        "samplesPerSecond": (done as usize * batch) as f64 / seconds,
        "stepsDone": done,
        "seconds": seconds,
        "firstStepSeconds": first,
        "memoryBytes": [before, memory_bytes()],
    });
    if latency > 0 {
        let mut network = job.network().await?;
        network.prepare();
        let mut times: Vec<f64> = (0..latency + 20).map(|i| milliseconds(job, &mut network, i)).collect();
        times.drain(..20);
        times.sort_by(f64::total_cmp);
        result["latencyMs"] = json!(times[latency / 2]);
    }
    if eval_count > 0 {
        result["testAccuracy"] = json!(job.test().await?);
    }
    Ok(result)
}

/// In which one image is recognised.
fn milliseconds(job: &impl Job, network: &mut Network, image: usize) -> f64 {
    let start = job.now();
    network.infer(std::iter::once(job.test_image(image)));
    std::hint::black_box(network.probabilities());
    1000.0 * (job.now() - start)
}

async fn accuracy(job: &impl Job, config: &Config) -> Result<Value, String> {
    let Config { batch, eval_every, cap_seconds, target, .. } = *config;
    let (start, mut train, mut best, mut steps) = (job.now(), 0.0, 0.0, 0);
    let mut evals = Vec::new();
    let mut reached = None;
    while reached.is_none() && job.now() - start < cap_seconds {
        let left = cap_seconds - (job.now() - start);
        let (done, seconds) = job.steps((eval_every / batch) as u32, left).await?;
        (steps, train) = (steps + done, train + seconds);
        let accuracy = job.test().await?;
        evals.push((steps, job.now() - start, accuracy));
        best = f64::max(best, accuracy);
        reached = (accuracy >= target).then(|| (job.now() - start, train));
    }
    Ok(json!({
        "secondsToTarget": reached.map(|r| r.0),
        "trainSecondsToTarget": reached.map(|r| r.1),
        "bestAccuracy": best,
        "stepsDone": steps,
        "evals": evals,
    }))
}

/// Which images come next: like the others, what does not fill a batch at the end of an epoch is left out.
struct Batches {
    seed: u32,
    epoch: u32,
    at: usize,
    /// The numbers of the epoch's images.
    order: Vec<u32>,
}

impl Batches {
    fn new(seed: u32) -> Self {
        Self { seed, epoch: 0, at: 0, order: shuffled(60_000, seed + 1000) }
    }

    /// Where the next batch begins in the order, and whether the order is a new one.
    fn next(&mut self, size: usize) -> (usize, bool) {
        let new = self.at + size > self.order.len();
        if new {
            self.epoch += 1;
            self.order = shuffled(60_000, self.seed + 1000 + self.epoch);
            self.at = 0;
        }
        self.at += size;
        (self.at - size, new)
    }
}

/// FNV-1a over the bits of all weights: the same wherever the same was done.
fn hash(network: &Network) -> String {
    let bytes = network.parameters.iter().flat_map(|w| w.to_bits().to_le_bytes());
    let hash = bytes
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3));
    format!("{hash:016x}")
}

/// Memory of this module.
fn memory_bytes() -> u32 {
    let memory: js_sys::WebAssembly::Memory = wasm_bindgen::memory().unchecked_into();
    memory.buffer().unchecked_into::<js_sys::ArrayBuffer>().byte_length()
}
