//! What is on screen: the shown image, the watched layers, and the network that they come from.

use super::layer_detail::{gradient_histogram, layer_detail};
use super::passes::Passes;
use crate::messages::{ChangedShare, LayerValues, Snapshot, Source, Watch};
use data::DataSet;
use nn::cpu::Units;
use nn::inspect::changed_share::changed_share;
use nn::inspect::grad_norms::layer_norms;
use nn::inspect::histogram::Histogram;
use nn::network::Network;
use nn::train::Training;

/// What is on screen.
#[derive(Default)]
pub(super) struct View {
    /// The checkpoint that is shown until the session's own network is trained.
    pub(super) pretrained: Option<Network>,
    /// The shown image, `[28][28]` bytes.
    pub(super) image: Option<Vec<u8>>,
    /// The image that it is compared with.
    pub(super) reference: Option<Vec<u8>>,
    pub(super) watch: Watch,
    /// The forward passes of a snapshot that is not complete.
    pending: Option<Passes>,
}

/// Multiply-adds of a slice of a snapshot: less than 50 ms. LeNet-5 takes 7 million.
const WORK: i64 = 200_000_000;

impl View {
    /// Whether a snapshot holds anything.
    pub(super) fn shows_anything(&self) -> bool {
        self.image.is_some() || self.watch != Watch::default()
    }

    /// The network that is shown: the one in training, or the checkpoint as long as that one is untrained and
    /// has the same layers.
    pub(super) fn active_model<'a>(&'a mut self, training: &'a mut Training) -> (&'a mut Network, Source) {
        active_model(&mut self.pretrained, training)
    }

    /// Begins a snapshot in place of the one that is pending.
    pub(super) fn begin_snapshot(&mut self) {
        self.pending = Some(Passes::default());
    }

    /// Whether a snapshot has begun and is not complete.
    pub(super) fn is_snapshot_pending(&self) -> bool {
        self.pending.is_some()
    }

    /// Goes on with the forward passes of a snapshot; `test` are the test images that are here. Returns it once they are done.
    pub(super) fn advance_snapshot(&mut self, training: &mut Training, test: &DataSet) -> Option<Snapshot> {
        let (network, source) = active_model(&mut self.pretrained, training);
        let passes = self.pending.as_mut()?;
        if !passes.have_begun(network) {
            if source != Source::Pretrained {
                network.prepare();
            }
            let images = self.image.as_deref().map(|image| (image, self.reference.as_deref()));
            *passes = Passes::new(&self.watch, images, test);
        }
        network.limit_work(WORK);
        if !passes.advance(network) {
            return None;
        }
        let passes = self.pending.take().unwrap_or_default();
        Some(self.snapshot(training, passes))
    }

    /// What is watched of the network, after the forward passes.
    fn snapshot(&mut self, training: &mut Training, passes: Passes) -> Snapshot {
        let watch = &self.watch;
        let mut norms = Vec::new();
        let gradients = known_gradients(training);
        if watch.norms && !gradients.is_empty() {
            let network = &training.network;
            norms = layer_norms(network.plan(), &network.parameters, gradients);
        }
        let of = |layer: &usize| gradient_histogram(training.network.plan(), gradients, *layer);
        let histograms: Vec<Histogram> = watch.details.iter().map(of).collect();
        let (network, source) = active_model(&mut self.pretrained, training);
        let values = |layer: &usize, values: Option<Vec<f32>>| {
            values.map(|values| LayerValues { layer: *layer, values })
        };
        let (mut probabilities, mut activations, mut changed) = (Vec::new(), Vec::new(), Vec::new());
        if self.image.is_some() {
            probabilities = network.probabilities();
            activations = watch.activations.iter().filter_map(|l| values(l, network.output(*l))).collect();
            if self.reference.is_some() && watch.units == Units::All {
                let share = |LayerValues { layer, values }: &LayerValues| {
                    let share = changed_share(values, &network.output_of(1, *layer)?);
                    Some(ChangedShare { layer: *layer, share })
                };
                changed = activations.iter().filter_map(share).collect();
            }
        }
        let weights = watch.weights.iter();
        let weights = weights.filter_map(|l| values(l, network.weights(*l).map(<[f32]>::to_vec))).collect();
        let details = watch.details.iter().zip(histograms);
        let details =
            details.filter_map(|(layer, gradients)| layer_detail(network, *layer, gradients)).collect();
        let (masks, batches) = passes.results(network);
        Snapshot {
            source,
            probabilities,
            activations,
            changed,
            weights,
            norms,
            details,
            units: watch.units,
            masks,
            batches,
        }
    }
}

/// The gradients of the last step; empty before the first one of these layers, and until a run that was brought back
/// has taken one.
fn known_gradients(training: &Training) -> &[f32] {
    if training.has_gradients() { training.gradients() } else { &[] }
}

fn active_model<'a>(
    pretrained: &'a mut Option<Network>,
    training: &'a mut Training,
) -> (&'a mut Network, Source) {
    let step = training.steps();
    match pretrained {
        Some(pretrained) if step == 0 && pretrained.spec() == training.network.spec() => {
            (pretrained, Source::Pretrained)
        }
        _ => (&mut training.network, Source::Session { step }),
    }
}
