//! The checkpoints of a run: what it was when it began and at its evaluations, so that the page can be wound back.

use super::kept_run::KeptRun;
use crate::messages::{CheckpointSummary, Tested};
use nn::memory::checkpoint_bytes;
use nn::train::Training;
use nn::train::optimizer::learning_rate;
use std::rc::Rc;

/// The most bytes of all checkpoints of a run: 25 of LeNet-5.
const BUDGET: u64 = 24 << 20;
/// The most checkpoints of a run: as many moments are a film.
const MAX_COUNT: usize = 60;
/// The name of the text that is written with a checkpoint: its evaluation.
const NOTE: &str = "checkpoint";

/// A run as it was at an evaluation.
pub(super) struct Checkpoint {
    /// Its number, which no other file of the session has.
    pub(super) number: u32,
    pub(super) run: KeptRun,
    /// How it did on the test set; unknown where it was not measured.
    pub(super) tested: Option<Tested>,
}

impl Checkpoint {
    /// The checkpoint as a file.
    pub(super) fn write(&self) -> Result<Vec<u8>, String> {
        // It holds numbers, and those that are not finite are left out.
        let note = serde_json::to_string(&self.tested).unwrap_or_default();
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

/// The checkpoints of one run, the oldest one first. Where they are more than fit, the one goes whose neighbours are closest to each
/// other, counted in images: those that stay are spread evenly, from the first to the last.
#[derive(Clone)]
pub(super) struct Checkpoints {
    list: Vec<Rc<Checkpoint>>,
    /// The most bytes of all of them.
    budget: u64,
}

impl Default for Checkpoints {
    fn default() -> Self {
        Self { list: Vec::new(), budget: BUDGET }
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
        !std::mem::take(&mut self.list).is_empty()
    }

    /// Takes over those of another run.
    pub(super) fn replace(&mut self, other: Self) {
        self.list = other.list;
        self.thin();
    }

    /// Whether a checkpoint of this training is to be [pushed](Self::push): not if there is one, or if it is too large.
    pub(super) fn wants(&self, training: &Training) -> bool {
        let network = &training.network;
        let bytes = checkpoint_bytes(network.parameters.len() as u64, network.running.len() as u64);
        let is_new = self.list.last().is_none_or(|last| last.run.state.steps < training.steps());
        is_new && bytes <= self.budget
    }

    /// Adds the run as it is now.
    pub(super) fn push(&mut self, number: u32, run: KeptRun, tested: Option<Tested>) {
        let tested = tested.filter(|tested| tested.loss.is_finite());
        self.list.push(Rc::new(Checkpoint { number, run, tested }));
        self.thin();
    }

    fn thin(&mut self) {
        let images = |checkpoint: &Rc<Checkpoint>| checkpoint.run.place.cursor.images_seen;
        let mut bytes = self.list.iter().map(|checkpoint| checkpoint.bytes()).sum::<u64>();
        while self.list.len() > MAX_COUNT || bytes > self.budget {
            let gaps =
                self.list.windows(3).map(|around| images(&around[2]).saturating_sub(images(&around[0])));
            let closest = gaps.enumerate().min_by_key(|(_, gap)| *gap);
            // Of two, the first one stays: the other one is most like the run as it is now.
            let at = closest.map_or(self.list.len() - 1, |(at, _)| at + 1);
            bytes -= self.list.remove(at).bytes();
        }
    }

    /// Forgets those after this step. Returns whether there were any.
    pub(super) fn truncate(&mut self, step: u64) -> bool {
        let before = self.list.len();
        self.list.retain(|checkpoint| checkpoint.run.state.steps <= step);
        self.list.len() < before
    }

    /// The one of this step.
    pub(super) fn get(&self, step: u64) -> Option<Rc<Checkpoint>> {
        self.list.iter().find(|checkpoint| checkpoint.run.state.steps == step).cloned()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Checkpoint> {
        self.list.iter().map(Rc::as_ref)
    }

    pub(super) fn summaries(&self) -> Vec<CheckpointSummary> {
        let summary = |Checkpoint { run, tested, .. }: &Checkpoint| CheckpointSummary {
            step: run.state.steps,
            epoch: run.epoch(),
            learning_rate: learning_rate(&run.training, run.place.cursor.schedule_epochs()),
            tested: *tested,
        };
        self.iter().map(summary).collect()
    }

    /// Reads files of [`Checkpoint::write`] of a run that is at `step`. Those that cannot be read are left out. `number` gives each of
    /// them a new number.
    pub(super) fn read(files: &[Vec<u8>], step: u64, mut number: impl FnMut() -> u32) -> Self {
        let read = |file: &Vec<u8>| {
            let (run, notes) = KeptRun::read(file).ok()?;
            let tested = serde_json::from_str(notes.get(NOTE)?).ok()?;
            (run.state.steps <= step).then(|| Rc::new(Checkpoint { number: number(), run, tested }))
        };
        let mut checkpoints = Self { list: files.iter().filter_map(read).collect(), ..Self::default() };
        checkpoints.list.sort_by_key(|checkpoint| checkpoint.run.state.steps);
        checkpoints.list.dedup_by_key(|checkpoint| checkpoint.run.state.steps);
        checkpoints.thin();
        checkpoints
    }
}
