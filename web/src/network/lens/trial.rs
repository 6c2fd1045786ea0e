//! What is tried in the Lens: another window over a layer's input, and the place where it lies.

use std::ops::RangeInclusive;

use crate::network::sliding_window::SlidingWindow;

/// The rows of a window that can be tried.
pub(crate) const KERNEL_SIZES: RangeInclusive<usize> = 1..=7;
/// The strides that can be tried.
pub(crate) const STRIDES: RangeInclusive<usize> = 1..=4;

/// The window as it is tried. The network keeps its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Trial {
    /// The row and the column of the output, from 0, whose window is looked at. `None`: where the output is largest.
    pub(crate) place: Option<(usize, usize)>,
    /// `None`: that of the layer.
    pub(crate) kernel_size: Option<usize>,
    /// `None`: that of the layer.
    pub(crate) stride: Option<usize>,
    /// `None`: that of the layer.
    pub(crate) padding: Option<usize>,
}

impl Trial {
    /// A place in the output of the layer as it is.
    pub(crate) fn at(row: usize, column: usize) -> Self {
        Self { place: Some((row, column)), ..Self::default() }
    }

    /// The layer's window, with what is tried in its place.
    pub(crate) fn window(self, own: SlidingWindow) -> SlidingWindow {
        SlidingWindow {
            kernel_size: self.kernel_size.unwrap_or(own.kernel_size),
            stride: self.stride.unwrap_or(own.stride),
            padding: self.padding.unwrap_or(own.padding),
            ..own
        }
    }

    /// Takes back what cannot be tried on a window of the network's, and what is as the network has it. Returns the keys of links,
    /// each with what is wrong.
    pub(crate) fn repair(&mut self, own: SlidingWindow, has_padding: bool) -> Vec<(&'static str, String)> {
        let mut wrong = Vec::new();
        let mut check = |key, value: &mut Option<usize>, own: usize, range: RangeInclusive<usize>| {
            let is_wrong = value.is_some_and(|value| value != own && !range.contains(&value));
            if is_wrong {
                wrong.push((key, format!("use {} to {}", range.start(), range.end())));
            }
            *value = value.filter(|value| !is_wrong && *value != own);
        };
        check("kernel", &mut self.kernel_size, own.kernel_size, KERNEL_SIZES);
        check("stride", &mut self.stride, own.stride, STRIDES);
        let most = if has_padding { self.window(own).kernel_size - 1 } else { 0 };
        check("padding", &mut self.padding, own.padding, 0..=most);
        let window = self.window(own);
        let nearest = self.place.map(|place| nearest(window, place));
        if self.place != nearest {
            let (rows, columns) = window.output();
            wrong.push(("window", format!("the output has {rows} rows and {columns} columns")));
            self.place = nearest;
        }
        wrong
    }
}

/// The position of a window that is nearest to a row and a column of its output.
pub(crate) fn nearest(window: SlidingWindow, (row, column): (usize, usize)) -> (usize, usize) {
    let (rows, columns) = window.output();
    (row.min(rows.saturating_sub(1)), column.min(columns.saturating_sub(1)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use nn::spec::Shape;

    #[test]
    fn what_cannot_be_tried_is_taken_back_and_named() {
        let own = SlidingWindow { input: Shape::maps(1, 28, 28), kernel_size: 5, stride: 1, padding: 2 };
        let mut trial =
            Trial { kernel_size: Some(3), stride: Some(1), padding: Some(3), ..Trial::at(27, 28) };
        let wrong = trial.repair(own, true);
        assert_eq!(trial, Trial { kernel_size: Some(3), ..Trial::at(27, 28) }, "30 positions a side");
        assert_eq!(wrong, [("padding", "use 0 to 2".to_owned())]);
        let mut trial = Trial { kernel_size: Some(99), stride: Some(4), ..Trial::at(7, 0) };
        let keys: Vec<_> = trial.repair(own, true).into_iter().map(|(key, _)| key).collect();
        assert_eq!((trial, keys), (Trial { stride: Some(4), ..Trial::at(6, 0) }, vec!["kernel", "window"]));
        let mut pooling = Trial { padding: Some(1), ..Trial::default() };
        let own = SlidingWindow { kernel_size: 2, stride: 2, padding: 0, ..own };
        assert_eq!(pooling.repair(own, false), [("padding", "use 0 to 0".to_owned())]);
        assert_eq!(pooling, Trial::default());
    }

    #[test]
    fn what_is_tried_takes_the_place_of_the_layers_own() {
        let own = SlidingWindow { input: Shape::maps(1, 28, 28), kernel_size: 5, stride: 1, padding: 2 };
        assert_eq!(Trial::at(30, 3).window(own), own);
        let trial = Trial { stride: Some(2), padding: Some(0), ..Trial::at(30, 3) };
        assert_eq!(trial.window(own).output(), (12, 12));
        assert_eq!(nearest(trial.window(own), (30, 3)), (11, 3), "the last row there is");
        assert_eq!(nearest(SlidingWindow { kernel_size: 33, ..own }, (1, 1)), (0, 0), "it does not fit");
    }
}
