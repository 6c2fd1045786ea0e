//! The state of the controls: which groups are unfolded, the help that is shown, and the device that is chosen.

use leptos::prelude::*;
use trainer::messages::{Command, DeviceChoice};

use crate::client::Client;
use crate::controls::link::ControlsLink;
use crate::settings::Group;
use crate::ui::signal::set_if_changed;

/// The state of the controls.
#[derive(Clone, Copy)]
pub(crate) struct ControlsView {
    /// Whether each group is unfolded, indexed by [`Group`].
    pub(crate) unfolded: RwSignal<[bool; Group::ALL.len()]>,
    /// The name and the help of the control that is pointed at or focused.
    pub(crate) help: RwSignal<Option<(&'static str, &'static str)>>,
    /// The device that is to train.
    pub(crate) device: RwSignal<DeviceChoice>,
}

impl ControlsView {
    /// Unfolds the groups that the link names.
    pub(crate) fn new(link: ControlsLink) -> Self {
        Self {
            unfolded: RwSignal::new(link.unfolded),
            help: RwSignal::default(),
            device: RwSignal::default(),
        }
    }

    /// The state that links carry.
    pub(crate) fn linked(&self) -> ControlsLink {
        ControlsLink { unfolded: self.unfolded.get() }
    }

    /// Takes over the state of a link.
    pub(crate) fn follow(&self, link: ControlsLink) {
        set_if_changed(self.unfolded, link.unfolded);
    }

    /// Sends the device that is chosen to the worker, now and after every change.
    pub(crate) fn send_to(self, client: Client) {
        Effect::new(move |_| client.send(Command::UseDevice(self.device.get())));
    }

    /// Shows the help of a control.
    pub(crate) fn show_help(self, name: &'static str, help: &'static str) {
        self.help.set(Some((name, help)));
    }
}
