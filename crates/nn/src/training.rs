//! The training step: blocks through the network, their gradients added in a fixed order, one update.

use crate::network::{Network, Score, copy_matching, fill_block};
use crate::optimizer::OptimizerState;
use crate::spec::{NetworkSpec, TrainingSpec};
use crate::summary::SpecError;
use tensor::BLOCK;

/// A network in training.
#[derive(Clone, Debug)]
pub struct Training {
    /// The network.
    pub network: Network,
    spec: TrainingSpec,
    optimizer: OptimizerState,
    gradients: GradientSum,
    steps: u64,
}

impl Training {
    /// A fresh network at step 0.
    ///
    /// # Errors
    /// A stack of layers that does not fit.
    pub fn new(network: NetworkSpec, spec: TrainingSpec) -> Result<Self, SpecError> {
        let network = Network::new(network, spec.seed)?;
        let parameters = network.parameters.len();
        let gradients = GradientSum::new(parameters, spec.batch_size);
        Ok(Self { network, optimizer: OptimizerState::new(parameters), gradients, spec, steps: 0 })
    }

    /// How it is trained.
    pub fn spec(&self) -> &TrainingSpec {
        &self.spec
    }

    /// Steps taken.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// Uses other options, or another network, from the next step on. Parameters whose name and dimensions stay
    /// are kept, and the optimiser's memory of them as long as the optimiser stays.
    ///
    /// # Errors
    /// A stack of layers that does not fit; nothing has changed then.
    pub fn configure(&mut self, network: NetworkSpec, spec: TrainingSpec) -> Result<(), SpecError> {
        let mut next = Self::new(network, spec)?;
        next.network.adopt(&self.network);
        let same_rule =
            std::mem::discriminant(&next.spec.optimizer) == std::mem::discriminant(&self.spec.optimizer);
        if same_rule {
            let (to, from) = (next.network.plan(), self.network.plan());
            copy_matching(to, &mut next.optimizer.first, from, &self.optimizer.first);
            copy_matching(to, &mut next.optimizer.second, from, &self.optimizer.second);
            next.optimizer.steps = self.optimizer.steps;
        }
        next.steps = self.steps;
        *self = next;
        Ok(())
    }

    /// One step on `labels.len()` samples; `image(i)` gives the bytes of sample `i`. Says how they did before the update.
    pub fn step<'a>(&mut self, labels: &[u8], image: impl Fn(usize) -> &'a [u8]) -> Score {
        let cpu = &mut self.network.cpu;
        cpu.load_parameters(&self.network.parameters, true);
        let mut total = Score::default();
        self.gradients.clear();
        for (block, block_labels) in labels.chunks(BLOCK).enumerate() {
            let first = block * BLOCK;
            fill_block(cpu.input(), (first..first + block_labels.len()).map(&image));
            cpu.forward();
            let score = cpu.cross_entropy(block_labels, labels.len());
            total.loss += score.loss;
            total.correct += score.correct;
            cpu.backward(self.gradients.next());
            self.gradients.add();
        }
        let gradients = self.gradients.total();
        let Self { network, optimizer, spec, .. } = self;
        optimizer.step(spec.optimizer, spec.learning_rate, &mut network.parameters, gradients);
        self.steps += 1;
        total
    }
}

/// Adds the blocks' gradients in pairs, pairs of pairs and so on, like the digits of a binary counter.
///
/// The order of additions depends on nothing but the number of blocks, so any split of the work over cores
/// along whole subtrees gives the same sum to the last bit.
#[derive(Clone, Debug)]
struct GradientSum {
    /// `levels[r]` holds the sum of `2^r` blocks if bit `r` of `count` is set.
    levels: Vec<Vec<f32>>,
    next: Vec<f32>,
    count: usize,
}

impl GradientSum {
    fn new(parameters: usize, batch_size: usize) -> Self {
        let levels = usize::BITS - batch_size.div_ceil(BLOCK).leading_zeros();
        Self { levels: vec![vec![0.0; parameters]; levels as usize], next: vec![0.0; parameters], count: 0 }
    }

    fn clear(&mut self) {
        self.count = 0;
    }

    /// Where the next block's gradient goes, before [`GradientSum::add`].
    fn next(&mut self) -> &mut [f32] {
        &mut self.next
    }

    fn add(&mut self) {
        let mut level = 0;
        while self.count >> level & 1 == 1 {
            add_to(&mut self.next, &self.levels[level]);
            level += 1;
        }
        if level == self.levels.len() {
            self.levels.push(vec![0.0; self.next.len()]);
        }
        std::mem::swap(&mut self.levels[level], &mut self.next);
        self.count += 1;
    }

    /// The sum of all that was added.
    fn total(&mut self) -> &[f32] {
        self.next.fill(0.0);
        for (level, sum) in self.levels.iter().enumerate() {
            if self.count >> level & 1 == 1 {
                add_to(&mut self.next, sum);
            }
        }
        &self.next
    }
}

fn add_to(sum: &mut [f32], other: &[f32]) {
    for (sum, other) in sum.iter_mut().zip(other) {
        *sum += other;
    }
}
