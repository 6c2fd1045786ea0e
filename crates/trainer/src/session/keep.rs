//! The session outlives the page: its own run as a file, the run of the last visit, and the runs that were replaced.

use super::checkpoints::Checkpoints;
use super::kept_run::{KeptRun, Place, write};
use super::kept_runs::{MIN_SHARE, Replaced};
use super::state::Session;
use crate::messages::{Event, PageState, RunState, Tested};
use nn::train::Training;

/// A network that is followed by another one is kept if it has taken this many steps, or a tenth of those of the
/// longest run that is kept. Dragging a slider while training changes the network many times a second: those are no
/// runs.
const MIN_STEPS: u64 = 20;

/// A version of what [`Session::encode`] writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeptVersion {
    steps: u64,
    changes: u64,
}

/// Storing the session, and bringing it back.
impl Session {
    /// Names the data set, which a run that is brought back must have been trained on.
    pub fn name_data(&mut self, name: String) -> Vec<Event> {
        self.kept.data = Some(name);
        self.take_events()
    }

    /// The version of the session; `None` while nothing has been trained: there is nothing to lose.
    pub fn kept_version(&self) -> Option<KeptVersion> {
        let steps = self.own_run().0.steps();
        let worth_keeping = steps > 0 || !self.kept.replaced.is_empty();
        worth_keeping.then_some(KeptVersion { steps, changes: self.kept.changes })
    }

    /// Whether no step is being taken.
    pub fn is_paused(&self) -> bool {
        self.state == RunState::Paused
    }

    /// Whether a run was offered, and the page has resumed it or set it aside.
    pub fn is_offer_answered(&self) -> bool {
        self.kept.is_answered
    }

    /// The session's own run as a file. While a GPU trains, as it was read back last.
    ///
    /// # Errors
    /// A sentence, if a number in it is not finite.
    pub fn encode(&self) -> Result<Vec<u8>, String> {
        let (training, place) = self.own_run();
        write(training.into(), &place, &self.kept.page, &[])
    }

    /// The numbers of the runs that were replaced, the last one at the end. A number is never given to another file.
    pub fn replaced_runs(&self) -> Vec<u32> {
        self.kept.replaced.iter().map(|replaced| replaced.number).collect()
    }

    /// The numbers of the checkpoints of the session's own run, the oldest one first.
    pub fn checkpoints(&self) -> Vec<u32> {
        self.kept.checkpoints.iter().map(|checkpoint| checkpoint.number).collect()
    }

    /// The replaced run or the checkpoint with this number as a file; `None` if there is none.
    ///
    /// # Errors
    /// As [`Session::encode`].
    pub fn encode_numbered(&self, number: u32) -> Option<Result<Vec<u8>, String>> {
        let replaced = self.kept.replaced.iter().find(|replaced| replaced.number == number);
        let checkpoint = || self.kept.checkpoints.iter().find(|checkpoint| checkpoint.number == number);
        match replaced {
            Some(replaced) => Some(replaced.run.write(&[])),
            None => checkpoint().map(|checkpoint| checkpoint.write()),
        }
    }

    /// Offers the page the run of a file that [`Session::encode`] wrote, which the page
    /// [resumes](crate::messages::Command::Resume) or [sets aside](crate::messages::Command::SetAside). The runs that
    /// had been replaced by it, the last one at the end, can be restored from now on. Of these and of its `checkpoints`,
    /// those that cannot be read are left out.
    ///
    /// # Errors
    /// A sentence that says what is wrong with the file. The session is as it was then.
    pub fn offer(
        &mut self,
        file: &[u8],
        replaced: &[Vec<u8>],
        checkpoints: &[Vec<u8>],
    ) -> Result<Vec<Event>, String> {
        let (run, _) = KeptRun::read(file)?;
        let older: Vec<_> = replaced.iter().filter_map(|file| KeptRun::read(file).ok()).collect();
        // What was replaced before this file came is newer.
        let newer = std::mem::take(&mut self.kept.replaced);
        for (run, _) in older {
            let steps = run.state.steps;
            self.kept.push(run, steps, Checkpoints::default());
        }
        for Replaced { run, trained, checkpoints, .. } in newer {
            self.kept.push(run, trained, checkpoints);
        }
        self.emit(Event::Kept(Box::new(run.summary())));
        let checkpoints = Checkpoints::read(checkpoints, run.state.steps, || self.kept.next_number());
        self.kept.offered = Some((run, checkpoints));
        Ok(self.take_events())
    }
}

