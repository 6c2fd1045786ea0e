//! Windows that slide over maps: those of convolutions and of pooling.

use nn::spec::{LayerSpec, Shape};
use nn::summary::LayerSummary;

/// Square windows over maps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Windows {
    /// Shape of what they slide over.
    pub(crate) input: Shape,
    /// Rows and columns of a window.
    pub(crate) kernel: usize,
    /// Pixels from one window to the next.
    pub(crate) stride: usize,
    /// Zeros around the maps.
    pub(crate) padding: usize,
}

impl Windows {
    /// The windows of a layer that has some.
    pub(crate) fn of(layer: &LayerSummary) -> Option<Self> {
        let (kernel, stride, padding) = match layer.spec {
            LayerSpec::Conv2d { kernel_size, stride, padding, .. } => (kernel_size, stride, padding),
            LayerSpec::MaxPool2d { kernel_size, stride }
            | LayerSpec::AvgPool2d { kernel_size, stride }
            | LayerSpec::Subsample2d { kernel_size, stride } => (kernel_size, stride, 0),
            _ => return None,
        };
        Some(Self { input: layer.input, kernel, stride, padding })
    }

    /// Rows and columns of windows: `(n + 2p - k) / s + 1`, rounded down; none if not even one fits.
    pub(crate) const fn output(&self) -> (usize, usize) {
        (self.along(self.input.height), self.along(self.input.width))
    }

    /// Windows along a side of `n` pixels.
    pub(crate) const fn along(&self, n: usize) -> usize {
        match (n + 2 * self.padding).checked_sub(self.kernel) {
            Some(room) => room / self.stride + 1,
            None => 0,
        }
    }

    /// The pixels of the window in this row and column of windows, row by row; `None` for those in the padding.
    pub(crate) fn pixels(&self, row: usize, column: usize) -> impl Iterator<Item = Option<(usize, usize)>> {
        let Self { input, kernel, stride, padding } = *self;
        let place = move |window: usize, tap: usize, n: usize| {
            (window * stride + tap).checked_sub(padding).filter(|place| *place < n)
        };
        let taps = (0..kernel).flat_map(move |y| (0..kernel).map(move |x| (y, x)));
        taps.map(move |(y, x)| place(row, y, input.height).zip(place(column, x, input.width)))
    }

    /// Where the pixels of a window lie in the values of all maps, for the channels given.
    pub(crate) fn sources(
        &self,
        channels: std::ops::Range<usize>,
        row: usize,
        column: usize,
    ) -> Vec<Option<usize>> {
        let Shape { height, width, .. } = self.input;
        let of = |c| self.pixels(row, column).map(move |p| p.map(|(y, x)| (c * height + y) * width + x));
        channels.flat_map(of).collect()
    }

    /// For each input value, whether it is the largest of a window; the first of equals.
    pub(crate) fn winners(&self, input: &[f32]) -> Vec<bool> {
        let mut winners = vec![false; input.len()];
        let (rows, columns) = self.output();
        for channel in 0..self.input.channels {
            for at in 0..rows * columns {
                let sources = self.sources(channel..channel + 1, at / columns, at % columns);
                let best = sources.into_iter().flatten().filter(|s| *s < input.len());
                if let Some(best) = best.reduce(|best, s| if input[s] > input[best] { s } else { best }) {
                    winners[best] = true;
                }
            }
        }
        winners
    }

    /// One map pooled: the largest, or else the mean, of each window.
    pub(crate) fn pooled(&self, input: &[f32], channel: usize, largest: bool) -> Vec<f32> {
        let (rows, columns) = self.output();
        let pool = |at: usize| {
            let sources = self.sources(channel..channel + 1, at / columns, at % columns);
            let values = sources.iter().map(|s| s.map_or(0.0, |s| input[s]));
            if largest {
                values.fold(f32::NEG_INFINITY, f32::max)
            } else {
                values.sum::<f32>() / sources.len() as f32
            }
        };
        (0..rows * columns).map(pool).collect()
    }

    /// One map of a convolution (cross-correlation) with these weights, `[channel][row][column]`.
    pub(crate) fn correlate(&self, input: &[f32], weights: &[f32], bias: f32) -> Vec<f32> {
        let (rows, columns) = self.output();
        let at = (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column)));
        let sum = |(row, column)| {
            let sources = self.sources(0..self.input.channels, row, column);
            let products = sources.iter().zip(weights).map(|(s, w)| s.map_or(0.0, |s| input[s] * w));
            products.sum::<f32>() + bias
        };
        at.map(sum).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_those_of_the_formula() {
        let size = |n, kernel, stride, padding| {
            Windows { input: Shape::maps(1, n, n), kernel, stride, padding }.output().0
        };
        assert_eq!(size(28, 5, 1, 2), 28);
        assert_eq!(size(28, 5, 2, 0), 12);
        assert_eq!(size(14, 2, 2, 0), 7);
        assert_eq!(size(3, 5, 1, 0), 0);
    }

    #[test]
    fn correlation_is_that_of_the_network() {
        use nn::{network::Network, spec::*};
        let conv = LayerSpec::Conv2d { out_channels: 2, kernel_size: 5, stride: 2, padding: 2 };
        let layers = vec![conv, conv, LayerSpec::Flatten, LayerSpec::Linear { out_features: 10 }];
        let spec = NetworkSpec { input: Shape::maps(1, 28, 28), layers };
        let mut network = Network::new(spec.clone(), Initializer::He, 7).unwrap();
        network.prepare();
        let image: Vec<u8> = (0..784).map(|i| (i * i % 251) as u8).collect();
        network.infer(std::iter::once(image.as_slice()));
        let windows = Windows::of(&spec.summary().unwrap()[1]).unwrap();
        let (input, weights) = (network.output(0).unwrap(), network.weights(1).unwrap());
        let second = windows.correlate(&input, &weights[50..], 0.0);
        let expected = network.output(1).unwrap();
        assert_eq!(second.len(), 49);
        for (a, b) in second.iter().zip(&expected[49..]) {
            assert!((a - b).abs() < 1e-4, "{a} {b}");
        }
    }

    #[test]
    fn every_window_has_one_winner() {
        let windows = Windows { input: Shape::maps(2, 5, 4), kernel: 2, stride: 2, padding: 0 };
        let mut input = vec![0.0; 40];
        input[5] = 1.0;
        let winners = windows.winners(&input);
        assert_eq!(winners.iter().filter(|w| **w).count(), 2 * 4);
        assert_eq!(windows.pooled(&input, 0, true), [1.0, 0.0, 0.0, 0.0]);
        assert_eq!(windows.pooled(&input, 0, false), [0.25, 0.0, 0.0, 0.0]);
        assert!(winners[5] && !winners[0] && winners[2], "the largest, and the first of equals");
    }

    #[test]
    fn a_window_at_the_edge_lies_partly_in_the_padding() {
        let windows = Windows { input: Shape::maps(2, 4, 4), kernel: 3, stride: 1, padding: 1 };
        let sources = windows.sources(1..2, 0, 0);
        assert_eq!(sources, [None, None, None, None, Some(16), Some(17), None, Some(20), Some(21)]);
    }
}
