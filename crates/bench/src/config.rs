//! The jobs by which training is compared with that of other libraries: the same networks, initial weights and batches.

use nn::plan::Plan;
use nn::spec::{LayerSpec, NetworkSpec, Optimizer, Shape, TrainingSpec};
use serde::Deserialize;

/// What is asked of `window.__bench`. Where nothing is said, it is what PyTorch would be asked.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Config {
    /// `lenet` or `mlp`.
    pub job: String,
    /// `throughput` or `accuracy`.
    pub mode: String,
    /// `cpu` or `webgpu`.
    pub device: String,
    /// Cores to use; 0 for all.
    pub cores: usize,
    /// Images in a step.
    pub batch: usize,
    /// Steps that are timed.
    pub steps: u32,
    /// Steps before them.
    pub warmup: u32,
    /// `sgd` or `adam`.
    pub optimizer: String,
    /// Learning rate; what is usual for the optimiser if it is not said.
    pub lr: Option<f32>,
    /// Of `sgd`.
    pub momentum: f32,
    /// Of the initial weights and the order of the images.
    pub seed: u32,
    /// A loss is reported every so many steps.
    pub loss_every: u32,
    /// Times that a single image is recognised.
    pub latency: usize,
    /// Test images that are measured in the end.
    pub eval_count: usize,
    /// Longest time for the timed steps.
    pub max_seconds: f64,
    /// Accuracy to be reached.
    pub target: f64,
    /// Longest time for that.
    pub cap_seconds: f64,
    /// Images between evaluations.
    pub eval_every: usize,
    /// Where the four raw IDX files are.
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
    /// The network of the job; a sentence if there is no such job.
    ///
    /// # Errors
    /// An unknown job.
    pub fn network(&self) -> Result<NetworkSpec, String> {
        use LayerSpec::{Flatten, Linear, Relu};
        match self.job.as_str() {
            "lenet" => Ok(nn::preset::Preset::LeNet5.network()),
            "mlp" => Ok(NetworkSpec {
                input: Shape::maps(1, 28, 28),
                layers: vec![Flatten, Linear { out_features: 128 }, Relu, Linear { out_features: 10 }],
            }),
            other => Err(format!("There is no job {other}: it is lenet or mlp.")),
        }
    }

    /// How it is trained.
    ///
    /// # Errors
    /// An unknown optimiser.
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

/// mulberry32: numbers from 0 to below 1.
pub fn mulberry32(seed: u32) -> impl FnMut() -> f64 {
    let mut state = seed;
    move || {
        state = state.wrapping_add(0x6d2b_79f5);
        let mut t = (state ^ state >> 15).wrapping_mul(state | 1);
        t ^= t.wrapping_add((t ^ t >> 7).wrapping_mul(t | 61));
        f64::from(t ^ t >> 14) / 4_294_967_296.0
    }
}

/// Initial weights as all that are compared have them: even between plus and minus `1 / sqrt(fan_in)`, for the
/// biases too.
pub fn initial_parameters(plan: &Plan, seed: u32) -> Vec<f32> {
    let mut random = mulberry32(seed);
    let mut parameters = Vec::with_capacity(plan.parameter_count());
    let mut bound = 0.0;
    for parameter in &plan.parameters {
        if parameter.is_weight() {
            bound = 1.0 / (parameter.dims[1..].iter().product::<usize>() as f64).sqrt();
        }
        parameters.extend(parameter.range().map(|_| ((random() * 2.0 - 1.0) * bound) as f32));
    }
    parameters
}

/// The order of the images in an epoch (Fisher and Yates).
pub fn shuffled(images: u32, seed: u32) -> Vec<u32> {
    let mut random = mulberry32(seed);
    let mut order: Vec<u32> = (0..images).collect();
    for last in (1..order.len()).rev() {
        let other = (random() * (last + 1) as f64) as usize;
        order.swap(last, other);
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_the_other_implementations() {
        // From the JavaScript that the other libraries' pages use, with seed 1.
        let mut random = mulberry32(1);
        let first = [random(), random(), random()];
        assert_eq!(first, [0.627_073_940_588_161_3, 0.002_735_721_180_215_478, 0.527_447_039_959_952_2]);
        assert_eq!(shuffled(10, 1001), [7, 9, 5, 6, 4, 3, 8, 0, 2, 1]);
        let config = Config::default();
        let plan = Plan::new(&config.network().unwrap()).unwrap();
        let parameters = initial_parameters(&plan, 1);
        assert_eq!(parameters.len(), 61_706);
        let some = [parameters[0], parameters[150], parameters[61_705]];
        assert_eq!(some, [0.050_829_574, -0.076_820_45, -0.038_788_226]);
    }
}