/// The commands.
impl Session {
    /// Takes over what the page keeps with its run.
    pub(super) fn keep_record(&mut self, setup: String, record: String) {
        let page = &mut self.kept.page;
        if (&page.setup, &page.record) != (&setup, &record) {
            (page.setup, page.record) = (setup, record);
            self.kept.note_change();
        }
    }

    /// Brings the offered run back, paused. A run that was trained meanwhile can be restored.
    pub(super) fn resume(&mut self) {
        let Some((run, checkpoints)) = self.kept.take_offer() else { return };
        self.end_comparison();
        self.set_state(RunState::Paused);
        self.keep_present(true);
        let other_data = matches!((&run.place.data, &self.kept.data), (Some(a), Some(b)) if a != b);
        self.restore_run(run, checkpoints);
        self.emit_replaced();
        if other_data {
            let sentence = "The run that was brought back was trained on other images than this page has now: \
                            it goes on with these.";
            self.emit(Event::Note(sentence.into()));
        }
    }

    /// Puts the offered run among those that were replaced.
    pub(super) fn set_aside(&mut self) {
        if let Some((run, checkpoints)) = self.kept.take_offer()
            && run.state.steps > 0
        {
            let steps = run.state.steps;
            self.kept.push(run, steps, checkpoints);
        }
        self.emit_replaced();
    }

    /// Restores the run that was replaced last, paused. The present run can be restored after all others.
    pub(super) fn undo(&mut self) {
        if self.comparison.is_some() {
            return;
        }
        let Some(Replaced { run, checkpoints, .. }) = self.kept.replaced.pop() else { return };
        self.set_state(RunState::Paused);
        if let Some((present, trained)) = self.present_run() {
            self.kept.push(present, trained, self.kept.checkpoints.clone());
            self.kept.replaced.rotate_right(1);
        }
        self.restore_run(run, checkpoints);
        self.emit_replaced();
    }

    /// Makes the checkpoint of this step the present run, paused. The run that was can be restored.
    pub(super) fn continue_from(&mut self, step: u64) {
        let checkpoint = self.kept.checkpoints.get(step).filter(|_| self.comparison.is_none());
        let Some(checkpoint) = checkpoint else { return };
        self.set_state(RunState::Paused);
        self.keep_present(true);
        // Those after it are forgotten where the run moves there.
        let checkpoints = self.kept.checkpoints.clone();
        let mut run = checkpoint.run.clone();
        // The page cuts the curves where the run goes on.
        run.page.record.clone_from(&self.kept.page.record);
        if run.network.is_same_but_for_tricks(self.group.training().network.spec()) {
            // The first checkpoint is older than what the page keeps with the run.
            run.page.setup.clone_from(&self.kept.page.setup);
        }
        self.restore_run(run, checkpoints);
        self.kept.replaced_at = step;
        self.emit_replaced();
        if let Some(tested) = checkpoint.tested {
            self.emit(Event::Tested(tested));
            self.stops_at(tested);
        }
    }

    /// Forgets the runs that were replaced.
    pub(super) fn forget_replaced(&mut self) {
        self.kept.replaced.clear();
        self.kept.note_change();
        self.emit_replaced();
    }

