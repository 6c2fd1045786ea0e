//! What links carry of the controls: which groups are unfolded, and the device that is chosen.

use trainer::messages::DeviceChoice;

use crate::settings::Group;
use crate::ui::link_part::{LinkPart, parse_subset, write_subset};

/// The state of the controls that links carry.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ControlsLink {
    /// Whether each group is unfolded, indexed by [`Group`].
    pub(crate) unfolded: [bool; Group::ALL.len()],
    /// The device that is to train.
    pub(crate) device: DeviceChoice,
}

/// The devices: their names in links and on the page.
pub(crate) const DEVICES: [(DeviceChoice, &str, &str); 3] = [
    (DeviceChoice::Automatic, "automatic", "Automatic"),
    (DeviceChoice::WebGpu, "webgpu", "WebGPU"),
    (DeviceChoice::Cpu, "cpu", "CPU"),
];

impl Default for ControlsLink {
    /// The groups that a first visitor needs, as far as there is room.
    fn default() -> Self {
        Self {
            unfolded: Group::ALL
                .map(|group| !matches!(group, Group::Layers | Group::Data | Group::Augmentation)),
            device: DeviceChoice::default(),
        }
    }
}

/// The keys, in the order of links.
pub(crate) const PARTS: &[LinkPart<ControlsLink>] = &[
    LinkPart {
        key: "unfolded",
        get: |state| {
            let differs = state.unfolded != ControlsLink::default().unfolded;
            differs.then(|| write_subset(state.unfolded, Group::ALL.map(Group::id)))
        },
        set: |state, text| {
            parse_subset(text, Group::ALL.map(Group::id)).map(|unfolded| state.unfolded = unfolded)
        },
        usage: "use groups of settings, as in network,tricks",
    },
    LinkPart {
        key: "device",
        get: |state| {
            let (_, id, _) = DEVICES.iter().find(|(choice, ..)| *choice == state.device)?;
            (state.device != DeviceChoice::default()).then(|| (*id).to_owned())
        },
        set: |state, text| {
            let (choice, ..) = DEVICES.iter().find(|(_, id, _)| *id == text)?;
            state.device = *choice;
            Some(())
        },
        usage: "use automatic, webgpu or cpu",
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::link_part::{parse, text};

    #[test]
    fn links_round_trip() {
        for link in
            ["", "unfolded=network,layers", "unfolded=", "device=cpu", "unfolded=tricks&device=webgpu"]
        {
            assert_eq!(text(PARTS, &parse(PARTS, link).unwrap()), link);
        }
    }

    #[test]
    fn wrong_values_are_refused_with_what_helps() {
        for wrong in ["unfolded=tricks,seed", "device=gpu", "device="] {
            assert!(parse(PARTS, wrong).is_err_and(|usage| usage.starts_with("use ")), "{wrong}");
        }
    }
}
