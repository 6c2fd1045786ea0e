//! The layers of a network as the layer editor and links use them.

mod limits;
mod names;
mod notation;
mod options;

pub(crate) use limits::{MAX_LAYERS, check};
pub(crate) use names::{OUTPUT, describe, names};
pub(crate) use notation::{read, write};
pub(crate) use options::{KINDS, OptionInfo, options};
