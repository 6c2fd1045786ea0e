//! The benchmarks of `bench.html`: training, measured as other libraries are, and the kernels one by one.

mod cpu;
mod gpu;
mod job;

use bench::config::Config;
use bench::initial_state::initial_parameters;
use data::DataSet;
use nn::network::Network;
use nn::train::Training;
use serde_json::{Value, json};
use trainer::parallel::transport::Transport;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::spawn_local;
use web_sys::DedicatedWorkerGlobalScope;

use super::fetch::{body, fetch_with_retries};
use super::pool::WorkerPool;
use cpu::CpuJob;
use gpu::GpuJob;
use job::{Job, Mnist};

/// How often each kernel is measured.
const ROUNDS: usize = 9;

/// Measures what `config` (JSON) asks for, and posts the result as JSON, or a sentence that begins with `Error: `.
pub(crate) fn run(base: String, glue: String, config: String) {
    let scope: DedicatedWorkerGlobalScope = js_sys::global().unchecked_into();
    spawn_local(async move {
        let message = match run_config(&scope, &base, glue, &config).await {
            Ok(result) => result.to_string(),
            Err(sentence) => format!("Error: {sentence}"),
        };
        let _ = scope.post_message(&message.into());
    });
}

async fn run_config(
    scope: &DedicatedWorkerGlobalScope,
    base: &str,
    glue: String,
    config: &str,
) -> Result<Value, String> {
    let config: Config =
        serde_json::from_str(config).map_err(|e| format!("The settings do not fit: {e}."))?;
    let pool = WorkerPool::new(scope, base, glue);
    if config.job == "kernels" {
        let table = bench::kernels::measure(ROUNDS, &|| pool.channels.now());
        return serde_json::to_value(table).map_err(|e| e.to_string());
    }
    let train = fetch_set(scope, &config.data_url, "train").await?;
    let test = fetch_set(scope, &config.data_url, "t10k").await?;
    let start = pool.channels.now();
    let mut training = Training::new(config.network()?, config.training()?).map_err(|e| e.message)?;
    training.network.parameters = initial_parameters(training.network.plan(), config.seed);
    let mnist = Mnist { train, test };
    match config.device.as_str() {
        "webgpu" => measure(&GpuJob::new(&config, training, mnist, pool).await?, &config, start).await,
        "cpu" => measure(&*CpuJob::new(&config, training, mnist, pool, scope).await, &config, start).await,
        other => Err(format!("There is no device {other}: it is cpu or webgpu.")),
    }
}

/// Runs a job whose setup began at `start` (ms).
async fn measure(job: &impl Job, config: &Config, start: f64) -> Result<Value, String> {
    let setup = job.now() - start / 1000.0;
    let mut result = match config.mode.as_str() {
        "accuracy" => accuracy(job, config).await?,
        _ => throughput(job, config).await?,
    };
    let network = job.network().await?;
    for (name, value) in [
        ("info", json!(job.info())),
        ("setupSeconds", json!(setup)),
        ("losses", json!(job.losses())),
        ("hash", json!(hash(&network))),
    ] {
        result[name] = value;
    }
    Ok(result)
}

/// The most bytes of a file of MNIST.
const MAX_FILE: usize = 64 << 20;

/// The two IDX files of a set.
async fn fetch_set(scope: &DedicatedWorkerGlobalScope, base: &str, name: &str) -> Result<DataSet, String> {
    let file = async |kind: &str| {
        let url = format!("{base}{name}-{kind}-ubyte");
        let read = async |response: web_sys::Response| body(&response, MAX_FILE).await;
        fetch_with_retries(scope, &url, read).await.map_err(|_| format!("{url} cannot be fetched."))
    };
    DataSet::from_idx(&file("images-idx3").await?, &file("labels-idx1").await?).map_err(|e| e.to_string())
}

/// Images a second, and the latency of a single image.
async fn throughput(job: &impl Job, config: &Config) -> Result<Value, String> {
    let Config { warmup, steps, batch, max_seconds, latency, eval_count, .. } = *config;
    let (_, first) = job.train(1, f64::INFINITY).await?;
    job.train(warmup.saturating_sub(1), max_seconds / 3.0).await?;
    let before = memory_bytes();
    let (done, seconds) = job.train(steps, max_seconds).await?;
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

/// The latency of one image in milliseconds.
fn milliseconds(job: &impl Job, network: &mut Network, image: usize) -> f64 {
    let start = job.now();
    network.infer(std::iter::once(job.test_image(image)));
    std::hint::black_box(network.probabilities());
    1000.0 * (job.now() - start)
}

/// The time until the test accuracy reaches the target.
async fn accuracy(job: &impl Job, config: &Config) -> Result<Value, String> {
    let Config { batch, eval_every, cap_seconds, target, .. } = *config;
    let (start, mut train_seconds, mut best, mut steps) = (job.now(), 0.0, 0.0, 0);
    let mut evals = Vec::new();
    let mut reached = None;
    while reached.is_none() && job.now() - start < cap_seconds {
        let left = cap_seconds - (job.now() - start);
        let (done, seconds) = job.train((eval_every / batch) as u32, left).await?;
        (steps, train_seconds) = (steps + done, train_seconds + seconds);
        let accuracy = job.test().await?;
        evals.push((steps, job.now() - start, accuracy));
        best = f64::max(best, accuracy);
        reached = (accuracy >= target).then(|| (job.now() - start, train_seconds));
    }
    Ok(json!({
        "secondsToTarget": reached.map(|r| r.0),
        "trainSecondsToTarget": reached.map(|r| r.1),
        "bestAccuracy": best,
        "stepsDone": steps,
        "evals": evals,
    }))
}

/// FNV-1a of the bits of all parameters, by which runs on different machines are compared.
fn hash(network: &Network) -> String {
    let bytes = network.parameters.iter().flat_map(|w| w.to_bits().to_le_bytes());
    let hash = bytes
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3));
    format!("{hash:016x}")
}

/// The size of this module's memory.
fn memory_bytes() -> u32 {
    let memory: js_sys::WebAssembly::Memory = wasm_bindgen::memory().unchecked_into();
    memory.buffer().unchecked_into::<js_sys::ArrayBuffer>().byte_length()
}
