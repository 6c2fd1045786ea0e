//! Runs as the page sees them: their options and evaluations, and what is kept of those beside the one in training.

use nn::spec::{NetworkSpec, TrainingSpec};
use serde::{Deserialize, Serialize};

/// A network and the options of its training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunConfig {
    /// The network.
    pub network: NetworkSpec,
    /// The options of its training.
    pub training: TrainingSpec,
}

/// An evaluation on the whole test set.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tested {
    /// Steps taken before it.
    pub step: u64,
    /// Epochs trained before it.
    pub epoch: f64,
    /// Mean cross-entropy in nats per image.
    pub loss: f32,
    /// Accuracy, 0 to 1.
    pub accuracy: f32,
    /// The certainty that [`Tested::CERTAIN`] per cent of the images reach: the probability of the predicted class, 0 to 1 (the baseline of
    /// Hendrycks and Gimpel 2017 for inputs that are of no class). `None` where the images' predictions are not known, as of an
    /// evaluation on the GPU.
    #[serde(default)]
    pub certainty: Option<f32>,
}

impl Tested {
    /// How many of a hundred test images reach [`Tested::certainty`].
    pub const CERTAIN: usize = 98;
}

/// What the page shows, as texts that the worker stores and returns.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ViewState {
    /// The state of the page as a link: the settings and what is open.
    pub link: String,
    /// The fragment of the page's address, which may be another one: a link that was not understood, or one that
    /// the page has not caught up with.
    pub address: String,
    /// What is on the pad.
    pub drawing: String,
    /// When this was so, in milliseconds since 1970.
    pub time: f64,
}

/// What the page keeps with a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct PageState {
    /// The settings of the run.
    pub setup: String,
    /// Its curves and last figures.
    pub record: String,
    /// What the page showed. The worker, which stores it beside the run, adds it.
    pub view: ViewState,
}

/// A run that can be brought back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Kept {
    /// What the page kept with it.
    pub page: PageState,
    /// Its network and training.
    pub config: RunConfig,
    /// Steps taken.
    pub step: u64,
    /// Epochs trained.
    pub epoch: f64,
}

/// A checkpoint of the present run.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct CheckpointSummary {
    /// Steps taken before it.
    pub step: u64,
    /// Epochs trained before it.
    pub epoch: f64,
    /// The learning rate of the next step, as the schedule had it.
    pub learning_rate: f32,
    /// How it did on the test set; `None` where it was not measured, as the initial state.
    pub tested: Option<Tested>,
}
