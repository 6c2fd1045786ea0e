//! The sliding windows of convolution and pooling: which inputs each output is computed from.

use nn::spec::{LayerSpec, Shape};
use nn::summary::LayerSummary;

/// A square window that slides over maps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SlidingWindow {
    /// The shape of the maps it slides over.
    pub(crate) input: Shape,
    /// Its rows, and its columns.
    pub(crate) kernel_size: usize,
    /// The pixels from one position to the next.
    pub(crate) stride: usize,
    /// The rows and columns of zeros around the maps.
    pub(crate) padding: usize,
}

impl SlidingWindow {
    /// The window of a layer; none if the layer has none.
    pub(crate) fn of(layer: &LayerSummary) -> Option<Self> {
        let (kernel_size, stride, padding) = match layer.spec {
            LayerSpec::Conv2d { kernel_size, stride, padding, .. } => (kernel_size, stride, padding),
            LayerSpec::MaxPool2d { kernel_size, stride }
            | LayerSpec::AvgPool2d { kernel_size, stride }
            | LayerSpec::Subsample2d { kernel_size, stride } => (kernel_size, stride, 0),
            _ => return None,
        };
        Some(Self { input: layer.input, kernel_size, stride, padding })
    }

    /// The rows and columns of its positions, and of the output.
    pub(crate) const fn output(&self) -> (usize, usize) {
        (self.positions(self.input.height), self.positions(self.input.width))
    }

    /// The positions along a side of `n` pixels: `(n + 2p - k) / s + 1`, rounded down; 0 if the window does not fit.
    pub(crate) const fn positions(&self, n: usize) -> usize {
        match (n + 2 * self.padding).checked_sub(self.kernel_size) {
            Some(room) => room / self.stride + 1,
            None => 0,
        }
    }

    /// The pixels under the window at a position, row by row; `None` for those in the padding.
    pub(crate) fn pixels(&self, row: usize, column: usize) -> impl Iterator<Item = Option<(usize, usize)>> {
        let Self { input, kernel_size, stride, padding } = *self;
        let pixel = move |position: usize, tap: usize, n: usize| {
            (position * stride + tap).checked_sub(padding).filter(|pixel| *pixel < n)
        };
        let taps = (0..kernel_size).flat_map(move |y| (0..kernel_size).map(move |x| (y, x)));
        taps.map(move |(y, x)| pixel(row, y, input.height).zip(pixel(column, x, input.width)))
    }

    /// The indices of the pixels under the window into the input `[channel][row][column]`, for these channels.
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

    /// The inputs that are larger than all others under the window at some position, in ascending order. Where several are the
    /// largest, none decides: black corners of an image win nothing.
    pub(crate) fn winners(&self, input: &[f32]) -> Vec<usize> {
        let (rows, columns) = self.output();
        let mut winners = Vec::new();
        for channel in 0..self.input.channels {
            for at in 0..rows * columns {
                let sources = self.sources(channel..channel + 1, at / columns, at % columns);
                let under: Vec<usize> = sources.into_iter().flatten().filter(|s| *s < input.len()).collect();
                let values: Vec<f32> = under.iter().map(|s| input[*s]).collect();
                winners.extend(winner(&values).map(|at| under[at]));
            }
        }
        winners.sort_unstable();
        winners.dedup();
        winners
    }

    /// A channel after max pooling (`max`) or average pooling.
    pub(crate) fn pooled(&self, input: &[f32], channel: usize, max: bool) -> Vec<f32> {
        let (rows, columns) = self.output();
        let pool = |at: usize| {
            let sources = self.sources(channel..channel + 1, at / columns, at % columns);
            let values = sources.iter().map(|s| s.map_or(0.0, |s| input[s]));
            if max {
                values.fold(f32::NEG_INFINITY, f32::max)
            } else {
                values.sum::<f32>() / sources.len() as f32
            }
        };
        (0..rows * columns).map(pool).collect()
    }

