//! Which networks the page can train.

use data::mnist::CLASSES;
use nn::memory;
use nn::spec::NetworkSpec;
use nn::summary::{LayerSummary, SpecError};

use crate::client::memory::budget;

/// More layers cannot be shown.
pub(crate) const MAX_LAYERS: usize = 40;
/// The layers with their shapes and parameters.
///
/// # Errors
/// Which layer makes the network one that this page cannot train in batches of `batch` images, and why.
pub(crate) fn check(network: &NetworkSpec, batch: usize) -> Result<Vec<LayerSummary>, SpecError> {
    let summary = network.summary()?;
    if summary.len() > MAX_LAYERS {
        let message = format!("More than {MAX_LAYERS} layers cannot be shown.");
        return Err(SpecError { layer: MAX_LAYERS, message });
    }
    // The layer that takes most is the one to change.
    let largest = |(_, layer): &(usize, &LayerSummary)| layer.output.len().max(layer.parameters);
    if let Err(message) = memory::check(network, batch, budget()) {
        let layer = summary.iter().enumerate().max_by_key(largest).map_or(0, |(layer, _)| layer);
        return Err(SpecError { layer, message });
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
    use nn::spec::LayerSpec;

    #[test]
    fn presets_can_be_trained() {
        assert!(
            Preset::ALL.iter().all(|preset| [1, 64, 1024].iter().all(|batch| check(
                &preset.network(),
                *batch
            )
            .is_ok()))
        );
    }

    #[test]
    fn the_first_layer_that_does_not_fit_is_named() {
        let at = |layers: &str| {
            let network = NetworkSpec { layers: read(layers).unwrap(), ..Preset::LeNet5.network() };
            check(&network, 64).map_or_else(|e| Some(e.layer), |_| None)
        };
        assert_eq!(at("f,d10"), None);
        assert_eq!(at("d10"), Some(0), "a linear layer on maps");
        assert_eq!(at("c6,m2,m2,m2,c16,f,d10"), Some(4), "a 5x5 kernel on 3x3 pixels");
        assert_eq!(at("f,d84,r"), Some(2), "84 classes");
        assert_eq!(at("c256k3p1,b,r,c256k3p1,b,r,f,d10"), Some(7), "too many values");
        assert_eq!(at(&format!("f{},d10", ",r".repeat(40))), Some(40), "too many layers");
        // More units than a link or the layer editor can ask for.
        let linear = |out_features| LayerSpec::Linear { out_features };
        let layers = vec![LayerSpec::Flatten, linear(4000), linear(4000), linear(10)];
        let network = NetworkSpec { layers, ..Preset::LeNet5.network() };
        assert_eq!(
            check(&network, 64).map_or_else(|e| Some(e.layer), |_| None),
            Some(2),
            "too many parameters"
        );
    }
}
