//! What links carry of the runs: the sweep that is chosen.

use crate::runs::sweep::model::{MAX_SEEDS, MAX_VALUES, SweepChoice, can_be_swept};
use crate::settings::Setting;
use crate::ui::format::parse_number;
use crate::ui::link_part::LinkPart;

/// The state of the runs that links carry.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct RunsLink {
    pub(crate) sweep: SweepChoice,
}

/// The longest text of a value.
const MAX_LENGTH: usize = 20;

/// Whether a text can be a value: a number, or the id of a choice.
fn is_value(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    (1..=MAX_LENGTH).contains(&text.len()) && text.bytes().all(is_plain)
}

/// Whether two texts are the same value.
fn are_equal(a: &str, b: &str) -> bool {
    a == b || parse_number(a).is_some_and(|number| parse_number(b) == Some(number))
}

/// The keys, in the order of links.
pub(crate) const PARTS: &[LinkPart<RunsLink>] = &[
    LinkPart {
        key: "sweep",
        get: |RunsLink { sweep }| {
            let first = SweepChoice::default();
            let differs = (sweep.setting, &sweep.values) != (first.setting, &first.values);
            differs.then(|| [&[sweep.setting.to_owned()], &sweep.values[..]].concat().join(","))
        },
        set: |RunsLink { sweep }, text| {
            let mut parts = text.split(',');
            let setting = parts.next().and_then(Setting::find).filter(|setting| can_be_swept(setting))?;
            let values: Vec<_> = parts.map(str::to_owned).collect();
            let fits = values.len() <= MAX_VALUES
                && values.iter().all(|value| is_value(value))
                && (1..values.len())
                    .all(|at| !values[..at].iter().any(|value| are_equal(value, &values[at])));
            fits.then(|| (sweep.setting, sweep.values) = (setting.id, values))
        },
        usage: "use a setting with up to eight different values, as in lr,0.001,0.01",
    },
    LinkPart {
        key: "sweep-seeds",
        get: |RunsLink { sweep }| {
            (sweep.seeds != SweepChoice::default().seeds).then(|| sweep.seeds.to_string())
        },
        set: |RunsLink { sweep }, text| {
            sweep.seeds = text.parse().ok().filter(|seeds| (1..=MAX_SEEDS).contains(seeds))?;
            Some(())
        },
        usage: "use a number from 1 to 5",
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::link_part::{parse, text};

    #[test]
    fn links_round_trip() {
        for link in ["", "sweep=batch,16,64", "sweep=activation,relu,tanh&sweep-seeds=5", "sweep=dropout"] {
            assert_eq!(text(PARTS, &parse(PARTS, link).unwrap()), link);
        }
    }

    #[test]
    fn wrong_values_are_refused_with_what_helps() {
        for wrong in [
            "sweep=layers,f",
            "sweep=seed,1",
            "sweep=",
            "sweep=fast,1",
            "sweep=lr,1,,2",
            "sweep=batch,16,64%26sweep-seeds=2",
            "sweep=lr,1,2,3,4,5,6,7,8,9",
            "sweep=lr,0.01,0.1,0.01",
            "sweep=lr,0.1,0.10",
            "sweep=lr,0.01,1e-2",
            "sweep=activation,relu,relu",
            "sweep-seeds=0",
            "sweep-seeds=6",
        ] {
            assert!(parse(PARTS, wrong).is_err_and(|usage| usage.starts_with("use ")), "{wrong}");
        }
    }
}
