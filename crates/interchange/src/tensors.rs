//! The tensors of a network by their names, and what all files share.

use nn::plan::Plan;
use std::fmt::Display;
use std::ops::Range;

/// Key of the network's description (JSON) in a file's metadata.
pub(crate) const NETWORK: &str = "lenet_playground.network";

/// An error and its cause in one sentence; the cause may quote the file, so its length is limited and control
/// characters are removed.
pub(crate) fn sentence(what: &str, why: &dyn Display) -> String {
    let why: String = why.to_string().replace(char::is_control, " ");
    let why: String = why.chars().take(200).collect();
    format!("{what}: {}.", why.trim_end_matches('.'))
}

/// The range of a tensor in the flat vectors of a network.
pub(crate) enum TensorRange {
    Parameters(Range<usize>),
    Running(Range<usize>),
}

/// Name, dimensions and range of every tensor; the names are those of PyTorch.
pub(crate) fn tensors(plan: &Plan) -> impl Iterator<Item = (String, Vec<usize>, TensorRange)> {
    let parameters =
        plan.parameters.iter().map(|p| (p.name.clone(), p.dims.clone(), TensorRange::Parameters(p.range())));
    let running = plan.statistics.iter().flat_map(|s| {
        let (start, middle, end) = (s.offset, s.offset + s.channels, s.range().end);
        [("mean", start..middle), ("var", middle..end)].map(|(kind, range)| {
            (format!("{}.running_{kind}", s.name), vec![s.channels], TensorRange::Running(range))
        })
    });
    parameters.chain(running)
}
