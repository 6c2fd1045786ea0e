//! How a value of a map came about: its inputs, their weights, and the sum in words.

use nn::spec::{LayerSpec, Shape};
use nn::summary::LayerSummary;
use trainer::messages::LayerDetail;

use crate::network::receptive_field::place;
use crate::network::sliding_window::Windows;

/// Terms of a sum that are written out; there are up to 784.
const WRITTEN: usize = 9;

/// What a layer does with its inputs.
#[derive(Clone, Copy, Debug, PartialEq)]
enum How {
    Sum,
    Largest,
    Mean,
}

/// A value and what it was made of.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Made {
    how: How,
    /// Shape of `inputs` as a picture.
    pub(crate) patch: Shape,
    /// Where the inputs lie in the values of the layer before; `None` in the padding.
    pub(crate) sources: Vec<Option<usize>>,
    pub(crate) inputs: Vec<f32>,
    /// One for each input, for a mean one for all, or none.
    pub(crate) weights: Vec<f32>,
    pub(crate) bias: f32,
}

impl Made {
    /// How value `at` of a layer was made of `input`, which has shape `before`; nothing for layers that work on each
    /// value by itself, or as long as weights are missing.
    pub(crate) fn of(
        layer: &LayerSummary,
        (before, input): (Shape, &[f32]),
        detail: Option<&LayerDetail>,
        at: usize,
    ) -> Option<Self> {
        let (channel, row, column) = place(layer.output, at);
        let learned = |n: usize| -> Option<(Vec<f32>, f32)> {
            let detail = detail?;
            let weights = detail.weights.get(channel * n..(channel + 1) * n)?.to_vec();
            Some((weights, *detail.biases.get(channel)?))
        };
        let windows = Windows::of(layer);
        let (how, patch, sources, weights, bias) = match (layer.spec, windows) {
            (LayerSpec::Conv2d { kernel_size, .. }, Some(windows)) => {
                let patch = Shape::maps(layer.input.channels, kernel_size, kernel_size);
                let (weights, bias) = learned(patch.len())?;
                (How::Sum, patch, windows.sources(0..layer.input.channels, row, column), weights, bias)
            }
            (LayerSpec::Linear { .. }, _) => {
                let (weights, bias) = learned(layer.input.len())?;
                (How::Sum, before, (0..before.len()).map(Some).collect(), weights, bias)
            }
            (spec, Some(windows)) => {
                let patch = Shape::maps(1, windows.kernel, windows.kernel);
                let sources = windows.sources(channel..channel + 1, row, column);
                let (how, (weights, bias)) = match spec {
                    LayerSpec::MaxPool2d { .. } => (How::Largest, (Vec::new(), 0.0)),
                    LayerSpec::AvgPool2d { .. } => (How::Mean, (Vec::new(), 0.0)),
                    _ => (How::Mean, learned(1)?),
                };
                (how, patch, sources, weights, bias)
            }
            _ => return None,
        };
        let inputs = sources.iter().map(|s| s.map_or(Some(0.0), |s| input.get(s).copied()));
        Some(Self { how, patch, inputs: inputs.collect::<Option<_>>()?, sources, weights, bias })
    }

    /// Whether every input has a weight of its own.
    pub(crate) fn is_sum(&self) -> bool {
        self.how == How::Sum
    }

    /// Inputs times weights.
    pub(crate) fn products(&self) -> Vec<f32> {
        self.inputs.iter().zip(&self.weights).map(|(x, w)| x * w).collect()
    }

    /// The value.
    pub(crate) fn value(&self) -> f32 {
        match self.how {
            How::Sum => self.products().iter().sum::<f32>() + self.bias,
            How::Largest => self.winner().map_or(f32::NAN, |winner| self.inputs[winner]),
            How::Mean => self.mean() * self.weights.first().unwrap_or(&1.0) + self.bias,
        }
    }

