//! What is on screen: the shown image, the watched layers, and the network that they come from.

use super::layer_detail::{gradient_histogram, layer_detail};
use super::passes::{Passes, Results};
use crate::messages::{ChangedShare, LayerValues, Snapshot, Source, Watch};
use data::DataSet;
use nn::cpu::Units;
use nn::inspect::changed_share::changed_share;
use nn::inspect::grad_norms::{LayerNorms, layer_norms};
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
    /// The checkpoint that is shown in place of the network in training.
    pub(super) past: Option<Box<Training>>,
    pending: Pending,
}

/// A snapshot that is not complete.
#[derive(Default)]
enum Pending {
    #[default]
    None,
    /// It has not begun.
    New,
    /// It takes several slices: its passes, and a copy of the network as it was when they began, since training goes on.
    Begun(Box<Passes>, Box<Network>, Source),
}

/// Multiply-adds of a slice of a snapshot: less than 50 ms. LeNet-5 takes 7 million.
const WORK: i64 = 200_000_000;

impl View {
    /// Whether a snapshot holds anything.
    pub(super) fn shows_anything(&self) -> bool {
        self.image.is_some() || self.watch != Watch::default()
    }

    /// The network that is shown: a checkpoint of the run, the one in training, or the pretrained one as long as that one is
    /// untrained and has the same layers.
    pub(super) fn active_model<'a>(&'a mut self, training: &'a mut Training) -> (&'a mut Network, Source) {
        let (pretrained, training) = shown(&mut self.past, &mut self.pretrained, training);
        active_model(pretrained, training)
    }

    /// Begins a snapshot in place of the one that is pending.
    pub(super) fn begin_snapshot(&mut self) {
        self.pending = Pending::New;
    }

    /// Whether a snapshot has begun and is not complete.
    pub(super) fn is_snapshot_pending(&self) -> bool {
        !matches!(self.pending, Pending::None)
    }

    /// Goes on with the passes of a snapshot; `test` are the test images that are here. Returns it once they are done.
    pub(super) fn advance_snapshot(&mut self, training: &mut Training, test: &DataSet) -> Option<Snapshot> {
        let Self { pretrained, image, reference, watch, past, pending } = self;
        let (mut pretrained, training) = shown(past, pretrained, training);
        match std::mem::take(pending) {
            Pending::None => None,
            Pending::New => {
                let images = image.as_deref().map(|image| (image, reference.as_deref()));
                let (network, source) = active_model(pretrained.as_deref_mut(), training);
                let mut passes = Passes::new(network.spec(), watch, images, test);
                if source != Source::Pretrained {
                    network.prepare();
                }
                network.limit_work(WORK);
                if !passes.advance(network) {
                    *pending = Pending::Begun(Box::new(passes), Box::new(network.clone()), source);
                    return None;
                }
                let gradients = gradients(watch, training);
                Some(snapshot(watch, active_model(pretrained, training), passes, gradients))
            }
            Pending::Begun(mut passes, mut network, source) => {
                network.limit_work(WORK);
                if !passes.advance(&mut network) {
                    *pending = Pending::Begun(passes, network, source);
                    return None;
                }
                Some(snapshot(watch, (&mut network, source), *passes, gradients(watch, training)))
            }
        }
    }
}

/// The norms of weights and gradients, if they are watched and known, and the histograms of the gradients of the layers of which
/// everything is watched.
fn gradients(watch: &Watch, training: &Training) -> (Vec<LayerNorms>, Vec<Histogram>) {
    let (network, gradients) = (&training.network, training.known_gradients());
    let norms = if watch.norms && !gradients.is_empty() {
        layer_norms(network.plan(), &network.parameters, gradients)
    } else {
        Vec::new()
    };
    let histogram = |layer: &usize| gradient_histogram(network.plan(), gradients, *layer);
    (norms, watch.details.iter().map(histogram).collect())
}

