//! What the session tells of itself while it trains: how far it is, how fast, and what is on screen.

use super::Session;
use super::comparison::Comparison;
use super::predictions::answering;
use crate::layer_detail::{detail, gradient_histogram};
use crate::messages::{Event, LayerValues, Progress, Snapshot, Source};
use nn::inspect::grad_norms::layer_norms;
use nn::inspect::histogram::Histogram;
use nn::network::Score;

#[derive(Default)]
pub(super) struct Tally {
    pub(super) images: usize,
    pub(super) score: Score,
}

impl Tally {
    pub(super) fn add(&mut self, images: usize, score: Score) {
        self.images += images;
        self.score.loss += score.loss;
        self.score.correct += score.correct;
    }
}

/// Images a second over about the last second of training time.
#[derive(Default)]
pub(super) struct Speed {
    images: f64,
    ms: f64,
}

impl Speed {
    pub(super) fn add(&mut self, images: usize, ms: f64) {
        // Older slices fade with a time constant of one second of work.
        let keep = (1.0 - ms / 1000.0).clamp(0.0, 1.0);
        self.images = self.images * keep + images as f64;
        self.ms = self.ms * keep + ms;
    }

    pub(super) fn per_second(&self) -> Option<f32> {
        (self.ms > 20.0).then(|| (1000.0 * self.images / self.ms) as f32)
    }
}

impl Session {
    pub(super) fn progress(&mut self) -> Event {
        let Tally { images, score } = std::mem::take(&mut self.since_report);
        let mean = |sum: f64| (images > 0).then(|| (sum / images as f64) as f32);
        Event::Progress(Progress {
            step: self.steps(),
            epoch: self.epoch(),
            train_loss: mean(score.loss),
            train_accuracy: mean(score.correct as f64),
            images_per_second: self.speed.per_second(),
            cores: self.crew.working(),
        })
    }

    /// The shown image through the network that answers now: the session's once it was trained, else the checkpoint.
    pub(super) fn snapshot(&mut self) -> Option<Event> {
        let first = self.comparison.as_mut().and_then(Comparison::first_aside);
        let training = first.unwrap_or_else(|| self.crew.training_mut());
        let step = training.steps();
        let watch = &self.watch;
        let mut norms = Vec::new();
        if watch.norms && step > 0 {
            let network = &training.network;
            norms = layer_norms(network.plan(), &network.parameters, training.gradients());
        }
        let gradients = if step > 0 { training.gradients() } else { &[] };
        let of = |layer: &usize| gradient_histogram(training.network.plan(), gradients, *layer);
        let histograms: Vec<Histogram> = watch.details.iter().map(of).collect();
        let (network, source) = answering(&mut self.pretrained, training);
        if source != Source::Pretrained {
            network.prepare();
        }
        let values = |layer: &usize, values: Option<Vec<f32>>| {
            values.map(|values| LayerValues { layer: *layer, values })
        };
        let (mut probabilities, mut activations) = (Vec::new(), Vec::new());
        if let Some(image) = &self.image {
            network.infer(std::iter::once(image.as_slice()));
            probabilities = network.probabilities();
            activations = watch.activations.iter().filter_map(|l| values(l, network.output(*l))).collect();
        }
        let weights = watch.weights.iter();
        let weights = weights.filter_map(|l| values(l, network.weights(*l).map(<[f32]>::to_vec))).collect();
        let details = watch.details.iter().zip(histograms);
        let details = details.filter_map(|(layer, gradients)| detail(network, *layer, gradients)).collect();
        Some(Event::Snapshot(Snapshot { source, probabilities, activations, weights, norms, details }))
    }
}
