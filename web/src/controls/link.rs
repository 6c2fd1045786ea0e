//! What links carry of the controls: which groups are unfolded.

use crate::settings::Group;
use crate::ui::link_part::{LinkPart, parse_subset, write_subset};

/// The state of the controls that links carry.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ControlsLink {
    /// Whether each group is unfolded, indexed by [`Group`].
    pub(crate) unfolded: [bool; Group::ALL.len()],
}

impl Default for ControlsLink {
    /// The groups that a first visitor needs, as far as there is room.
    fn default() -> Self {
        Self { unfolded: Group::ALL.map(|group| !matches!(group, Group::Layers | Group::Augmentation)) }
    }
}

/// The keys, in the order of links.
pub(crate) const PARTS: &[LinkPart<ControlsLink>] = &[LinkPart {
    key: "unfolded",
    get: |state| {
        let differs = *state != ControlsLink::default();
        differs.then(|| write_subset(state.unfolded, Group::ALL.map(Group::id)))
    },
    set: |state, text| {
        parse_subset(text, Group::ALL.map(Group::id)).map(|unfolded| state.unfolded = unfolded)
    },
}];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::link_part::{parse, text};

    #[test]
    fn links_round_trip() {
        for link in ["", "unfolded=network,layers", "unfolded="] {
            assert_eq!(text(PARTS, &parse(PARTS, link).unwrap()), link);
        }
    }

    #[test]
    fn wrong_values_are_refused_with_a_sentence() {
        assert!(parse(PARTS, "unfolded=tricks,seed").is_err_and(|sentence| sentence.ends_with('.')));
    }
}
