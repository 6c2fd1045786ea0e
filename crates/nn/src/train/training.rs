//! A network in training: its options, its state, and how either is replaced. The step itself is in
//! `step.rs`.

use crate::network::{Network, Score};
use crate::plan::{Parameter, Plan};
use crate::preset::Preset;
use crate::spec::{NetworkSpec, TrainingSpec};
use crate::summary::SpecError;
use crate::train::optimizer::OptimizerState;
use crate::train::pairwise_sum::PairwiseSum;
use crate::train::shard::BatchShard;
use crate::train::transfer::Transfer;

/// A network in training.
#[derive(Clone, Debug)]
pub struct Training {
    /// The network.
    pub network: Network,
    pub(super) spec: TrainingSpec,
    pub(super) optimizer: OptimizerState,
    /// One per thread, each with its share of the samples that this replica works on.
    pub(crate) shards: Vec<BatchShard>,
    pub(super) step: StepUnderWay,
    pub(super) gradients: Vec<f32>,
    /// Whether `gradients` are those of the step that led to the present parameters.
    pub(super) has_gradients: bool,
    pub(super) steps: u64,
}

/// The step under way. Until it is finished, the network has not changed.
#[derive(Clone, Debug, Default)]
pub(super) struct StepUnderWay {
    /// Samples in the whole batch, on all replicas.
    pub(super) batch: usize,
    /// The phase under way, below [`Plan::phases`].
    pub(super) phase: usize,
    /// Number of the exchange of partial sums under way. A phase has one, or two if it computes moments anew.
    pub(super) exchange: usize,
    /// The means about which the phase under way computes the moments anew; empty the first time.
    pub(super) pivot: Vec<f32>,
    /// Whether that phase was run here, and its partial sums were sent and added to `sum`.
    pub(super) is_run: bool,
    /// Contributions to the phase, from here and from other replicas.
    pub(super) sum: PairwiseSum,
    /// Their total.
    pub(super) total: Vec<f32>,
    /// Loss and hits of the batch, before the update.
    pub(super) score: Score,
    /// The running estimates after the step.
    pub(super) running: Vec<f32>,
}

/// What a training has learned. Together with the two specs and the data it determines all further steps, bit
/// for bit.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TrainingState {
    /// The flat parameter vector, in the order of [`Plan::parameters`].
    pub parameters: Vec<f32>,
    /// The flat vector of running estimates, in the order of [`Plan::statistics`].
    pub running: Vec<f32>,
    /// The optimizer's memory.
    pub optimizer: OptimizerState,
    /// Steps taken.
    pub steps: u64,
}

impl Default for Training {
    /// LeNet-5 at its initial weights.
    fn default() -> Self {
        Self::new(Preset::LeNet5.network(), TrainingSpec::default()).expect("the preset fits")
    }
}

impl Training {
    /// Makes a network with the initial weights of `spec`, at step 0, on one thread.
    ///
    /// # Errors
    /// If the layers do not fit together, or do not end in a vector.
    pub fn new(network: NetworkSpec, spec: TrainingSpec) -> Result<Self, SpecError> {
        let shard = BatchShard::new(Plan::new(&network)?);
        let network = Network::new(network, spec.initializer, spec.seed)?;
        let parameters = network.parameters.len();
        Ok(Self {
            optimizer: OptimizerState::new(parameters),
            shards: vec![shard],
            step: StepUnderWay { running: network.running.clone(), ..StepUnderWay::default() },
            gradients: vec![0.0; parameters],
            has_gradients: false,
            network,
            spec,
            steps: 0,
        })
    }

    /// The options of the training.
    pub fn spec(&self) -> &TrainingSpec {
        &self.spec
    }

    /// Steps taken.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// The optimizer's memory.
    pub fn optimizer(&self) -> &OptimizerState {
        &self.optimizer
    }

    /// The gradients of the last step's mean loss, penalties included, in the order of [`Plan::parameters`].
    pub fn gradients(&self) -> &[f32] {
        &self.gradients
    }