    fn mean(&self) -> f32 {
        self.inputs.iter().sum::<f32>() / self.inputs.len() as f32
    }

    /// Which input is the largest, if that is the one that counts: the first of equals.
    pub(crate) fn winner(&self) -> Option<usize> {
        (self.how == How::Largest).then(|| largest(&self.inputs)).flatten()
    }

    /// The inputs whose products weigh most, heaviest first, at most `most`; none that add nothing.
    pub(crate) fn strongest(&self, most: usize) -> Vec<usize> {
        let products = self.products();
        let mut order: Vec<usize> = (0..products.len()).filter(|i| products[*i] != 0.0).collect();
        order.sort_by(|a, b| products[*b].abs().total_cmp(&products[*a].abs()));
        order.truncate(most);
        order
    }

    /// The arithmetic, with its result.
    pub(crate) fn words(&self) -> String {
        let value = number(self.value());
        match self.how {
            How::Sum => {
                let order = self.strongest(usize::MAX);
                let term = |i: &usize| format!("{} × {}", number(self.inputs[*i]), number(self.weights[*i]));
                let written: Vec<String> = order.iter().take(WRITTEN).map(term).collect();
                let rest = order.get(WRITTEN..).unwrap_or_default();
                let mut words = if written.is_empty() { "0".to_owned() } else { written.join(" + ") };
                if !rest.is_empty() {
                    let products = self.products();
                    let sum = rest.iter().map(|i| products[*i]).sum();
                    words += &format!(" + {} smaller terms ({})", rest.len(), number(sum));
                }
                format!("{words} + bias {} = {value}", number(self.bias))
            }
            How::Largest => {
                let all: Vec<String> = self.inputs.iter().map(|v| number(*v)).collect();
                format!("the largest of {} is {value}", all.join(", "))
            }
            How::Mean => {
                let all: Vec<String> = self.inputs.iter().map(|v| number(*v)).collect();
                let mean = format!("({}) / {}", all.join(" + "), all.len());
                match self.weights.first() {
                    Some(weight) => {
                        format!("{mean} × {} + bias {} = {value}", number(*weight), number(self.bias))
                    }
                    None => format!("{mean} = {value}"),
                }
            }
        }
    }
}

/// What a layer that works on each value by itself makes of `x`, in words; `channel` chooses its parameters.
pub(crate) fn then(
    layer: LayerSpec,
    x: f32,
    y: f32,
    detail: Option<&LayerDetail>,
    channel: usize,
) -> Option<String> {
    let (x, y) = (number(x), number(y));
    Some(match layer {
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
                number(of(&detail.running_mean)?),
                number(deviation),
                number(of(&detail.weights)?),
                number(of(&detail.biases)?),
            )
        }
        // Dropout does nothing to the image that is shown: it is at work in training only.
        _ => return None,
    })
}

/// Softmax as the network computes it: exponentials of the distance to the largest, which cannot overflow.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Softmax {
    pub(crate) logits: Vec<f32>,
    pub(crate) exponentials: Vec<f32>,
    pub(crate) sum: f32,
}

impl Softmax {
    /// Of these logits, if there are any.
    pub(crate) fn of(logits: &[f32]) -> Option<Self> {
        let largest = logits[largest(logits)?];
        let exponentials: Vec<f32> = logits.iter().map(|logit| (logit - largest).exp()).collect();
        Some(Self { logits: logits.to_vec(), sum: exponentials.iter().sum(), exponentials })
    }

    /// The exponential of a class in words: three decimals, or its power of ten where nothing would be left of it.
    pub(crate) fn exponential(&self, class: usize) -> String {
        match self.exponentials[class] {
            e if 0.0 < e && e < 0.0005 => format!("{e:.0e}"),
            e => format!("{e:.3}"),
        }
    }

    /// The probability of a class.
    pub(crate) fn share(&self, class: usize) -> f32 {
        self.exponentials[class] / self.sum
    }
}

