//! Tricks that are layers: inserting them among the layers of a network and removing them.

use nn::spec::LayerSpec::{
    self, AvgPool2d, BatchNorm, Conv2d, Dropout, Elu, LeakyRelu, Linear, MaxPool2d, Permute, Relu, Sigmoid,
    Subsample2d, Tanh,
};

/// Whether a layer is an activation function.
pub(super) const fn is_activation(layer: &LayerSpec) -> bool {
    matches!(layer, Relu | LeakyRelu { .. } | Elu { .. } | Sigmoid | Tanh)
}

/// Whether a layer pools.
pub(super) const fn is_pooling(layer: &LayerSpec) -> bool {
    matches!(layer, MaxPool2d { .. } | AvgPool2d { .. } | Subsample2d { .. })
}

/// The share that the first dropout layer zeroes.
pub(super) fn dropout(layers: &[LayerSpec]) -> Option<f32> {
    layers.iter().find_map(|layer| if let Dropout { p } = layer { Some(*p) } else { None })
}

const fn is_dense(layer: &LayerSpec) -> bool {
    matches!(layer, Linear { .. })
}

const fn has_weights(layer: &LayerSpec) -> bool {
    matches!(layer, Conv2d { .. } | Linear { .. })
}

/// Inserts `new` after each hidden layer that `selects` accepts, and after those layers that `follows` accepts behind it.
fn insert(
    layers: &mut Vec<LayerSpec>,
    new: LayerSpec,
    selects: fn(&LayerSpec) -> bool,
    follows: fn(&LayerSpec) -> bool,
) {
    let output = layers.iter().rposition(has_weights).unwrap_or(0);
    for at in (0..output).rev().filter(|at| selects(&layers[*at])).collect::<Vec<_>>() {
        let after = at + 1 + layers[at + 1..].iter().take_while(|layer| follows(layer)).count();
        layers.insert(after, new);
    }
}

/// Sets the activation function of all hidden layers; `None` removes it.
pub(super) fn set_activation(layers: &mut Vec<LayerSpec>, activation: Option<LayerSpec>) {
    match activation {
        None => layers.retain(|layer| !is_activation(layer)),
        Some(new) if layers.iter().any(is_activation) => {
            layers.iter_mut().filter(|layer| is_activation(layer)).for_each(|layer| *layer = new);
        }
        Some(new) => insert(layers, new, has_weights, |layer| *layer == BatchNorm),
    }
}

/// Replaces all pooling layers; windows and strides stay.
pub(super) fn set_pooling(layers: &mut [LayerSpec], new: fn(usize, usize) -> LayerSpec) {
    for layer in layers {
        if let MaxPool2d { kernel_size, stride }
        | AvgPool2d { kernel_size, stride }
        | Subsample2d { kernel_size, stride } = *layer
        {
            *layer = new(kernel_size, stride);
        }
    }
}

/// Adds batch normalisation after all hidden layers with weights, or removes it.
pub(super) fn set_batch_norm(layers: &mut Vec<LayerSpec>, on: bool) {
    layers.retain(|layer| *layer != BatchNorm);
    if on {
        insert(layers, BatchNorm, has_weights, |_| false);
    }
}

/// Adds dropout with share `p` after all hidden fully connected layers; `None` removes it.
pub(super) fn set_dropout(layers: &mut Vec<LayerSpec>, p: Option<f32>) {
    layers.retain(|layer| !matches!(layer, Dropout { .. }));
    if let Some(p) = p {
        insert(layers, Dropout { p }, is_dense, |layer| *layer == BatchNorm || is_activation(layer));
    }
}

/// Whether the pixels of all images are shuffled.
pub(super) fn shuffles_pixels(layers: &[LayerSpec]) -> bool {
    matches!(layers.first(), Some(Permute { .. }))
}

/// Shuffles the pixels of all images before the first layer, or leaves them in order.
pub(super) fn set_pixel_shuffle(layers: &mut Vec<LayerSpec>, on: bool) {
    layers.retain(|layer| !matches!(layer, Permute { .. }));
    if on {
        layers.insert(0, Permute { seed: 1 });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::layers::write;
    use nn::preset::Preset;

    fn changed(preset: Preset, change: impl Fn(&mut Vec<LayerSpec>)) -> String {
        let mut layers = preset.network().layers;
        change(&mut layers);
        write(&layers)
    }

    #[test]
    fn layers_are_inserted_where_textbooks_put_them() {
        let all = changed(Preset::LeNet5, |layers| {
            set_batch_norm(layers, true);
            set_dropout(layers, Some(0.5));
            set_pixel_shuffle(layers, true);
        });
        assert_eq!(all, "p1,c6p2,b,r,m2,c16,b,r,m2,f,d120,b,r,o0.5,d84,b,r,o0.5,d10");
    }

    #[test]
    fn adding_and_removing_restores_the_layers() {
        for preset in [Preset::LeNet5, Preset::Mlp30, Preset::OneConvolution, Preset::DeepSigmoid] {
            let restored = changed(preset, |layers| {
                let activation = layers.iter().copied().find(is_activation);
                set_pixel_shuffle(layers, true);
                set_batch_norm(layers, true);
                set_dropout(layers, Some(0.5));
                set_activation(layers, None);
                set_activation(layers, activation);
                set_dropout(layers, None);
                set_batch_norm(layers, false);
                set_pixel_shuffle(layers, false);
            });
            assert_eq!(restored, write(&preset.network().layers));
        }
    }

    #[test]
    fn activations_and_pooling_are_replaced_in_place() {
        let tanh = changed(Preset::OneConvolution, |layers| {
            set_activation(layers, Some(Tanh));
            set_pooling(layers, |kernel_size, stride| AvgPool2d { kernel_size, stride });
        });
        assert_eq!(tanh, "c20,t,a2,f,d100,t,d10");
    }
}