    /// [`Training::gradients`], if they are those of the last step of this network; empty before its first step, and
    /// after its layers or its state were replaced.
    pub fn known_gradients(&self) -> &[f32] {
        if self.has_gradients { &self.gradients } else { &[] }
    }

    /// The running estimates after the step under way, or after the last one.
    pub(crate) fn running_after_step(&self) -> &[f32] {
        &self.step.running
    }

    /// Stores the gradients of a step that the GPU took.
    ///
    /// # Panics
    /// If their number is not that of the parameters.
    pub fn set_gradients(&mut self, gradients: &[f32]) {
        self.gradients.copy_from_slice(gradients);
        self.has_gradients = true;
    }

    /// Frees the memory that depends on the size of the batch, such as that of a training which is parked. The
    /// next step allocates what it needs.
    pub fn free_memory(&mut self) {
        self.shards.iter_mut().for_each(BatchShard::free_memory);
        self.step =
            StepUnderWay { running: std::mem::take(&mut self.step.running), ..StepUnderWay::default() };
    }

    /// Divides each batch among this many threads, at least one. Results stay the same to the last bit.
    pub fn set_threads(&mut self, threads: usize) {
        let shard = self.shards[0].clone();
        self.shards.resize(threads.max(1), shard);
    }

    /// Goes back to step 0 and to the initial weights of the seed.
    pub fn restart(&mut self) {
        self.network.initialize(self.spec.initializer, self.spec.seed);
        self.optimizer = OptimizerState::new(self.network.parameters.len());
        self.gradients.fill(0.0);
        self.has_gradients = false;
        self.steps = 0;
    }

    /// Copies the state into `state`, whose memory is reused.
    pub fn save(&self, state: &mut TrainingState) {
        state.parameters.clone_from(&self.network.parameters);
        state.running.clone_from(&self.network.running);
        state.optimizer.clone_from(&self.optimizer);
        state.steps = self.steps;
    }

    /// Goes back to a saved state. Returns false, and changes nothing, if it is of a network with other
    /// sizes.
    pub fn restore(&mut self, state: &TrainingState) -> bool {
        let (parameters, running) = (self.network.parameters.len(), self.network.running.len());
        let fits = state.parameters.len() == parameters && state.running.len() == running;
        if fits {
            self.network.parameters.copy_from_slice(&state.parameters);
            self.network.running.copy_from_slice(&state.running);
            self.optimizer.clone_from(&state.optimizer);
            self.steps = state.steps;
            self.has_gradients = false;
        }
        fits
    }

    /// Replaces the options, and the network if it differs, from the next step on. Parameters whose name and
    /// dimensions stay are kept, and so is the optimizer's memory of them as long as it means the same: Adam
    /// and AdamW have the same moments. Returns what became of the batch normalisations.
    ///
    /// # Errors
    /// If the layers do not fit together; nothing has changed then.
    pub fn configure(&mut self, network: NetworkSpec, spec: TrainingSpec) -> Result<Transfer, SpecError> {
        let same_memory = spec.optimizer.is_adam() == self.spec.optimizer.is_adam();
        if network == *self.network.spec() {
            if !same_memory {
                self.optimizer = OptimizerState::new(self.network.parameters.len());
            }
            if spec.batch_size != self.spec.batch_size {
                self.free_memory();
            }
            self.spec = spec;
            return Ok(Transfer::default());
        }
        // Before memory for the new network is taken.
        self.free_memory();
        let mut next = Self::new(network, spec)?;
        let transfer = next.network.load_matching(&self.network);
        if same_memory {
            next.optimizer.load_matching(next.network.plan(), &self.optimizer, self.network.plan());
            transfer.folded.iter().for_each(|range| next.optimizer.forget(range.clone()));
            let is_new = |p: &Parameter| self.network.plan().find_parameter(p).is_none();
            if !transfer.folded.is_empty() || next.network.plan().parameters.iter().any(is_new) {
                next.optimizer.shorten_memory(next.spec.optimizer);
            }
        }
        next.set_threads(self.shards.len());
        next.steps = self.steps;
        *self = next;
        Ok(transfer)
    }
}
