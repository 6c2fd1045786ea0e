//! The computation of a value: its inputs, their weights, and the arithmetic in words.

use nn::spec::{LayerSpec, Shape};
use nn::summary::LayerSummary;
use trainer::messages::LayerDetail;

use crate::network::grid::Grid;
use crate::network::receptive_field::position;
use crate::network::sliding_window::{SlidingWindow, winner};
use crate::ui::format::{count, format_number};

/// The terms of a sum that are written out, of up to 784.
const MAX_WRITTEN: usize = 9;

/// How a layer reduces the inputs of a value to that value.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Reduction {
    /// The weighted sum of a convolution or a dense layer.
    Sum,
    /// The maximum of max pooling.
    Max,
    /// The mean of average pooling, with a weight and a bias in sub-sampling.
    Mean,
}

/// A value with its inputs and weights.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Explanation {
    reduction: Reduction,
    /// The shape of `inputs` as a picture.
    pub(crate) patch: Shape,
    /// The indices of the inputs into the output of the layer before; `None` in the padding.
    pub(crate) sources: Vec<Option<usize>>,
    pub(crate) inputs: Vec<f32>,
    /// One for each input of a sum, at most one for a mean, none for a maximum.
    pub(crate) weights: Vec<f32>,
    pub(crate) bias: f32,
}

impl Explanation {
    /// Explains value `at` of a layer. `input` is the layer's input, with the shape `before`. None for layers that compute each value
    /// from one input, and while the weights are unknown.
    pub(crate) fn of(
        layer: &LayerSummary,
        (before, input): (Shape, &[f32]),
        detail: Option<&LayerDetail>,
        at: usize,
    ) -> Option<Self> {
        Self::under(layer, SlidingWindow::of(layer), (before, input), detail, position(layer.output, at))
    }

    /// Explains the value that a layer would have in a map, a row and a column of its output with another window over its input.
    pub(crate) fn under(
        layer: &LayerSummary,
        window: Option<SlidingWindow>,
        (before, input): (Shape, &[f32]),
        detail: Option<&LayerDetail>,
        (channel, row, column): (usize, usize, usize),
    ) -> Option<Self> {
        let learned = |n: usize| -> Option<(Vec<f32>, f32)> {
            let detail = detail?;
            let weights = detail.weights.get(channel * n..(channel + 1) * n)?.to_vec();
            Some((weights, *detail.biases.get(channel)?))
        };
        let (reduction, patch, sources, weights, bias) = match (layer.spec, window) {
            (LayerSpec::Conv2d { kernel_size, .. }, Some(window)) => {
                let channels = layer.input.channels;
                let (weights, bias) = learned(channels * kernel_size * kernel_size)?;
                let weights = resized(&weights, kernel_size, window.kernel_size);
                let patch = Shape::maps(channels, window.kernel_size, window.kernel_size);
                (Reduction::Sum, patch, window.sources(0..channels, row, column), weights, bias)
            }
            (LayerSpec::Linear { .. }, _) => {
                let (weights, bias) = learned(layer.input.len())?;
                (Reduction::Sum, before, (0..before.len()).map(Some).collect(), weights, bias)
            }
            (spec, Some(window)) => {
                let patch = Shape::maps(1, window.kernel_size, window.kernel_size);
                let sources = window.sources(channel..channel + 1, row, column);
                let (reduction, (weights, bias)) = match spec {
                    LayerSpec::MaxPool2d { .. } => (Reduction::Max, (Vec::new(), 0.0)),
                    LayerSpec::AvgPool2d { .. } => (Reduction::Mean, (Vec::new(), 0.0)),
                    _ => (Reduction::Mean, learned(1)?),
                };
                (reduction, patch, sources, weights, bias)
            }
            _ => return None,
        };
        let inputs = sources.iter().map(|s| s.map_or(Some(0.0), |s| input.get(s).copied()));
        Some(Self { reduction, patch, inputs: inputs.collect::<Option<_>>()?, sources, weights, bias })
    }

    /// The inputs as a picture.
    pub(crate) fn grid(patch: Shape) -> Grid {
        match patch.channels {
            channels if patch.is_vector() => Grid::with_columns(channels.div_ceil(10), channels, 1, 1),
            channels => Grid::square(channels, patch.height, patch.width),
        }
    }

    /// Whether every input has a weight.
    pub(crate) fn is_sum(&self) -> bool {
        self.reduction == Reduction::Sum
    }

    /// The inputs times their weights.
    pub(crate) fn products(&self) -> Vec<f32> {
        self.inputs.iter().zip(&self.weights).map(|(x, w)| x * w).collect()
    }

