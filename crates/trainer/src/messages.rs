//! What the page and the worker tell each other. Nothing else crosses between them.

use nn::inspect::divergence::Divergence;
use nn::inspect::grad_norms::LayerSizes;
use nn::inspect::histogram::Histogram;
use nn::spec::{NetworkSpec, TrainingSpec};
use serde::{Deserialize, Serialize};

/// From the page to the worker. Commands are carried out in their order.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Command {
    /// Use this network and these options from the next step on. Parameters whose name and shape stay are kept.
    Configure {
        /// The network.
        network: NetworkSpec,
        /// The options of its training.
        training: TrainingSpec,
    },
    /// Train until told to pause.
    Train,
    /// Stop after the step under way.
    Pause,
    /// Train on one batch, then stop.
    Step,
    /// Back to the initial weights of the seed, step 0, paused.
    Reset,
    /// Back to where the last [`Command::Reset`] came, paused. Nothing, once something was trained or configured since.
    UndoReset,
    /// The image to recognise and to show maps of: 28x28 bytes, rows first, 0 black to 255 white ink.
    Show {
        /// 784 bytes.
        image: Vec<u8>,
    },
    /// What is on screen: only this is sent in snapshots.
    Watch(Watch),
    /// The labels of all images that are here.
    Labels(Split),
    /// These images, as far as they are here.
    Images {
        /// Of which set.
        split: Split,
        /// Their numbers, from 0, in MNIST's order.
        indices: Vec<u32>,
    },
    /// After [`Event::Diverged`]: back to the last state that was well, paused.
    Restore,
    /// Try again to download what failed.
    RetryDownload,
    /// Train on this device.
    UseDevice(DeviceChoice),
    /// Train on so many cores. The numbers stay the same to the last bit.
    UseCores(usize),
    /// Train these side by side, in turns, each from the initial weights of its seed; then all is as it was before. Pictures are
    /// of the first. Pausing and training on works as always; a reset, other options or [`Command::EndComparison`] end it.
    Compare {
        /// The runs.
        runs: Vec<Recipe>,
        /// How long each trains.
        epochs: f64,
    },
    /// End a comparison, if there is one: all is as it was before it, and paused.
    EndComparison,
}

/// What is trained, and how.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Recipe {
    /// The network.
    pub network: NetworkSpec,
    /// The options of its training.
    pub training: TrainingSpec,
}

/// Indices into the layers of the network (`NetworkSpec::layers`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watch {
    /// Layers whose output on the shown image is wanted.
    pub activations: Vec<usize>,
    /// Layers whose weights are wanted.
    pub weights: Vec<usize>,
    /// Whether the sizes of weights and gradients are wanted.
    pub sizes: bool,
    /// Layers that are looked at closely: all that they hold is wanted.
    pub details: Vec<usize>,
    /// Whether [`Event::Answers`] are wanted.
    pub answers: bool,
}

/// One of MNIST's two sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Split {
    /// The 60,000 images to learn from.
    Train,
    /// The 10,000 images to measure on.
    Test,
}

/// From the worker to the page.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Event {
    /// The download of MNIST went on. At the start all but the totals is zero.
    Download(Download),
    /// Training started or stopped; sent whenever one of these changes.
    State(RunState),
    /// Training went on; at most 30 a second.
    Progress(Progress),
    /// The network was measured on the whole test set.
    Tested(Tested),
    /// The shown image went through the network; after `Show`, `Watch` and, while training, at most 30 times a second.
    Snapshot(Snapshot),
    /// The next step would have made the network useless: it was not taken, and training stopped.
    Diverged(Diverged),
    /// From here on, progress, measurements and divergence are told of this run of a comparison; `None`: of the session's own
    /// training, as before any `Turn`. A run that diverged is over; the others go on.
    Turn(Option<usize>),
    /// Another device trains, or more is known of the devices.
    Device(DeviceReport),
    /// Something failed and the session is as it was: one sentence for people.
    Failed(String),
    /// The network read the test images that are here; while that is watched, after each evaluation, and whenever the
    /// network changes while it does not train.
    Answers(Answers),
    /// After [`Command::Labels`].
    Labels {
        /// Of which set.
        split: Split,
        /// One for each image that is here, from the first on.
        labels: Vec<u8>,
    },
    /// After [`Command::Images`].
    Images(Images),
}

/// How much of MNIST is here.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Download {
    /// Compressed bytes that have come.
    pub bytes: u64,
    /// Compressed bytes there are.
    pub total_bytes: u64,
    /// Training images that can be used (60,000 in the end).
    pub train_images: usize,
    /// Test images that can be used (10,000 in the end).
    pub test_images: usize,
    /// All is here.
    pub complete: bool,
    /// Why it stopped, in a sentence; `Command::RetryDownload` tries again.
    pub problem: Option<String>,
}

/// What the session is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum RunState {
    /// Not training.
    #[default]
    Paused,
    /// Training.
    Training,
    /// Told to train, but the images of the next batch are still being downloaded.
    WaitingForData,
}