    /// A map of a convolution (cross-correlation) with the weights `[channel][row][column]`.
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

/// The index of the value that is larger than all others; none among equals, and beside a value that is no number.
pub(crate) fn winner(values: &[f32]) -> Option<usize> {
    let largest = values.iter().copied().reduce(f32::max)?;
    let mut at = (0..values.len()).filter(|at| values[*at] >= largest || values[*at].is_nan());
    at.next().filter(|_| at.next().is_none()).filter(|at| !values[*at].is_nan())
}

#[cfg(test)]
mod tests {
    use super::*;
    use data::mnist::PIXELS;

    #[test]
    fn the_output_has_the_size_of_the_formula() {
        let size = |n, kernel_size, stride, padding| {
            SlidingWindow { input: Shape::maps(1, n, n), kernel_size, stride, padding }.output().0
        };
        assert_eq!(size(28, 5, 1, 2), 28);
        assert_eq!(size(28, 5, 2, 0), 12);
        assert_eq!(size(14, 2, 2, 0), 7);
        assert_eq!(size(3, 5, 1, 0), 0);
    }

    #[test]
    fn correlate_computes_what_the_network_computes() {
        use nn::{network::Network, spec::*};
        let conv = LayerSpec::Conv2d { out_channels: 2, kernel_size: 5, stride: 2, padding: 2 };
        let layers = vec![conv, conv, LayerSpec::Flatten, LayerSpec::Linear { out_features: 10 }];
        let spec = NetworkSpec { input: Shape::maps(1, 28, 28), layers };
        let mut network = Network::new(spec.clone(), Initializer::He, 7).unwrap();
        network.prepare();
        let image: Vec<u8> = (0..PIXELS).map(|i| (i * i % 251) as u8).collect();
        network.infer(std::iter::once(image.as_slice()));
        let window = SlidingWindow::of(&spec.summary().unwrap()[1]).unwrap();
        let (input, weights) = (network.output(0).unwrap(), network.weights(1).unwrap());
        let second = window.correlate(&input, &weights[50..], 0.0);
        let expected = network.output(1).unwrap();
        assert_eq!(second.len(), 49);
        for (a, b) in second.iter().zip(&expected[49..]) {
            assert!((a - b).abs() < 1e-4, "{a} {b}");
        }
    }

    #[test]
    fn among_equals_there_is_no_winner() {
        assert_eq!(winner(&[0.0, 0.5, 0.75, 0.5]), Some(2));
        assert_eq!(winner(&[0.0; 4]), None);
        assert_eq!(winner(&[0.5, 0.0, 0.5, 0.25]), None);
        assert_eq!(winner(&[-1.0, -2.0, -0.0, -3.0]), Some(2));
        assert_eq!(winner(&[1.0, f32::NAN]), None);
        assert_eq!((winner(&[]), winner(&[3.0])), (None, Some(0)));
    }

    #[test]
    fn black_windows_have_no_winner() {
        let window = SlidingWindow { input: Shape::maps(2, 5, 4), kernel_size: 2, stride: 2, padding: 0 };
        let mut input = vec![0.0; 40];
        (input[5], input[22], input[23]) = (1.0, 0.5, 0.5);
        assert_eq!(window.winners(&input), [5], "one window has ink, and one has it twice");
        assert_eq!(window.pooled(&input, 0, true), [1.0, 0.0, 0.0, 0.0]);
        assert_eq!(window.pooled(&input, 0, false), [0.25, 0.0, 0.0, 0.0]);
        // Windows that overlap may have the same winner, and one of two equals may stand alone in another window.
        let window = SlidingWindow { stride: 1, ..window };
        assert_eq!(window.winners(&input), [5, 22]);
    }

    #[test]
    fn at_the_edge_the_window_lies_partly_in_the_padding() {
        let window = SlidingWindow { input: Shape::maps(2, 4, 4), kernel_size: 3, stride: 1, padding: 1 };
        let sources = window.sources(1..2, 0, 0);
        assert_eq!(sources, [None, None, None, None, Some(16), Some(17), None, Some(20), Some(21)]);
    }
}
