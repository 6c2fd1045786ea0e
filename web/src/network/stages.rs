//! The stages of a network, which are the columns of its picture, named as in LeCun et al. 1998: C1, S2, C3, S4, F5, F6, Output.

use data::mnist::SIDE;
use nn::spec::{LayerSpec, NetworkSpec, Shape};
use trainer::messages::Watch;

use crate::network::grid::Grid;
use crate::network::layout::{Column, Kind};
use crate::network::thinned::units_choice::MASK_SEED;
use crate::settings::layers;

/// Which maps of a stage are computed from which ones of the stage before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wiring {
    /// Each map from the same one.
    OneToOne,
    /// Each map from all maps.
    Maps,
    /// Each unit from all values.
    Dense,
}

/// One column of the picture: a layer with weights or a window, and the layers that follow it, such as its activation.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Stage {
    /// `C1`, `S2`, ...
    pub(crate) name: String,
    /// The kind of the layer, in words.
    pub(crate) kind: String,
    /// The shape of the maps that are shown.
    pub(crate) shape: Shape,
    /// The number of trainable parameters.
    pub(crate) parameters: usize,
    /// The index of the layer.
    pub(crate) layer: usize,
    /// The index of the layer whose output is shown: the last of the stage.
    pub(crate) shown: usize,
    /// The shape of the layer's input before it is flattened.
    pub(crate) before: Shape,
    /// How it is tied to the column before.
    pub(crate) wiring: Wiring,
    /// The rows and columns of its filters, if these can be drawn as pictures: those of a first layer, whose input is the image.
    pub(crate) filters: Option<(usize, usize)>,
}

/// The weights of more units than these are not drawn: they would be too many numbers to send 30 times a second.
const MAX_DENSE_FILTERS: usize = 64;

/// The stages of a network; none if its layers do not fit together.
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
            // These layers belong to the stage before them, whose maps are shown after the last of them.
            LayerSpec::Flatten
            | LayerSpec::BatchNorm
            | LayerSpec::Relu
            | LayerSpec::LeakyRelu { .. }
            | LayerSpec::Elu { .. }
            | LayerSpec::Sigmoid
            | LayerSpec::Tanh
            | LayerSpec::Dropout { .. }
            // The input is shown shuffled.
            | LayerSpec::Permute { .. } => {
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
                if stages.is_empty() && image.channels == 1 && out_features <= MAX_DENSE_FILTERS =>
            {
                Some((image.height, image.width))
            }
            _ => None,
        };
        let wiring = match layer.spec {
            LayerSpec::Conv2d { .. } => Wiring::Maps,
            LayerSpec::Linear { .. } => Wiring::Dense,
            _ => Wiring::OneToOne,
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
            wiring,
            filters,
        });
    }
    stages
}

impl Stage {
    /// The indices of its layers.
    pub(crate) fn layers(&self) -> std::ops::RangeInclusive<usize> {
        self.layer..=self.shown
    }

    /// The maps that are shown.
    pub(crate) fn grid(&self) -> Grid {
        let shape = self.shape;
        if self.name == layers::OUTPUT {
            Grid { gap: 0, ..Grid::with_columns(1, shape.channels, 1, 1) }
        } else {
            Grid::new(shape.channels, shape.height, shape.width)
        }
    }

    /// Its filters as pictures, `columns` side by side; none if they are not drawn.
    pub(crate) fn filter_grid(&self, columns: usize) -> Option<Grid> {
        let (height, width) = self.filters?;
        Some(Grid::with_columns(columns, self.shape.channels, height, width))
    }
}

/// Whether the outputs of a layer have both signs.
pub(crate) fn has_both_signs(spec: LayerSpec) -> bool {
    !matches!(
        spec,
        LayerSpec::Relu | LayerSpec::Sigmoid | LayerSpec::MaxPool2d { .. } | LayerSpec::AvgPool2d { .. }
    )
}

/// The pictures of weights side by side in the column of a first dense layer.
pub(crate) const WEIGHT_COLUMNS: usize = 6;

/// The image.
pub(crate) fn image_grid() -> Grid {
    Grid::new(1, SIDE, SIDE)
}

/// The columns of the picture: the image, the weights of a first dense layer, and the stages.
pub(crate) fn columns(stages: &[Stage]) -> Vec<Column> {
    let filters =
        stages.iter().filter(|stage| !stage.shape.is_vector()).find_map(|stage| stage.filter_grid(1));
    let image = Column { kind: Kind::Image, grid: image_grid(), filters };
    let weights = stages.iter().filter(|stage| stage.shape.is_vector());
    let weights = weights.filter_map(|stage| stage.filter_grid(WEIGHT_COLUMNS));
    let weights = weights.map(|grid| Column { kind: Kind::Weights, grid, filters: None });
    let stages = stages.iter().map(|stage| {
        let kind = if stage.name == layers::OUTPUT { Kind::Output } else { Kind::Maps };
        Column { kind, grid: stage.grid(), filters: None }
    });
    std::iter::once(image).chain(weights).chain(stages).collect()
}

