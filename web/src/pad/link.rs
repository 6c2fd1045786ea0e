//! What links carry of the pad: the test image on it.

use data::mnist::TEST_IMAGES;

use crate::ui::link_part::LinkPart;

/// The state of the pad that links carry.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct PadLink {
    /// The index of the test image that is on the pad, or will be once it is downloaded.
    pub(crate) example: Option<u32>,
}

/// The keys, in the order of links.
pub(crate) const PARTS: &[LinkPart<PadLink>] = &[LinkPart {
    key: "image",
    get: |state| state.example.map(|index| index.to_string()),
    set: |state, text| {
        let index = text.parse().ok().filter(|index| (*index as usize) < TEST_IMAGES)?;
        state.example = Some(index);
        Some(())
    },
    usage: "use a number from 0 to 9999",
}];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::link_part::{parse, text};

    #[test]
    fn links_round_trip() {
        for link in ["", "image=0", "image=9999"] {
            assert_eq!(text(PARTS, &parse(PARTS, link).unwrap()), link);
        }
    }

    #[test]
    fn wrong_values_are_refused_with_what_helps() {
        for wrong in ["image=10000", "image=-1"] {
            assert!(parse(PARTS, wrong).is_err_and(|usage| usage.starts_with("use ")), "{wrong}");
        }
    }
}
