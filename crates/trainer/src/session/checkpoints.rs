//! The checkpoints of a run: what it was when it began and at its evaluations, so that the page can be wound back.

use super::kept_run::KeptRun;
use crate::messages::{CheckpointSummary, Tested};
use nn::memory::checkpoint_bytes;
use nn::train::Training;
use nn::train::optimizer::learning_rate;
use serde::{Deserialize, Serialize};
use std::rc::Rc;

/// The most bytes of all checkpoints of a run: some 30 of LeNet-5.
const BUDGET: u64 = 24 << 20;
/// The name of the text that is written with a checkpoint.
const NOTE: &str = "checkpoint";

/// A run as it was at an evaluation.
pub(super) struct Checkpoint {
    /// Its number, which no other file of the session has.
    pub(super) number: u32,
    pub(super) run: KeptRun,
    note: Note,
}

/// What is written of a checkpoint beside the run.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Note {
    /// The evaluations of the run before this one; the initial state counts as one.
    index: u64,
    /// How it did on the test set; unknown of the initial state.
    tested: Option<Tested>,
}

impl Checkpoint {
    /// The checkpoint as a file.
    pub(super) fn write(&self) -> Result<Vec<u8>, String> {
        // It holds numbers, and those that are not finite are left out.
        let note = serde_json::to_string(&self.note).unwrap_or_default();
        self.run.write(&[(NOTE, note)])
    }

    /// A training in this state, to look at.
    pub(super) fn training(&self) -> Option<Training> {
        let KeptRun { network, training, .. } = &self.run;
        let mut restored = Training::new(network.clone(), training.clone()).ok()?;
        self.run.restore(&mut restored).ok()?;
        Some(restored)
    }

    fn bytes(&self) -> u64 {
        let state = &self.run.state;
        checkpoint_bytes(state.parameters.len() as u64, state.running.len() as u64)
    }
}

/// The checkpoints of one run, the oldest one first. Where they would take more than their budget, every second one is forgotten, and
/// from then on every second evaluation is kept, and so on: they stay evenly spread over the evaluations.
#[derive(Clone)]
pub(super) struct Checkpoints {
    list: Vec<Rc<Checkpoint>>,
    /// The evaluations so far.
    evaluations: u64,
    /// The step of the last one.
    last_step: Option<u64>,
    /// The evaluations from one checkpoint to the next.
    stride: u64,
    /// The most bytes of all of them.
    budget: u64,
}

impl Default for Checkpoints {
    fn default() -> Self {
        Self { list: Vec::new(), evaluations: 0, last_step: None, stride: 1, budget: BUDGET }
    }
}

impl Checkpoints {
    /// Limits them to so many bytes. Returns whether some were forgotten.
    pub(super) fn limit_memory(&mut self, bytes: u64) -> bool {
        let before = self.list.len();
        self.budget = bytes.min(BUDGET);
        self.thin();
        self.list.len() < before
    }

    /// Forgets them. Returns whether there were any.
    pub(super) fn clear(&mut self) -> bool {
        let had_any = !self.list.is_empty();
        *self = Self { budget: self.budget, ..Self::default() };
        had_any
    }

    /// Takes over those of another run.
    pub(super) fn replace(&mut self, other: Self) {
        *self = Self { budget: self.budget, ..other };
        self.thin();
    }

    /// Counts an evaluation of a training as it is now. Returns whether a checkpoint of it is to be [pushed](Self::push): not if one
    /// is known, if it would not be kept, or if the network is too large for one.
    pub(super) fn count(&mut self, training: &Training) -> bool {
        if self.last_step.is_some_and(|last| last >= training.steps()) {
            return false;
        }
        self.last_step = Some(training.steps());
        self.evaluations += 1;
        let network = &training.network;
        let bytes = checkpoint_bytes(network.parameters.len() as u64, network.running.len() as u64);
        (self.evaluations - 1).is_multiple_of(self.stride) && bytes <= self.budget
    }

    /// Keeps the run as it is at the evaluation that was counted last.
    pub(super) fn push(&mut self, number: u32, run: KeptRun, tested: Option<Tested>) {
        let index = self.evaluations.saturating_sub(1);
        let tested = tested.filter(|tested| tested.loss.is_finite());
        self.list.push(Rc::new(Checkpoint { number, run, note: Note { index, tested } }));
        self.thin();
    }

    fn thin(&mut self) {
        let total = |list: &[Rc<Checkpoint>]| list.iter().map(|checkpoint| checkpoint.bytes()).sum::<u64>();
        while total(&self.list) > self.budget {
            if self.list.len() == 1 {
                self.list.clear();
                break;
            }
            self.stride *= 2;
            self.list.retain(|checkpoint| checkpoint.note.index.is_multiple_of(self.stride));
        }
    }

    /// Forgets those after this step. Returns whether there were any.
    pub(super) fn truncate(&mut self, step: u64) -> bool {
        let before = self.list.len();
        self.list.retain(|checkpoint| checkpoint.run.state.steps <= step);
        let is_shorter = self.list.len() < before;
        if self.last_step.is_some_and(|last| last > step) {
            self.count_up_to_last();
        }
        is_shorter
    }

    fn count_up_to_last(&mut self) {
        let last = self.list.last();
        self.evaluations = last.map_or(0, |last| last.note.index + 1);
        self.last_step = last.map(|last| last.run.state.steps);
    }

    /// The one of this step.
    pub(super) fn get(&self, step: u64) -> Option<Rc<Checkpoint>> {
        self.list.iter().find(|checkpoint| checkpoint.run.state.steps == step).cloned()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Checkpoint> {
        self.list.iter().map(Rc::as_ref)
    }

    pub(super) fn summaries(&self) -> Vec<CheckpointSummary> {
        let summary = |Checkpoint { run, note, .. }: &Checkpoint| CheckpointSummary {
            step: run.state.steps,
            epoch: run.epoch(),
            learning_rate: learning_rate(&run.training, run.place.cursor.schedule_epochs()),
            tested: note.tested,
        };
        self.iter().map(summary).collect()
    }

    /// Reads files of [`Checkpoint::write`] of a run that is at `step`. Those that cannot be read, or do not belong to the others, are
    /// left out. `number` gives each of them a new number.
    pub(super) fn read(files: &[Vec<u8>], step: u64, mut number: impl FnMut() -> u32) -> Self {
        let mut read: Vec<(KeptRun, Note)> = Vec::new();
        for file in files {
            let Ok((run, notes)) = KeptRun::read(file) else { continue };
            let Some(Ok(note)) = notes.get(NOTE).map(|note| serde_json::from_str(note)) else { continue };
            read.push((run, note));
        }
        read.sort_by_key(|(run, _)| run.state.steps);
        let mut checkpoints = Self::default();
        for (run, note) in read.into_iter().filter(|(run, _)| run.state.steps <= step) {
            let follows = |last: &Rc<Checkpoint>| {
                last.run.state.steps < run.state.steps && last.note.index < note.index
            };
            if checkpoints.list.last().is_none_or(follows) && note.index < step.saturating_add(1) {
                checkpoints.list.push(Rc::new(Checkpoint { number: number(), run, note }));
            }
        }
        let gaps = checkpoints.list.windows(2).map(|pair| pair[1].note.index - pair[0].note.index);
        checkpoints.stride = gaps.min().unwrap_or(1).next_power_of_two();
        checkpoints.count_up_to_last();
        checkpoints.thin();
        checkpoints
    }
}
