//! Runs: a network in training with everything that determines its further steps, bit for bit.
//!
//! Tensors are f32, under PyTorch's names: `conv1.weight`, `bn_conv1.running_mean`, and the optimizer's memory as
//! `optimizer.exp_avg.conv1.weight` (Adam's `exp_avg` and `exp_avg_sq`, SGD's `momentum_buffer`). The gradients of the
//! last step, where they are known, are `grad.conv1.weight`. The metadata holds JSON: the network, the training, the
//! numbers of steps, and notes of the program that wrote it.

use std::collections::BTreeMap;

use nn::plan::Plan;
use nn::spec::{NetworkSpec, Optimizer, TrainingSpec};
use nn::train::optimizer::OptimizerState;
use nn::train::{Training, TrainingState};
use safetensors::{Dtype, SafeTensors, serialize, tensor::TensorView};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::tensors::{NETWORK, TensorRange, sentence, tensors};

/// The version that is written. Every older one is read, too.
const VERSION: u32 = 1;
/// What the keys of our metadata begin with. Notes have keys of their own behind it.
const PREFIX: &str = "lenet_playground.";
const VERSION_KEY: &str = "lenet_playground.version";
const TRAINING: &str = "lenet_playground.training";
const STEPS: &str = "lenet_playground.steps";
/// What the names of gradients begin with.
const GRADIENT: &str = "grad.";

/// A run as it is read from a file.
#[derive(Clone, Debug, PartialEq)]
pub struct RunFile {
    /// The network.
    pub network: NetworkSpec,
    /// The options of its training.
    pub training: TrainingSpec,
    /// What it has learned.
    pub state: TrainingState,
    /// The gradients of the last step, in the order of the parameters; empty where they are not known.
    pub gradients: Vec<f32>,
    /// Texts of the program that wrote the file, by their names.
    pub notes: BTreeMap<String, String>,
}

/// A run that is written to a file.
#[derive(Clone, Copy, Debug)]
pub struct RunView<'a> {
    /// The network.
    pub network: &'a NetworkSpec,
    /// The plan of the network.
    pub plan: &'a Plan,
    /// The options of its training.
    pub training: &'a TrainingSpec,
    /// The flat parameter vector, in the order of [`Plan::parameters`].
    pub parameters: &'a [f32],
    /// The flat vector of running estimates, in the order of [`Plan::statistics`].
    pub running: &'a [f32],
    /// The optimizer's memory.
    pub optimizer: &'a OptimizerState,
    /// The gradients of the last step, in the order of the parameters. They are not written if they are empty or not finite.
    pub gradients: &'a [f32],
    /// Steps taken.
    pub steps: u64,
}

impl<'a> From<&'a Training> for RunView<'a> {
    fn from(training: &'a Training) -> Self {
        let network = &training.network;
        Self {
            network: network.spec(),
            plan: network.plan(),
            training: training.spec(),
            parameters: &network.parameters,
            running: &network.running,
            optimizer: training.optimizer(),
            gradients: training.known_gradients(),
            steps: training.steps(),
        }
    }
}

/// The numbers of steps, as JSON.
#[derive(Serialize, Deserialize)]
struct Steps {
    /// Steps taken.
    steps: u64,
    /// Steps since the optimizer's memory was zero.
    optimizer: u32,
}

/// The vectors of the optimizer's memory that a rule uses, by PyTorch's names: the first, and for Adam the second.
/// The others are zero.
fn memory(optimizer: Optimizer) -> &'static [&'static str] {
    match optimizer {
        Optimizer::Sgd { .. } => &["momentum_buffer"],
        Optimizer::Adam { .. } | Optimizer::AdamW { .. } => &["exp_avg", "exp_avg_sq"],
    }
}

