//! The columns of an input that are not zero, which direct convolution visits.

use crate::{Lanes, ZERO};
use std::ops::Range;

/// For every row of an input `[channel][row][column]`, the range from the first to the last column that is
/// not zero in all samples.
///
/// In a block of sixteen digits about a third of the padded input is zero; the first layer of LeNet skips it.
pub type Extent = [Range<usize>];

/// Finds the [`Extent`] of an input that is `width` wide.
pub(super) fn find_extent(x: &[Lanes], width: usize, extent: &mut Vec<Range<usize>>) {
    extent.clear();
    extent.extend(x.chunks_exact(width).map(|row| {
        let first = row.iter().position(|lanes| *lanes != ZERO).unwrap_or(width);
        first..row.iter().rposition(|lanes| *lanes != ZERO).map_or(first, |last| last + 1)
    }));
}

/// The outputs of a row whose windows, `kernel` wide and `stride` apart, overlap `extent`.
pub(super) fn reached(extent: &Range<usize>, kernel: usize, stride: usize, outputs: usize) -> Range<usize> {
    if extent.is_empty() {
        return 0..0;
    }
    let first = (extent.start + 1).saturating_sub(kernel).div_ceil(stride);
    first.min(outputs)..extent.end.div_ceil(stride).min(outputs)
}

/// The smallest range that contains both.
pub(super) fn hull(a: Range<usize>, b: Range<usize>) -> Range<usize> {
    match (a.is_empty(), b.is_empty()) {
        (true, _) => b,
        (_, true) => a,
        _ => a.start.min(b.start)..a.end.max(b.end),
    }
}
