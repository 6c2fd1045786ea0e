//! What several features use.

pub(crate) mod canvas;
pub(crate) mod colormap;
pub(crate) mod debounce;
pub(crate) mod download;
pub(crate) mod focus;
pub(crate) mod format;
pub(crate) mod histogram;
pub(crate) mod redraw;
