//! What links carry of the network picture: the panel that is open below it, with its map or filter.

use nn::spec::NetworkSpec;

use crate::network::filter::kernel::Kernel;
use crate::network::stages;
use crate::ui::format::count;
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
        usage: "use the name of a layer, as in C1, or filter",
    },
    LinkPart {
        key: "map",
        get: |state| match state.open {
            Some(OpenPanel::Stage(_)) if state.map > 0 => Some((state.map + 1).to_string()),
            _ => None,
        },
        set: |state, text| parse_ordinal(text).map(|map| state.map = map),
        usage: "use a number from 1 on",
    },
    LinkPart {
        key: "filter",
        get: |state| {
            let is_shown = state.open == Some(OpenPanel::Filter) && state.filter != Kernel::default();
            is_shown.then(|| state.filter.write())
        },
        set: |state, text| Kernel::read(text).map(|filter| state.filter = filter),
        usage: "use the name of a filter, as in curve, or 9 or 25 numbers",
    },
];

/// Finds the open stage, in whichever case its name is written, and its map in the network. What the network does not have is closed
/// again; returns its keys, each with what is wrong.
pub(crate) fn resolve(state: &mut NetworkLink, network: &NetworkSpec) -> Vec<(&'static str, String)> {
    let mut wrong = Vec::new();
    let Some(OpenPanel::Stage(name)) = &mut state.open else { return wrong };
    let stage = stages::of(network).into_iter().find(|stage| stage.name.eq_ignore_ascii_case(name));
    let Some(stage) = stage else {
        wrong.push(("open", "this network has no such layer".to_owned()));
        (state.open, state.map) = (None, 0);
        return wrong;
    };
    name.clone_from(&stage.name);
    if state.map >= stage.shape.channels {
        wrong.push(("map", format!("{name} has {}", count(stage.shape.channels, "map"))));
        state.map = 0;
    }
    wrong
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::link_part::{parse, text};
    use nn::preset::Preset;

    /// The state of a link, or what is wrong in it.
    fn checked(link: &str) -> Result<NetworkLink, String> {
        let mut state = parse(PARTS, link)?;
        match resolve(&mut state, &Preset::LeNet5.network()).pop() {
            None => Ok(state),
            Some((key, why)) => Err(format!("{key}: {why}")),
        }
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
    fn a_stage_is_found_in_any_case() {
        assert_eq!(checked("open=output"), checked("open=Output"));
        assert_eq!(text(PARTS, &checked("open=s2").unwrap()), "open=S2");
    }

    #[test]
    fn wrong_values_are_refused_with_what_helps() {
        for (wrong, why) in [
            ("open=C9", "open: this network has no such layer"),
            ("open=", "open: this network has no such layer"),
            ("open=C1&map=7", "map: C1 has 6 maps"),
            ("open=C1&map=0", "use a number from 1 on"),
        ] {
            assert_eq!(checked(wrong), Err(why.to_owned()), "{wrong}");
        }
        assert!(checked("filter=emboss").is_err_and(|usage| usage.starts_with("use ")));
    }
}
