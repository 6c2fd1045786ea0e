//! What links carry of the panel with the mistakes and the data: its tab, what is chosen there, and the page.

use trainer::messages::Split;

use crate::explore::confusion_matrix::{CLASSES, Cell};
use crate::ui::link_part::{LinkPart, parse_bit, parse_ordinal};

/// A tab of the panel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tab {
    /// The confusion matrix with the misread images.
    Mistakes,
    /// All images.
    Data,
}

/// The state of the panel that links carry.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ExploreLink {
    /// The tab that is open.
    pub(crate) tab: Option<Tab>,
    /// The cell of the confusion matrix whose images are shown.
    pub(crate) cell: Option<Cell>,
    /// The set that is browsed.
    pub(crate) split: Split,
    /// The label that is browsed; none for all.
    pub(crate) digit: Option<u8>,
    /// Whether only misread images are browsed.
    pub(crate) misread: bool,
    /// The page of images, from 0.
    pub(crate) page: usize,
}

impl Default for ExploreLink {
    fn default() -> Self {
        Self { tab: None, cell: None, split: Split::Test, digit: None, misread: false, page: 0 }
    }
}

impl ExploreLink {
    /// `value`, if the tab with all images is open.
    fn of_data(&self, value: impl ToString) -> Option<String> {
        (self.tab == Some(Tab::Data)).then(|| value.to_string())
    }
}

/// The keys, in the order of links.
pub(crate) const PARTS: &[LinkPart<ExploreLink>] = &[
    LinkPart {
        key: "panel",
        get: |state| Some(if state.tab? == Tab::Mistakes { "mistakes" } else { "data" }.to_owned()),
        set: |state, text| {
            let tab = match text {
                "mistakes" => Tab::Mistakes,
                "data" => Tab::Data,
                _ => return None,
            };
            state.tab = Some(tab);
            Some(())
        },
        usage: "use mistakes or data",
    },
    LinkPart {
        key: "cell",
        get: |state| {
            let Cell { label, class } = state.cell.filter(|_| state.tab == Some(Tab::Mistakes))?;
            Some(format!("{label}-{class}"))
        },
        set: |state, text| {
            let (label, class) = text.split_once('-')?;
            state.cell = Some(Cell { label: parse_digit(label)?, class: parse_digit(class)? });
            Some(())
        },
        usage: "use two digits, as in 4-9",
    },
    LinkPart {
        key: "set",
        get: |state| state.of_data(if state.split == Split::Train { "training" } else { return None }),
        set: |state, text| {
            state.split = match text {
                "test" => Split::Test,
                "training" => Split::Train,
                _ => return None,
            };
            Some(())
        },
        usage: "use test or training",
    },
    LinkPart {
        key: "digit",
        get: |state| state.of_data(state.digit?),
        set: |state, text| parse_digit(text).map(|digit| state.digit = Some(digit as u8)),
        usage: "use a digit from 0 to 9",
    },
    LinkPart {
        key: "misread",
        get: |state| if state.misread { state.of_data(1) } else { None },
        set: |state, text| parse_bit(text).map(|misread| state.misread = misread),
        usage: "use 0 or 1",
    },
    LinkPart {
        key: "page",
        get: |state| (state.tab.is_some() && state.page > 0).then(|| (state.page + 1).to_string()),
        set: |state, text| parse_ordinal(text).map(|page| state.page = page),
        usage: "use a number from 1 on",
    },
];

fn parse_digit(text: &str) -> Option<usize> {
    text.parse().ok().filter(|digit| *digit < CLASSES)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::link_part::{parse, text};

    #[test]
    fn links_round_trip() {
        for link in [
            "",
            "panel=mistakes",
            "panel=mistakes&cell=4-9&page=2",
            "panel=data&set=training&digit=7&page=3",
            "panel=data&misread=1",
        ] {
            assert_eq!(text(PARTS, &parse(PARTS, link).unwrap()), link);
        }
    }

    #[test]
    fn only_what_the_open_tab_shows_is_in_the_link() {
        let data = parse(PARTS, "panel=data&digit=7&page=2").unwrap();
        assert_eq!(text(PARTS, &ExploreLink { tab: None, ..data.clone() }), "");
        assert_eq!(text(PARTS, &ExploreLink { tab: Some(Tab::Mistakes), ..data }), "panel=mistakes&page=2");
    }

    #[test]
    fn wrong_values_are_refused_with_what_helps() {
        for wrong in ["panel=runs", "cell=4", "cell=4-10", "set=all", "digit=10", "misread=yes", "page=0"] {
            assert!(parse(PARTS, wrong).is_err_and(|usage| usage.starts_with("use ")), "{wrong}");
        }
    }
}
