//! The network as a row of stages to be drawn, named as in LeCun et al. 1998: C1, S2, C3, S4, F5, F6, Output.

use nn::spec::{LayerSpec, NetworkSpec, Shape};
use trainer::messages::Watch;

use crate::settings::layers;

/// One column of the picture: a layer with weights or windows, and the activation that follows it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Stage {
    /// `C1`, `S2`, ...
    pub(crate) name: String,
    /// What it does, in words.
    pub(crate) kind: String,
    /// Shape of what is shown.
    pub(crate) shape: Shape,
    /// Trainable numbers.
    pub(crate) parameters: usize,
    /// The layer itself.
    pub(crate) layer: usize,
    /// The layer whose output is shown: the activation where there is one.
    pub(crate) shown: usize,
    /// Shape of what the layer is fed, before it is flattened.
    pub(crate) before: Shape,
    /// Rows and columns of its filters, if they can be drawn as pictures: those that look at the image itself.
    pub(crate) filters: Option<(usize, usize)>,
}

/// More units than these are not drawn as pictures of their weights: too many numbers, 30 times a second.
const MOST_DENSE_FILTERS: usize = 64;

/// The stages of a network; none for one that does not fit together.
pub(crate) fn of(network: &NetworkSpec) -> Vec<Stage> {
    let Ok(layers) = network.summary() else { return Vec::new() };
    let mut stages: Vec<Stage> = Vec::new();
    for ((at, layer), name) in layers.iter().enumerate().zip(layers::names(&network.layers)) {
        let kind = match layer.spec {
            LayerSpec::Conv2d { kernel_size, .. } => format!("conv {kernel_size}×{kernel_size}"),
            LayerSpec::MaxPool2d { kernel_size, .. } => format!("max pool {kernel_size}×{kernel_size}"),
            LayerSpec::AvgPool2d { kernel_size, .. } => format!("avg pool {kernel_size}×{kernel_size}"),
            LayerSpec::Subsample2d { kernel_size, .. } => format!("subsample {kernel_size}×{kernel_size}"),
            LayerSpec::Linear { .. } if name == layers::OUTPUT => "softmax".to_owned(),
            LayerSpec::Linear { .. } => "dense".to_owned(),
            // They belong to the stage before them, whose maps are shown as they leave it.
            LayerSpec::Flatten
            | LayerSpec::BatchNorm
            | LayerSpec::Relu
            | LayerSpec::LeakyRelu { .. }
            | LayerSpec::Elu { .. }
            | LayerSpec::Sigmoid
            | LayerSpec::Tanh
            | LayerSpec::Dropout { .. } => {
                if let Some(stage) = stages.last_mut() {
                    stage.parameters += layer.parameters;
                    if layer.spec != LayerSpec::Flatten {
                        stage.shown = at;
                    }
                }
                continue;
            }
        };
        let image = network.input;
        let filters = match layer.spec {
            LayerSpec::Conv2d { kernel_size, .. } if stages.is_empty() && image.channels == 1 => {
                Some((kernel_size, kernel_size))
            }
            LayerSpec::Linear { out_features }
                if stages.is_empty() && image.channels == 1 && out_features <= MOST_DENSE_FILTERS =>
            {
                Some((image.height, image.width))
            }
            _ => None,
        };
        let before = stages.last().map_or(network.input, |stage| stage.shape);
        stages.push(Stage {
            name,
            kind,
            shape: layer.output,
            parameters: layer.parameters,
            layer: at,
            shown: at,
            before,
            filters,
        });
    }
    stages
}

impl Stage {
    /// The layer itself and those that follow it up to the one that is shown.
    pub(crate) fn layers(&self) -> std::ops::RangeInclusive<usize> {
        self.layer..=self.shown
    }
}

/// The layers of a network that normalise.
pub(crate) fn norms(network: &NetworkSpec) -> impl Iterator<Item = usize> {
    let layers = network.layers.iter().enumerate();
    layers.filter(|(_, layer)| **layer == LayerSpec::BatchNorm).map(|(at, _)| at)
}

/// What must be sent to draw the stages of a network, to look closely at some of them, and to see what is normalised.
pub(crate) fn watch(network: &NetworkSpec, closely: &[usize]) -> Watch {
    let stages = of(network);
    let close = || closely.iter().filter_map(|i| stages.get(*i)).flat_map(Stage::layers);
    let norms = norms(network).flat_map(|at| at.saturating_sub(1)..=at);
    let mut activations: Vec<usize> =
        stages.iter().map(|stage| stage.shown).chain(close()).chain(norms).collect();
    activations.sort_unstable();
    activations.dedup();
    Watch {
        activations,
        weights: stages.iter().filter(|stage| stage.filters.is_some()).map(|stage| stage.layer).collect(),
        norms: true,
        details: close().collect(),
        ..Watch::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nn::preset::Preset;

    #[test]
    fn lenet_has_the_stages_of_the_paper() {
        let network = Preset::LeNet5.network();
        let stages = of(&network);
        let names: Vec<_> = stages.iter().map(|s| format!("{} {}", s.name, s.shape)).collect();
        assert_eq!(
            names,
            ["C1 6@28x28", "S2 6@14x14", "C3 16@10x10", "S4 16@5x5", "F5 120", "F6 84", "Output 10"]
        );
        assert_eq!(stages[0].shown, 1, "C1 is shown after its ReLU");
        assert_eq!(watch(&network, &[]).weights, [0]);
        assert_eq!(watch(&network, &[]).activations, [1, 2, 4, 5, 8, 10, 11]);
        let closely = watch(&network, &[2, 99]);
        assert_eq!((closely.activations[2..4].to_vec(), closely.details), (vec![3, 4], vec![3, 4]));
        let before: Vec<_> = stages.iter().map(|s| s.before.to_string()).collect();
        assert_eq!(before[4..], ["16@5x5", "120", "84"]);
    }

    #[test]
    fn dense_units_that_see_the_image_are_drawn_as_images() {
        let network = Preset::Mlp30.network();
        let stages = of(&network);
        assert_eq!(stages[0].filters, Some((28, 28)));
        assert_eq!(stages[1].filters, None);
        assert_eq!(watch(&network, &[]).weights, [1]);
    }

    #[test]
    fn what_is_normalised_is_seen_before_and_after() {
        let layers = layers::read("b,c6p2,b,r,f,d10").unwrap();
        let network = NetworkSpec { layers, ..Preset::LeNet5.network() };
        assert_eq!(watch(&network, &[]).activations, [0, 1, 2, 3, 5], "before the first is the image");
    }
}
