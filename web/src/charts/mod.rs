//! The curves of the present run and of the others.

pub(crate) mod axis;
pub(crate) mod chart;
pub(crate) mod csv;
pub(crate) mod plot;
pub(crate) mod toolbar;