/// Where training is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// Optimiser steps done since the last reset. 0 right after a reset: curves start anew.
    pub step: u64,
    /// Passes over the training set, with the fraction of the present one. Less than before after [`Command::Restore`].
    pub epoch: f64,
    /// Mean loss over the steps since the last `Progress` (cross-entropy, nats per image); `None` without steps.
    pub train_loss: Option<f32>,
    /// Share of the images of these steps that were recognised, 0 to 1.
    pub train_accuracy: Option<f32>,
    /// Training images a second over about the last second of training; `None` while unknown.
    pub images_per_second: Option<f32>,
    /// Cores that train.
    pub cores: usize,
}

/// Who chooses the device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum DeviceChoice {
    /// Both are measured, and the faster one trains.
    #[default]
    Automatic,
    /// The GPU, where there is one.
    WebGpu,
    /// The cores.
    Cpu,
}

/// What trains.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Device {
    /// The cores.
    #[default]
    Cpu,
    /// A GPU, by WebGPU.
    WebGpu,
}

/// What is known of the devices.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DeviceReport {
    /// Who chooses.
    pub choice: DeviceChoice,
    /// What trains, or will once it is told to.
    pub device: Device,
    /// The GPU's name, once one was found; it may be empty.
    pub adapter: Option<String>,
    /// Training images a second on the cores, as measured for the choice with the present network and batch size.
    pub cpu_speed: Option<f32>,
    /// The same on the GPU.
    pub gpu_speed: Option<f32>,
    /// Why there is no GPU, or what became of it, in a sentence.
    pub note: Option<String>,
}

/// Where training stopped because a number was not finite any more.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Diverged {
    /// Steps taken before.
    pub step: u64,
    /// The first of its numbers that is not finite.
    pub began: Divergence,
    /// [`Command::Restore`] goes back to this step.
    pub good_step: u64,
    /// All this for people.
    pub sentence: String,
}

/// A measurement on the whole test set.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tested {
    /// After this many steps.
    pub step: u64,
    /// The same in epochs.
    pub epoch: f64,
    /// Mean cross-entropy in nats.
    pub loss: f32,
    /// Share recognised, 0 to 1.
    pub accuracy: f32,
}

/// How the network reads the test images, in inference mode.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Answers {
    /// Whose answers these are.
    pub source: Source,
    /// The class that each image is taken for, from the first image on; [`data::mnist::CLASSES`] where the network gives no numbers.
    pub classes: Vec<u8>,
    /// The probability that the network gives that class, 0 to 1.
    pub confidences: Vec<f32>,
}

/// Some of MNIST's images.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Images {
    /// Of which set.
    pub split: Split,
    /// Their numbers.
    pub indices: Vec<u32>,
    /// 784 bytes each, rows first, 0 black to 255 white ink.
    pub pixels: Vec<u8>,
}

/// The shown image's way through the network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// Whose weights these are.
    pub source: Source,
    /// Softmax of the logits, one per class.
    pub probabilities: Vec<f32>,
    /// Outputs of the watched layers that exist.
    pub activations: Vec<LayerValues>,
    /// Weights of the watched layers that have some: conv2d `[map][channel][row][column]`, dense `[unit][input]`.
    pub weights: Vec<LayerValues>,
    /// How large the weights of each layer and the gradients of the last step are, if that is watched.
    pub sizes: Vec<LayerSizes>,
    /// What the layers hold that are looked at closely; those without parameters hold nothing.
    pub details: Vec<LayerDetail>,
}

/// All that one layer holds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LayerDetail {
    /// Index into `NetworkSpec::layers`.
    pub layer: usize,
    /// As `Snapshot::weights`; of batch normalisation and sub-sampling the factor of each channel.
    pub weights: Vec<f32>,
    /// One addend per map, unit or channel.
    pub biases: Vec<f32>,
    /// Running means and variances of a batch normalisation, one per channel.
    pub running_mean: Vec<f32>,
    /// See `running_mean`.
    pub running_variance: Vec<f32>,
    /// The gradients of the weights in the last step; empty before the first.
    pub gradients: Histogram,
}

/// Values of one layer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LayerValues {
    /// Index into `NetworkSpec::layers`.
    pub layer: usize,
    /// The values, row-major: `[channel][row][column]` of an output, or as `Snapshot::weights` says.
    pub values: Vec<f32>,
}

/// Which network a snapshot is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Source {
    /// The checkpoint that is shipped with the page; always LeNet-5.
    Pretrained,
    /// The network of the session after this many steps.
    Session {
        /// Optimiser steps done.
        step: u64,
    },
}

/// A message as bytes (postcard).
pub fn encode<M: Serialize>(message: &M) -> Vec<u8> {
    // Every message is plain data of known size: postcard has nothing to refuse.
    postcard::to_stdvec(message).expect("messages are plain data")
}

/// The message in `bytes`, or `None` if there is none of this type.
pub fn decode<'a, M: Deserialize<'a>>(bytes: &'a [u8]) -> Option<M> {
    postcard::from_bytes(bytes).ok()
}
