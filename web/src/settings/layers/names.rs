//! What layers are called on the page.

use nn::spec::LayerSpec;

/// The name of the last layer.
pub(crate) const OUTPUT: &str = "Output";

/// The names of layers as in LeCun et al. 1998: C1, S2, C3, ..., Output. Activations and other layers without a name of their own
/// have an empty one.
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

/// A layer in a few words, without what its output shape shows.
pub(crate) fn describe(layer: &LayerSpec) -> String {
    let square = |what: &str, kernel: usize, stride: usize, default: usize| {
        let stride = if stride == default { String::new() } else { format!(", stride {stride}") };
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
        | LayerSpec::Tanh
        | LayerSpec::Permute { .. } => layer.kind().into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nn::preset::Preset;

    #[test]
    fn layers_have_the_names_of_the_paper() {
        let names = names(&Preset::LeNet5.network().layers).join(" ");
        assert_eq!(names, "C1  S2 C3  S4  F5  F6  Output");
    }
}
