//! Dropout outside of training: thinned networks that read the digit.

mod answers;
mod figure;
pub(super) mod units_choice;

pub(super) use figure::ThinnedNetworks;
