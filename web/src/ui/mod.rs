//! What several features use.

pub(crate) mod colormap;
pub(crate) mod download;
pub(crate) mod focus;
pub(crate) mod histogram;
