//! The settings of a benchmark in which training is compared with that of other libraries.

use nn::mnist;
use nn::spec::{LayerSpec, NetworkSpec, Optimizer, TrainingSpec};
use serde::Deserialize;

/// The argument of `window.__bench`. A field that is left out has the value that the comparison with PyTorch uses.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Config {
    /// The network: `lenet` or `mlp`.
    pub job: String,
    /// What is measured: `throughput` or `accuracy`.
    pub mode: String,
    /// What trains: `cpu` or `webgpu`.
    pub device: String,
    /// Cores to use; 0 for all.
    pub cores: usize,
    /// Batch size.
    pub batch: usize,
    /// Timed steps.
    pub steps: u32,
    /// Steps before the timed ones.
    pub warmup: u32,
    /// `sgd` or `adam`.
    pub optimizer: String,
    /// Learning rate; by default 0.01 for `sgd` and 0.001 for `adam`.
    pub lr: Option<f32>,
    /// Momentum of `sgd`.
    pub momentum: f32,
    /// Seed of the initial parameters and of the order of the images.
    pub seed: u32,
    /// Steps between two reported losses.
    pub loss_every: u32,
    /// Predictions of a single image that are timed.
    pub latency: usize,
    /// Test images of the final evaluation.
    pub eval_count: usize,
    /// Time limit of the timed steps, in seconds.
    pub max_seconds: f64,
    /// Test accuracy at which `accuracy` ends, from 0 to 1.
    pub target: f64,
    /// Time limit of `accuracy`, in seconds.
    pub cap_seconds: f64,
    /// Training images between two evaluations.
    pub eval_every: usize,
    /// Address of the folder with the four uncompressed IDX files.
    pub data_url: String,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            job: "lenet".into(),
            mode: "throughput".into(),
            device: "cpu".into(),
            cores: 0,
            batch: 64,
            steps: 200,
            warmup: 30,
            optimizer: "sgd".into(),
            lr: None,
            momentum: 0.9,
            seed: 1,
            loss_every: 20,
            latency: 200,
            eval_count: 1000,
            max_seconds: 60.0,
            target: 0.99,
            cap_seconds: 180.0,
            eval_every: 30_000,
            data_url: "/data/".into(),
        }
    }
}

impl Config {
    /// The network of `job`.
    ///
    /// # Errors
    /// A sentence, for an unknown job.
    pub fn network(&self) -> Result<NetworkSpec, String> {
        use LayerSpec::{Flatten, Linear, Relu};
        match self.job.as_str() {
            "lenet" => Ok(nn::preset::Preset::LeNet5.network()),
            "mlp" => Ok(NetworkSpec {
                input: mnist::IMAGE,
                layers: vec![
                    Flatten,
                    Linear { out_features: 128 },
                    Relu,
                    Linear { out_features: mnist::CLASSES },
                ],
            }),
            other => Err(format!("There is no job {other}: it is lenet or mlp.")),
        }
    }

    /// The settings of its training.
    ///
    /// # Errors
    /// A sentence, for an unknown optimiser.
    pub fn training(&self) -> Result<TrainingSpec, String> {
        let (optimizer, usual) = match self.optimizer.as_str() {
            "sgd" => (Optimizer::Sgd { momentum: self.momentum, nesterov: false }, 0.01),
            "adam" => (Optimizer::ADAM, 0.001),
            other => return Err(format!("There is no optimiser {other}: it is sgd or adam.")),
        };
        let learning_rate = self.lr.unwrap_or(usual);
        Ok(TrainingSpec {
            seed: self.seed,
            batch_size: self.batch,
            learning_rate,
            optimizer,
            ..TrainingSpec::default()
        })
    }
}
