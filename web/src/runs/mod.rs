//! Runs: the present one, and others that were pinned or compared.

pub(crate) mod comparison;
pub(crate) mod curve;
pub(crate) mod keep;
pub(crate) mod link;
pub(crate) mod panel;
pub(crate) mod record;
pub(crate) mod replaced;
pub(crate) mod run;
pub(crate) mod storage;
pub(crate) mod store;
pub(crate) mod swatch;
pub(crate) mod sweep;
pub(crate) mod table;
pub(crate) mod time;
pub(crate) mod undo;
pub(crate) mod with_and_without;
