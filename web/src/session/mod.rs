//! The session outlives the page: what the page gives the worker to keep, what it opens with, and what it says.

mod journal;
mod keep;
pub(crate) mod notice;
pub(crate) mod opening;
pub(crate) mod store;
