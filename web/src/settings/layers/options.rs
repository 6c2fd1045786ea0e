//! The kinds of layers and their options.

use data::mnist::SIDE;
use nn::spec::LayerSpec;

/// Every kind of layer: its letter in links, and a new layer of this kind.
pub(crate) const KINDS: [(char, LayerSpec); 14] = [
    ('c', LayerSpec::Conv2d { out_channels: 16, kernel_size: 5, stride: 1, padding: 0 }),
    ('m', LayerSpec::MaxPool2d { kernel_size: 2, stride: 2 }),
    ('a', LayerSpec::AvgPool2d { kernel_size: 2, stride: 2 }),
    ('s', LayerSpec::Subsample2d { kernel_size: 2, stride: 2 }),
    ('f', LayerSpec::Flatten),
    ('d', LayerSpec::Linear { out_features: 84 }),
    ('b', LayerSpec::BatchNorm),
    ('r', LayerSpec::Relu),
    ('l', LayerSpec::LeakyRelu { negative_slope: 0.01 }),
    ('e', LayerSpec::Elu { alpha: 1.0 }),
    ('g', LayerSpec::Sigmoid),
    ('t', LayerSpec::Tanh),
    ('o', LayerSpec::Dropout { p: 0.5 }),
    ('p', LayerSpec::Permute { seed: 1 }),
];

const MAPS: OptionInfo =
    whole('n', "Maps", "How many patterns it looks for, each everywhere in the image.", (1, 256));
const KERNEL: OptionInfo = whole('k', "Kernel", WINDOW.help, (1, SIDE));
const WINDOW: OptionInfo = whole(
    'k',
    "Window",
    "Rows and columns that are looked at together: larger sees more and gives smaller maps.",
    (1, SIDE),
);
const STRIDE: OptionInfo =
    whole('s', "Stride", "By how many pixels it moves on: 2 halves rows and columns.", (1, SIDE));
const PADDING: OptionInfo =
    whole('p', "Padding", "Zeros around the image: half the kernel keeps its size.", (0, SIDE - 1));
const UNITS: OptionInfo =
    whole('n', "Units", "How many numbers it gives. The last layer has one for each digit.", (1, 1024));
const SLOPE: OptionInfo = OptionInfo {
    code: 'p',
    name: "Slope",
    help: "What is left of negative values: 0 is ReLU, 1 no bend at all.",
    min: 0.0,
    max: 1.0,
    step: 0.01,
};
const DEPTH: OptionInfo = OptionInfo {
    code: 'p',
    name: "Depth",
    help: "Negative values bend smoothly towards minus this.",
    min: 0.0,
    max: 5.0,
    step: 0.1,
};
const DROPPED: OptionInfo = OptionInfo {
    code: 'p',
    name: "Share dropped",
    help: "How many of the units fall silent, other ones in every step.",
    min: 0.0,
    max: 0.9,
    step: 0.05,
};

const ORDER: OptionInfo =
    whole('n', "Order", "Which of the random orders: the same for every image.", (0, 999));

/// The options of a layer; links begin with the first one.
pub(crate) fn options(layer: &mut LayerSpec) -> Vec<LayerOption<'_>> {
    match layer {
        LayerSpec::Conv2d { out_channels, kernel_size, stride, padding } => {
            vec![MAPS.of(out_channels), KERNEL.of(kernel_size), STRIDE.of(stride), PADDING.of(padding)]
        }
        LayerSpec::MaxPool2d { kernel_size, stride }
        | LayerSpec::AvgPool2d { kernel_size, stride }
        | LayerSpec::Subsample2d { kernel_size, stride } => vec![WINDOW.of(kernel_size), STRIDE.of(stride)],
        LayerSpec::Linear { out_features } => vec![UNITS.of(out_features)],
        LayerSpec::LeakyRelu { negative_slope } => vec![SLOPE.of(negative_slope)],
        LayerSpec::Elu { alpha } => vec![DEPTH.of(alpha)],
        LayerSpec::Dropout { p } => vec![DROPPED.of(p)],
        LayerSpec::Permute { seed } => vec![ORDER.of(seed)],
        LayerSpec::Flatten
        | LayerSpec::BatchNorm
        | LayerSpec::Relu
        | LayerSpec::Sigmoid
        | LayerSpec::Tanh => Vec::new(),
    }
}

/// What an option is called, and which values it has.
#[derive(Clone, Copy)]
pub(crate) struct OptionInfo {
    /// Its letter in links.
    pub(super) code: char,
    pub(crate) name: &'static str,
    /// What it does.
    pub(crate) help: &'static str,
    pub(crate) min: f64,
    pub(crate) max: f64,
    pub(crate) step: f64,
}

const fn whole(code: char, name: &'static str, help: &'static str, (min, max): (usize, usize)) -> OptionInfo {
    OptionInfo { code, name, help, min: min as f64, max: max as f64, step: 1.0 }
}

impl OptionInfo {
    fn of<'a>(self, value: impl Into<Value<'a>>) -> LayerOption<'a> {
        LayerOption { info: self, value: value.into() }
    }
}

/// One option of one layer.
pub(crate) struct LayerOption<'a> {
    pub(crate) info: OptionInfo,
    value: Value<'a>,
}

enum Value<'a> {
    Whole(&'a mut usize),
    Real(&'a mut f32),
}

impl<'a> From<&'a mut usize> for Value<'a> {
    fn from(value: &'a mut usize) -> Self {
        Self::Whole(value)
    }
}

impl<'a> From<&'a mut f32> for Value<'a> {
    fn from(value: &'a mut f32) -> Self {
        Self::Real(value)
    }
}

impl LayerOption<'_> {
    pub(crate) fn get(&self) -> f64 {
        match &self.value {
            Value::Whole(value) => **value as f64,
            Value::Real(value) => f64::from(**value),
        }
    }

    /// Sets the option; false, and unchanged, if it cannot have this value.
    pub(crate) fn set(&mut self, new: f64) -> bool {
        let OptionInfo { min, max, .. } = self.info;
        let is_valid = (min..=max).contains(&new);
        match &mut self.value {
            _ if !is_valid => return false,
            Value::Whole(_) if new.fract() != 0.0 => return false,
            Value::Whole(value) => **value = new as usize,
            Value::Real(value) => **value = new as f32,
        }
        true
    }
}
