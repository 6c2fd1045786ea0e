//! Why the network gives its answer: the drawing, coloured by what each part of it does for a digit.

mod evidence;
mod occlusion;
pub(crate) mod panel;
mod saliency;
