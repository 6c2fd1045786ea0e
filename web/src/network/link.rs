//! What links carry of the network picture: the panel that is open below it, with its map or filter.

use nn::spec::NetworkSpec;

use crate::network::filter::kernel::Kernel;
use crate::network::stages;
use crate::ui::format::excerpt;
use crate::ui::link_part::{LinkPart, parse_ordinal};

/// A panel below the network picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum OpenPanel {
    /// The stage with this name.
    Stage(String),
    /// The panel in which a filter is made by hand.
    Filter,
}

/// The state of the network picture that links carry.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct NetworkLink {
    /// The panel that is open.
    pub(crate) open: Option<OpenPanel>,
    /// The map, from 0, that the sliding window of the open stage computes.
    pub(crate) map: usize,
    /// The filter that is made by hand.
    pub(crate) filter: Kernel,
}

/// The keys, in the order of links.
pub(crate) const PARTS: &[LinkPart<NetworkLink>] = &[
    LinkPart {
        key: "open",
        get: |state| match state.open.as_ref()? {
            OpenPanel::Stage(name) => Some(name.clone()),
            OpenPanel::Filter => Some("filter".into()),
        },
        set: |state, text| {
            let panel = if text == "filter" { OpenPanel::Filter } else { OpenPanel::Stage(text.to_owned()) };
            state.open = Some(panel);
            Some(())
        },
    },
    LinkPart {
        key: "map",
        get: |state| match state.open {
            Some(OpenPanel::Stage(_)) if state.map > 0 => Some((state.map + 1).to_string()),
            _ => None,
        },
        set: |state, text| parse_ordinal(text).map(|map| state.map = map),
    },
    LinkPart {
        key: "filter",
        get: |state| {
            let is_shown = state.open == Some(OpenPanel::Filter) && state.filter != Kernel::default();
            is_shown.then(|| state.filter.write())
        },
        set: |state, text| Kernel::read(text).map(|filter| state.filter = filter),
    },
];

/// Checks that the network has the stage that is open, and the map.
///
/// # Errors
/// A sentence, if it has not.
pub(crate) fn check(state: &NetworkLink, network: &NetworkSpec) -> Result<(), String> {
    let Some(OpenPanel::Stage(name)) = &state.open else { return Ok(()) };
    let stages = stages::of(network);
    let stage = stages.iter().find(|stage| stage.name == *name);
    let stage = stage.ok_or_else(|| format!("this network has no layer “{}”.", excerpt(name)))?;
    if state.map >= stage.shape.channels {
        return Err(format!("{name} has only {} maps.", stage.shape.channels));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::link_part::{parse, text};
    use nn::preset::Preset;

    fn checked(link: &str) -> Result<NetworkLink, String> {
        let state = parse(PARTS, link)?;
        check(&state, &Preset::LeNet5.network())?;
        Ok(state)
    }

    #[test]
    fn links_round_trip() {
        for link in [
            "",
            "open=C3&map=16",
            "open=Output",
            "open=S2",
            "open=filter",
            "open=filter&filter=curve",
            "open=filter&filter=0,0,0,0,1,0,0,0,-0.5",
        ] {
            assert_eq!(text(PARTS, &checked(link).unwrap()), link);
        }
    }

    #[test]
    fn a_closed_panel_leaves_nothing_in_the_link() {
        let closed = NetworkLink { open: None, ..checked("open=C3&map=5").unwrap() };
        assert_eq!(text(PARTS, &closed), "");
    }

    #[test]
    fn wrong_values_are_refused_with_a_sentence() {
        for wrong in ["open=C9", "open=", "open=C1&map=0", "open=C1&map=7", "filter=emboss"] {
            assert!(checked(wrong).is_err_and(|sentence| sentence.ends_with('.')), "{wrong}");
        }
    }
}
