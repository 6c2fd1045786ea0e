//! The messages between the page and the worker: [`Command`]s one way, [`Event`]s the other. Nothing else
//! crosses between them.
//!
//! ```
//! use trainer::messages::{Command, decode, encode};
//!
//! let bytes = encode(&Command::Train);
//! assert!(matches!(decode(&bytes), Some(Command::Train)));
//! ```

mod run;
mod snapshot;
mod step;

pub use run::{CheckpointSummary, Kept, PageState, RunConfig, Tested, ViewState};
pub use snapshot::{
    BATCH_IMAGES, BatchDetail, ChangedShare, LayerDetail, LayerValues, MASKS, MaskAnswers, Occlusion,
    Saliency, SaliencyOf, Snapshot, Source, Watch,
};
pub use step::{REPORTED_IMAGES, StepReport, StepSample};

use nn::inspect::divergence::Divergence;
use nn::spec::{NetworkSpec, TrainingSpec};
use serde::{Deserialize, Serialize};

/// From the page to the worker. The worker executes commands in the order in which they were sent.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Command {
    /// Changes the network and the options of its training from the next step on. Parameters whose name and
    /// shape stay are kept.
    Configure {
        /// The network.
        network: NetworkSpec,
        /// The options of its training.
        training: TrainingSpec,
    },
    /// Trains until [`Command::Pause`].
    Train,
    /// Stops training. A step that is not finished is dropped, and taken when training resumes.
    Pause,
    /// Trains on one batch, then stops. With [`Watch::step`] answered by [`Event::StepTaken`], unless another step follows at once.
    Step,
    /// Sets the weights to the initial ones of the seed: step 0, paused.
    Reset,
    /// Restores the run that was replaced last, paused: by [`Command::Reset`], by a [`Command::Configure`] with
    /// another network, or by [`Command::SetAside`]. The present run takes its place among those that can be
    /// restored, as the one that comes last.
    Undo,
    /// Sets the image that the network classifies and whose feature maps [`Snapshot`]s hold.
    Show {
        /// `[28][28]` bytes, from 0 (background) to 255 (ink).
        image: Vec<u8>,
        /// The same image before it was moved or turned, if it was: [`Snapshot::changed`] compares them.
        reference: Option<Vec<u8>>,
    },
    /// Sets what [`Snapshot`]s hold: what is on screen.
    Watch(Watch),
    /// Asks for the labels of all images that have been downloaded: [`Event::Labels`].
    Labels(Split),
    /// Asks for images; those that have not been downloaded are left out: [`Event::Images`].
    Images {
        /// The set.
        split: Split,
        /// Indices into the set, in MNIST's order.
        indices: Vec<u32>,
    },
    /// Restores the last healthy checkpoint after [`Event::Diverged`], paused.
    Restore,
    /// Retries the failed download.
    RetryDownload,
    /// Sets the device that trains.
    UseDevice(DeviceChoice),
    /// Sets the number of cores that train. The results are bit-identical for every number.
    UseCores(usize),
    /// Trains several runs in turns, each from the initial weights of its seed, then restores the session's
    /// own training. Snapshots show the first run. [`Command::Pause`] and [`Command::Train`] work as ever;
    /// [`Command::Reset`], [`Command::Configure`] and [`Command::EndComparison`] end the comparison.
    Compare {
        /// The runs.
        runs: Vec<RunConfig>,
        /// Length of each run in epochs.
        epochs: f64,
    },
    /// Ends the comparison under way, if any: restores the session's own training, paused.
    EndComparison,
    /// Opens the browser's storage: the run of the last visit is offered ([`Event::Kept`]), and the session is stored
    /// from now on.
    OpenStorage {
        /// The name under which the session is stored, which no other page has.
        session: String,
        /// The names of the sessions that this tab had before, the last one first.
        before: Vec<String>,
        /// The sessions whose pages were left last, whatever their tabs, the last one first, and what they showed: a
        /// worker may have been stopped before it had stored that.
        left: Vec<(String, ViewState)>,
    },
    /// Stores this with the session's own run, as texts that only the page reads.
    KeepRecord {
        /// The settings of the run.
        setup: String,
        /// Its curves and last figures.
        record: String,
    },
    /// Stores this with the session.
    KeepView {
        /// What the page shows.
        view: Box<ViewState>,
        /// Whether the session is stored at once, because the page may be closed.
        at_once: bool,
    },
    /// Brings the run of [`Event::Kept`] back, paused.
    Resume,
    /// Leaves the run of [`Event::Kept`] where it is: among those that [`Command::Undo`] restores.
    SetAside,
    /// Forgets the runs that [`Command::Undo`] would restore.
    ForgetReplaced,
    /// The page has painted the last [`Event::Snapshot`]. After the first such command, training is reported no sooner than the page
    /// has painted the last report, or a second later, and the more rarely, the longer that takes: 30 to 8 times a second.
    Painted {
        /// Milliseconds that the page's thread worked on it.
        ms: f64,
    },
    /// Pauses, and shows the network as it was at the checkpoint of this step ([`Event::Checkpoints`]); `None`: as it is
    /// now. Whatever trains or replaces the run later shows it as it is now, too. Answered by [`Event::Shown`].
    ShowCheckpoint(Option<u64>),
    /// Makes the checkpoint of this step the present run, paused. [`Command::Undo`] restores the run that was.
    ContinueFrom(u64),
    /// As [`Command::Compare`], but one run after the other, at most 40 of them. Snapshots show the one that trains.
    Sweep {
        /// The runs.
        runs: Vec<RunConfig>,
        /// Length of each run in epochs.
        epochs: f64,
    },
}

