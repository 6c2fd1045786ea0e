//! Parts of the page that several features use.

pub(crate) mod canvas;
pub(crate) mod colormap;
pub(crate) mod debounce;
pub(crate) mod download;
pub(crate) mod focus;
pub(crate) mod format;
pub(crate) mod histogram;
pub(crate) mod link_part;
pub(crate) mod redraw;
pub(crate) mod signal;
