//! Receptive fields: the pixels of earlier layers on which a pixel depends.

use std::ops::Range;

use nn::spec::{LayerSpec, Shape};
use nn::summary::LayerSummary;

use crate::network::sliding_window::SlidingWindow;

/// A box of values in the maps of a layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ReceptiveField {
    pub(crate) channels: Range<usize>,
    pub(crate) rows: Range<usize>,
    pub(crate) columns: Range<usize>,
}

impl ReceptiveField {
    /// The box of one value, given its index.
    pub(crate) const fn pixel(shape: Shape, at: usize) -> Self {
        let (channel, row, column) = position(shape, at);
        Self { channels: channel..channel + 1, rows: row..row + 1, columns: column..column + 1 }
    }

    /// All values.
    const fn all(shape: Shape) -> Self {
        Self { channels: 0..shape.channels, rows: 0..shape.height, columns: 0..shape.width }
    }

    /// The inputs of a layer on which this part of its output depends.
    fn before(&self, layer: &LayerSummary) -> Self {
        let input = layer.input;
        if let Some(window) = SlidingWindow::of(layer) {
            let sums = matches!(layer.spec, LayerSpec::Conv2d { .. });
            return Self {
                channels: if sums { 0..input.channels } else { self.channels.clone() },
                rows: under(&window, &self.rows, input.height),
                columns: under(&window, &self.columns, input.width),
            };
        }
        match layer.spec {
            LayerSpec::Linear { .. } => Self::all(input),
            LayerSpec::Flatten if self.channels.len() == 1 => Self::pixel(input, self.channels.start),
            LayerSpec::Flatten => Self::all(input),
            _ => self.clone(),
        }
    }
}

/// The pixels under a window at these positions along a side of `n` pixels, without the padding.
fn under(window: &SlidingWindow, positions: &Range<usize>, n: usize) -> Range<usize> {
    let end = (positions.end - 1) * window.stride + window.kernel_size;
    let inside = |pixel: usize| pixel.saturating_sub(window.padding).min(n);
    inside(positions.start * window.stride)..inside(end)
}

/// The channel, row and column of the value with this index.
pub(crate) const fn position(shape: Shape, at: usize) -> (usize, usize, usize) {
    (at / shape.plane(), at / shape.width % shape.height, at % shape.width)
}

/// The receptive fields of value `at` of the output of `layers[layer]`: entry `i` lies in the input of layer `i`.
pub(crate) fn trace(layers: &[LayerSummary], layer: usize, at: usize) -> Vec<ReceptiveField> {
    let mut fields = Vec::with_capacity(layer + 1);
    let mut field = ReceptiveField::pixel(layers[layer].output, at);
    for layer in layers[..=layer].iter().rev() {
        field = field.before(layer);
        fields.push(field.clone());
    }
    fields.reverse();
    fields
}

#[cfg(test)]
mod tests {
    use super::*;
    use nn::network::Network;
    use nn::spec::{Initializer, LayerSpec::*, NetworkSpec};

    /// The pixels of the image whose change changes the value, found by changing each.
    fn found_by_trying(spec: &NetworkSpec, layer: usize, at: usize) -> Vec<usize> {
        let mut network = Network::new(spec.clone(), Initializer::He, 3).unwrap();
        network.prepare();
        let image = vec![100u8; spec.input.len()];
        let mut value = |image: &[u8]| {
            network.infer(std::iter::once(image));
            network.output(layer).unwrap()[at]
        };
        let plain = value(&image);
        let changed = |pixel: &usize| {
            let mut image = image.clone();
            image[*pixel] = 250;
            value(&image) != plain
        };
        (0..image.len()).filter(changed).collect()
    }

    #[test]
    fn fields_hold_the_pixels_whose_change_changes_the_value() {
        let conv = |out_channels, kernel_size, stride, padding| Conv2d {
            out_channels,
            kernel_size,
            stride,
            padding,
        };
        // With averages and sigmoids, every pixel under a window counts.
        let layers = vec![
            conv(2, 5, 1, 2),
            Sigmoid,
            AvgPool2d { kernel_size: 2, stride: 2 },
            conv(3, 3, 2, 1),
            Sigmoid,
            AvgPool2d { kernel_size: 3, stride: 1 },
            Flatten,
            Linear { out_features: 10 },
        ];
        let spec = NetworkSpec { input: Shape::maps(1, 14, 14), layers };
        let summary = spec.summary().unwrap();
        for (layer, at) in [(0, 0), (0, 300), (2, 0), (2, 60), (3, 0), (3, 30), (5, 7), (6, 5), (7, 9)] {
            let field = &trace(&summary, layer, at)[0];
            let pixels: Vec<usize> = (0..14 * 14)
                .filter(|p| field.rows.contains(&(p / 14)) && field.columns.contains(&(p % 14)))
                .collect();
            assert_eq!(pixels, found_by_trying(&spec, layer, at), "layer {layer}, value {at}");
        }
    }

    #[test]
    fn a_pixel_of_s4_sees_sixteen_rows_of_the_image() {
        let layers = nn::preset::Preset::LeNet5.network().summary().unwrap();
        let fields = trace(&layers, 5, 12); // the center of the first map
        assert_eq!(fields[5], ReceptiveField { channels: 0..1, rows: 4..6, columns: 4..6 });
        assert_eq!(fields[3], ReceptiveField { channels: 0..6, rows: 4..10, columns: 4..10 });
        assert_eq!(fields[0], ReceptiveField { channels: 0..1, rows: 6..22, columns: 6..22 });
    }
}
