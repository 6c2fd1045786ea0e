//! The update rules, element by element over the flat parameter vector.

use crate::spec::Optimizer;

/// The memory of an optimiser.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OptimizerState {
    /// SGD's velocity, Adam's mean of gradients (`exp_avg`).
    pub first: Vec<f32>,
    /// Adam's mean of squared gradients (`exp_avg_sq`).
    pub second: Vec<f32>,
    /// Steps since the memory was empty.
    pub steps: u32,
}

impl OptimizerState {
    /// Empty memory for `parameters` numbers.
    pub fn new(parameters: usize) -> Self {
        Self { first: vec![0.0; parameters], second: vec![0.0; parameters], steps: 0 }
    }

    /// One step of `optimizer` along `gradients`, as `torch.optim.SGD` and `torch.optim.Adam` take it.
    ///
    /// # Panics
    /// If the lengths differ.
    pub fn step(&mut self, optimizer: Optimizer, rate: f32, parameters: &mut [f32], gradients: &[f32]) {
        assert!(parameters.len() == gradients.len() && parameters.len() == self.first.len());
        self.steps += 1;
        let memory = parameters.iter_mut().zip(gradients).zip(&mut self.first);
        match optimizer {
            Optimizer::Sgd { momentum } => {
                for ((parameter, gradient), velocity) in memory {
                    *velocity = momentum * *velocity + gradient;
                    *parameter -= rate * *velocity;
                }
            }
            Optimizer::Adam { beta1, beta2, epsilon } => {
                let correction = |beta: f32| 1.0 - libm::pow(f64::from(beta), f64::from(self.steps));
                let size = (f64::from(rate) / correction(beta1)) as f32;
                let root = libm::sqrt(correction(beta2)) as f32;
                for (((parameter, gradient), mean), square) in memory.zip(&mut self.second) {
                    *mean += (1.0 - beta1) * (gradient - *mean);
                    *square = beta2 * *square + (1.0 - beta2) * gradient * gradient;
                    *parameter -= size * *mean / (square.sqrt() / root + epsilon);
                }
            }
        }
    }
}