    /// The value.
    pub(crate) fn value(&self) -> f32 {
        match self.reduction {
            Reduction::Sum => self.products().iter().sum::<f32>() + self.bias,
            Reduction::Max => self.inputs.iter().copied().reduce(f32::max).unwrap_or(f32::NAN),
            Reduction::Mean => self.mean() * self.weights.first().unwrap_or(&1.0) + self.bias,
        }
    }

    fn mean(&self) -> f32 {
        self.inputs.iter().sum::<f32>() / self.inputs.len() as f32
    }

    /// The index of the input that a maximum takes; none for sums and means, and among equals.
    pub(crate) fn winner(&self) -> Option<usize> {
        (self.reduction == Reduction::Max).then(|| winner(&self.inputs)).flatten()
    }

    /// The indices of the inputs with the largest products, largest first, `max` at most. Products of 0 are left out.
    pub(crate) fn largest_terms(&self, max: usize) -> Vec<usize> {
        let products = self.products();
        let mut order: Vec<usize> = (0..products.len()).filter(|i| products[*i] != 0.0).collect();
        order.sort_by(|a, b| products[*b].abs().total_cmp(&products[*a].abs()));
        order.truncate(max);
        order
    }

    /// The arithmetic in words, with its result.
    pub(crate) fn words(&self) -> String {
        let value = format_number(self.value());
        match self.reduction {
            Reduction::Sum => {
                let order = self.largest_terms(usize::MAX);
                let term = |i: &usize| {
                    format!("{} × {}", format_number(self.inputs[*i]), format_number(self.weights[*i]))
                };
                let written: Vec<String> = order.iter().take(MAX_WRITTEN).map(term).collect();
                let rest = order.get(MAX_WRITTEN..).unwrap_or_default();
                let mut words = if written.is_empty() { "0".to_owned() } else { written.join(" + ") };
                if !rest.is_empty() {
                    let products = self.products();
                    let sum = rest.iter().map(|i| products[*i]).sum();
                    words += &format!(" + {} ({})", count(rest.len(), "smaller term"), format_number(sum));
                }
                format!("{words} + bias {} = {value}", format_number(self.bias))
            }
            Reduction::Max => {
                let all: Vec<String> = self.inputs.iter().map(|v| format_number(*v)).collect();
                format!("the largest of {} is {value}", all.join(", "))
            }
            Reduction::Mean => {
                let all: Vec<String> = self.inputs.iter().map(|v| format_number(*v)).collect();
                let mean = format!("({}) / {}", all.join(" + "), all.len());
                match self.weights.first() {
                    Some(weight) => {
                        format!(
                            "{mean} × {} + bias {} = {value}",
                            format_number(*weight),
                            format_number(self.bias)
                        )
                    }
                    None => format!("{mean} = {value}"),
                }
            }
        }
    }
}

/// Square kernels `[channel][row][column]` of another size: the middle of larger ones, with zeros around smaller ones.
pub(crate) fn resized(weights: &[f32], from: usize, to: usize) -> Vec<f32> {
    let channels = weights.len() / (from * from).max(1);
    let tap = |at: usize| (at + from / 2).checked_sub(to / 2).filter(|at| *at < from);
    let taps = (0..channels).flat_map(|c| (0..to).flat_map(move |y| (0..to).map(move |x| (c, y, x))));
    taps.map(|(c, y, x)| match (tap(y), tap(x)) {
        (Some(y), Some(x)) => weights[(c * from + y) * from + x],
        _ => 0.0,
    })
    .collect()
}

/// The arithmetic of a layer that computes each value `y` from one input `x`, in words; none for other layers and dropout.
pub(crate) fn pointwise_in_words(
    layer: LayerSpec,
    x: f32,
    y: f32,
    detail: Option<&LayerDetail>,
    channel: usize,
) -> Option<String> {
    let (is_unchanged, is_dropped) = (x == y || x.is_nan(), y == 0.0);
    let (x, y) = (format_number(x), format_number(y));
    Some(match layer {
        // Unless a thinned network is shown, dropout leaves the values as they are.
        LayerSpec::Dropout { .. } if is_unchanged => return None,
        LayerSpec::Dropout { p } => {
            if is_dropped {
                format!("dropout: this mask drops {x}")
            } else {
                format!("dropout: {x} / (1 − {}) = {y}", format_number(p))
            }
        }
        LayerSpec::Relu => format!("ReLU: max({x}, 0) = {y}"),
        LayerSpec::LeakyRelu { .. } => format!("leaky ReLU of {x} = {y}"),
        LayerSpec::Elu { .. } => format!("ELU of {x} = {y}"),
        LayerSpec::Sigmoid => format!("sigmoid: 1 / (1 + e^−({x})) = {y}"),
        LayerSpec::Tanh => format!("tanh({x}) = {y}"),
        LayerSpec::BatchNorm => {
            let detail = detail?;
            let of = |values: &[f32]| values.get(channel).copied();
            let deviation = (of(&detail.running_variance)? + nn::spec::BATCH_NORM_EPS).sqrt();
            format!(
                "batch normalisation: ({x} − mean {}) / deviation {} × {} + {} = {y}",
                format_number(of(&detail.running_mean)?),
                format_number(deviation),
                format_number(of(&detail.weights)?),
                format_number(of(&detail.biases)?),
            )
        }
        _ => return None,
    })
}

