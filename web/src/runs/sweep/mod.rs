//! Sweeps: one setting with several values and seeds, with mean and spread.

pub(crate) mod model;
pub(crate) mod panel;
pub(crate) mod results;
pub(crate) mod store;