/// What is watched of a network after its passes, with the norms and the histograms of the gradients of the last step.
fn snapshot(
    watch: &Watch,
    (network, source): (&mut Network, Source),
    passes: Passes,
    (norms, histograms): (Vec<LayerNorms>, Vec<Histogram>),
) -> Snapshot {
    let values =
        |layer: &usize, values: Option<Vec<f32>>| values.map(|values| LayerValues { layer: *layer, values });
    let (mut probabilities, mut activations, mut changed) = (Vec::new(), Vec::new(), Vec::new());
    if passes.images() > 0 {
        probabilities = network.probabilities();
        activations = watch.activations.iter().filter_map(|l| values(l, network.output(*l))).collect();
    }
    let units = passes.units();
    if passes.images() > 1 && units == Units::All {
        let share = |LayerValues { layer, values }: &LayerValues| {
            let share = changed_share(values, &network.output_of(1, *layer)?);
            Some(ChangedShare { layer: *layer, share })
        };
        changed = activations.iter().filter_map(share).collect();
    }
    let weights = watch.weights.iter();
    let weights = weights.filter_map(|l| values(l, network.weights(*l).map(<[f32]>::to_vec))).collect();
    let details = watch.details.iter().zip(histograms);
    let details = details.filter_map(|(layer, gradients)| layer_detail(network, *layer, gradients)).collect();
    let Results { masks, batches, occlusion, saliency } = passes.results(network);
    Snapshot {
        source,
        probabilities,
        activations,
        changed,
        weights,
        norms,
        details,
        units,
        masks,
        batches,
        occlusion,
        saliency,
    }
}

/// The training that is shown: the checkpoint's or, besides the pretrained network, the present one.
fn shown<'a>(
    past: &'a mut Option<Box<Training>>,
    pretrained: &'a mut Option<Network>,
    training: &'a mut Training,
) -> (Option<&'a mut Network>, &'a mut Training) {
    match past {
        Some(past) => (None, past),
        None => (pretrained.as_mut(), training),
    }
}

fn active_model<'a>(
    pretrained: Option<&'a mut Network>,
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

#[cfg(all(test, not(target_family = "wasm")))]
mod tests {
    use super::*;
    use crate::messages::SaliencyOf;
    use nn::spec::{LayerSpec, NetworkSpec, Shape, TrainingSpec};

    #[test]
    fn a_snapshot_of_several_slices_is_of_the_network_with_which_it_began() {
        let conv = |kernel_size| LayerSpec::Conv2d {
            out_channels: 32,
            kernel_size,
            stride: 1,
            padding: kernel_size / 2,
        };
        // 65 million multiply-adds an image: a block takes more than a slice.
        let layers = vec![conv(5), conv(9), LayerSpec::Flatten, LayerSpec::Linear { out_features: 10 }];
        let network = NetworkSpec { input: Shape::maps(1, 28, 28), layers };
        let mut training = Training::new(network, TrainingSpec::default()).unwrap();
        let watch = Watch { masks: Some(3), saliency: Some(SaliencyOf::Class(4)), ..Watch::default() };
        let mut view = View { image: Some(vec![90; 784]), watch, ..View::default() };
        let mut complete = |training: &mut Training, change: bool| {
            view.begin_snapshot();
            for slice in 1.. {
                if let Some(snapshot) = view.advance_snapshot(training, &DataSet::default()) {
                    return (slice, snapshot);
                }
                if change {
                    training.network.parameters.iter_mut().for_each(|parameter| *parameter += 0.5);
                }
            }
            unreachable!("it ends")
        };
        let (_, undisturbed) = complete(&mut training, false);
        let (slices, changed) = complete(&mut training, true);
        assert!(slices > 5, "{slices} slices");
        assert!(changed.saliency.is_some());
        assert_eq!(changed, undisturbed);
        assert_ne!(complete(&mut training, false).1, undisturbed, "the next one is of the changed network");
    }
}
