//! The page's end of the conversation with the worker: what the worker has reported, and commands to it.

mod bridge;
pub(crate) mod mnist;

use leptos::prelude::*;
use trainer::messages::{Command, DeviceReport, Download, Event, RunState, Snapshot};

use crate::client::bridge::Bridge;

/// What the worker has reported, as signals.
#[derive(Clone, Copy)]
pub(crate) struct Client {
    /// How much of MNIST is downloaded.
    pub(crate) download: RwSignal<Download>,
    /// Whether the worker trains.
    pub(crate) run: RwSignal<RunState>,
    /// The last forward pass of the image on the pad.
    pub(crate) snapshot: RwSignal<Option<Snapshot>>,
    /// Which device trains, and how fast each one is.
    pub(crate) device: RwSignal<DeviceReport>,
    /// A sentence about what failed last, until it is dismissed.
    pub(crate) problem: RwSignal<Option<String>>,
    bridge: StoredValue<Option<Bridge>, LocalStorage>,
}

impl Client {
    /// A client without a worker.
    pub(crate) fn new() -> Self {
        Self {
            download: RwSignal::default(),
            run: RwSignal::default(),
            snapshot: RwSignal::default(),
            device: RwSignal::default(),
            problem: RwSignal::default(),
            bridge: StoredValue::new_local(None),
        }
    }

    /// Starts the worker, whose events go to `on_event`.
    pub(crate) fn start(self, on_event: impl Fn(Event) + 'static) {
        match Bridge::start(on_event, move |sentence| self.problem.set(sentence)) {
            Ok(bridge) => self.bridge.set_value(Some(bridge)),
            Err(_) => self.report("This browser cannot start the trainer: a newer one can.".into()),
        }
    }

    /// Sends a command to the worker.
    pub(crate) fn send(self, command: Command) {
        self.bridge.with_value(|bridge| {
            if let Some(bridge) = bridge {
                bridge.send(command);
            }
        });
    }

    /// Starts training if it is paused, else pauses it.
    pub(crate) fn toggle_training(self) {
        let is_paused = self.run.get_untracked() == RunState::Paused;
        self.send(if is_paused { Command::Train } else { Command::Pause });
    }

    /// Shows a sentence about something that failed.
    pub(crate) fn report(self, sentence: String) {
        self.problem.set(Some(sentence));
    }
}
