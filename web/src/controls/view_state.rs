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
    /// The index of the layer that is selected in the layer editor. It outlives the editor, whose fields may still have an
    /// event under way when a link hides it.
    pub(crate) selected_layer: RwSignal<Option<usize>>,
}

impl ControlsView {
    /// The state that the link names.
    pub(crate) fn new(link: ControlsLink) -> Self {
        Self {
            unfolded: RwSignal::new(link.unfolded),
            help: RwSignal::default(),
            device: RwSignal::new(link.device),
            selected_layer: RwSignal::default(),
        }
    }

    /// The state that links carry.
    pub(crate) fn linked(&self) -> ControlsLink {
        ControlsLink { unfolded: self.unfolded.get(), device: self.device.get() }
    }

    /// Takes over the state of a link.
    pub(crate) fn follow(&self, link: ControlsLink) {
        set_if_changed(self.unfolded, link.unfolded);
        set_if_changed(self.device, link.device);
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
