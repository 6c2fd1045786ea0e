//! The options of the command line.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueEnum};
use nn::preset::Preset;
use nn::spec::{LayerSpec, NetworkSpec, Optimizer, TrainingSpec};
use serde_json::Value;

/// A training, by a preset and what differs from it.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The network and its training; the other options change what the preset comes with
    #[arg(long, value_name = "NAME", default_value = Preset::LeNet5.id(), value_parser = preset())]
    preset: Preset,
    /// Passes over the training set
    #[arg(long, value_name = "N", default_value_t = 10.0)]
    pub(crate) epochs: f64,
    /// Seed of weights, order, dropout and distortions
    #[arg(long, value_name = "N")]
    seed: Option<u32>,
    /// Images in a step
    #[arg(long, value_name = "N")]
    batch: Option<usize>,
    /// Learning rate
    #[arg(long, value_name = "X")]
    lr: Option<f32>,
    /// The optimizer, with its usual constants
    #[arg(long, value_name = "NAME")]
    optimizer: Option<OptimizerName>,
    /// Train on the first N images only
    #[arg(long, value_name = "N")]
    subset: Option<u32>,
    /// Any other options of the training, applied last, as in
    /// '{"schedule":{"cosine":{"epochs":10}},"label_smoothing":0.1,"augmentation":{"rotation":10,"shift":2}}'
    #[arg(long, value_name = "JSON", value_parser = json::<Value>)]
    training: Option<Value>,
    /// Layers instead of the preset's, as in '["flatten",{"linear":{"out_features":10}}]'
    #[arg(long, value_name = "JSON", value_parser = json::<Layers>)]
    layers: Option<Layers>,
    /// Cores to use; the numbers stay the same
    #[arg(long, value_name = "N", default_value_t = all_cores())]
    pub(crate) threads: usize,
    /// Write a checkpoint to this file, as safetensors
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum OptimizerName {
    Adam,
    Adamw,
    Momentum,
    Nesterov,
    Sgd,
}

/// The layers of a network. A plain `Vec` would be an option that may be given several times.
#[derive(Clone, Debug, serde::Deserialize)]
struct Layers(Vec<LayerSpec>);

/// Cores of this machine.
pub(crate) fn all_cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

fn preset() -> impl TypedValueParser<Value = Preset> {
    PossibleValuesParser::new(Preset::ALL.map(Preset::id))
        .try_map(|id| Preset::from_id(&id).ok_or("there is no such preset"))
}

fn json<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, serde_json::Error> {
    serde_json::from_str(text)
}

impl Options {
    /// The network's name for people.
    pub(crate) fn title(&self) -> &'static str {
        if self.layers.is_some() { "A stack of your own" } else { self.preset.title() }
    }

    pub(crate) fn network(&self) -> NetworkSpec {
        let mut network = self.preset.network();
        if let Some(Layers(layers)) = &self.layers {
            network.layers.clone_from(layers);
        }
        network
    }

    /// The preset's training with what the options change; `--training` is applied last.
    ///
    /// # Errors
    ///
    /// If `--training` names an option that does not exist, or gives one a value that it does not take.
    pub(crate) fn training(&self) -> Result<TrainingSpec> {
        let mut training = self.preset.training();
        if let Some(seed) = self.seed {
            training.seed = seed;
        }
        if let Some(batch) = self.batch {
            training.batch_size = batch;
        }
        if let Some(rate) = self.lr {
            training.learning_rate = rate;
        }
        if self.subset.is_some() {
            training.subset = self.subset;
        }
        if let Some(optimizer) = self.optimizer {
            training.optimizer = match optimizer {
                OptimizerName::Adam => Optimizer::ADAM,
                OptimizerName::Adamw => Optimizer::ADAM_W,
                OptimizerName::Momentum => Optimizer::MOMENTUM,
                OptimizerName::Nesterov => Optimizer::NESTEROV,
                OptimizerName::Sgd => Optimizer::SGD,
            };
        }
        match &self.training {
            Some(changes) => merge(&training, changes).context("--training cannot be used"),
            None => Ok(training),
        }
    }
}

/// A training with those options changed that `changes` names.
fn merge(training: &TrainingSpec, changes: &Value) -> Result<TrainingSpec> {
    let mut all = serde_json::to_value(training)?;
    for (name, change) in changes.as_object().context("it is no JSON object")? {
        let Some(option) = all.get_mut(name) else { bail!("there is no option {name}") };
        match (option.as_object_mut(), change.as_object()) {
            // Fields of structures are merged; the variants of an enum replace each other.
            (Some(option), Some(change)) if change.keys().all(|key| option.contains_key(key)) => {
                option.extend(change.clone());
            }
            _ => *option = change.clone(),
        }
    }
    Ok(serde_json::from_value(all)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;
    use nn::spec::Schedule;

    #[derive(Debug, Parser)]
    struct Cli {
        #[command(flatten)]
        options: Options,
    }

    fn parse(line: &[&str]) -> Result<Options, clap::Error> {
        Cli::try_parse_from([&["train"], line].concat()).map(|cli| cli.options)
    }

    #[test]
    fn without_options_lenet5_is_trained_for_ten_epochs_on_all_cores() {
        let options = parse(&[]).unwrap();
        assert_eq!(options.network(), Preset::LeNet5.network());
        assert_eq!(options.training().unwrap(), Preset::LeNet5.training());
        assert_eq!((options.epochs, options.threads, options.out), (10.0, all_cores(), None));
    }

    #[test]
    fn options_change_the_preset() {
        let json = r#"{"schedule":{"cosine":{"epochs":3}},"augmentation":{"shift":2}}"#;
        let options = parse(&["--lr", "0.5", "--preset", "lenet-tricks", "--training", json]).unwrap();
        let (training, preset) = (options.training().unwrap(), Preset::LeNetTricks.training());
        assert_eq!((training.learning_rate, training.seed), (0.5, preset.seed));
        assert_eq!(training.schedule, Schedule::Cosine { epochs: 3.0 });
        assert_eq!(training.augmentation.shift, 2.0);
        assert_eq!(training.augmentation.rotation, preset.augmentation.rotation);

        let options =
            parse(&["--optimizer", "sgd", "--subset", "50", "--batch", "8", "--seed", "9"]).unwrap();
        let training = options.training().unwrap();
        assert_eq!(training.optimizer, Optimizer::SGD);
        assert_eq!((training.subset, training.batch_size, training.seed), (Some(50), 8, 9));
    }

    #[test]
    fn layers_replace_those_of_the_preset() {
        let options = parse(&["--layers", r#"["flatten",{"linear":{"out_features":10}}]"#]).unwrap();
        assert_eq!(options.network().layers.len(), 2);
        assert_eq!(options.title(), "A stack of your own");
    }

    #[test]
    fn options_that_make_no_sense_are_named() {
        for line in [
            &["--lr"][..],
            &["--lr", "fast"],
            &["--colour", "red"],
            &["--preset", "lenet6"],
            &["--optimizer", "adamant"],
            &["--layers", "[1]"],
            &["--training", "{"],
        ] {
            let sentence = parse(line).unwrap_err().to_string();
            assert!(sentence.contains(line[0]) && sentence.contains("--help"), "{sentence}");
        }
        let options = parse(&["--training", r#"{"learning_rat":1}"#]).unwrap();
        let sentence = format!("{:#}", options.training().unwrap_err());
        assert_eq!(sentence, "--training cannot be used: there is no option learning_rat");
    }
}