/// Writes a run as a safetensors file, with texts of the caller's.
///
/// # Errors
/// One sentence, if a parameter or a running estimate is not finite, or if the format rejects the tensors.
///
/// # Panics
/// If the vectors are not those of the plan.
pub fn write_run(run: RunView, notes: &[(&str, String)]) -> Result<Vec<u8>, String> {
    let failed = |e: &dyn std::fmt::Display| sentence("The run cannot be written", e);
    if !run.parameters.iter().chain(run.running).all(|value| value.is_finite()) {
        return Err("The run cannot be written: a number in it is not finite.".into());
    }
    let (mut views, mut metadata) = (Vec::new(), Vec::new());
    let mut add = |name: String, dims: Vec<usize>, values| {
        TensorView::new(Dtype::F32, dims, bytemuck::cast_slice(values)).map(|view| views.push((name, view)))
    };
    let has_gradients = !run.gradients.is_empty() && run.gradients.iter().all(|value| value.is_finite());
    for (name, dims, range) in tensors(run.plan) {
        match range {
            TensorRange::Running(range) => add(name, dims, &run.running[range]),
            TensorRange::Parameters(range) => {
                let vectors = [&run.optimizer.first, &run.optimizer.second];
                for (kind, vector) in memory(run.training.optimizer).iter().zip(vectors) {
                    add(memory_name(kind, &name), dims.clone(), &vector[range.clone()])
                        .map_err(|e| failed(&e))?;
                }
                if has_gradients {
                    add(gradient_name(&name), dims.clone(), &run.gradients[range.clone()])
                        .map_err(|e| failed(&e))?;
                }
                add(name, dims, &run.parameters[range])
            }
        }
        .map_err(|e| failed(&e))?;
    }
    let steps = Steps { steps: run.steps, optimizer: run.optimizer.steps };
    metadata.push((VERSION_KEY.to_owned(), VERSION.to_string()));
    for (key, json) in [
        (NETWORK, serde_json::to_string(run.network)),
        (TRAINING, serde_json::to_string(run.training)),
        (STEPS, serde_json::to_string(&steps)),
    ] {
        metadata.push((key.to_owned(), json.map_err(|e| failed(&e))?));
    }
    metadata.extend(notes.iter().map(|(name, text)| (format!("{PREFIX}{name}"), text.clone())));
    serialize(views, Some(metadata.into_iter().collect())).map_err(|e| failed(&e))
}

/// Reads a file of [`write_run`]. The bytes are not trusted: until they are validated, the memory allocated is
/// proportional to their number.
///
/// # Errors
/// One sentence that says what is wrong with the file.
pub fn read_run(bytes: &[u8]) -> Result<RunFile, String> {
    let broken = |e| sentence("This is not a safetensors file", &e);
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(broken)?;
    let metadata = header.metadata().as_ref().filter(|metadata| metadata.contains_key(VERSION_KEY));
    let metadata = metadata.ok_or("The file holds no run of this page.")?;
    match metadata[VERSION_KEY].parse::<u32>() {
        Ok(1..=VERSION) => {}
        Ok(version) if version > VERSION => {
            return Err(
                "A newer version of this page wrote the run: reload the page to get that version.".into()
            );
        }
        _ => return Err("The version of the run is damaged.".into()),
    }
    let network: NetworkSpec = json(metadata.get(NETWORK), "network")?;
    let training: TrainingSpec = json(metadata.get(TRAINING), "training")?;
    let steps: Steps = json(metadata.get(STEPS), "number of steps")?;
    let plan = Plan::for_inspection(&network).map_err(|e| e.message)?;
    let file = SafeTensors::deserialize(bytes).map_err(broken)?;
    let mut state = TrainingState { steps: steps.steps, ..TrainingState::default() };
    state.optimizer.steps = steps.optimizer;
    let kinds = memory(training.optimizer);
    let mut gradients = Vec::new();
    let has_gradients = file.names().iter().any(|name| name.starts_with(GRADIENT));
    // The tensors come in the order of the flat vectors.
    for (name, dims, range) in tensors(&plan) {
        match range {
            TensorRange::Running(_) => read_finite(&file, &name, &dims, &mut state.running)?,
            TensorRange::Parameters(_) => {
                read_finite(&file, &name, &dims, &mut state.parameters)?;
                let vectors = [&mut state.optimizer.first, &mut state.optimizer.second];
                for (kind, vector) in kinds.iter().zip(vectors) {
                    read_memory(&file, &memory_name(kind, &name), &dims, vector)?;
                }
                if has_gradients {
                    read_finite(&file, &gradient_name(&name), &dims, &mut gradients)?;
                }
            }
        }
    }
    // The vectors that the rule does not use.
    state.optimizer.first.resize(state.parameters.len(), 0.0);
    state.optimizer.second.resize(state.parameters.len(), 0.0);
    let ours = [VERSION_KEY, NETWORK, TRAINING, STEPS];
    let notes = metadata.iter().filter(|(key, _)| !ours.contains(&key.as_str()));
    let notes = notes.filter_map(|(key, text)| Some((key.strip_prefix(PREFIX)?.to_owned(), text.clone())));
    Ok(RunFile { network, training, state, gradients, notes: notes.collect() })
}

fn gradient_name(parameter: &str) -> String {
    format!("{GRADIENT}{parameter}")
}

fn memory_name(kind: &str, parameter: &str) -> String {
    format!("optimizer.{kind}.{parameter}")
}

fn json<T: DeserializeOwned>(text: Option<&String>, what: &str) -> Result<T, String> {
    let text = text.ok_or_else(|| format!("The file does not say the {what} of its run."))?;
    serde_json::from_str(text).map_err(|e| sentence(&format!("The {what} of the run is damaged"), &e))
}

