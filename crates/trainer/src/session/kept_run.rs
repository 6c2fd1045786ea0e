//! A run that is not the one in training, in memory and as a file.

use super::validate::check_config;
use crate::cursor::DataCursor;
use crate::messages::{Kept, PageState, RunConfig};
use interchange::{RunFile, RunView, read_run, write_run};
use nn::memory::MAX_BYTES;
use nn::plan::Plan;
use nn::spec::{NetworkSpec, TrainingSpec};
use nn::train::{Training, TrainingState};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Beyond this number of epochs a file is damaged: a century of training.
const MAX_EPOCHS: f64 = 1e9;

/// The same in milliseconds.
const MAX_MS: f64 = 3.2e12;

/// A run that is not the one in training, with everything that its further steps depend on.
#[derive(Clone)]
pub(super) struct KeptRun {
    pub(super) network: NetworkSpec,
    pub(super) training: TrainingSpec,
    pub(super) state: TrainingState,
    /// The gradients of its last step; empty where they are not known.
    pub(super) gradients: Vec<f32>,
    pub(super) place: Place,
    pub(super) page: PageState,
}

/// The place of a run in the data.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Place {
    pub(super) cursor: DataCursor,
    /// Whether the test set is to be evaluated before the next step.
    pub(super) evaluating: bool,
    /// Milliseconds that the steps took; `None` if they are not known, as in files of earlier versions.
    #[serde(default)]
    pub(super) train_ms: Option<f64>,
    /// The data set, if it has a name.
    pub(super) data: Option<String>,
}

impl KeptRun {
    /// A copy of a run in training.
    pub(super) fn of(training: &Training, place: Place, page: PageState) -> Self {
        let mut state = TrainingState::default();
        training.save(&mut state);
        Self {
            network: training.network.spec().clone(),
            training: training.spec().clone(),
            gradients: training.known_gradients().to_vec(),
            state,
            place,
            page,
        }
    }

    /// Puts this run into the place of the one in training.
    ///
    /// # Errors
    /// A sentence, if its layers do not fit together: nothing has changed then.
    pub(super) fn restore(&self, training: &mut Training) -> Result<(), String> {
        training.configure(self.network.clone(), self.training.clone()).map_err(|e| e.message)?;
        training.restore(&self.state);
        if !self.gradients.is_empty() {
            training.set_gradients(&self.gradients);
        }
        Ok(())
    }

    /// Reads a file of [`write`], and the texts that were written with it.
    pub(super) fn read(file: &[u8]) -> Result<(Self, BTreeMap<String, String>), String> {
        let RunFile { network, training, state, gradients, notes } = read_run(file)?;
        check_config(&network, &training, MAX_BYTES)?;
        let note = |name| notes.get(name).map_or("", String::as_str);
        let damaged = || "The run does not say where in the images it was: it is damaged.".to_owned();
        let mut place: Place = serde_json::from_str(note("place")).map_err(|_| damaged())?;
        place.train_ms = place.train_ms.filter(|ms| (0.0..=MAX_MS).contains(ms));
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
        Ok((Self { network, training, state, gradients, place, page }, notes))
    }

    /// The run as a file, with further texts.
    pub(super) fn write(&self, notes: &[(&str, String)]) -> Result<Vec<u8>, String> {
        let plan = Plan::for_inspection(&self.network).map_err(|e| e.message)?;
        let view = RunView {
            network: &self.network,
            plan: &plan,
            training: &self.training,
            parameters: &self.state.parameters,
            running: &self.state.running,
            optimizer: &self.state.optimizer,
            gradients: &self.gradients,
            steps: self.state.steps,
        };
        write(view, &self.place, &self.page, notes)
    }

    pub(super) fn epoch(&self) -> f64 {
        self.place.cursor.epochs(&self.training)
    }

    pub(super) fn summary(&self) -> Kept {
        Kept {
            page: self.page.clone(),
            config: RunConfig { network: self.network.clone(), training: self.training.clone() },
            step: self.state.steps,
            epoch: self.epoch(),
        }
    }
}

/// A run as a file, with further texts.
pub(super) fn write(
    view: RunView,
    place: &Place,
    page: &PageState,
    notes: &[(&str, String)],
) -> Result<Vec<u8>, String> {
    let failed = |e| format!("The run cannot be written: {e}.");
    let place = serde_json::to_string(place).map_err(failed)?;
    let page = serde_json::to_string(page).map_err(failed)?;
    let mut all = vec![("place", place), ("page", page)];
    all.extend_from_slice(notes);
    write_run(view, &all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasm_bindgen_test::wasm_bindgen_test;

    #[wasm_bindgen_test(unsupported = test)]
    fn a_file_of_an_earlier_version_does_not_say_how_long_its_steps_took() {
        let place = |text: &str| serde_json::from_str::<Place>(text).unwrap();
        let old = place(r#"{"cursor":{"images_seen":640},"evaluating":false,"data":null}"#);
        assert_eq!(old.train_ms, None);
        let new = Place { train_ms: Some(1_250.5), ..old };
        assert_eq!(place(&serde_json::to_string(&new).unwrap()), new);
    }
}
