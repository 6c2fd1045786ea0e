//! Runs that are kept beside the one in training: the run of the last visit that is offered, and the runs that were
//! replaced and can be restored. A run as a file.

use super::validate::check_config;
use crate::cursor::DataCursor;
use crate::messages::{Kept, PageState, RunConfig};
use interchange::{RunFile, RunView, read_run, write_run};
use nn::memory::MAX_BYTES;
use nn::spec::{LayerSpec, NetworkSpec, TrainingSpec};
use nn::train::TrainingState;
use serde::{Deserialize, Serialize};

/// The most replaced runs that can be restored, and the most parameters of all of them together. The last one is
/// kept whatever its size.
const MAX_REPLACED: usize = 3;
const MAX_PARAMETERS: u64 = 5_000_000;
/// Bytes of a kept run for each parameter: the parameter and two moments.
const BYTES_PER_PARAMETER: u64 = 12;
/// Replaced runs take at most this fraction of the memory of a training.
const MEMORY_SHARE: u64 = 8;
/// A run that took less than this fraction of the steps of the longest one is the first to be forgotten.
pub(super) const MIN_SHARE: u64 = 10;
/// Beyond this number of epochs a file is damaged: a century of training.
const MAX_EPOCHS: f64 = 1e9;

/// A run that is not the one in training, with everything that its further steps depend on.
pub(super) struct KeptRun {
    pub(super) network: NetworkSpec,
    pub(super) training: TrainingSpec,
    pub(super) state: TrainingState,
    pub(super) place: Place,
    pub(super) page: PageState,
    /// Steps that it took before it was replaced, since the last run that was.
    pub(super) trained: u64,
}

/// The place of a run in the data.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Place {
    pub(super) cursor: DataCursor,
    /// Whether the test set is to be evaluated before the next step.
    pub(super) evaluating: bool,
    /// The data set, if it has a name.
    pub(super) data: Option<String>,
}

/// The runs that are kept beside the one in training.
pub(super) struct KeptRuns {
    /// What the page keeps with the session's own run.
    pub(super) page: PageState,
    /// Grows with every change that is no step.
    pub(super) changes: u64,
    /// Runs that can be restored, the one that was replaced last at the end, and their numbers.
    pub(super) replaced: Vec<(u32, KeptRun)>,
    last_number: u32,
    /// The most parameters of all replaced runs together.
    max_parameters: u64,
    /// Steps of the own run when another one was replaced by it.
    pub(super) replaced_at: u64,
    /// The run of the last visit.
    pub(super) offered: Option<KeptRun>,
    /// Whether it was taken.
    pub(super) is_answered: bool,
    /// The name of the data set.
    pub(super) data: Option<String>,
}

impl Default for KeptRuns {
    fn default() -> Self {
        Self {
            page: PageState::default(),
            changes: 0,
            replaced: Vec::new(),
            last_number: 0,
            max_parameters: MAX_PARAMETERS,
            replaced_at: 0,
            offered: None,
            is_answered: false,
            data: None,
        }
    }
}

impl KeptRuns {
    /// Records a change of the own run that is no step.
    pub(super) fn note_change(&mut self) {
        self.changes += 1;
    }

    pub(super) fn take_offer(&mut self) -> Option<KeptRun> {
        let run = self.offered.take()?;
        self.is_answered = true;
        Some(run)
    }

    /// Limits the memory of replaced runs, where a training may take `memory` bytes.
    pub(super) fn limit_memory(&mut self, memory: u64) {
        self.max_parameters = (memory / MEMORY_SHARE / BYTES_PER_PARAMETER).min(MAX_PARAMETERS);
    }

    /// Adds a run as the last one, and forgets others beyond the limits: first the oldest trace of a control that was
    /// dragged, then the oldest run.
    pub(super) fn push(&mut self, run: KeptRun) {
        self.last_number += 1;
        self.note_change();
        self.replaced.push((self.last_number, run));
        let parameters = |runs: &[(u32, KeptRun)]| -> u64 {
            runs.iter().map(|(_, run)| run.state.parameters.len() as u64).sum()
        };
        while let [others @ .., _] = self.replaced.as_slice()
            && !others.is_empty()
            && (others.len() >= MAX_REPLACED || parameters(&self.replaced) > self.max_parameters)
        {
            let longest = self.replaced.iter().map(|(_, run)| run.trained).max().unwrap_or(0);
            let is_trace = |(_, run): &(u32, KeptRun)| run.trained.saturating_mul(MIN_SHARE) < longest;
            self.replaced.remove(others.iter().position(is_trace).unwrap_or(0));
        }
    }
}

impl KeptRun {
    pub(super) fn read(file: &[u8]) -> Result<Self, String> {
        let RunFile { network, training, state, notes } = read_run(file)?;
        check_config(&network, &training, MAX_BYTES)?;
        let note = |name| notes.get(name).map_or("", String::as_str);
        let damaged = || "The run does not say where in the images it was: it is damaged.".to_owned();
        let place: Place = serde_json::from_str(note("place")).map_err(|_| damaged())?;
        let cursor = place.cursor;
        let epochs = [cursor.epochs(&training), cursor.schedule_epochs()];
        let is_inside = (cursor.images_of_epoch as usize) < DataCursor::epoch_images(&training);
        // A step uses an image at least.
        let is_counted = state.steps <= cursor.images_seen && u64::from(state.optimizer.steps) <= state.steps;
        if !is_inside || !is_counted || !epochs.iter().all(|epochs| (0.0..=MAX_EPOCHS).contains(epochs)) {
            return Err(damaged());
        }
        // Weights are worth more than what the page looked like.
        let page = serde_json::from_str(note("page")).unwrap_or_default();
        Ok(Self { trained: state.steps, network, training, state, place, page })
    }

    pub(super) fn summary(&self) -> Kept {
        Kept {
            page: self.page.clone(),
            config: RunConfig { network: self.network.clone(), training: self.training.clone() },
            step: self.state.steps,
            epoch: self.place.cursor.epochs(&self.training),
        }
    }
}

pub(super) fn write(view: RunView, place: &Place, page: &PageState) -> Result<Vec<u8>, String> {
    let failed = |e| format!("The run cannot be written: {e}.");
    let place = serde_json::to_string(place).map_err(failed)?;
    let page = serde_json::to_string(page).map_err(failed)?;
    write_run(view, &[("place", place), ("page", page)])
}

/// Whether two networks are the same but for dropout, batch normalisations and shuffled pixels, which come and go in mid-training.
pub(super) fn differ_in_tricks_only(a: &NetworkSpec, b: &NetworkSpec) -> bool {
    let is_trick = |layer: &&LayerSpec| {
        matches!(layer, LayerSpec::BatchNorm | LayerSpec::Dropout { .. } | LayerSpec::Permute { .. })
    };
    let others = |network: &NetworkSpec| -> Vec<LayerSpec> {
        network.layers.iter().filter(|layer| !is_trick(layer)).copied().collect()
    };
    a.input == b.input && others(a) == others(b)
}
