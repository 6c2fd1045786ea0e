//! What the worker sends of the network that is on screen, and by what the page asks for it.

use data::mnist;
use nn::cpu::Units;
use nn::inspect::batch_statistics::ChannelStatistics;
use nn::inspect::grad_norms::LayerNorms;
use nn::inspect::histogram::Histogram;
use serde::{Deserialize, Serialize};

/// What snapshots hold. Layers are indices into [`NetworkSpec::layers`](nn::spec::NetworkSpec::layers).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watch {
    /// Layers whose output for the shown image is included.
    pub activations: Vec<usize>,
    /// Layers whose weights are included.
    pub weights: Vec<usize>,
    /// Whether the norms of weights and gradients are included.
    pub norms: bool,
    /// Layers of which everything is included, as [`LayerDetail`].
    pub details: Vec<usize>,
    /// Whether [`Event::Predictions`](super::Event::Predictions) are sent.
    pub predictions: bool,
    /// The units behind dropout with which the shown image is read.
    pub units: Units,
    /// If set, the image is also read with all units, and by [`MASKS`] thinned networks of this seed.
    pub masks: Option<u32>,
    /// Batch normalisations of which a whole batch is included.
    pub batches: Vec<usize>,
    /// Whether the image is also read with a part covered, place by place, unless dropout's masks are shown.
    pub occlusion: bool,
    /// Whether [`Event::StepTaken`](super::Event::StepTaken) is sent.
    pub step: bool,
    /// The class whose saliency map for the image is included.
    pub saliency: Option<SaliencyOf>,
}

/// The class of a saliency map.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SaliencyOf {
    /// The answer: the class with the largest logit.
    Answer,
    /// This class.
    Class(u8),
}

/// The thinned networks that answer together.
pub const MASKS: u32 = 20;
/// The test images of [`Snapshot::batches`]; as many as a batch of training has at first.
pub const BATCH_IMAGES: usize = 64;

/// The forward pass of the shown image, and weights of the network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The network.
    pub source: Source,
    /// Softmax of the logits, `[class]`; empty without an image.
    pub probabilities: Vec<f32>,
    /// Outputs of the watched layers.
    pub activations: Vec<LayerValues>,
    /// How much of them is different for the image's reference; empty without one.
    pub changed: Vec<ChangedShare>,
    /// Weights of the watched layers: `[out_channel][in_channel][row][column]` for Conv2d,
    /// `[out_feature][in_feature]` for Linear.
    pub weights: Vec<LayerValues>,
    /// Norms of the weights of each layer and of the gradients of the last step, with [`Watch::norms`]; empty
    /// before the first step of these layers.
    pub norms: Vec<LayerNorms>,
    /// The layers of [`Watch::details`] that have parameters.
    pub details: Vec<LayerDetail>,
    /// The units behind dropout with which the image was read. Unless all were, `changed` is empty.
    pub units: Units,
    /// The answers of other units, with [`Watch::masks`] and an image.
    pub masks: Option<Box<MaskAnswers>>,
    /// The batch normalisations of [`Watch::batches`], once so many test images are here.
    pub batches: Vec<BatchDetail>,
    /// With [`Watch::occlusion`] and an image.
    pub occlusion: Option<Box<Occlusion>>,
    /// With [`Watch::saliency`] and an image, if there is such a class; `None` if a number is not finite.
    pub saliency: Option<Box<Saliency>>,
}

/// The saliency map of the shown image for a class: the gradient of the logit with respect to the pixels (Simonyan et al. 2013,
/// section 3), with the units behind dropout with which the image was read.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Saliency {
    /// The class.
    pub class: u8,
    /// Its logit.
    pub logit: f32,
    /// `[28][28]`: by how much the logit rises for each unit of a pixel, whose values are 0 to 1.
    pub gradient: Vec<f32>,
}

/// The logits for the shown image, `[class]`, as it is and with a part of it covered by background (Zeiler and Fergus 2014,
/// section 4.2, who cover it with grey; here what is covered is as if it had not been drawn).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Occlusion {
    /// Nothing is covered.
    pub whole: Vec<f32>,
    /// A square is covered, for each of [`Occlusion::places`].
    pub covered: Vec<Vec<f32>>,
}

impl Occlusion {
    /// Side of the square, in pixels.
    pub const SIDE: usize = 7;
    /// Pixels from one place to the next. The squares of all places cover the image.
    pub const STRIDE: usize = 3;

    /// The rows and columns of the squares' upper left corners, row by row.
    pub fn places() -> impl Iterator<Item = (usize, usize)> {
        let along = || (0..=mnist::SIDE - Self::SIDE).step_by(Self::STRIDE);
        along().flat_map(move |row| along().map(move |column| (row, column)))
    }
}

/// The logits for the shown image, `[class]`, with different units behind dropout.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct MaskAnswers {
    /// With [`Units::All`]: how the network reads.
    pub all: Vec<f32>,
    /// With [`Units::AllScaled`].
    pub all_scaled: Vec<f32>,
    /// Those of the thinned networks, [`Units::Kept`] with mask 0 to [`MASKS`].
    pub thinned: Vec<Vec<f32>>,
}

/// A batch normalisation of the first [`BATCH_IMAGES`] test images.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BatchDetail {
    /// Index into [`NetworkSpec::layers`](nn::spec::NetworkSpec::layers).
    pub layer: usize,
    /// Each channel of the batch.
    pub channels: Vec<ChannelStatistics>,
}

/// All parameters and statistics of one layer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LayerDetail {
    /// Index into [`NetworkSpec::layers`](nn::spec::NetworkSpec::layers).
    pub layer: usize,
    /// As [`Snapshot::weights`]; for batch norm and subsampling the scale of each channel.
    pub weights: Vec<f32>,
    /// Biases, `[out_channel]` or `[out_feature]`; for batch norm and subsampling `[channel]`.
    pub biases: Vec<f32>,
    /// Running means of a batch norm, `[channel]`.
    pub running_mean: Vec<f32>,
    /// Running variances of a batch norm, `[channel]`.
    pub running_variance: Vec<f32>,
    /// Histogram of the weights' gradients in the last step; empty before the first step.
    pub gradients: Histogram,
}

/// How much of a layer's output is different for another image.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChangedShare {
    /// Index into [`NetworkSpec::layers`](nn::spec::NetworkSpec::layers).
    pub layer: usize,
    /// The share of its values that changed by more than a tenth of the largest, 0 to 1.
    pub share: f32,
}

/// Values of one layer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LayerValues {
    /// Index into [`NetworkSpec::layers`](nn::spec::NetworkSpec::layers).
    pub layer: usize,
    /// An output `[channel][row][column]`, or weights as in [`Snapshot::weights`].
    pub values: Vec<f32>,
}

/// Which network it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Source {
    /// The checkpoint shipped with the page: LeNet-5.
    Pretrained,
    /// The network of the session.
    Session {
        /// Optimizer steps taken.
        step: u64,
    },
}
