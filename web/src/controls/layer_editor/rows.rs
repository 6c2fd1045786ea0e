//! The rows of the table of layers.

use nn::spec::NetworkSpec;

use crate::settings::layers::{check, describe, names};
use crate::ui::format::thousands;

/// One row of the table.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Row {
    /// The layer's name, as C1; may be empty.
    pub(super) name: String,
    pub(super) description: String,
    /// The output shape; empty if it is that of the input.
    pub(super) shape: String,
    /// The number of parameters; empty if there are none.
    pub(super) parameters: String,
    /// Why the layer does not fit.
    pub(super) problem: Option<String>,
}

/// The rows of a network that is trained in batches of `batch` images. Shapes behind a layer that does not fit are unknown, and empty.
pub(super) fn rows(network: &NetworkSpec, batch: usize) -> Vec<Row> {
    let layers = network.layers.iter().zip(names(&network.layers));
    let mut rows: Vec<_> =
        layers.map(|(layer, name)| Row { name, description: describe(layer), ..Row::default() }).collect();
    let checked = check(network, batch);
    let known = checked.as_ref().map_or_else(|error| error.layer, |_| rows.len());
    let upper = NetworkSpec { layers: network.layers[..known].to_vec(), ..network.clone() };
    for (row, layer) in rows.iter_mut().zip(upper.summary().unwrap_or_default()) {
        if layer.output != layer.input {
            row.shape = layer.output.to_string().replace('x', "×");
        }
        if layer.parameters > 0 {
            row.parameters = thousands(layer.parameters);
        }
    }
    if let Err(error) = checked {
        if rows.is_empty() {
            rows.push(Row::default());
        }
        rows[error.layer].problem = Some(error.message);
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::layers::read;
    use nn::preset::Preset;

    fn rows_of(layers: &str) -> Vec<Row> {
        let layers = if layers.is_empty() { Vec::new() } else { read(layers).unwrap() };
        rows(&NetworkSpec { layers, ..Preset::LeNet5.network() }, 64)
    }

    #[test]
    fn layers_that_fit_show_their_shapes() {
        let rows = rows_of("c6p2,r,m2,f,d10");
        let shapes: Vec<_> = rows.iter().map(|row| row.shape.as_str()).collect();
        assert_eq!(shapes, ["6@28×28", "", "6@14×14", "1176", "10"]);
        assert_eq!((rows[0].parameters.as_str(), rows[1].parameters.as_str()), ("156", ""));
        assert!(rows.iter().all(|row| row.problem.is_none()));
    }

    #[test]
    fn the_layer_that_does_not_fit_shows_the_problem() {
        let rows = rows_of("c6p2,d10,r,d10");
        assert_eq!(rows.iter().position(|row| row.problem.is_some()), Some(1));
        assert_eq!((rows[0].shape.as_str(), rows[1].shape.as_str()), ("6@28×28", ""));
        assert_eq!(rows_of("").len(), 1, "one row for the problem");
    }
}
