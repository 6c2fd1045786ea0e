//! What is on screen: the shown image, the watched layers, and the network that they come from.

use super::layer_detail::{gradient_histogram, layer_detail};
use crate::messages::{ChangedShare, LayerValues, Snapshot, Source, Watch};
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
    snapshot: Pending,
}

/// A snapshot that is not complete.
#[derive(Default, PartialEq)]
enum Pending {
    #[default]
    None,
    /// It has not begun.
    New,
    /// The number of the network's inference of the shown image.
    Inference(u64),
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
        self.snapshot = Pending::New;
    }

    /// Whether a snapshot has begun and is not complete.
    pub(super) fn is_snapshot_pending(&self) -> bool {
        self.snapshot != Pending::None
    }

    /// Goes on with the forward pass of the shown image. Returns it, and what is watched of the network, once
    /// it is done.
    pub(super) fn advance_snapshot(&mut self, training: &mut Training) -> Option<Snapshot> {
        let (network, source) = active_model(&mut self.pretrained, training);
        if let Some(image) = &self.image {
            if self.snapshot != Pending::Inference(network.inference()) {
                if source != Source::Pretrained {
                    network.prepare();
                }
                // Both at once cost as much as one.
                let images: Vec<&[u8]> =
                    [Some(image), self.reference.as_ref()].into_iter().flatten().map(Vec::as_slice).collect();
                self.snapshot = Pending::Inference(network.begin_inference(images.into_iter()));
            }
            if !network.continue_inference(WORK) {
                return None;
            }
        }
        self.snapshot = Pending::None;
        Some(self.snapshot(training))
    }

    /// What is watched of the network, after the forward pass of the shown image.
    fn snapshot(&mut self, training: &mut Training) -> Snapshot {
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
            if self.reference.is_some() {
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
        Snapshot { source, probabilities, activations, changed, weights, norms, details }
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
