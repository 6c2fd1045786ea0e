//! Runs that are kept beside the one in training: the run of the last visit that is offered, and the runs that were
//! replaced and can be restored.

use super::checkpoints::Checkpoints;
use super::kept_run::KeptRun;
use crate::messages::PageState;
use nn::memory::checkpoint_bytes;

/// The most replaced runs that can be restored, and the most parameters of all of them together. The last one is
/// kept whatever its size.
const MAX_REPLACED: usize = 3;
const MAX_PARAMETERS: u64 = 5_000_000;
/// Replaced runs take at most this fraction of the memory of a training.
const MEMORY_SHARE: u64 = 8;
/// A run that took less than this fraction of the steps of the longest one is the first to be forgotten.
pub(super) const MIN_SHARE: u64 = 10;

/// A run that was replaced and can be restored.
pub(super) struct Replaced {
    /// Its number, which is never given to another run.
    pub(super) number: u32,
    pub(super) run: KeptRun,
    /// Steps that it took before it was replaced, since the last run that was.
    pub(super) trained: u64,
    /// Of the run that was replaced last: those of all would take much memory.
    pub(super) checkpoints: Checkpoints,
}

/// The runs that are kept beside the one in training.
pub(super) struct KeptRuns {
    /// What the page keeps with the session's own run.
    pub(super) page: PageState,
    /// Grows with every change that is no step.
    pub(super) changes: u64,
    /// The checkpoints of the session's own run.
    pub(super) checkpoints: Checkpoints,
    /// Runs that can be restored, the one that was replaced last at the end.
    pub(super) replaced: Vec<Replaced>,
    last_number: u32,
    /// The most parameters of all replaced runs together.
    max_parameters: u64,
    /// Steps of the own run when another one was replaced by it.
    pub(super) replaced_at: u64,
    /// The run of the last visit, and its checkpoints.
    pub(super) offered: Option<(KeptRun, Checkpoints)>,
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
            checkpoints: Checkpoints::default(),
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

    /// Limits the checkpoints of each run to so many bytes. Returns whether some of the session's own run were forgotten.
    pub(super) fn limit_checkpoints(&mut self, bytes: u64) -> bool {
        let others = self.replaced.iter_mut().map(|replaced| &mut replaced.checkpoints);
        for checkpoints in others.chain(self.offered.iter_mut().map(|(_, checkpoints)| checkpoints)) {
            checkpoints.limit_memory(bytes);
        }
        self.checkpoints.limit_memory(bytes)
    }

    /// A number that no other file of the session has.
    pub(super) fn next_number(&mut self) -> u32 {
        self.last_number += 1;
        self.last_number
    }

    pub(super) fn take_offer(&mut self) -> Option<(KeptRun, Checkpoints)> {
        let run = self.offered.take()?;
        self.is_answered = true;
        Some(run)
    }

    /// Limits the memory of replaced runs, where a training may take `memory` bytes.
    pub(super) fn limit_memory(&mut self, memory: u64) {
        self.max_parameters = (memory / MEMORY_SHARE / checkpoint_bytes(1, 0)).min(MAX_PARAMETERS);
    }

    /// Adds a run as the last one, and forgets others beyond the limits: first the oldest trace of a control that was
    /// dragged, then the oldest run.
    pub(super) fn push(&mut self, run: KeptRun, trained: u64, checkpoints: Checkpoints) {
        let number = self.next_number();
        self.note_change();
        for older in &mut self.replaced {
            older.checkpoints.clear();
        }
        self.replaced.push(Replaced { number, run, trained, checkpoints });
        let parameters =
            |runs: &[Replaced]| runs.iter().map(|r| r.run.state.parameters.len() as u64).sum::<u64>();
        while let [others @ .., _] = self.replaced.as_slice()
            && !others.is_empty()
            && (others.len() >= MAX_REPLACED || parameters(&self.replaced) > self.max_parameters)
        {
            let longest = self.longest();
            let is_trace = |replaced: &Replaced| replaced.trained.saturating_mul(MIN_SHARE) < longest;
            self.replaced.remove(others.iter().position(is_trace).unwrap_or(0));
        }
    }

    /// The most steps that a replaced run took.
    pub(super) fn longest(&self) -> u64 {
        self.replaced.iter().map(|replaced| replaced.trained).max().unwrap_or(0)
    }
}