/// One of MNIST's two sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Split {
    /// The training set, 60,000 images.
    Train,
    /// The test set, 10,000 images.
    Test,
}

impl Split {
    /// Both sets.
    pub const ALL: [Self; 2] = [Self::Train, Self::Test];

    /// `training` or `test`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Train => "training",
            Self::Test => "test",
        }
    }
}

/// From the worker to the page.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Event {
    /// The download of MNIST made progress. The first one holds only the totals.
    Download(Download),
    /// The run state changed.
    State(RunState),
    /// Training made progress. At most 30 a second.
    Progress(Progress),
    /// The network was evaluated on the whole test set: now and then while it trains, and at the step at which it
    /// stopped.
    Tested(Tested),
    /// The forward pass of the shown image: after [`Command::Show`], [`Command::Watch`], and at most 30 times
    /// a second while training.
    Snapshot(Snapshot),
    /// A number in the next step is not finite. The step was not taken, and training stopped.
    Diverged(Diverged),
    /// The run that trains now. Later progress, evaluations and divergence belong to this run of a
    /// comparison, or to the session's own training if `None`, as before the first `ActiveRun`. A run that
    /// diverged has ended; the others continue.
    ActiveRun(Option<usize>),
    /// Another device trains, or a measurement of a device is new.
    Device(DeviceReport),
    /// A command failed and changed nothing: one sentence for people. After a [`Command::Configure`] that
    /// failed nothing is trained until another one succeeds.
    Failed(String),
    /// The predictions on the downloaded test images. While [`Watch::predictions`] is set: after each
    /// evaluation, and whenever the network changes while it does not train.
    Predictions(Predictions),
    /// Answers [`Command::Labels`].
    Labels {
        /// The set.
        split: Split,
        /// The labels of all downloaded images, in MNIST's order.
        labels: Vec<u8>,
    },
    /// Answers [`Command::Images`].
    Images(Images),
    /// The run of the last visit, for [`Command::Resume`] or [`Command::SetAside`].
    Kept(Box<Kept>),
    /// [`Command::Resume`] or [`Command::Undo`] brought this run back. Progress follows.
    Restored(Box<Kept>),
    /// The run that [`Command::Undo`] would restore, if any.
    Replaced(Option<Box<Kept>>),
    /// The session cannot be stored, or could not be read, in a sentence.
    NotKept(String),
    /// The network that later snapshots, evaluations and predictions are about, until the next such event. In a
    /// comparison it is the first run's.
    Network(NetworkSpec),
    /// The checkpoint shipped with the page was evaluated on the whole test set, at step 0.
    PretrainedTested(Tested),
    /// A command had an effect that nobody would expect: one sentence for people.
    Note(String),
    /// The checkpoints of the present run, the oldest one first: the initial state, and the evaluations that are kept.
    Checkpoints(Vec<CheckpointSummary>),
    /// Which network later snapshots and predictions are of. Progress and evaluations are of the one as it is now.
    Shown {
        /// The step of its checkpoint; `None` for the network as it is now.
        step: Option<u64>,
        /// Whether this answers a [`Command::ShowCheckpoint`], each of which has one answer. Else the run has changed.
        is_answer: bool,
    },
    /// Training has stopped by its own rule ([`nn::spec::StopRule`]): why, in a sentence for people.
    Stopped(String),
    /// The step of the last [`Command::Step`], image by image, with [`Watch::step`].
    StepTaken(Box<StepReport>),
}

