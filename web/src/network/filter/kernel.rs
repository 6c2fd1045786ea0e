//! Filters made by hand: their weights, their presets, and their maps.

use data::mnist::SIDE;
use nn::spec::Shape;

use crate::network::sliding_window::SlidingWindow;
use crate::ui::format::{parse_number, shortest};

/// The rows, and columns, that a filter may have.
pub(crate) const SIDES: [usize; 2] = [3, 5];
/// The largest weight.
pub(super) const MAX_WEIGHT: f32 = 100.0;

/// A square of weights, row by row.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Kernel {
    pub(crate) side: usize,
    pub(crate) weights: Vec<f32>,
}

impl Default for Kernel {
    fn default() -> Self {
        let [(_, _, first), ..] = presets();
        first
    }
}

impl Kernel {
    pub(crate) fn zeros(side: usize) -> Self {
        Self { side, weights: vec![0.0; side * side] }
    }

    /// The filter's map of a 28×28 image, of the same size: the image is padded with zeros.
    pub(crate) fn map(&self, image: &[f32]) -> Vec<f32> {
        let input = Shape::maps(1, SIDE, SIDE);
        SlidingWindow { input, kernel_size: self.side, stride: 1, padding: self.side / 2 }.correlate(
            image,
            &self.weights,
            0.0,
        )
    }

    /// The filter's text in links: the name of a preset, or the weights.
    pub(crate) fn write(&self) -> String {
        match presets().into_iter().find(|(.., kernel)| kernel == self) {
            Some((id, ..)) => id.to_owned(),
            None => {
                let weights: Vec<_> = self.weights.iter().map(|weight| shortest((*weight).into())).collect();
                weights.join(",")
            }
        }
    }

    /// Reads the text of [`Kernel::write`]; none for any other text.
    pub(crate) fn read(text: &str) -> Option<Self> {
        if let Some((.., kernel)) = presets().into_iter().find(|(id, ..)| *id == text) {
            return Some(kernel);
        }
        let weight =
            |text| parse_number(text).map(|weight| weight as f32).filter(|weight| weight.abs() <= MAX_WEIGHT);
        let weights = text.split(',').map(weight).collect::<Option<Vec<f32>>>()?;
        let side = SIDES.into_iter().find(|side| side * side == weights.len())?;
        Some(Self { side, weights })
    }
}

/// Filters that everybody should try: name in links, name on the page, weights.
pub(crate) fn presets() -> [(&'static str, &'static str, Kernel); 6] {
    let kernel = |side: usize, weights: &[f32]| Kernel { side, weights: weights.to_vec() };
    let (o, x) = (-0.5, 1.0);
    [
        ("horizontal", "Horizontal edges", kernel(3, &[-1., -1., -1., 0., 0., 0., 1., 1., 1.])),
        ("vertical", "Vertical edges", kernel(3, &[-1., 0., 1., -1., 0., 1., -1., 0., 1.])),
        ("blur", "Blur", kernel(5, &[0.04; 25])),
        ("sharpen", "Sharpen", kernel(3, &[0., -1., 0., -1., 5., -1., 0., -1., 0.])),
        ("outline", "Outline", kernel(3, &[-1., -1., -1., -1., 8., -1., -1., -1., -1.])),
        (
            "curve",
            "Curve",
            kernel(
                5,
                &[
                    o, x, x, x, o, //
                    x, 0., o, 0., x, //
                    o, o, o, o, x, //
                    o, o, o, 0., x, //
                    o, o, x, x, o,
                ],
            ),
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use data::mnist::PIXELS;

    #[test]
    fn presets_find_what_they_are_named_after() {
        for (_, name, kernel) in presets() {
            assert_eq!(kernel.weights.len(), kernel.side * kernel.side, "{name}");
        }
        // An image with ink in the lower half, whose upper edge is horizontal.
        let image: Vec<f32> = (0..PIXELS).map(|i| if i / SIDE >= 14 { 1.0 } else { 0.0 }).collect();
        let [horizontal, vertical, blur, ..] = presets().map(|(.., kernel)| kernel.map(&image));
        let (edge, inside) = (14 * SIDE + 14, 20 * SIDE + 14);
        assert_eq!((horizontal[edge], horizontal[inside]), (3.0, 0.0));
        assert_eq!((vertical[edge], vertical[inside]), (0.0, 0.0));
        assert!((blur[inside] - 1.0).abs() < 1e-6 && (0.5..0.7).contains(&blur[edge]));
        assert_eq!(Kernel::zeros(5).map(&image), vec![0.0; PIXELS]);
    }

    #[test]
    fn filters_round_trip() {
        let painted = Kernel { side: 3, weights: vec![0., 1., -0.5, 0., 0., 0., 0., 0.04, 0.] };
        assert_eq!(painted.write(), "0,1,-0.5,0,0,0,0,0.04,0");
        let presets = presets().map(|(.., kernel)| kernel);
        for kernel in presets.into_iter().chain([painted, Kernel::zeros(5)]) {
            assert_eq!(Kernel::read(&kernel.write()), Some(kernel));
        }
        for wrong in ["", "emboss", "1,2", "1,1,1,1,1,1,1,1,x", "1,1,1,1,1,1,1,1,NaN", "1,1,1,1,1,1,1,1,101"]
        {
            assert_eq!(Kernel::read(wrong), None, "{wrong}");
        }
    }
}
