//! A network with its parameters, for inference and inspection.

use crate::cpu::{Cpu, Memory, Units};
use crate::plan::{Plan, Role};
use crate::random::{Stream, normal};
use crate::spec::{Initializer, NetworkSpec};
use crate::summary::SpecError;

use tensor::Budget;
pub use tensor::softmax::Score;

/// A network, its parameters and the memory of one block of samples.
#[derive(Clone, Debug)]
pub struct Network {
    spec: NetworkSpec,
    /// All parameters in one flat vector, in the order of [`Plan::parameters`].
    pub parameters: Vec<f32>,
    /// Running means and variances of the batch normalisations, in the order of [`Plan::statistics`].
    pub running: Vec<f32>,
    pub(crate) cpu: Cpu,
    pub(crate) memory: Memory,
    /// Number of the inference that began last.
    inference: u64,
    /// The units that take part in it.
    pub(crate) units: Units,
}

/// Grey levels as pixels in [0, 1], as torchvision's `ToTensor`.
const PIXELS: [f32; 256] = {
    let mut pixels = [0.0; 256];
    let mut byte = 0;
    while byte < 256 {
        pixels[byte] = byte as f32 / 255.0;
        byte += 1;
    }
    pixels
};

impl Network {
    /// Makes a network with initial weights from `seed`. Biases are 0, scales 1, running means 0, running
    /// variances 1.
    ///
    /// # Errors
    /// If the layers do not fit together, or do not end in a vector.
    pub fn new(spec: NetworkSpec, initializer: Initializer, seed: u32) -> Result<Self, SpecError> {
        let plan = Plan::for_input_gradient(&spec)?;
        if !plan.logits().shape.is_vector() {
            let message = "The last layer must give a vector, one number per class.".into();
            return Err(SpecError { layer: spec.layers.len(), message });
        }
        let mut network = Self {
            spec,
            parameters: vec![0.0; plan.parameter_count()],
            running: vec![0.0; plan.running_count()],
            memory: Memory::new(&plan),
            cpu: Cpu::new(plan),
            inference: 0,
            units: Units::All,
        };
        network.initialize(initializer, seed);
        Ok(network)
    }

    /// Sets all parameters and running estimates to initial values from `seed`.
    pub fn initialize(&mut self, initializer: Initializer, seed: u32) {
        let plan = self.cpu.plan();
        for (index, parameter) in plan.parameters.iter().enumerate() {
            let values = &mut self.parameters[parameter.range()];
            match parameter.role {
                Role::Bias => values.fill(0.0),
                Role::Scale => values.fill(1.0),
                Role::Weight { fan_in, fan_out } => {
                    initialize(values, initializer, (fan_in, fan_out), seed, index as u32);
                }
            }
        }
        for statistics in &plan.statistics {
            let (means, variances) = self.running[statistics.range()].split_at_mut(statistics.channels);
            means.fill(0.0);
            variances.fill(1.0);
        }
    }

    /// The description of the network.
    pub fn spec(&self) -> &NetworkSpec {
        &self.spec
    }

    /// The plan of the network, with a buffer for the output of every layer.
    pub fn plan(&self) -> &Plan {
        self.cpu.plan()
    }

    /// Prepares for [`Network::infer`]; needed after the parameters changed.
    pub fn prepare(&mut self) {
        self.cpu.load(&self.parameters, &self.running, false);
    }

    /// Runs up to sixteen images, bytes `[channel][row][column]`, through the network. [`Network::output`],
    /// [`Network::predictions`] and others then return the results.
    ///
    /// # Panics
    /// If there are more than sixteen images.
    pub fn infer<'a>(&mut self, images: impl ExactSizeIterator<Item = &'a [u8]>) {
        self.begin_inference(images, Units::All);
        self.limit_work(Budget::UNLIMITED);
        self.continue_inference();
    }

    /// Begins [`Network::infer`] with these units, which [`Network::continue_inference`] goes on with. Returns its number.
    ///
    /// # Panics
    /// If there are more than sixteen images.
    pub fn begin_inference<'a>(
        &mut self,
        images: impl ExactSizeIterator<Item = &'a [u8]>,
        units: Units,
    ) -> u64 {
        let (count, mut images) = (images.len(), images);
        let first = if let Units::Kept { sample, .. } = units { sample } else { 0 };
        self.units = units;
        self.cpu.abandon();
        self.cpu.start(&mut self.memory, first as usize, count, |_, sample| {
            pixels(images.next().unwrap_or_default(), sample);
        });
        self.inference += 1;
        self.inference
    }

    /// Allows inferences about `work` multiply-adds from now on.
    pub fn limit_work(&mut self, work: i64) {
        self.cpu.limit_work(work);
    }

    /// Goes on with the inference that began last. Returns whether it is done: if not, the work that was allowed is.
    pub fn continue_inference(&mut self) -> bool {
        self.cpu.infer(&mut self.memory, &self.parameters, self.units)
    }

    /// The number of the inference that began last.
    pub fn inference(&self) -> u64 {
        self.inference
    }

    /// The sum of the losses, in nats, and the number of hits of the images inferred last, given the label of
    /// each.
    ///
    /// # Panics
    /// If a label is not below the number of classes, or there are more than sixteen labels.
    pub fn score(&mut self, labels: &[u8]) -> Score {
        self.memory.cross_entropy(self.cpu.plan(), labels, 0.0, 1)
    }

    /// The softmax of the logits of the first image inferred last, `[class]`.
    pub fn probabilities(&mut self) -> Vec<f32> {
        self.memory.probabilities(self.cpu.plan()).iter().map(|class| class[0].to_array()[0]).collect()
    }

    /// The predicted class of each image inferred last, and its softmax: the class by which
    /// [`Network::score`] counts hits. `None` if the logits are NaN.
    pub fn predictions(&mut self) -> impl Iterator<Item = Option<(usize, f32)>> {
        self.memory.predictions(self.cpu.plan())
    }

    /// The output of layer number `layer` for the first image inferred last, `[channel][row][column]`; `None`
    /// if there is no such layer.
    pub fn output(&self, layer: usize) -> Option<Vec<f32>> {
        self.output_of(0, layer)
    }

    /// As [`Network::output`], for image number `image` of those inferred last.
    ///
    /// # Panics
    /// If `image` is not below sixteen.
    pub fn output_of(&self, image: usize, layer: usize) -> Option<Vec<f32>> {
        let buffer = *self.plan().layers.get(layer)?;
        let (vector, lane) = (image / 4, image % 4);
        Some(self.memory.values(buffer).iter().map(|lanes| lanes[vector].to_array()[lane]).collect())
    }

    /// The logits of image number `image` of those inferred last, `[class]`.
    ///
    /// # Panics
    /// If `image` is not below sixteen.
    pub fn logits_of(&self, image: usize) -> Vec<f32> {
        self.output_of(image, self.spec.layers.len() - 1).unwrap_or_default()
    }

    /// The weights of layer number `layer`: `[out_channel][in_channel][row][column]` of a convolution,
    /// `[out_feature][in_feature]` of a linear layer; `None` if it has none.
    pub fn weights(&self, layer: usize) -> Option<&[f32]> {
        let parameter = self.plan().parameters.iter().find(|p| p.layer == layer && p.is_weight())?;
        Some(&self.parameters[parameter.range()])
    }
}

