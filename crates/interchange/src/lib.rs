//! Checkpoints as safetensors files, which PyTorch and every other tool of the field can open.

use half::f16;
use nn::network::Network;
use nn::spec::NetworkSpec;
use safetensors::{Dtype, SafeTensors, serialize, tensor::TensorView};

/// Key of the network's description (JSON) in the file's metadata.
const NETWORK: &str = "lenet_playground.network";

/// Writes the network as a safetensors file: its tensors in half precision, its description in the metadata.
///
/// Half precision halves the download; a weight changes by at most 1/2048 of itself.
///
/// # Errors
/// One sentence, if the format refuses the tensors.
pub fn write_checkpoint(network: &Network) -> Result<Vec<u8>, String> {
    let spec =
        serde_json::to_string(network.spec()).map_err(|e| format!("The network cannot be written: {e}."))?;
    let tensors: Vec<(&str, &[usize], Vec<u8>)> = network
        .plan()
        .parameters
        .iter()
        .map(|p| {
            let values = &network.parameters[p.range()];
            let bytes = values.iter().flat_map(|&v| f16::from_f32(v).to_le_bytes()).collect();
            (p.name.as_str(), p.dims.as_slice(), bytes)
        })
        .collect();
    let views = tensors
        .iter()
        .map(|(name, dims, bytes)| Ok((*name, TensorView::new(Dtype::F16, dims.to_vec(), bytes)?)))
        .collect::<Result<Vec<_>, safetensors::SafeTensorError>>();
    let metadata = Some([(NETWORK.to_owned(), spec)].into());
    views
        .and_then(|views| serialize(views, metadata))
        .map_err(|e| format!("The checkpoint cannot be written: {e}."))
}

/// Reads a checkpoint that [`write_checkpoint`] made.
///
/// # Errors
/// One sentence that says what is wrong with the file.
pub fn read_checkpoint(bytes: &[u8]) -> Result<Network, String> {
    let broken = |e: &dyn std::fmt::Display| format!("This is not a safetensors checkpoint: {e}.");
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(|e| broken(&e))?;
    let spec = header.metadata().as_ref().and_then(|metadata| metadata.get(NETWORK));
    let spec = spec.ok_or("The checkpoint does not describe its network, so it is not one of ours.")?;
    let spec: NetworkSpec = serde_json::from_str(spec).map_err(|e| broken(&e))?;
    let mut network = Network::new(spec, 0).map_err(|e| e.message)?;
    let tensors = SafeTensors::deserialize(bytes).map_err(|e| broken(&e))?;
    for parameter in network.plan().parameters.clone() {
        let name = &parameter.name;
        let tensor = tensors.tensor(name).map_err(|_| format!("The checkpoint has no tensor {name}."))?;
        if tensor.shape() != parameter.dims || tensor.dtype() != Dtype::F16 {
            return Err(format!("Tensor {name} of the checkpoint does not fit its network."));
        }
        let values = tensor.data().chunks_exact(2).map(|b| f16::from_le_bytes([b[0], b[1]]).to_f32());
        network.parameters[parameter.range()].iter_mut().zip(values).for_each(|(to, value)| *to = value);
    }
    Ok(network)
}

#[cfg(test)]
mod tests {
    use super::*;
    use nn::spec::Preset;

    #[test]
    fn a_checkpoint_comes_back() {
        let network = Network::new(Preset::LeNet5.network(), 3).unwrap();
        let bytes = write_checkpoint(&network).unwrap();
        let back = read_checkpoint(&bytes).unwrap();
        assert_eq!(back.spec(), network.spec());
        for (a, b) in back.parameters.iter().zip(&network.parameters) {
            assert!((a - b).abs() <= b.abs() / 1024.0 + 1e-7, "{a} for {b}");
        }
    }

    #[test]
    fn bad_files_get_a_sentence() {
        let good = write_checkpoint(&Network::new(Preset::Mlp30.network(), 3).unwrap()).unwrap();
        for length in [0, 7, 8, 100, good.len() - 1] {
            assert!(read_checkpoint(&good[..length]).is_err(), "{length} bytes");
        }
        let mut renamed = good.clone();
        let at = renamed.windows(10).position(|w| w == b"fc1.weight").unwrap();
        renamed[at] = b'x';
        assert!(read_checkpoint(&renamed).unwrap_err().contains("fc1.weight"));
    }
}
