//! Which networks the page can train.

use data::mnist::CLASSES;
use nn::spec::NetworkSpec;
use nn::summary::{LayerSummary, SpecError};

use crate::ui::format::thousands;

/// More layers cannot be shown.
pub(crate) const MAX_LAYERS: usize = 40;
/// More parameters exceed the memory of a phone: with the gradient and Adam's two moments, this is 32 MB.
const MAX_PARAMETERS: usize = 2_000_000;
/// The largest sum of input and outputs of all layers for one image; each core keeps those of 16 images at a time.
const MAX_VALUES: usize = 500_000;

/// The layers with their shapes and parameters.
///
/// # Errors
/// Which layer makes the network one that this page cannot train, and why.
pub(crate) fn check(network: &NetworkSpec) -> Result<Vec<LayerSummary>, SpecError> {
    let (mut values, mut parameters) = (network.input.len(), 0);
    let (mut upper, mut summary) = (network.clone(), Vec::new());
    upper.layers.clear();
    // One layer more at a time, so that sizes behind a layer that is far too large are not computed.
    for (layer, spec) in network.layers.iter().enumerate() {
        let fail = |message: String| Err(SpecError { layer, message });
        upper.layers.push(*spec);
        summary = upper.summary()?;
        if let Some(last) = summary.last() {
            values += last.output.len();
            parameters += last.parameters;
        }
        if parameters > MAX_PARAMETERS {
            return fail(format!(
                "Up to here there are {} parameters: a phone can train {}.",
                thousands(parameters),
                thousands(MAX_PARAMETERS)
            ));
        }
        if values > MAX_VALUES {
            return fail(format!(
                "Up to here every image becomes {} numbers: a phone has memory for {}.",
                thousands(values),
                thousands(MAX_VALUES)
            ));
        }
        if layer >= MAX_LAYERS {
            return fail(format!("More than {MAX_LAYERS} layers cannot be shown."));
        }
    }
    match summary.last() {
        Some(last) if last.output.is_vector() && last.output.len() == CLASSES => Ok(summary),
        Some(last) => Err(SpecError {
            layer: summary.len() - 1,
            message: format!(
                "The last layer must give {CLASSES} numbers, one for each digit, not {}: end with a dense layer of {CLASSES} units.",
                last.output
            ),
        }),
        None => Err(SpecError {
            layer: 0,
            message: format!("There is no layer: add Flatten and a dense layer of {CLASSES} units."),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::layers::notation::read;
    use nn::preset::Preset;

    #[test]
    fn presets_can_be_trained() {
        assert!(Preset::ALL.iter().all(|preset| check(&preset.network()).is_ok()));
    }

    #[test]
    fn the_first_layer_that_does_not_fit_is_named() {
        let at = |layers: &str| {
            let network = NetworkSpec { layers: read(layers).unwrap(), ..Preset::LeNet5.network() };
            check(&network).map_or_else(|e| Some(e.layer), |_| None)
        };
        assert_eq!(at("f,d10"), None);
        assert_eq!(at("d10"), Some(0), "a linear layer on maps");
        assert_eq!(at("c6,m2,m2,m2,c16,f,d10"), Some(4), "a 5x5 kernel on 3x3 pixels");
        assert_eq!(at("f,d84,r"), Some(2), "84 classes");
        assert_eq!(at("f,d1024,d1024,d1024,d10"), Some(3), "too many parameters");
        assert_eq!(at("c256p2,c256p2,c256p2,f,d10"), Some(2), "too many parameters");
        assert_eq!(at("c256k1,c256k1,c256k1,f,d10"), Some(2), "too many values");
        assert_eq!(at(&format!("f{},d10", ",r".repeat(40))), Some(40), "too many layers");
    }
}