/// Appends the values of a tensor, whatever they are.
fn read_values(file: &SafeTensors, name: &str, dims: &[usize], values: &mut Vec<f32>) -> Result<(), String> {
    let tensor = file.tensor(name).map_err(|_| format!("The run has no tensor {name}."))?;
    if tensor.shape() != dims || tensor.dtype() != Dtype::F32 {
        return Err(format!("Tensor {name} of the run does not fit its network."));
    }
    values.extend(tensor.data().as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes)));
    Ok(())
}

/// Appends the values of a tensor of the network.
fn read_finite(file: &SafeTensors, name: &str, dims: &[usize], values: &mut Vec<f32>) -> Result<(), String> {
    let start = values.len();
    read_values(file, name, dims, values)?;
    if !values[start..].iter().all(|value| value.is_finite()) {
        return Err(format!("Tensor {name} of the run holds a number that is not finite."));
    }
    if name.ends_with("running_var") && values[start..].iter().any(|value| *value < 0.0) {
        return Err(format!("Tensor {name} of the run holds a variance below 0."));
    }
    Ok(())
}

/// Appends the values of a tensor of the optimizer's memory. They may be infinite: the update is 0 then.
fn read_memory(file: &SafeTensors, name: &str, dims: &[usize], values: &mut Vec<f32>) -> Result<(), String> {
    let start = values.len();
    read_values(file, name, dims, values)?;
    if values[start..].iter().any(|value| value.is_nan()) {
        return Err(format!("Tensor {name} of the run holds a value that is not a number."));
    }
    if name.starts_with("optimizer.exp_avg_sq.") && values[start..].iter().any(|value| *value < 0.0) {
        return Err(format!("Tensor {name} of the run holds a mean of squares below 0."));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use nn::network::Network;
    use nn::preset::Preset;
    use nn::spec::Initializer;

    /// A run with other numbers in every place.
    fn run(optimizer: Optimizer) -> RunFile {
        let network = Network::new(Preset::LeNetTricks.network(), Initializer::He, 3).unwrap();
        let count = network.parameters.len();
        let second = match optimizer {
            Optimizer::Sgd { .. } => vec![0.0; count],
            _ => (0..count).map(|i| i as f32 / 3.0).collect(),
        };
        let first = (0..count).map(|i| -(i as f32) / 7.0).collect();
        let state = TrainingState {
            running: (0..network.running.len()).map(|i| i as f32 / 9.0).collect(),
            optimizer: OptimizerState { first, second, steps: 41 },
            parameters: network.parameters.clone(),
            steps: 1 << 40,
        };
        let training =
            TrainingSpec { optimizer, learning_rate: 0.1, subset: Some(50), ..TrainingSpec::default() };
        let notes =
            [("cursor".to_owned(), "{\"images_seen\":7}".to_owned()), ("page".into(), "“\"\n".into())];
        let gradients = (0..count).map(|i| i as f32 / 11.0).collect();
        RunFile { network: network.spec().clone(), training, state, gradients, notes: notes.into() }
    }

    fn write(run: &RunFile) -> Result<Vec<u8>, String> {
        let plan = Plan::for_inspection(&run.network).unwrap();
        let state = &run.state;
        let notes: Vec<_> = run.notes.iter().map(|(name, text)| (name.as_str(), text.clone())).collect();
        let view = RunView {
            network: &run.network,
            plan: &plan,
            training: &run.training,
            parameters: &state.parameters,
            running: &state.running,
            optimizer: &state.optimizer,
            gradients: &run.gradients,
            steps: state.steps,
        };
        write_run(view, &notes)
    }

    #[test]
    fn a_run_is_read_bit_for_bit_as_it_was_written() {
        for optimizer in [Optimizer::MOMENTUM, Optimizer::ADAM, Optimizer::ADAM_W] {
            let run = run(optimizer);
            assert_eq!(read_run(&write(&run).unwrap()), Ok(run));
        }
    }

    #[test]
    fn gradients_that_are_unknown_or_not_finite_are_left_out() {
        for gradient in [None, Some(f32::INFINITY)] {
            let mut run = run(Optimizer::ADAM);
            run.gradients.resize(gradient.map_or(0, |_| run.gradients.len()), 0.0);
            if let Some(gradient) = gradient {
                run.gradients[7] = gradient;
            }
            let read = read_run(&write(&run).unwrap());
            assert_eq!(read, Ok(RunFile { gradients: Vec::new(), ..run }));
        }
    }

    #[test]
    fn tensors_have_the_names_of_pytorch() {
        let bytes = write(&run(Optimizer::ADAM)).unwrap();
        let file = SafeTensors::deserialize(&bytes).unwrap();
        for (name, dims) in [
            ("conv1.weight", vec![6, 1, 5, 5]),
            ("bn_conv1.running_mean", vec![6]),
            ("optimizer.exp_avg.conv1.weight", vec![6, 1, 5, 5]),
            ("optimizer.exp_avg_sq.fc3.bias", vec![10]),
        ] {
            assert_eq!(file.tensor(name).unwrap().shape(), dims, "{name}");
        }
        let bytes = write(&run(Optimizer::SGD)).unwrap();
        let file = SafeTensors::deserialize(&bytes).unwrap();
        assert!(file.names().contains(&"optimizer.momentum_buffer.fc1.weight"));
        assert!(!file.names().iter().any(|name| name.contains("exp_avg")));
    }

    #[test]
    fn numbers_that_are_not_finite_are_neither_written_nor_read() {
        let mut bad = run(Optimizer::ADAM);
        bad.state.running[3] = f32::NAN;
        assert_eq!(write(&bad), Err("The run cannot be written: a number in it is not finite.".into()));
        let good = run(Optimizer::ADAM);
        let mut bytes = write(&good).unwrap();
        let value = good.state.parameters[20].to_le_bytes();
        let at = bytes.windows(4).position(|window| window == value).unwrap();
        bytes[at..at + 4].copy_from_slice(&f32::INFINITY.to_le_bytes());
        assert!(read_run(&bytes).is_err_and(|sentence| sentence.ends_with("a number that is not finite.")));
        // The optimizer's memory may overflow: the update is 0 then, and the weights stay finite.
        let mut overflown = good;
        overflown.state.optimizer.second[0] = f32::INFINITY;
        assert_eq!(read_run(&write(&overflown).unwrap()), Ok(overflown));
    }

    #[test]
    fn memory_of_an_optimizer_that_no_training_has_gets_a_sentence() {
        for optimizer in [Optimizer::MOMENTUM, Optimizer::ADAM] {
            let mut bad = run(optimizer);
            bad.state.optimizer.first[30] = f32::NAN;
            let sentence = read_run(&write(&bad).unwrap()).unwrap_err();
            assert!(sentence.ends_with("holds a value that is not a number."), "{sentence}");
        }
        for (value, end) in [(f32::NAN, "that is not a number."), (-1e-9, "a mean of squares below 0.")] {
            let mut bad = run(Optimizer::ADAM_W);
            bad.state.optimizer.second[30] = value;
            let sentence = read_run(&write(&bad).unwrap()).unwrap_err();
            assert!(sentence.ends_with(end), "{sentence}");
        }
    }

    #[test]
    fn files_of_other_versions_and_checkpoints_get_a_sentence() {
        let bytes = write(&run(Optimizer::ADAM)).unwrap();
        let with_version = |version: &str| {
            let mut bytes = bytes.clone();
            let key = format!("{VERSION_KEY}\":\"1");
            let at = bytes.windows(key.len()).position(|window| window == key.as_bytes()).unwrap();
            bytes[at + key.len() - 1] = version.as_bytes()[0];
            read_run(&bytes)
        };
        assert!(with_version("2").is_err_and(|sentence| sentence.starts_with("A newer version")));
        assert!(with_version("0").is_err_and(|sentence| sentence.contains("damaged")));
        let network = Network::new(Preset::Mlp30.network(), Initializer::He, 1).unwrap();
        let checkpoint = crate::write_checkpoint(&network).unwrap();
        assert_eq!(read_run(&checkpoint), Err("The file holds no run of this page.".into()));
        // A run is no checkpoint either: its tensors have another precision.
        assert!(crate::read_checkpoint(&bytes).is_err());
    }

    /// The file was written by version 1 and is never written again: every later version must read it.
    #[test]
    fn the_file_of_version_1_is_read_for_ever() {
        let file = read_run(include_bytes!("../tests/run-version-1.safetensors")).unwrap();
        let adam = TrainingSpec { batch_size: 16, seed: 7, ..TrainingSpec::default() };
        assert_eq!((file.network.layers.len(), &file.training, file.state.steps), (8, &adam, 12));
        assert_eq!(file.notes.keys().collect::<Vec<_>>(), ["page", "place"]);
        assert!(file.notes["place"].contains("\"images_seen\":192"));
        let count = file.state.parameters.len();
        let numbers = |first: f32, step: f32, count: usize| -> Vec<f32> {
            (0..count).map(|i| first + step * i as f32).collect()
        };
        assert_eq!((count, &file.state.parameters), (582, &numbers(-32.0, 0.25, 582)));
        assert_eq!(file.state.running, numbers(0.5, 1.0, 4));
        let (first, second) = (numbers(0.0, 0.125, count), numbers(0.0, 0.0625, count));
        assert_eq!(file.state.optimizer, OptimizerState { first, second, steps: 12 });
    }
}
