//! Layers as the editor and the link know them: their kinds, their numbers, a short spelling, and what fits.

use nn::spec::{LayerSpec, NetworkSpec};
use nn::summary::{LayerSummary, SpecError};

use crate::ui::format::{excerpt, parse_number, shortest, thousands};

/// More layers than these are no network to look at.
pub(crate) const MOST_LAYERS: usize = 40;
/// What a phone trains without running out of memory: with Adam's two means and the gradient, 32 MB.
const MOST_PARAMETERS: usize = 2_000_000;
/// The same for the values of one image on its way: 16 images go through at once, on each core.
const MOST_VALUES: usize = 500_000;

/// Every kind of layer: its letter in links, and what a new one is like.
pub(crate) const KINDS: [(char, LayerSpec); 13] = [
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
];

/// One number of a layer.
pub(crate) struct Number<'a> {
    /// Its letter in links.
    code: char,
    pub(crate) name: &'static str,
    /// What it does.
    pub(crate) help: &'static str,
    pub(crate) least: f64,
    pub(crate) most: f64,
    pub(crate) step: f64,
    slot: Slot<'a>,
}

enum Slot<'a> {
    Whole(&'a mut usize),
    Share(&'a mut f32),
}

impl Number<'_> {
    pub(crate) fn get(&self) -> f64 {
        match &self.slot {
            Slot::Whole(value) => **value as f64,
            Slot::Share(value) => f64::from(**value),
        }
    }

    /// Sets it, if it can have that value; says whether it did.
    pub(crate) fn set(&mut self, new: f64) -> bool {
        let fits = (self.least..=self.most).contains(&new);
        match &mut self.slot {
            _ if !fits => return false,
            Slot::Whole(_) if new.fract() != 0.0 => return false,
            Slot::Whole(value) => **value = new as usize,
            Slot::Share(value) => **value = new as f32,
        }
        true
    }
}

/// The numbers of a layer, the one that links tell first at the front.
pub(crate) fn numbers(layer: &mut LayerSpec) -> Vec<Number<'_>> {
    let whole = |code, name, help, (least, most): (u16, u16), value| Number {
        code,
        name,
        help,
        least: least.into(),
        most: most.into(),
        step: 1.0,
        slot: Slot::Whole(value),
    };
    let kernel_help =
        "Rows and columns that are looked at together: larger sees more and gives smaller maps.";
    let stride_help = "By how many pixels it moves on: 2 halves rows and columns.";
    match layer {
        LayerSpec::Conv2d { out_channels, kernel_size, stride, padding } => vec![
            whole(
                'n',
                "Maps",
                "How many patterns it looks for, each everywhere in the image.",
                (1, 256),
                out_channels,
            ),
            whole('k', "Kernel", kernel_help, (1, 28), kernel_size),
            whole('s', "Stride", stride_help, (1, 28), stride),
            whole(
                'p',
                "Padding",
                "Zeros around the image: half the kernel keeps its size.",
                (0, 27),
                padding,
            ),
        ],
        LayerSpec::MaxPool2d { kernel_size, stride }
        | LayerSpec::AvgPool2d { kernel_size, stride }
        | LayerSpec::Subsample2d { kernel_size, stride } => vec![
            whole('k', "Window", kernel_help, (1, 28), kernel_size),
            whole('s', "Stride", stride_help, (1, 28), stride),
        ],
        LayerSpec::Linear { out_features } => {
            vec![whole(
                'n',
                "Units",
                "How many numbers it gives. The last layer has one for each digit.",
                (1, 1024),
                out_features,
            )]
        }
        LayerSpec::LeakyRelu { negative_slope } => vec![Number {
            code: 'p',
            name: "Slope",
            help: "What is left of negative values: 0 is ReLU, 1 no bend at all.",
            least: 0.0,
            most: 1.0,
            step: 0.01,
            slot: Slot::Share(negative_slope),
        }],
        LayerSpec::Elu { alpha } => vec![Number {
            code: 'p',
            name: "Depth",
            help: "Negative values bend smoothly towards minus this.",
            least: 0.0,
            most: 5.0,
            step: 0.1,
            slot: Slot::Share(alpha),
        }],
        LayerSpec::Dropout { p } => vec![Number {
            code: 'p',
            name: "Share dropped",
            help: "How many of the units fall silent, other ones in every step.",
            least: 0.0,
            most: 0.9,
            step: 0.05,
            slot: Slot::Share(p),
        }],
        LayerSpec::Flatten
        | LayerSpec::BatchNorm
        | LayerSpec::Relu
        | LayerSpec::Sigmoid
        | LayerSpec::Tanh => Vec::new(),
    }
}

