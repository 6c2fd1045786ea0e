//! What links carry of the network picture: the layer that is open with its map and its window, or the filter.

use nn::spec::{LayerSpec, NetworkSpec};

use crate::network::filter::kernel::Kernel;
use crate::network::lens::trial::Trial;
use crate::network::pixel_name::PixelName;
use crate::network::sliding_window::SlidingWindow;
use crate::network::stages;
use crate::network::thinned::units_choice::UnitsChoice;
use crate::ui::format::count;
use crate::ui::link_part::{LinkPart, parse_ordinal};

/// What is open: a stage in the place of the network picture, or the panel below it.
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
    /// The map, from 0, that the Lens shows of the open stage.
    pub(crate) map: usize,
    /// The window of the Lens, and where it lies.
    pub(crate) trial: Trial,
    /// The units behind dropout with which the digit is read.
    pub(crate) units: UnitsChoice,
    /// The filter that is made by hand.
    pub(crate) filter: Kernel,
    /// The pixel that is inspected while no layer is open.
    pub(crate) pixel: Option<PixelName>,
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
        key: "window",
        get: |state| {
            let (row, column) = state.trial.place.filter(|_| is_lens(state))?;
            Some(format!("{},{}", row + 1, column + 1))
        },
        set: |state, text| {
            let (row, column) = text.split_once(',')?;
            state.trial.place = Some((parse_ordinal(row)?, parse_ordinal(column)?));
            Some(())
        },
        usage: "use a row and a column from 1 on, as in 3,12",
    },
    LinkPart {
        key: "kernel",
        get: |state| state.trial.kernel_size.filter(|_| is_lens(state)).map(|size| size.to_string()),
        set: |state, text| {
            state.trial.kernel_size = Some(text.parse().ok().filter(|size| *size > 0)?);
            Some(())
        },
        usage: "use a number from 1 on",
    },
    LinkPart {
        key: "stride",
        get: |state| state.trial.stride.filter(|_| is_lens(state)).map(|stride| stride.to_string()),
        set: |state, text| {
            state.trial.stride = Some(text.parse().ok().filter(|stride| *stride > 0)?);
            Some(())
        },
        usage: "use a number from 1 on",
    },
    LinkPart {
        key: "padding",
        get: |state| state.trial.padding.filter(|_| is_lens(state)).map(|padding| padding.to_string()),
        set: |state, text| {
            state.trial.padding = Some(text.parse().ok()?);
            Some(())
        },
        usage: "use a number from 0 on",
    },
    LinkPart {
        key: "mask",
        get: |state| state.units.write(),
        set: |state, text| UnitsChoice::read(text).map(|units| state.units = units),
        usage: "use the number of a mask, from 1 to 20, or scaled",
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
    LinkPart {
        key: "pixel",
        get: |state| state.pixel.as_ref().filter(|_| !is_lens(state)).map(PixelName::write),
        set: |state, text| PixelName::read(text).map(|pixel| state.pixel = Some(pixel)),
        usage: "use a layer with map, row and column from 1 on, as in C3,5,2,7, or with a unit, as in F5,17",
    },
];

/// Whether a stage is open.
fn is_lens(state: &NetworkLink) -> bool {
    matches!(state.open, Some(OpenPanel::Stage(_)))
}

/// Finds the open stage, in whichever case its name is written, and its map in the network. What the network does not have is closed
/// again; returns its keys, each with what is wrong.
pub(crate) fn resolve(state: &mut NetworkLink, network: &NetworkSpec) -> Vec<(&'static str, String)> {
    let mut wrong = Vec::new();
    if state.units != UnitsChoice::All && !stages::has_masks(network) {
        wrong.push(("mask", "this network has no dropout of units".to_owned()));
        state.units = UnitsChoice::All;
    }
    if let Some(name) = state.pixel.take() {
        let stages = stages::of(network);
        match name.find(&stages) {
            // In an open layer, map and window say which.
            Ok(pixel) => state.pixel = PixelName::of(pixel, &stages).filter(|_| !is_lens(state)),
            Err(why) => wrong.push(("pixel", why)),
        }
    }
    let Some(OpenPanel::Stage(name)) = &mut state.open else {
        state.trial = Trial::default();
        return wrong;
    };
    let stage = stages::of(network).into_iter().find(|stage| stage.name.eq_ignore_ascii_case(name));
    let Some(stage) = stage else {
        wrong.push(("open", "this network has no such layer".to_owned()));
        (state.open, state.map, state.trial) = (None, 0, Trial::default());
        return wrong;
    };
    name.clone_from(&stage.name);
    if state.map >= stage.shape.channels {
        wrong.push(("map", format!("{name} has {}", count(stage.shape.channels, "map"))));
        state.map = 0;
    }
    let layers = network.summary().unwrap_or_default();
    let Some(layer) = layers.get(stage.layer) else { return wrong };
    if let Some(own) = SlidingWindow::of(layer) {
        let has_padding = matches!(layer.spec, LayerSpec::Conv2d { .. });
        wrong.extend(state.trial.repair(own, has_padding));
    } else if state.trial != Trial::default() {
        wrong.extend(
            ["window", "kernel", "stride", "padding"].map(|key| (key, format!("{name} has no window"))),
        );
        state.trial = Trial::default();
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
            "open=C1&map=2&window=3,12",
            "open=C1&window=1,14&kernel=3&stride=2&padding=1",
            "open=S2&window=7,1&kernel=3",
            "open=Output",
            "open=S2",
            "open=filter",
            "open=filter&filter=curve",
            "open=filter&filter=0,0,0,0,1,0,0,0,-0.5",
            "pixel=C3,16,10,10",
            "open=filter&pixel=Input,28,1",
        ] {
            assert_eq!(text(PARTS, &checked(link).unwrap()), link);
        }
    }

    #[test]
    fn masks_round_trip_where_there_is_dropout() {
        let tricks = Preset::LeNetTricks.network();
        for link in ["mask=1", "open=F5&mask=20", "mask=scaled"] {
            let mut state = parse(PARTS, link).unwrap();
            assert_eq!(resolve(&mut state, &tricks), []);
            assert_eq!(text(PARTS, &state), link);
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
            ("open=C1&window=0,3", "use a row and a column from 1 on, as in 3,12"),
            ("open=C1&window=29,3", "window: the output has 28 rows and 28 columns"),
            ("open=C1&kernel=9", "kernel: use 1 to 7"),
            ("open=C1&stride=0", "use a number from 1 on"),
            ("open=S2&padding=1", "padding: use 0 to 0"),
            ("open=F6&stride=2", "padding: F6 has no window"),
        ] {
            assert_eq!(checked(wrong), Err(why.to_owned()), "{wrong}");
        }
        assert_eq!(checked("mask=3"), Err("mask: this network has no dropout of units".to_owned()));
        for wrong in ["mask=0", "mask=21", "mask=-1", "mask=all"] {
            assert!(
                checked(wrong).is_err_and(|usage| usage.starts_with("use the number of a mask")),
                "{wrong}"
            );
        }
        assert!(checked("filter=emboss").is_err_and(|usage| usage.starts_with("use ")));
    }
}
