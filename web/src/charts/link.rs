//! What links carry of the charts: which curves are drawn, and how.

use trainer::messages::Split;

use crate::ui::link_part::{LinkPart, parse_bit, parse_subset, write_subset};

/// The largest number of points over which training curves can be averaged.
pub(crate) const MAX_SMOOTHING: u32 = 100;

/// The state of the charts that links carry.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ChartsLink {
    /// Whether the curves of the training set and of the test set are drawn, indexed by [`Split`].
    pub(crate) curves: [bool; 2],
    /// Whether the axis of losses is logarithmic.
    pub(crate) log: bool,
    /// Whether the axis of accuracies is one of errors, logarithmic.
    pub(crate) errors: bool,
    /// The number of points over which training curves are averaged.
    pub(crate) smoothing: u32,
}

impl Default for ChartsLink {
    fn default() -> Self {
        Self { curves: [true; 2], log: false, errors: false, smoothing: 12 }
    }
}

/// The keys, in the order of links.
pub(crate) const PARTS: &[LinkPart<ChartsLink>] = &[
    LinkPart {
        key: "curves",
        get: |state| {
            let differs = state.curves != ChartsLink::default().curves;
            differs.then(|| write_subset(state.curves, Split::ALL.map(Split::name)))
        },
        set: |state, text| {
            parse_subset(text, Split::ALL.map(Split::name)).map(|curves| state.curves = curves)
        },
        usage: "use training, test or both with a comma",
    },
    LinkPart {
        key: "log",
        get: |state| state.log.then(|| "1".into()),
        set: |state, text| parse_bit(text).map(|log| state.log = log),
        usage: "use 0 or 1",
    },
    LinkPart {
        key: "errors",
        get: |state| state.errors.then(|| "1".into()),
        set: |state, text| parse_bit(text).map(|errors| state.errors = errors),
        usage: "use 0 or 1",
    },
    LinkPart {
        key: "average",
        get: |state| {
            (state.smoothing != ChartsLink::default().smoothing).then(|| state.smoothing.to_string())
        },
        set: |state, text| {
            let points = text.parse().ok().filter(|points| (1..=MAX_SMOOTHING).contains(points))?;
            state.smoothing = points;
            Some(())
        },
        usage: "use a number from 1 to 100",
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::link_part::{parse, text};

    #[test]
    fn links_round_trip() {
        for link in ["", "curves=test&log=1&errors=1&average=40", "curves="] {
            assert_eq!(text(PARTS, &parse(PARTS, link).unwrap()), link);
        }
    }

    #[test]
    fn wrong_values_are_refused_with_what_helps() {
        for wrong in ["curves=loss", "log=2", "errors=on", "average=0", "average=101"] {
            assert!(parse(PARTS, wrong).is_err_and(|usage| usage.starts_with("use ")), "{wrong}");
        }
    }
}