/// The letter of its kind, and what a new one of it is like.
fn kind(layer: &LayerSpec) -> (char, LayerSpec) {
    let same = |other: &LayerSpec| std::mem::discriminant(other) == std::mem::discriminant(layer);
    KINDS.into_iter().find(|(_, example)| same(example)).unwrap_or(('?', *layer))
}

/// Layers in short: `c6p2,r,m2,f,d10`. Numbers that a new layer has anyway are left out, but for the first.
pub(crate) fn write(layers: &[LayerSpec]) -> String {
    let one = |layer: &LayerSpec| {
        let (mut layer, (letter, mut example)) = (*layer, kind(layer));
        let mut text = letter.to_string();
        for (i, (number, usual)) in numbers(&mut layer).iter().zip(numbers(&mut example)).enumerate() {
            match number.get() {
                value if i == 0 => text += &shortest(value),
                value if value != usual.get() => text += &format!("{}{}", number.code, shortest(value)),
                _ => {}
            }
        }
        text
    };
    layers.iter().map(one).collect::<Vec<_>>().join(",")
}

/// What [`write`] wrote.
///
/// # Errors
/// A sentence, if it is no list of layers.
pub(crate) fn read(text: &str) -> Result<Vec<LayerSpec>, String> {
    let wrong = |part: &str| format!("“{}” is no layer.", excerpt(part));
    let one = |part: &str| {
        let letter = part.chars().next();
        let (_, mut layer) =
            KINDS.into_iter().find(|kind| Some(kind.0) == letter).ok_or_else(|| wrong(part))?;
        let mut numbers = numbers(&mut layer);
        let mut rest = &part[1..];
        let mut which = 0;
        while !rest.is_empty() {
            let length = rest.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(rest.len());
            let number = numbers.get_mut(which).ok_or_else(|| wrong(part))?;
            let value = parse_number(&rest[..length]).ok_or_else(|| wrong(part))?;
            if !number.set(value) {
                let Number { name, least, most, .. } = number;
                return Err(format!("“{}”: {name} must be between {least} and {most}.", excerpt(part)));
            }
            rest = &rest[length..];
            if let Some(code) = rest.chars().next() {
                which = numbers.iter().position(|n| n.code == code).ok_or_else(|| wrong(part))?;
                rest = &rest[1..];
                if rest.is_empty() {
                    return Err(wrong(part));
                }
            }
        }
        Ok(layer)
    };
    text.split(',').map(one).collect()
}

/// The layers with their shapes and parameters.
///
/// # Errors
/// Where and why they are no network that this page can train.
pub(crate) fn check(network: &NetworkSpec) -> Result<Vec<LayerSummary>, SpecError> {
    let (mut values, mut parameters) = (network.input.len(), 0);
    let (mut upper, mut summary) = (network.clone(), Vec::new());
    upper.layers.clear();
    // One layer more at a time: what would be far too large is never even counted.
    for (layer, spec) in network.layers.iter().enumerate() {
        let fail = |message: String| Err(SpecError { layer, message });
        upper.layers.push(*spec);
        summary = upper.summary()?;
        if let Some(last) = summary.last() {
            values += last.output.len();
            parameters += last.parameters;
        }
        if parameters > MOST_PARAMETERS {
            return fail(format!(
                "Up to here there are {} parameters: a phone can train {}.",
                thousands(parameters),
                thousands(MOST_PARAMETERS)
            ));
        }
        if values > MOST_VALUES {
            return fail(format!(
                "Up to here every image becomes {} numbers: a phone has memory for {}.",
                thousands(values),
                thousands(MOST_VALUES)
            ));
        }
        if layer >= MOST_LAYERS {
            return fail(format!("More than {MOST_LAYERS} layers cannot be shown."));
        }
    }
    let classes = data::mnist::CLASSES;
    match summary.last() {
        Some(last) if last.output.is_vector() && last.output.len() == classes => Ok(summary),
        Some(last) => Err(SpecError {
            layer: summary.len() - 1,
            message: format!(
                "The last layer must give {classes} numbers, one for each digit, not {}: end with a dense layer of {classes} units.",
                last.output
            ),
        }),
        None => Err(SpecError {
            layer: 0,
            message: format!("There is no layer: add Flatten and a dense layer of {classes} units."),
        }),
    }
}

/// The name of the last layer.
pub(crate) const OUTPUT: &str = "Output";