/// The indices of the batch normalisations of a network.
pub(crate) fn batch_norms(network: &NetworkSpec) -> impl Iterator<Item = usize> {
    let layers = network.layers.iter().enumerate();
    layers.filter(|(_, layer)| **layer == LayerSpec::BatchNorm).map(|(at, _)| at)
}

/// Whether masks of dropout can be shown: every dropout is one of a stage's, which is crossed out, and there is one.
pub(crate) fn has_masks(network: &NetworkSpec) -> bool {
    let mut dropouts = (0..network.layers.len())
        .filter(|at| matches!(network.layers[*at], LayerSpec::Dropout { .. }))
        .peekable();
    let first = of(network).first().map_or(usize::MAX, |stage| stage.layer);
    dropouts.peek().is_some_and(|at| *at > first)
}

/// What the worker must send to draw the stages of a network, to inspect some of them, to show every batch normalisation, and to
/// show what dropout and batch normalisation do in the one that is open.
pub(crate) fn watch(network: &NetworkSpec, inspected: &[usize], open: Option<&str>) -> Watch {
    let stages = of(network);
    let in_open = |is: fn(&LayerSpec) -> bool| {
        let open = stages.iter().find(|stage| Some(stage.name.as_str()) == open);
        let layers = open.into_iter().flat_map(Stage::layers);
        layers.filter(move |at| network.layers.get(*at).is_some_and(is)).collect::<Vec<_>>()
    };
    let dropouts = in_open(|layer| matches!(layer, LayerSpec::Dropout { .. }));
    let inspected = || inspected.iter().filter_map(|i| stages.get(*i)).flat_map(Stage::layers);
    let batch_norms = batch_norms(network).flat_map(|at| at.saturating_sub(1)..=at);
    let mut activations: Vec<usize> =
        stages.iter().map(|stage| stage.shown).chain(inspected()).chain(batch_norms).collect();
    activations.sort_unstable();
    activations.dedup();
    Watch {
        activations,
        weights: stages.iter().filter(|stage| stage.filters.is_some()).map(|stage| stage.layer).collect(),
        norms: true,
        details: inspected().collect(),
        masks: (!dropouts.is_empty() && has_masks(network)).then_some(MASK_SEED),
        batches: in_open(|layer| *layer == LayerSpec::BatchNorm),
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
        assert_eq!(watch(&network, &[], None).weights, [0]);
        assert_eq!(watch(&network, &[], None).activations, [1, 2, 4, 5, 8, 10, 11]);
        let inspected = watch(&network, &[2, 99], None);
        assert_eq!((inspected.activations[2..4].to_vec(), inspected.details), (vec![3, 4], vec![3, 4]));
        let before: Vec<_> = stages.iter().map(|s| s.before.to_string()).collect();
        assert_eq!(before[4..], ["16@5x5", "120", "84"]);
    }

    #[test]
    fn weights_of_a_first_dense_layer_are_drawn_as_images() {
        let network = Preset::Mlp30.network();
        let stages = of(&network);
        assert_eq!(stages[0].filters, Some((28, 28)));
        assert_eq!(stages[1].filters, None);
        assert_eq!(watch(&network, &[], None).weights, [1]);
    }

    #[test]
    fn an_open_stage_shows_its_dropout_and_its_batch() {
        let layers = layers::read("c6p2,b,r,f,d10,r,o0.5,d10").unwrap();
        let network = NetworkSpec { layers, ..Preset::LeNet5.network() };
        let of = |open| {
            let watch = watch(&network, &[], Some(open));
            (watch.masks, watch.batches)
        };
        assert_eq!(of("C1"), (None, vec![1]));
        assert_eq!(of("F2"), (Some(MASK_SEED), vec![]));
        assert_eq!(of("Output"), (None, vec![]));
        assert_eq!(of("C9"), (None, vec![]));
        let first = layers::read("o0.5,f,d10,r,o0.5,d10").unwrap();
        assert!(
            !has_masks(&NetworkSpec { layers: first, ..Preset::LeNet5.network() }),
            "pixels are not crossed out"
        );
        assert!(has_masks(&network) && !has_masks(&Preset::LeNet5.network()));
    }

    #[test]
    fn inputs_and_outputs_of_batch_normalisation_are_watched() {
        let layers = layers::read("b,c6p2,b,r,f,d10").unwrap();
        let network = NetworkSpec { layers, ..Preset::LeNet5.network() };
        assert_eq!(watch(&network, &[], None).activations, [0, 1, 2, 3, 5], "before the first is the image");
    }
}
