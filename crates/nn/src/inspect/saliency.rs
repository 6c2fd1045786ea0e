//! The saliency map of an image: the gradient of a class's logit with respect to the pixels (Simonyan, Vedaldi and Zisserman 2013,
//! *Deep Inside Convolutional Networks*, section 3).

use crate::cpu::Mode;
use crate::network::Network;
use tensor::ZERO;
use wide::f32x4;

/// A saliency map under way: the backward pass of one image.
#[derive(Clone, Debug)]
pub struct SaliencyPass {
    /// Segments that are not done, and the next of which is the last of them.
    segments: usize,
    /// The gradients of a segment's parameters and its sums for batch statistics, which nobody needs.
    parameters: Vec<f32>,
    sums: Vec<f32>,
}

impl SaliencyPass {
    /// Begins the gradient of logit number `class` of the first image that `network` inferred last, by the plan's own backward
    /// pass in the mode of that inference: batch normalisation is the affine map of its running estimates, and dropout lets
    /// pass what it let pass. `None` if there is no such class.
    pub fn new(network: &mut Network, class: usize) -> Option<Self> {
        let Network { cpu, memory, parameters, running, .. } = network;
        cpu.abandon();
        cpu.load(parameters, running, true);
        let (plan, logits) = (cpu.plan(), cpu.plan().logits());
        let gradient = memory.gradient(logits);
        gradient.fill(ZERO);
        gradient.get_mut(class)?[0] = f32x4::from([1.0, 0.0, 0.0, 0.0]);
        let largest = plan.segments.iter().map(|segment| segment.parameters.len()).max();
        let channels = plan.statistics.iter().map(|statistics| statistics.channels).max();
        Some(Self {
            segments: plan.segments.len(),
            parameters: vec![0.0; largest.unwrap_or(0)],
            sums: vec![0.0; 2 * channels.unwrap_or(0)],
        })
    }

    /// Goes on for as much work as the network is allowed, which must infer nothing in between. Returns the gradient, of the
    /// input's shape `[channel][row][column]`, once it is done: by how much the logit rises for each unit of a pixel from 0 to 1.
    pub fn advance(&mut self, network: &mut Network) -> Option<Vec<f32>> {
        let mode = Mode::Inference(network.units);
        let Network { cpu, memory, parameters, .. } = network;
        while let Some(segment) = self.segments.checked_sub(1) {
            let plan = cpu.plan();
            let own = &mut self.parameters[..plan.segments[segment].parameters.len()];
            // The running estimates do not depend on the image: their gradient means, which stay 0, add nothing.
            let before = segment.checked_sub(1).map_or(0, |before| 2 * plan.statistics[before].channels);
            if !cpu.backward(segment, memory, parameters, mode, &mut self.sums[..before], own) {
                return None;
            }
            self.segments = segment;
        }
        let input = cpu.plan().input;
        Some(memory.gradient(input).iter().map(|lanes| lanes[0].to_array()[0]).collect())
    }
}
