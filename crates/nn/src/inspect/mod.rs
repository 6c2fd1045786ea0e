//! What the page shows of a network and its training: histograms of values, norms of gradients, the place of
//! a divergence, how much another image changes, what batch normalisation does to a batch, how a step went image by image, saliency maps.

pub mod batch_statistics;
pub mod changed_share;
pub mod divergence;
pub mod grad_norms;
pub mod histogram;
mod replay;
pub mod saliency;
pub mod step_scores;
pub mod weight_changes;