/// The index of the largest value, of equals the first.
pub(crate) fn argmax(values: &[f32]) -> Option<usize> {
    (0..values.len()).reduce(|best, i| if values[i] > values[best] { i } else { best })
}

#[cfg(test)]
mod tests {
    use super::*;
    use data::mnist::PIXELS;
    use nn::network::Network;
    use nn::preset::Preset;
    use nn::spec::Initializer;

    #[test]
    fn explanations_give_the_values_that_the_network_computes() {
        for preset in [Preset::LeNet5, Preset::LeNet1998, Preset::Mlp30] {
            let spec = preset.network();
            let layers = spec.summary().unwrap();
            let mut network = Network::new(spec, Initializer::He, 5).unwrap();
            network.prepare();
            let image: Vec<u8> = (0..PIXELS).map(|i| (i * i % 251) as u8).collect();
            network.infer(std::iter::once(image.as_slice()));
            let mut input: Vec<f32> = image.iter().map(|b| f32::from(*b) / 255.0).collect();
            for (at, layer) in layers.iter().enumerate() {
                let output = network.output(at).unwrap();
                let of_layer = |p: &&nn::plan::Parameter| p.layer == at;
                let mut parameters = network.plan().parameters.iter().filter(of_layer);
                let mut next =
                    || parameters.next().map(|p| network.parameters[p.range()].to_vec()).unwrap_or_default();
                let detail =
                    LayerDetail { layer: at, weights: next(), biases: next(), ..LayerDetail::default() };
                for value in [0, output.len() / 3, output.len() - 1] {
                    let explanation = Explanation::of(layer, (layer.input, &input), Some(&detail), value);
                    let pointwise = matches!(
                        layer.spec,
                        LayerSpec::Relu | LayerSpec::Tanh | LayerSpec::Flatten | LayerSpec::BatchNorm
                    );
                    assert_eq!(explanation.is_none(), pointwise, "{:?}", layer.spec);
                    if let Some(explanation) = explanation {
                        assert!(
                            (explanation.value() - output[value]).abs() < 1e-4,
                            "{:?} {value}",
                            layer.spec
                        );
                    }
                }
                input = output;
            }
        }
    }

    #[test]
    fn kernels_of_another_size_keep_their_middle() {
        let kernel: Vec<f32> = (1..=9).map(|n| n as f32).collect();
        assert_eq!(resized(&kernel, 3, 3), kernel);
        assert_eq!(resized(&kernel, 3, 1), [5.0]);
        let wide = resized(&kernel, 3, 5);
        assert_eq!((wide.len(), wide[6], wide[12], wide[18], wide[0]), (25, 1.0, 5.0, 9.0, 0.0));
        assert_eq!(resized(&wide, 5, 3), kernel);
        assert_eq!(resized(&[kernel.clone(), wide[..9].to_vec()].concat(), 3, 1), [5.0, wide[4]]);
        assert_eq!(resized(&kernel, 3, 2), [1.0, 2.0, 4.0, 5.0], "an even one begins before the middle");
    }

    #[test]
    fn sums_are_written_with_the_largest_terms_first() {
        let sum = Explanation {
            reduction: Reduction::Sum,
            patch: Shape::maps(1, 1, 3),
            sources: vec![Some(0), Some(1), None],
            inputs: vec![0.5, 1.0, 0.0],
            weights: vec![0.25, -2.0, 3.0],
            bias: 0.125,
        };
        assert_eq!(sum.words(), "1.00 × −2.00 + 0.50 × 0.25 + bias 0.12 = −1.75");
        assert_eq!(sum.largest_terms(1), [1]);
        let pooled = Explanation { reduction: Reduction::Max, weights: Vec::new(), bias: 0.0, ..sum };
        assert_eq!((pooled.winner(), pooled.value()), (Some(1), 1.0));
        assert_eq!(pooled.words(), "the largest of 0.50, 1.00, 0 is 1.00");
    }
}
