//! Which units behind dropout the page shows.

use nn::cpu::Units;
use trainer::messages::MASKS;

use crate::ui::link_part::parse_ordinal;

/// Seed of the masks that the page shows. Those of training change with each step.
pub(crate) const MASK_SEED: u32 = 1;

/// The units with which the digit on the pad is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum UnitsChoice {
    /// All, as the network reads.
    #[default]
    All,
    /// All, each divided by `1 - p` as in training.
    AllScaled,
    /// Those that are left by a mask, from 0.
    Mask(u32),
}

impl UnitsChoice {
    /// What the worker is to show.
    pub(crate) fn units(self) -> Units {
        match self {
            Self::All => Units::All,
            Self::AllScaled => Units::AllScaled,
            Self::Mask(sample) => Units::Kept { seed: MASK_SEED, sample },
        }
    }

    /// The mask after this one; the first after the last, or if none is shown.
    pub(crate) fn next_mask(self) -> Self {
        match self {
            Self::Mask(mask) => Self::Mask((mask + 1) % MASKS),
            Self::All | Self::AllScaled => Self::Mask(0),
        }
    }

    /// Reads the value of a link.
    pub(crate) fn read(text: &str) -> Option<Self> {
        if text == "scaled" {
            return Some(Self::AllScaled);
        }
        let mask = u32::try_from(parse_ordinal(text)?).ok()?;
        (mask < MASKS).then_some(Self::Mask(mask))
    }

    /// The value in a link; none for all units.
    pub(crate) fn write(self) -> Option<String> {
        match self {
            Self::All => None,
            Self::AllScaled => Some("scaled".to_owned()),
            Self::Mask(mask) => Some((mask + 1).to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_masks_follow_each_other_in_a_circle() {
        let mut choice = UnitsChoice::All;
        for mask in (0..MASKS).chain([0]) {
            choice = choice.next_mask();
            assert_eq!(choice, UnitsChoice::Mask(mask));
        }
    }
}
