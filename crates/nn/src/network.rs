//! A network with its parameters, and what can be asked of it without training.

use crate::cpu::Cpu;
use crate::plan::Plan;
use crate::random::{Stream, normal};
use crate::spec::NetworkSpec;
use crate::summary::SpecError;
use tensor::{BLOCK, softmax};

pub use tensor::softmax::Score;

/// A network, its parameters and the memory of one block of samples.
#[derive(Clone, Debug)]
pub struct Network {
    spec: NetworkSpec,
    /// All parameters in one flat vector, in the order of [`Plan::parameters`].
    pub parameters: Vec<f32>,
    pub(crate) cpu: Cpu,
}

/// Bytes to pixels in [0, 1]: what PyTorch's `ToTensor` does.
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
    /// Initial weights from `seed` (He et al. 2015: normal, variance `2 / fan_in`); biases are 0.
    ///
    /// # Errors
    /// A stack of layers that does not fit, or does not end in a vector.
    pub fn new(spec: NetworkSpec, seed: u32) -> Result<Self, SpecError> {
        let plan = Plan::new(&spec)?;
        if !plan.logits().shape.is_vector() {
            let message = "The last layer must give a vector, one number per class.".into();
            return Err(SpecError { layer: spec.layers.len(), message });
        }
        let mut parameters = vec![0.0; plan.parameter_count()];
        for (index, parameter) in plan.parameters.iter().enumerate().filter(|(_, p)| p.fan_in > 0) {
            let deviation = libm::sqrtf(2.0 / parameter.fan_in as f32);
            for (element, value) in parameters[parameter.range()].iter_mut().enumerate() {
                *value = deviation * normal(seed, Stream::Weights, index as u32, element as u32);
            }
        }
        Ok(Self { spec, parameters, cpu: Cpu::new(plan) })
    }

    /// What it was built from.
    pub fn spec(&self) -> &NetworkSpec {
        &self.spec
    }

    /// What it was lowered to.
    pub fn plan(&self) -> &Plan {
        self.cpu.plan()
    }

    /// Takes over every parameter of `other` whose name and dimensions are here too.
    pub fn adopt(&mut self, other: &Self) {
        copy_matching(self.cpu.plan(), &mut self.parameters, other.plan(), &other.parameters);
    }

    /// Gets ready for [`Network::infer`] after the parameters changed.
    pub fn prepare(&mut self) {
        self.cpu.load_parameters(&self.parameters, false);
    }

    /// Puts up to sixteen images (bytes, `[channel][row][column]`) through the network; see [`Network::output`].
    pub fn infer<'a>(&mut self, images: impl Iterator<Item = &'a [u8]>) {
        fill_block(self.cpu.input(), images);
        self.cpu.forward();
    }

    /// Loss and hits of the images that were just inferred.
    pub fn score(&self, labels: &[u8]) -> Score {
        softmax::score(self.cpu.values(self.plan().logits()), labels)
    }

    /// Softmax of the first inferred image's logits.
    pub fn probabilities(&self) -> Vec<f32> {
        softmax::probabilities(self.cpu.values(self.plan().logits()), 0).collect()
    }

    /// Output of a layer for the first inferred image, `[channel][row][column]`; `None` if there is no such layer.
    pub fn output(&self, layer: usize) -> Option<Vec<f32>> {
        let buffer = *self.plan().layers.get(layer)?;
        Some(self.cpu.values(buffer).iter().map(|lanes| lanes[0].to_array()[0]).collect())
    }

    /// Weights of a layer; `None` if it has none.
    pub fn weights(&self, layer: usize) -> Option<&[f32]> {
        let parameter = self.plan().parameters.iter().find(|p| p.layer == layer && p.fan_in > 0)?;
        Some(&self.parameters[parameter.range()])
    }
}

/// Copies stretches of one flat vector to another where names and dimensions agree.
pub(crate) fn copy_matching(plan: &Plan, to: &mut [f32], other: &Plan, from: &[f32]) {
    for parameter in &plan.parameters {
        let same = other.parameters.iter().find(|o| o.name == parameter.name && o.dims == parameter.dims);
        if let Some(same) = same {
            to[parameter.range()].copy_from_slice(&from[same.range()]);
        }
    }
}

/// Images side by side, samples innermost; lanes without an image are 0.
pub(crate) fn fill_block<'a>(input: &mut [[f32; BLOCK]], images: impl Iterator<Item = &'a [u8]>) {
    let mut used = 0;
    for (lane, image) in images.take(BLOCK).enumerate() {
        for (pixel, &byte) in input.iter_mut().zip(image) {
            pixel[lane] = PIXELS[usize::from(byte)];
        }
        used = lane + 1;
    }
    if used < BLOCK {
        for pixel in input {
            pixel[used..].fill(0.0);
        }
    }
}
