//! Checkpoints: a network alone, in half precision.

use half::f16;
use nn::network::Network;
use nn::plan::Plan;
use nn::spec::{Initializer, NetworkSpec};

use safetensors::{Dtype, SafeTensors, serialize, tensor::TensorView};

use crate::tensors::{NETWORK, TensorRange, sentence, tensors};

/// Writes a network as a safetensors file: its tensors in half precision, its description as JSON in the
/// metadata.
///
/// Half precision halves the download; the relative error of a weight is at most 1/2048.
///
/// # Errors
/// One sentence, if a value is NaN or exceeds 65,504 in magnitude, or if the format rejects the tensors.
pub fn write_checkpoint(network: &Network) -> Result<Vec<u8>, String> {
    let spec =
        serde_json::to_string(network.spec()).map_err(|e| format!("The network cannot be written: {e}."))?;
    let tensors = tensors(network.plan()).map(|(name, dims, range)| {
        let values = match range {
            TensorRange::Parameters(range) => &network.parameters[range],
            TensorRange::Running(range) => &network.running[range],
        };
        let halves: Vec<f16> = values.iter().map(|&v| f16::from_f32(v)).collect();
        if !halves.iter().all(|v| v.is_finite()) {
            return Err(format!("The checkpoint cannot be written: {name} holds a number too large for it."));
        }
        Ok((name, dims, halves.into_iter().flat_map(f16::to_le_bytes).collect()))
    });
    let tensors = tensors.collect::<Result<Vec<(String, Vec<usize>, Vec<u8>)>, String>>()?;
    let views = tensors
        .iter()
        .map(|(name, dims, bytes)| Ok((name, TensorView::new(Dtype::F16, dims.clone(), bytes)?)))
        .collect::<Result<Vec<_>, safetensors::SafeTensorError>>();
    let metadata = Some([(NETWORK.to_owned(), spec)].into());
    views
        .and_then(|views| serialize(views, metadata))
        .map_err(|e| format!("The checkpoint cannot be written: {e}."))
}

/// Reads a checkpoint that [`write_checkpoint`] wrote, or an older version with other names of layers. The
/// bytes are not trusted: until they are validated, the memory allocated is proportional to their number.
///
/// # Errors
/// One sentence that says what is wrong with the file.
///
/// ```
/// use interchange::{read_checkpoint, write_checkpoint};
/// use nn::{network::Network, preset::Preset, spec::Initializer};
///
/// let network = Network::new(Preset::LeNet5.network(), Initializer::He, 1).expect("the layers fit");
/// let file = write_checkpoint(&network)?;
/// let copy = read_checkpoint(&file)?;
/// assert_eq!(copy.spec(), network.spec());
/// let error = (copy.parameters[0] - network.parameters[0]).abs();
/// assert!(error <= network.parameters[0].abs() / 2048.0);
///
/// let message = read_checkpoint(&file[..1000]).expect_err("the file is cut short");
/// assert!(message.starts_with("This is not a safetensors checkpoint"));
/// # Ok::<(), String>(())
/// ```
pub fn read_checkpoint(bytes: &[u8]) -> Result<Network, String> {
    let broken = |e| sentence("This is not a safetensors checkpoint", &e);
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(broken)?;
    let spec = header.metadata().as_ref().and_then(|metadata| metadata.get(NETWORK));
    let spec = spec.ok_or("The checkpoint does not describe its network, so it is not one of ours.")?;
    let spec: NetworkSpec =
        serde_json::from_str(spec).map_err(|e| sentence("The checkpoint describes no network", &e))?;
    let plan = Plan::for_inspection(&spec).map_err(|e| e.message)?;
    let file = SafeTensors::deserialize(bytes).map_err(broken)?;
    // Before the network is allocated: its description may be far larger than the file.
    let (mut parameters, mut running) = (Vec::new(), Vec::new());
    for (name, dims, range) in tensors(&plan) {
        let tensor = file.tensor(&name).map_err(|_| format!("The checkpoint has no tensor {name}."))?;
        if tensor.shape() != dims || tensor.dtype() != Dtype::F16 {
            return Err(format!("Tensor {name} of the checkpoint does not fit its network."));
        }
        let values = tensor.data().as_chunks().0.iter().map(|&bytes| f16::from_le_bytes(bytes).to_f32());
        if !values.clone().all(f32::is_finite) {
            return Err(format!("Tensor {name} of the checkpoint holds a number that is not finite."));
        }
        if name.ends_with("running_var") && values.clone().any(|v| v < 0.0) {
            return Err(format!("Tensor {name} of the checkpoint holds a variance below 0."));
        }
        match range {
            TensorRange::Parameters(_) => parameters.extend(values),
            TensorRange::Running(_) => running.extend(values),
        }
    }
    let mut network = Network::new(spec, Initializer::Zeros, 0).map_err(|e| e.message)?;
    // The tensors came in the order of the flat vectors.
    (network.parameters, network.running) = (parameters, running);
    Ok(network)
}

#[cfg(test)]
mod tests {
    use super::*;
    use nn::preset::Preset;

    #[test]
    fn a_checkpoint_is_read_as_it_was_written() {
        let mut network = Network::new(Preset::LeNetTricks.network(), Initializer::He, 3).unwrap();
        network.running.iter_mut().enumerate().for_each(|(i, v)| *v = i as f32 / 64.0);
        let bytes = write_checkpoint(&network).unwrap();
        let back = read_checkpoint(&bytes).unwrap();
        assert_eq!(back.spec(), network.spec());
        assert_eq!(back.running, network.running);
        for (a, b) in back.parameters.iter().zip(&network.parameters) {
            assert!((a - b).abs() <= b.abs() / 1024.0 + 1e-7, "{a} for {b}");
        }
    }

    /// The shipped file was written when layers had other names: its metadata says `dense` and `units`.
    #[test]
    fn a_checkpoint_with_the_old_names_of_layers_is_read() {
        let bytes = include_bytes!("../../../web/assets/lenet5.safetensors");
        let old_names: &[u8] = br#"{\"dense\":{\"units\":10}}"#;
        assert!(bytes.windows(old_names.len()).any(|window| window == old_names));
        let network = read_checkpoint(bytes).unwrap();
        assert_eq!(*network.spec(), Preset::LeNet5.network());
    }

    #[test]
    fn damaged_files_are_refused_with_a_sentence() {
        let good =
            write_checkpoint(&Network::new(Preset::Mlp30.network(), Initializer::He, 3).unwrap()).unwrap();
        for length in [0, 7, 8, 100, good.len() - 1] {
            assert!(read_checkpoint(&good[..length]).is_err(), "{length} bytes");
        }
        let mut renamed = good.clone();
        let at = renamed.windows(10).position(|w| w == b"fc1.weight").unwrap();
        renamed[at] = b'x';
        assert!(read_checkpoint(&renamed).unwrap_err().contains("fc1.weight"));
    }
}
