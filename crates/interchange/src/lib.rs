//! Checkpoints as safetensors files, which PyTorch and every other tool of the field can open.

use half::f16;
use nn::network::Network;
use nn::plan::Plan;
use nn::spec::{Initializer, NetworkSpec};
use std::ops::Range;

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
    let tensors: Vec<(String, Vec<usize>, Vec<u8>)> = tensors(network.plan())
        .map(|(name, dims, place)| {
            let values = match place {
                Place::Parameters(range) => &network.parameters[range],
                Place::Running(range) => &network.running[range],
            };
            (name, dims, values.iter().flat_map(|&v| f16::from_f32(v).to_le_bytes()).collect())
        })
        .collect();
    let views = tensors
        .iter()
        .map(|(name, dims, bytes)| Ok((name, TensorView::new(Dtype::F16, dims.clone(), bytes)?)))
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
    let mut network = Network::new(spec, Initializer::Zeros, 0).map_err(|e| e.message)?;
    let all_tensors: Vec<_> = tensors(network.plan()).collect();
    let tensors = SafeTensors::deserialize(bytes).map_err(|e| broken(&e))?;
    for (name, dims, place) in all_tensors {
        let tensor = tensors.tensor(&name).map_err(|_| format!("The checkpoint has no tensor {name}."))?;
        if tensor.shape() != dims || tensor.dtype() != Dtype::F16 {
            return Err(format!("Tensor {name} of the checkpoint does not fit its network."));
        }
        let to = match place {
            Place::Parameters(range) => &mut network.parameters[range],
            Place::Running(range) => &mut network.running[range],
        };
        let values = tensor.data().chunks_exact(2).map(|b| f16::from_le_bytes([b[0], b[1]]).to_f32());
        to.iter_mut().zip(values).for_each(|(to, value)| *to = value);
    }
    Ok(network)
}

/// Where in a network the values of a tensor are.
enum Place {
    Parameters(Range<usize>),
    Running(Range<usize>),
}

/// Name, dimensions and place of every tensor, named as PyTorch names them.
fn tensors(plan: &Plan) -> impl Iterator<Item = (String, Vec<usize>, Place)> {
    let parameters =
        plan.parameters.iter().map(|p| (p.name.clone(), p.dims.clone(), Place::Parameters(p.range())));
    let running = plan.statistics.iter().flat_map(|s| {
        let (start, middle, end) = (s.offset, s.offset + s.channels, s.range().end);
        [("mean", start..middle), ("var", middle..end)].map(|(kind, range)| {
            (format!("{}.running_{kind}", s.name), vec![s.channels], Place::Running(range))
        })
    });
    parameters.chain(running)
}

#[cfg(test)]
mod tests {
    use super::*;
    use nn::preset::Preset;

    #[test]
    fn a_checkpoint_comes_back() {
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

    #[test]
    fn bad_files_get_a_sentence() {
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
