//! The state of the controls: which groups are unfolded, the help that is shown, and the device that is chosen.

use leptos::ev;
use leptos::prelude::*;
use trainer::messages::{Command, DeviceChoice};
use wasm_bindgen::JsCast;
use web_sys::Element;

use crate::client::Client;
use crate::controls::link::ControlsLink;
use crate::settings::Group;
use crate::settings::store::Settings;
use crate::ui::focus::{SETTINGS, go_to, restore_focus};
use crate::ui::signal::set_if_changed;

/// The button that goes to the settings.
const OPENER: &str = "#to-settings";
/// What may be pressed while the drawer is open.
const DRAWER: &str = ".controls, #to-settings, .toasts, dialog";

/// Whether the settings are in a drawer: in large type, which phones do not have.
fn has_drawer(settings: Settings) -> bool {
    let is_wide = matches!(window().match_media("(min-width: 701px)"), Ok(Some(wide)) if wide.matches());
    settings.presentation.with(|p| p.large) && !settings.hides("settings") && is_wide
}

/// The state of the controls.
#[derive(Clone, Copy)]
pub(crate) struct ControlsView {
    /// Whether each group is unfolded, indexed by [`Group`].
    pub(crate) unfolded: RwSignal<[bool; Group::ALL.len()]>,
    /// The name and the help of the control that is pointed at or focused.
    pub(crate) help: RwSignal<Option<(&'static str, &'static str)>>,
    /// The device that is to train.
    pub(crate) device: RwSignal<DeviceChoice>,
    /// Whether the drawer that holds the settings in large type is open.
    pub(crate) is_drawn: RwSignal<bool>,
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
            is_drawn: RwSignal::default(),
            selected_layer: RwSignal::default(),
        }
    }

    /// Moves the focus to the settings. In large type their drawer opens.
    pub(crate) fn go_to(self, settings: Settings) {
        set_if_changed(self.is_drawn, untrack(|| has_drawer(settings)));
        request_animation_frame(|| go_to(SETTINGS));
    }

    /// Closes the drawer if it is open; else does the same as [`Self::go_to`].
    pub(crate) fn toggle(self, settings: Settings) {
        if !self.close_drawer() {
            self.go_to(settings);
        }
    }

    /// Closes the drawer. Returns whether it was open.
    pub(crate) fn close_drawer(self) -> bool {
        let was_open = self.is_drawn.get_untracked();
        set_if_changed(self.is_drawn, false);
        if was_open {
            restore_focus(OPENER);
        }
        was_open
    }

    /// Closes the drawer when large type ends, when a link hides the settings, and when the page behind it is pressed.
    pub(crate) fn follow_drawer(self, settings: Settings) {
        Effect::new(move |_| {
            if !has_drawer(settings) {
                set_if_changed(self.is_drawn, false);
            }
        });
        let _ = window_event_listener(ev::pointerdown, move |ev| {
            let target = ev.target().and_then(|target| target.dyn_into::<Element>().ok());
            let is_behind = |target: &Element| matches!(target.closest(DRAWER), Ok(None));
            if self.is_drawn.get_untracked() && target.as_ref().is_some_and(is_behind) {
                self.close_drawer();
            }
        });
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