/// The state of the download of MNIST.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Download {
    /// Compressed bytes received.
    pub bytes: u64,
    /// Compressed bytes in all.
    pub total_bytes: u64,
    /// Training images that can be used (60,000 in the end).
    pub train_images: usize,
    /// Test images that can be used (10,000 in the end).
    pub test_images: usize,
    /// Whether everything has been downloaded.
    pub complete: bool,
    /// Why the download stopped, in a sentence. [`Command::RetryDownload`] retries.
    pub problem: Option<String>,
}

/// Whether the session trains.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum RunState {
    /// Not training.
    #[default]
    Paused,
    /// Training.
    Training,
    /// Waiting for the images of the next batch to be downloaded.
    WaitingForData,
}

/// How far training is, and how the last steps went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// Optimizer steps since the last reset; 0 right after one.
    pub step: u64,
    /// Epochs since the last reset, with a fraction: passes over the images in use, which go on where they
    /// are when the subset changes. [`Command::Restore`] makes it smaller.
    pub epoch: f64,
    /// The learning rate of the next step, as the schedule has it.
    #[serde(default)]
    pub learning_rate: f32,
    /// Mean training loss since the last `Progress` with one (cross-entropy, nats per image); `None` without a step. While a range test
    /// trains, a report has one for each hundredth of the test, so that its curve is the same however fast the machine is.
    pub train_loss: Option<f32>,
    /// Training accuracy over the same steps, 0 to 1.
    pub train_accuracy: Option<f32>,
    /// Mean learning rate of the same steps, where they belong to a range test.
    #[serde(default)]
    pub train_rate: Option<f32>,
    /// Training images a second over about the last second of training; `None` while unknown.
    pub images_per_second: Option<f32>,
    /// Number of cores that train.
    pub cores: usize,
    /// Seconds that the run's training steps took, without evaluations and pauses, but with steps that were taken back; `None`
    /// if they are not known, as in files of earlier versions.
    #[serde(default)]
    pub train_seconds: Option<f64>,
}

/// How the device is chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum DeviceChoice {
    /// The faster device trains; both are measured.
    #[default]
    Automatic,
    /// The GPU trains, if there is one.
    WebGpu,
    /// The CPU cores train.
    Cpu,
}

/// A device that trains.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Device {
    /// The CPU cores.
    #[default]
    Cpu,
    /// A GPU, through WebGPU.
    WebGpu,
}

/// The devices and their speeds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DeviceReport {
    /// How the device is chosen.
    pub choice: DeviceChoice,
    /// The device that trains, or will after [`Command::Train`].
    pub device: Device,
    /// The name of the GPU, once one is open; it may be empty.
    pub adapter: Option<String>,
    /// Training images a second on the cores with the present network and batch size, measured for the
    /// choice.
    pub cpu_speed: Option<f32>,
    /// The same on the GPU.
    pub gpu_speed: Option<f32>,
    /// Whether the GPU is being measured. Its steps do not count: training stands still meanwhile.
    pub measuring: bool,
    /// Why no GPU trains, in a sentence.
    pub note: Option<String>,
}

/// Training stopped because a number was not finite.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Diverged {
    /// Steps taken before it.
    pub step: u64,
    /// The first quantity that is not finite.
    pub cause: Divergence,
    /// The step that [`Command::Restore`] goes back to.
    pub healthy_step: u64,
    /// The same as a sentence for people.
    pub sentence: String,
}

/// Predictions on the test set, in inference mode.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Predictions {
    /// The network that predicts.
    pub source: Source,
    /// The predicted class of each image, in MNIST's order; [`data::mnist::CLASSES`] where the probabilities
    /// are NaN.
    pub classes: Vec<u8>,
    /// The probability of the predicted class, 0 to 1.
    pub confidences: Vec<f32>,
}

/// Images of MNIST.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Images {
    /// The set.
    pub split: Split,
    /// Their indices in the set.
    pub indices: Vec<u32>,
    /// `[image][28][28]` bytes, from 0 (background) to 255 (ink).
    pub pixels: Vec<u8>,
}

/// Serializes a message as [postcard](https://postcard.jamesmunns.com/wire-format).
pub fn encode<M: Serialize>(message: &M) -> Vec<u8> {
    // Serialization fails only for unsized sequences, which no message contains.
    postcard::to_stdvec(message).expect("messages are plain data")
}

/// Deserializes a message; `None` if `bytes` are no message of this type.
pub fn decode<'a, M: Deserialize<'a>>(bytes: &'a [u8]) -> Option<M> {
    postcard::from_bytes(bytes).ok()
}