    /// Keeps the present run because another one is about to take its place: always, or if it is more than the trace
    /// of a control that is dragged. Returns whether it did.
    fn keep_present(&mut self, always: bool) -> bool {
        let Some((run, trained)) = self.present_run() else { return false };
        self.kept.replaced_at = run.state.steps;
        let is_kept = always || trained >= self.kept.longest().div_ceil(MIN_SHARE).min(MIN_STEPS);
        if is_kept {
            self.kept.push(run, trained, self.kept.checkpoints.clone());
        }
        is_kept
    }

    /// Keeps the present run as [`Session::keep_present`], and tells the page.
    pub(super) fn keep_replaced(&mut self, always: bool) {
        if self.keep_present(always) {
            self.emit_replaced();
        }
    }

    /// The weights are initial ones again, or those of a run that is whole.
    pub(super) fn begin_run(&mut self) {
        self.kept.replaced_at = 0;
        self.kept.note_change();
        if self.kept.checkpoints.clear() {
            self.emit_checkpoints();
        }
    }

    /// Records the session's own run as it is, at the beginning or with its evaluation.
    pub(super) fn record_checkpoint(&mut self, tested: Option<Tested>) {
        if self.comparison.is_some() || !self.kept.checkpoints.wants(self.group.training()) {
            return;
        }
        let place = Place { evaluating: false, ..self.own_run().1 };
        // The curves are those of the run, which has them.
        let page = PageState { setup: self.kept.page.setup.clone(), ..PageState::default() };
        let run = KeptRun::of(self.group.training(), place, page);
        let number = self.kept.next_number();
        self.kept.checkpoints.push(number, run, tested);
        self.kept.note_change();
        self.emit_checkpoints();
    }

    /// The present run, and the steps that it took since another run was replaced by it; none if it took no step.
    fn present_run(&self) -> Option<(KeptRun, u64)> {
        let (training, place) = self.own_run();
        let trained = training.steps().saturating_sub(self.kept.replaced_at);
        (trained > 0).then(|| (KeptRun::of(training, place, self.kept.page.clone()), trained))
    }

    /// Replaces the present run, and its checkpoints.
    fn restore_run(&mut self, run: KeptRun, checkpoints: Checkpoints) {
        if let Err(sentence) = self.group.update(|now| run.restore(now)) {
            return self.emit(Event::Failed(sentence));
        }
        self.refused = None;
        self.devices.forget_speeds();
        self.limit_world_size();
        self.begin_run();
        self.emit(Event::Restored(Box::new(run.summary())));
        let KeptRun { place, page, .. } = run;
        // What the page shows is as it is now, whatever it was when the run was kept.
        (self.kept.page.setup, self.kept.page.record) = (page.setup, page.record);
        self.kept.checkpoints.replace(checkpoints);
        self.emit_checkpoints();
        self.run.train_ms = place.train_ms;
        self.jump(place.cursor);
        self.run.evaluating = place.evaluating && self.data.test_set_is_complete();
        self.run.restart_checkpoint(self.group.training());
    }

    pub(super) fn emit_checkpoints(&mut self) {
        let checkpoints = self.kept.checkpoints.summaries();
        self.emit(Event::Checkpoints(checkpoints));
    }

    fn emit_replaced(&mut self) {
        let last = self.kept.replaced.last();
        let summary = last.map(|replaced| Box::new(replaced.run.summary()));
        self.emit(Event::Replaced(summary));
    }

    /// The session's own training, which is parked during a comparison.
    pub(super) fn own_training(&self) -> &Training {
        self.own_run().0
    }

    /// The session's own training, which is parked during a comparison, and its place in the data.
    fn own_run(&self) -> (&Training, Place) {
        let (training, run, cursor) = match &self.comparison {
            Some(comparison) => {
                let (training, run) = comparison.parked();
                (training, run, run.cursor)
            }
            None => (self.group.training(), &self.run, self.saved_cursor()),
        };
        let place = Place {
            cursor,
            evaluating: run.evaluating,
            train_ms: run.train_ms,
            data: self.kept.data.clone(),
        };
        (training, place)
    }
}
