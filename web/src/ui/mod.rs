//! Parts of the page that several features use.

pub(crate) mod canvas;
pub(crate) mod clipboard;
pub(crate) mod colormap;
pub(crate) mod debounce;
pub(crate) mod dialog;
pub(crate) mod download;
pub(crate) mod focus;
pub(crate) mod format;
pub(crate) mod histogram;
pub(crate) mod in_sight;
pub(crate) mod keyboard;
pub(crate) mod link_part;
pub(crate) mod narrow;
pub(crate) mod redraw;
pub(crate) mod sections;
pub(crate) mod signal;
pub(crate) mod toast;
pub(crate) mod translation;
pub(crate) mod wake_lock;
