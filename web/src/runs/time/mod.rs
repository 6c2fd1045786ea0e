//! Time: the checkpoints of the present run, to which the page is wound back.

pub(crate) mod bar;
pub(crate) mod store;