/// The names of layers, as in LeCun et al. 1998 and in the picture: C1, S2, C3, ..., Output; nothing for those that
/// belong to the one before.
pub(crate) fn names(layers: &[LayerSpec]) -> Vec<String> {
    let mut stages = 0;
    let name = |(at, layer): (usize, &LayerSpec)| {
        let letter = match layer {
            LayerSpec::Conv2d { .. } => 'C',
            LayerSpec::MaxPool2d { .. } | LayerSpec::AvgPool2d { .. } | LayerSpec::Subsample2d { .. } => 'S',
            LayerSpec::Linear { .. } if at + 1 == layers.len() => return OUTPUT.into(),
            LayerSpec::Linear { .. } => 'F',
            _ => return String::new(),
        };
        stages += 1;
        format!("{letter}{stages}")
    };
    layers.iter().enumerate().map(name).collect()
}

/// A layer in a few words; what its shape tells is left out.
pub(crate) fn describe(layer: &LayerSpec) -> String {
    let square = |what: &str, kernel: usize, stride: usize, usual: usize| {
        let stride = if stride == usual { String::new() } else { format!(", stride {stride}") };
        format!("{what} {kernel}×{kernel}{stride}")
    };
    match *layer {
        LayerSpec::Conv2d { kernel_size, stride, padding, .. } => {
            let padding = if padding == 0 { String::new() } else { format!(", pad {padding}") };
            square("conv", kernel_size, stride, 1) + &padding
        }
        LayerSpec::MaxPool2d { kernel_size, stride } => square("max pool", kernel_size, stride, kernel_size),
        LayerSpec::AvgPool2d { kernel_size, stride } => square("avg pool", kernel_size, stride, kernel_size),
        LayerSpec::Subsample2d { kernel_size, stride } => {
            square("subsample", kernel_size, stride, kernel_size)
        }
        LayerSpec::BatchNorm => "batch norm".into(),
        LayerSpec::LeakyRelu { negative_slope } => format!("leaky ReLU {negative_slope}"),
        LayerSpec::Elu { alpha } => format!("ELU {alpha}"),
        LayerSpec::Dropout { p } => format!("dropout {p}"),
        LayerSpec::Flatten
        | LayerSpec::Linear { .. }
        | LayerSpec::Relu
        | LayerSpec::Sigmoid
        | LayerSpec::Tanh => layer.kind().into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nn::preset::Preset;

    #[test]
    fn presets_are_spelt_and_read() {
        assert_eq!(write(&Preset::LeNet5.network().layers), "c6p2,r,m2,c16,r,m2,f,d120,r,d84,r,d10");
        for preset in Preset::ALL {
            let layers = preset.network().layers;
            assert_eq!(read(&write(&layers)), Ok(layers));
            assert!(check(&preset.network()).is_ok());
        }
    }

    #[test]
    fn layers_have_the_names_of_the_paper() {
        let names = names(&Preset::LeNet5.network().layers).join(" ");
        assert_eq!(names, "C1  S2 C3  S4  F5  F6  Output");
    }

    #[test]
    fn every_number_is_spelt() {
        let all = "c3k4s2p1,m3s1,a3s3,s2,f,d7,b,r,l0.2,g,t,o0.25";
        assert_eq!(write(&read(all).unwrap()), all);
        assert_eq!(read("c"), Ok(vec![KINDS[0].1]), "a letter alone is a new layer");
    }

    #[test]
    fn what_is_no_layer_is_told() {
        for wrong in
            ["", "x", "c6,", "c6p", "c6p2p", "c0", "c6q3", "d1.5", "d9999", "r3", "o2", "o-0.5", "lNaN", "é"]
        {
            assert!(read(wrong).is_err_and(|sentence| sentence.ends_with('.')), "{wrong}");
        }
    }

    #[test]
    fn what_does_not_fit_is_told_where() {
        let at = |layers: &str| {
            let network = NetworkSpec { layers: read(layers).unwrap(), ..Preset::LeNet5.network() };
            check(&network).map_or_else(|e| Some(e.layer), |_| None)
        };
        assert_eq!(at("f,d10"), None);
        assert_eq!(at("d10"), Some(0), "dense on maps");
        assert_eq!(at("c6,m2,m2,m2,c16,f,d10"), Some(4), "5x5 on 3x3");
        assert_eq!(at("f,d84,r"), Some(2), "84 classes");
        assert_eq!(at("f,d1024,d1024,d1024,d10"), Some(3), "too many parameters");
        assert_eq!(at("c256p2,c256p2,c256p2,f,d10"), Some(2), "too many parameters");
        assert_eq!(at("c256k1,c256k1,c256k1,f,d10"), Some(2), "too many values");
        assert_eq!(at(&format!("f{},d10", ",r".repeat(40))), Some(40), "too deep");
    }
}
