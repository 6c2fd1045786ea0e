//! Tricks that are layers: putting them into a stack and taking them out again.

use nn::spec::LayerSpec::{
    self, AvgPool2d, BatchNorm, Conv2d, Dropout, Elu, LeakyRelu, Linear, MaxPool2d, Relu, Sigmoid,
    Subsample2d, Tanh,
};

/// Whether it bends what goes through it.
pub(super) const fn is_activation(layer: &LayerSpec) -> bool {
    matches!(layer, Relu | LeakyRelu { .. } | Elu { .. } | Sigmoid | Tanh)
}

/// Whether it makes maps smaller.
pub(super) const fn is_pooling(layer: &LayerSpec) -> bool {
    matches!(layer, MaxPool2d { .. } | AvgPool2d { .. } | Subsample2d { .. })
}

/// Whether it is dropout.
pub(super) const fn is_dropout(layer: &LayerSpec) -> bool {
    matches!(layer, Dropout { .. })
}

const fn is_dense(layer: &LayerSpec) -> bool {
    matches!(layer, Linear { .. })
}

const fn has_weights(layer: &LayerSpec) -> bool {
    matches!(layer, Conv2d { .. } | Linear { .. })
}

/// Puts `new` behind each hidden layer that `which` picks, and behind what `belongs` to it already.
fn insert(
    layers: &mut Vec<LayerSpec>,
    new: LayerSpec,
    which: fn(&LayerSpec) -> bool,
    belongs: fn(&LayerSpec) -> bool,
) {
    let output = layers.iter().rposition(has_weights).unwrap_or(0);
    for at in (0..output).rev().filter(|at| which(&layers[*at])).collect::<Vec<_>>() {
        let behind = at + 1 + layers[at + 1..].iter().take_while(|layer| belongs(layer)).count();
        layers.insert(behind, new);
    }
}

/// Bends what all hidden layers give by this function, or by none.
pub(super) fn set_activation(layers: &mut Vec<LayerSpec>, activation: Option<LayerSpec>) {
    match activation {
        None => layers.retain(|layer| !is_activation(layer)),
        Some(new) if layers.iter().any(is_activation) => {
            layers.iter_mut().filter(|layer| is_activation(layer)).for_each(|layer| *layer = new);
        }
        Some(new) => insert(layers, new, has_weights, |layer| *layer == BatchNorm),
    }
}

/// Pools in another way by the same windows.
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

/// Normalises what all hidden layers give, or nothing.
pub(super) fn set_batch_norm(layers: &mut Vec<LayerSpec>, on: bool) {
    layers.retain(|layer| *layer != BatchNorm);
    if on {
        insert(layers, BatchNorm, has_weights, |_| false);
    }
}

/// Drops units of all hidden dense layers, or of no layer.
pub(super) fn set_dropout(layers: &mut Vec<LayerSpec>, p: Option<f32>) {
    layers.retain(|layer| !is_dropout(layer));
    if let Some(p) = p {
        insert(layers, Dropout { p }, is_dense, |layer| *layer == BatchNorm || is_activation(layer));
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
    fn tricks_go_where_books_put_them() {
        let all = changed(Preset::LeNet5, |layers| {
            set_batch_norm(layers, true);
            set_dropout(layers, Some(0.5));
        });
        assert_eq!(all, "c6p2,b,r,m2,c16,b,r,m2,f,d120,b,r,o0.5,d84,b,r,o0.5,d10");
    }

    #[test]
    fn they_come_and_go_without_a_trace() {
        for preset in [Preset::LeNet5, Preset::Mlp30, Preset::OneConvolution, Preset::DeepSigmoid] {
            let there_and_back = changed(preset, |layers| {
                let activation = layers.iter().copied().find(is_activation);
                set_batch_norm(layers, true);
                set_dropout(layers, Some(0.5));
                set_activation(layers, None);
                set_activation(layers, activation);
                set_dropout(layers, None);
                set_batch_norm(layers, false);
            });
            assert_eq!(there_and_back, write(&preset.network().layers));
        }
    }

    #[test]
    fn activations_and_pooling_change_in_place() {
        let tanh = changed(Preset::OneConvolution, |layers| {
            set_activation(layers, Some(Tanh));
            set_pooling(layers, |kernel_size, stride| AvgPool2d { kernel_size, stride });
        });
        assert_eq!(tanh, "c20,t,a2,f,d100,t,d10");
    }
}