/// Converts grey levels, 0 to 255, to pixels from 0 to 1; the shorter slice decides how many.
pub fn pixels(bytes: &[u8], pixels: &mut [f32]) {
    for (pixel, &byte) in pixels.iter_mut().zip(bytes) {
        *pixel = PIXELS[usize::from(byte)];
    }
}

/// Fills a weight tensor with initial values; `parameter` is its index in [`Plan::parameters`].
fn initialize(values: &mut [f32], initializer: Initializer, fans: (usize, usize), seed: u32, parameter: u32) {
    let (fan_in, fan_out) = (fans.0 as f32, fans.1 as f32);
    let std = match initializer {
        Initializer::Zeros => return values.fill(0.0),
        Initializer::Constant { value } => return values.fill(value),
        Initializer::Normal { std } => std,
        Initializer::LeCun => libm::sqrtf(1.0 / fan_in),
        Initializer::Xavier => libm::sqrtf(2.0 / (fan_in + fan_out)),
        Initializer::He => libm::sqrtf(2.0 / fan_in),
    };
    for (element, value) in values.iter_mut().enumerate() {
        *value = std * normal(seed, Stream::Weights, parameter, element as u32);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::{LayerSpec, Shape};
    use wasm_bindgen_test::wasm_bindgen_test;

    /// Weights of a convolution with 16 input and 32 output channels and of a linear layer with 800 inputs
    /// and 100 outputs, each with its number of inputs and outputs (`fan_in`, `fan_out`) as PyTorch counts
    /// them.
    fn weights(initializer: Initializer) -> [(Vec<f32>, f64, f64); 2] {
        let layers = vec![
            LayerSpec::Conv2d { out_channels: 32, kernel_size: 5, stride: 1, padding: 0 },
            LayerSpec::Flatten,
            LayerSpec::Linear { out_features: 100 },
        ];
        let spec = NetworkSpec { input: Shape::maps(16, 9, 9), layers };
        let network = Network::new(spec, initializer, 1).unwrap();
        let weights = |layer| network.weights(layer).unwrap().to_vec();
        [(weights(0), 16.0 * 25.0, 32.0 * 25.0), (weights(2), 32.0 * 25.0, 100.0)]
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn initial_weights_have_the_variance_of_the_papers() {
        type Variance = fn(f64, f64) -> f64;
        let cases: [(Initializer, Variance); 4] = [
            (Initializer::Normal { std: 0.05 }, |_, _| 0.05 * 0.05),
            (Initializer::LeCun, |fan_in, _| 1.0 / fan_in),
            (Initializer::Xavier, |fan_in, fan_out| 2.0 / (fan_in + fan_out)),
            (Initializer::He, |fan_in, _| 2.0 / fan_in),
        ];
        for (initializer, variance) in cases {
            for (weights, fan_in, fan_out) in weights(initializer) {
                let (n, expected) = (weights.len() as f64, variance(fan_in, fan_out));
                let mean = weights.iter().map(|w| f64::from(*w)).sum::<f64>() / n;
                let found = weights.iter().map(|w| (f64::from(*w) - mean).powi(2)).sum::<f64>() / (n - 1.0);
                // Four standard errors of a normal distribution's mean and variance: of the latter at most 5
                // %.
                assert!(mean.abs() < 4.0 * (expected / n).sqrt(), "{initializer:?}: mean {mean}");
                let error = (found / expected - 1.0).abs();
                assert!(error < 4.0 * (2.0 / n).sqrt(), "{initializer:?}: variance {found}, not {expected}");
            }
        }
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn constant_initial_weights_are_all_the_same_value() {
        for (initializer, value) in [(Initializer::Zeros, 0.0), (Initializer::Constant { value: 0.25 }, 0.25)]
        {
            for (weights, ..) in weights(initializer) {
                assert!(weights.iter().all(|weight| *weight == value), "{initializer:?}");
            }
        }
    }
}
