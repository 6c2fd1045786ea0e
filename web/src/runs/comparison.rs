//! Keeping runs, and training two of them side by side.

use leptos::prelude::*;
use trainer::messages::{Command, RunConfig};

use crate::client::State;
use crate::runs::{Record, Runs};
use crate::settings::{Setting, Setup, layers};

/// Two runs side by side.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Comparison {
    /// Where they are among the runs.
    pub(crate) slots: [usize; 2],
    /// How long each of them trains.
    pub(crate) epochs: f64,
    /// What differs, in words.
    pub(crate) about: String,
    /// The run that the worker's news are of, once they are of one of them.
    turn: Option<usize>,
}

/// Something of the run that is pictured: the present one or, while there is a comparison, its first.
pub(crate) fn of_shown<T>(
    record: RwSignal<Record>,
    runs: RwSignal<Runs>,
    comparison: RwSignal<Option<Comparison>>,
    of: fn(&Record) -> T,
) -> T {
    let slot = comparison.with(|comparison| comparison.as_ref().map(|comparison| comparison.slots[0]));
    let compared = slot.and_then(|slot| runs.with(|runs| runs.get(slot).map(|run| of(&run.record))));
    compared.unwrap_or_else(|| record.with(of))
}

impl State {
    /// What is trained: the setup, with the layers as they last fitted.
    pub(crate) fn trained(&self) -> Setup {
        Setup { network: self.network.get(), ..self.setup.get() }
    }

    /// Keeps the present run beside those to come.
    pub(crate) fn pin(&self) {
        let (setup, record) = (untrack(|| self.trained()), self.record.get_untracked());
        self.runs.update(|runs| runs.pin(setup, record));
    }

    /// Trains two runs from the same seed side by side: the settings as they are, and with one of them changed.
    pub(crate) fn compare(&self, setting: &Setting, value: &str, epochs: f64) {
        let first = untrack(|| self.trained());
        let mut second = first.clone();
        let changed = setting.set_text(&mut second, value);
        if let Err(sentence) =
            changed.and_then(|()| layers::check(&second.network).map(drop).map_err(|e| e.message))
        {
            return self.problem.set(Some(sentence));
        }
        let setups = [first, second];
        let recipe =
            |setup: &Setup| RunConfig { network: setup.network.clone(), training: setup.training.clone() };
        let recipes = setups.each_ref().map(recipe).to_vec();
        let mut slots = [0; 2];
        self.runs.update(|runs| slots = runs.compare(setups));
        let about = setting.name.to_owned();
        self.comparison.set(Some(Comparison { slots, epochs, about, turn: None }));
        self.send(Command::Compare { runs: recipes, epochs });
    }

    /// Hears whose turn it is.
    pub(crate) fn turn(&self, turn: Option<usize>) {
        match turn {
            Some(_) => self.comparison.update(|comparison| {
                if let Some(comparison) = comparison {
                    comparison.turn = turn;
                }
            }),
            None => self.comparison.set(None),
        }
    }

    /// Whether news are of a run of a comparison.
    pub(crate) fn is_turn_of_comparison(&self) -> bool {
        self.slot_of_turn().is_some()
    }

    fn slot_of_turn(&self) -> Option<usize> {
        let slot = |comparison: &Comparison| comparison.slots.get(comparison.turn?).copied();
        self.comparison.with_untracked(|comparison| comparison.as_ref().and_then(slot))
    }

    /// Changes the record of the run that the worker's news are of.
    pub(crate) fn record_of_turn(&self, change: impl FnOnce(&mut Record)) {
        match self.slot_of_turn() {
            None => self.record.update(change),
            Some(slot) => self.runs.update(|runs| {
                if let Some(run) = runs.get_mut(slot) {
                    change(&mut run.record);
                }
            }),
        }
    }

    /// The worker refused something: if that was a comparison, it never began.
    pub(crate) fn comparison_refused(&self) {
        if self.comparison.with_untracked(Option::is_some) && !self.is_turn_of_comparison() {
            self.comparison.set(None);
        }
    }
}