/// Softmax of one of the logits, in words.
pub(crate) fn softmax(logits: &[f32], class: usize) -> Option<String> {
    let softmax = Softmax::of(logits)?;
    let all: Vec<String> = (0..logits.len()).map(|class| softmax.exponential(class)).collect();
    Some(format!(
        "softmax: e^({} − {}) = {} / ({}) = {:.1} %",
        number(*logits.get(class)?),
        number(logits[largest(logits)?]),
        all[class],
        all.join(" + "),
        100.0 * softmax.share(class)
    ))
}

/// The first of the largest values.
pub(crate) fn largest(values: &[f32]) -> Option<usize> {
    (0..values.len()).reduce(|best, i| if values[i] > values[best] { i } else { best })
}

/// A number for people: two decimals, or what is left of it when it is small.
pub(crate) fn number(value: f32) -> String {
    let size = value.abs();
    let text = match size {
        0.0 => return "0".into(),
        size if size < 0.0005 => format!("{size:.0e}"),
        size if size < 0.095 => format!("{size:.3}"),
        size if size < 99.5 => format!("{size:.2}"),
        _ => format!("{size:.0}"),
    };
    if value < 0.0 { format!("−{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nn::network::Network;
    use nn::preset::Preset;
    use nn::spec::Initializer;

    #[test]
    fn what_is_written_is_what_the_network_computed() {
        for preset in [Preset::LeNet5, Preset::LeNet1998, Preset::Mlp30] {
            let spec = preset.network();
            let layers = spec.summary().unwrap();
            let mut network = Network::new(spec, Initializer::He, 5).unwrap();
            network.prepare();
            let image: Vec<u8> = (0..784).map(|i| (i * i % 251) as u8).collect();
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
                    let made = Made::of(layer, (layer.input, &input), Some(&detail), value);
                    let simple = matches!(
                        layer.spec,
                        LayerSpec::Relu | LayerSpec::Tanh | LayerSpec::Flatten | LayerSpec::BatchNorm
                    );
                    assert_eq!(made.is_none(), simple, "{:?}", layer.spec);
                    if let Some(made) = made {
                        assert!((made.value() - output[value]).abs() < 1e-4, "{:?} {value}", layer.spec);
                    }
                }
                input = output;
            }
        }
    }

    #[test]
    fn sums_are_written_heaviest_term_first() {
        let made = Made {
            how: How::Sum,
            patch: Shape::maps(1, 1, 3),
            sources: vec![Some(0), Some(1), None],
            inputs: vec![0.5, 1.0, 0.0],
            weights: vec![0.25, -2.0, 3.0],
            bias: 0.125,
        };
        assert_eq!(made.words(), "1.00 × −2.00 + 0.50 × 0.25 + bias 0.12 = −1.75");
        assert_eq!(made.strongest(1), [1]);
        let pooled = Made { how: How::Largest, weights: Vec::new(), bias: 0.0, ..made };
        assert_eq!((pooled.winner(), pooled.value()), (Some(1), 1.0));
        assert_eq!(pooled.words(), "the largest of 0.50, 1.00, 0 is 1.00");
    }

    #[test]
    fn numbers_are_short() {
        let texts = [0.0, 0.25, -12.345, 0.0123, 1234.5, -0.00001].map(number);
        assert_eq!(texts, ["0", "0.25", "−12.35", "0.012", "1234", "−1e-5"]);
    }

    #[test]
    fn softmax_shows_its_exponentials() {
        let words = softmax(&[0.0, 2.0], 0).unwrap();
        assert_eq!(words, "softmax: e^(0 − 2.00) = 0.135 / (0.135 + 1.000) = 11.9 %");
        let words = softmax(&[0.0, 20.0], 0).unwrap();
        assert_eq!(words, "softmax: e^(0 − 20.00) = 2e-9 / (2e-9 + 1.000) = 0.0 %");
        assert_eq!(softmax(&[], 0), None);
    }
}
