//! The store of time: the checkpoints, the one that is shown, and the replay.

use std::time::Duration;

use leptos::prelude::*;
use trainer::messages::{CheckpointSummary, Command, Source};

use crate::client::Client;
use crate::runs::record::Measure;
use crate::ui::format::{epochs, thousands};

/// How long a replay takes at most, in milliseconds, and how long it shows a checkpoint at most.
const REPLAY: u64 = 15_000;
const FRAME: u64 = 450;

/// Which moment of the present run the page shows.
#[derive(Clone, Copy)]
pub(crate) struct Time {
    client: Client,
    /// The checkpoints of the present run, the oldest one first.
    pub(crate) list: RwSignal<Vec<CheckpointSummary>>,
    /// The step of the checkpoint that is to be shown; none for the network as it is now.
    wanted: RwSignal<Option<u64>>,
    /// The step of the one that the worker shows.
    shown: RwSignal<Option<u64>>,
    /// The checkpoint that is shown.
    pub(crate) checkpoint: Memo<Option<CheckpointSummary>>,
    /// What the worker has been asked for and has not answered. It is asked for one checkpoint at a time, however fast the slider
    /// is dragged.
    asked: StoredValue<Option<Option<u64>>>,
    /// Whether the checkpoints are shown one after the other.
    pub(crate) is_replaying: RwSignal<bool>,
}

impl Time {
    /// A store without checkpoints.
    pub(crate) fn new(client: Client) -> Self {
        let list = RwSignal::new(Vec::<CheckpointSummary>::new());
        let shown = RwSignal::new(None);
        let time = Self {
            client,
            list,
            wanted: RwSignal::default(),
            shown,
            checkpoint: Memo::new(move |_| {
                let step = shown.get()?;
                list.with(|list| list.iter().find(|checkpoint| checkpoint.step == step).copied())
            }),
            asked: StoredValue::default(),
            is_replaying: RwSignal::default(),
        };
        time.replay_frames();
        // Before the worker answers: a replay that went on would pause what was just begun.
        Effect::new(move |before: Option<()>| {
            client.run_changes.track();
            if before.is_some() {
                time.is_replaying.set(false);
                time.wanted.set(None);
            }
        });
        time
    }

    /// The place of what is to be shown among the checkpoints, from 0 on; their number for the network as it is now.
    pub(crate) fn place(self) -> usize {
        let step = self.wanted.get();
        self.list.with(|list| place_of(list, step))
    }

    /// Shows the checkpoint at this place; behind the last one, the network as it is now.
    pub(crate) fn go_to(self, place: usize) {
        let step = self.list.with_untracked(|list| list.get(place).map(|checkpoint| checkpoint.step));
        self.wanted.set(step);
        self.ask();
    }

    /// Shows the network as it is now.
    pub(crate) fn go_to_now(self) {
        self.go_to(usize::MAX);
    }

    /// Shows the checkpoint before or behind the one that is to be shown.
    pub(crate) fn go_by(self, places: isize) {
        let place = untrack(|| self.place());
        self.is_replaying.set(false);
        self.go_to(place.saturating_add_signed(places));
    }

    /// Begins a replay, from the beginning if the network is shown as it is now; ends the one under way.
    pub(crate) fn toggle_replay(self) {
        let begins = !self.is_replaying.get_untracked();
        if begins && self.wanted.get_untracked().is_none() {
            self.go_to(0);
        }
        self.is_replaying.set(begins);
    }

    fn ask(self) {
        let wanted = self.wanted.get_untracked();
        if self.asked.get_value().is_none() && wanted != self.shown.get_untracked() {
            self.asked.set_value(Some(wanted));
            self.client.send(Command::ShowCheckpoint(wanted));
        }
    }

    /// The worker has these checkpoints.
    pub(crate) fn on_checkpoints(self, list: Vec<CheckpointSummary>) {
        self.list.set(list);
        if self.shown.with_untracked(Option::is_some) && self.checkpoint.with_untracked(Option::is_none) {
            // There was no memory for the one that is shown.
            self.go_to_now();
        }
    }

    /// The worker shows the checkpoint of this step, or the network as it is now: as it was asked, or because it trains.
    pub(crate) fn on_shown(self, step: Option<u64>, is_answer: bool) {
        self.shown.set(step);
        let asked = if is_answer { self.asked.try_update_value(Option::take).flatten() } else { None };
        if asked.is_some_and(|asked| asked != self.wanted.get_untracked()) {
            // The slider has been moved on.
            return self.ask();
        }
        self.wanted.set(step);
        self.is_replaying.update(|replays| *replays &= step.is_some());
    }

    /// Goes on with a replay once the picture of a checkpoint is there and has been seen for a while.
    fn replay_frames(self) {
        let Self { client, shown, is_replaying, .. } = self;
        let is_drawn = Memo::new(move |_| {
            let step = shown.get()?;
            let source = client.snapshot.with(|snapshot| snapshot.as_ref().map(|snapshot| snapshot.source));
            (source == Some(Source::Session { step })).then_some(step)
        });
        let next = StoredValue::new(None::<TimeoutHandle>);
        Effect::new(move |_| {
            if let Some(Some(next)) = next.try_update_value(Option::take) {
                next.clear();
            }
            if is_replaying.get() && is_drawn.get().is_some() {
                let go_on = move || {
                    let place = untrack(|| self.place()) + 1;
                    self.go_to(place);
                    let is_over = self.list.with_untracked(|list| place >= list.len());
                    is_replaying.set(!is_over);
                };
                let count = self.list.with_untracked(Vec::len).max(1) as u64;
                let frame = Duration::from_millis(FRAME.min(REPLAY / count));
                next.set_value(set_timeout_with_handle(go_on, frame).ok());
            }
        });
    }
}

/// A moment of the run in words.
pub(crate) fn in_words(checkpoint: Option<CheckpointSummary>) -> String {
    let Some(CheckpointSummary { step, epoch, tested, .. }) = checkpoint else { return "now".to_owned() };
    let accuracy = tested.map_or(String::new(), |tested| {
        format!(", test accuracy {}", Measure::Accuracy.value(tested.accuracy.into()))
    });
    format!("step {}, epoch {}{accuracy}", thousands(step as usize), epochs(epoch))
}

/// The place of the checkpoint of this step; their number, if there is none or it is unknown.
fn place_of(list: &[CheckpointSummary], step: Option<u64>) -> usize {
    let place = step.and_then(|step| list.iter().position(|checkpoint| checkpoint.step == step));
    place.unwrap_or(list.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use trainer::messages::Tested;

    #[test]
    fn now_is_the_place_behind_the_last_checkpoint() {
        let summary = |step| CheckpointSummary { step, epoch: 0.5, learning_rate: 0.1, tested: None };
        let list = [0, 47, 94].map(summary);
        let places = [Some(0), Some(94), Some(95), None].map(|step| place_of(&list, step));
        assert_eq!(places, [0, 2, 3, 3]);
    }

    #[test]
    fn a_moment_has_in_words() {
        let at = CheckpointSummary { step: 1_407, epoch: 1.5, learning_rate: 0.1, tested: None };
        let tested = Some(Tested { step: 1_407, epoch: 1.5, loss: 0.1, accuracy: 0.973, certainty: None });
        assert_eq!(in_words(None), "now");
        assert_eq!(in_words(Some(at)), "step 1,407, epoch 1.50");
        assert_eq!(
            in_words(Some(CheckpointSummary { tested, ..at })),
            "step 1,407, epoch 1.50, test accuracy 97.30 %"
        );
    }
}
