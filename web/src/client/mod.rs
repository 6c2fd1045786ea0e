//! The page's end of the conversation with the worker: what the worker has reported, and commands to it.

mod bridge;
pub(crate) mod memory;
pub(crate) mod mnist;
mod painting;
pub(crate) mod problems;

use leptos::prelude::*;
use nn::spec::NetworkSpec;
use trainer::messages::{Command, DeviceReport, Download, Event, RunState, Snapshot, Source, Tested};

use crate::client::bridge::{Bridge, State};
use crate::client::painting::Painting;
use crate::client::problems::{Problems, Topic};

/// What the worker has reported, as signals.
#[derive(Clone, Copy)]
pub(crate) struct Client {
    /// How much of MNIST is downloaded.
    pub(crate) download: RwSignal<Download>,
    /// Whether the worker trains.
    pub(crate) run: RwSignal<RunState>,
    /// Whether the worker was asked to train or to pause, until it has answered.
    requested: RwSignal<Option<bool>>,
    /// Whether the worker trains or was asked to. A press on Pause is seen at once, however busy the worker or the page is.
    pub(crate) is_running: Memo<bool>,
    /// The last forward pass of the image on the pad.
    pub(crate) snapshot: RwSignal<Option<Snapshot>>,
    /// The network that the worker's snapshots and figures are about; none before the first ones.
    pub(crate) network: RwSignal<Option<NetworkSpec>>,
    /// How the pretrained network does on the test set, once it is measured.
    pub(crate) pretrained_tested: RwSignal<Option<Tested>>,
    /// Which device trains, and how fast each one is.
    pub(crate) device: RwSignal<DeviceReport>,
    /// Notifies when the worker is told to train, or to replace the run.
    pub(crate) run_changes: Trigger,
    /// What failed, until it is dismissed.
    pub(crate) problems: RwSignal<Problems>,
    /// Why the worker does not run, in a sentence.
    stopped: StoredValue<Option<String>>,
    painting: Painting,
    bridge: StoredValue<Option<Bridge>, LocalStorage>,
}

impl Client {
    /// A client without a worker.
    pub(crate) fn new() -> Self {
        let (run, requested) = (RwSignal::<RunState>::default(), RwSignal::default());
        Self {
            download: RwSignal::default(),
            run,
            requested,
            is_running: Memo::new(move |_| requested.get().unwrap_or_else(|| run.get() != RunState::Paused)),
            snapshot: RwSignal::default(),
            network: RwSignal::default(),
            pretrained_tested: RwSignal::default(),
            device: RwSignal::default(),
            run_changes: Trigger::new(),
            problems: RwSignal::default(),
            stopped: StoredValue::default(),
            painting: Painting::default(),
            bridge: StoredValue::new_local(None),
        }
    }

    /// Starts the worker, whose events go to `on_event`.
    pub(crate) fn start(self, on_event: impl Fn(Event) + 'static) {
        let on_event = move |event| self.painting.count(|| on_event(event));
        match Bridge::start(on_event, move |state| self.on_state(state)) {
            Ok(bridge) => self.bridge.set_value(Some(bridge)),
            Err(_) => self
                .on_state(State::Stopped("This browser cannot start the trainer: a newer one can.".into())),
        }
    }

    /// The worker is late, has started, or has stopped.
    fn on_state(self, state: State) {
        match state {
            State::Late => self.report(Topic::Fault, bridge::STILL_LOADING.into()),
            State::Ready => self.problems.update(|problems| problems.remove(bridge::STILL_LOADING)),
            State::Stopped(sentence) => {
                self.problems.update(|problems| problems.remove(bridge::STILL_LOADING));
                self.stopped.set_value(Some(sentence));
                self.say_stopped();
                // Nothing trains, and no request gets an answer.
                self.requested.set(None);
                self.run.set(RunState::Paused);
            }
        }
    }

    /// Whether the worker does not run.
    pub(crate) fn has_stopped(self) -> bool {
        self.stopped.with_value(Option::is_some)
    }

    /// Whether the pretrained network reads the drawing.
    pub(crate) fn is_pretrained(self) -> bool {
        self.snapshot.with(|snapshot| snapshot.as_ref().is_some_and(|s| s.source == Source::Pretrained))
    }

    /// Says again why the worker does not run. Returns whether it does not.
    pub(crate) fn say_stopped(self) -> bool {
        let sentence = self.stopped.get_value();
        if let Some(sentence) = &sentence {
            bridge::note(sentence, "alert");
        }
        sentence.is_some()
    }

    /// Sends a command to the worker.
    pub(crate) fn send(self, command: Command) {
        if matches!(command, Command::Train | Command::Step | Command::Reset) {
            self.say_stopped();
        }
        if matches!(
            command,
            Command::Train
                | Command::Step
                | Command::Reset
                | Command::Undo
                | Command::Restore
                | Command::ContinueFrom(_)
                | Command::Configure { .. }
                | Command::Compare { .. }
                | Command::Sweep { .. }
        ) {
            self.run_changes.notify();
        }
        self.bridge.with_value(|bridge| {
            if let Some(bridge) = bridge {
                bridge.send(command);
            }
        });
    }

    /// Tells the worker when the last report has been painted, and what that took: the next one comes after it.
    pub(crate) fn tell_when_painted(self) {
        self.painting.when_painted(move |ms| self.send(Command::Painted { ms }));
    }

    /// Starts training if it is paused, else pauses it.
    pub(crate) fn toggle_training(self) {
        self.set_training(!self.is_running.get_untracked());
    }

    /// Starts training, or pauses it.
    pub(crate) fn set_training(self, is_running: bool) {
        // A worker that has stopped does not answer.
        if !self.has_stopped() {
            self.requested.set(Some(is_running));
        }
        self.send(if is_running { Command::Train } else { Command::Pause });
    }

    /// The worker trains or pauses.
    pub(crate) fn on_run_state(self, run: RunState) {
        self.run.set(run);
        if self.requested.get_untracked() == Some(run != RunState::Paused) {
            self.requested.set(None);
        }
    }

    /// The worker refused a command or could not go on.
    pub(crate) fn on_refusal(self) {
        self.requested.set(None);
    }

    /// Shows a sentence about something that failed.
    pub(crate) fn report(self, topic: Topic, sentence: String) {
        self.problems.update(|problems| problems.add(topic, sentence));
    }
}
