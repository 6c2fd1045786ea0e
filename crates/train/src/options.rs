//! What the command line asks for.

use std::path::PathBuf;

use nn::preset::Preset;
use nn::spec::{NetworkSpec, Optimizer, TrainingSpec};

const USAGE: &str = "\
Usage: cargo xtask train [OPTION VALUE ...]

  --preset NAME      lenet5 (default), lenet-tricks, lenet1998, one-conv, mlp30, deep-sigmoid;
                     the other options change what the preset comes with
  --epochs N         passes over the training set (10)
  --seed N           of weights, order, dropout and distortions
  --batch N          images in a step
  --lr X             learning rate
  --optimizer NAME   adam, adamw, momentum, nesterov, sgd
  --subset N         train on the first N images only
  --training JSON    any other options, as in '{\"schedule\":{\"cosine\":{\"epochs\":10}},\"label_smoothing\":0.1,
                     \"penalty\":{\"l1\":0,\"l2\":1e-4,\"biases\":false},\"augmentation\":{\"rotation\":10,\"shift\":2}}'
  --layers JSON      layers instead of the preset's, as in '[\"flatten\",{\"linear\":{\"out_features\":10}}]'
  --threads N        cores to use (all); the numbers stay the same
  --out FILE         write a checkpoint, as safetensors";

/// A training to be run.
pub(crate) struct Options {
    pub(crate) title: String,
    pub(crate) network: NetworkSpec,
    pub(crate) training: TrainingSpec,
    pub(crate) epochs: f64,
    pub(crate) threads: usize,
    pub(crate) out: Option<PathBuf>,
}

/// Cores of this machine.
pub(crate) fn all_cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

impl Options {
    /// Reads the arguments; a sentence, or the usage, where they are wrong.
    pub(crate) fn parse(arguments: &[String]) -> Result<Self, String> {
        let pairs: Vec<(&str, &str)> =
            arguments.chunks(2).filter_map(|pair| Some((&*pair[0], &**pair.get(1)?))).collect();
        if pairs.len() * 2 != arguments.len() {
            return Err(USAGE.into());
        }
        let mut preset = Preset::LeNet5;
        for (_, value) in pairs.iter().filter(|(name, _)| *name == "--preset") {
            preset = Preset::from_id(value).ok_or_else(|| format!("There is no preset {value}.\n{USAGE}"))?;
        }
        let mut options = Self {
            title: preset.title().into(),
            network: preset.network(),
            training: preset.training(),
            epochs: 10.0,
            threads: all_cores(),
            out: None,
        };
        for (name, value) in pairs {
            options.set(name, value).ok_or_else(|| format!("{name} does not take {value}.\n{USAGE}"))?;
        }
        Ok(options)
    }

    fn set(&mut self, name: &str, value: &str) -> Option<()> {
        let training = &mut self.training;
        match name {
            "--preset" => {}
            "--epochs" => self.epochs = value.parse().ok()?,
            "--seed" => training.seed = value.parse().ok()?,
            "--batch" => training.batch_size = value.parse().ok()?,
            "--lr" => training.learning_rate = value.parse().ok()?,
            "--subset" => training.subset = Some(value.parse().ok()?),
            "--threads" => self.threads = value.parse().ok()?,
            "--out" => self.out = Some(value.into()),
            "--layers" => {
                self.network.layers = serde_json::from_str(value).ok()?;
                self.title = "A stack of your own".into();
            }
            "--training" => merge(training, serde_json::from_str(value).ok()?)?,
            "--optimizer" => {
                training.optimizer = match value {
                    "adam" => Optimizer::ADAM,
                    "adamw" => Optimizer::ADAM_W,
                    "nesterov" => Optimizer::NESTEROV,
                    "momentum" => Optimizer::MOMENTUM,
                    "sgd" => Optimizer::SGD,
                    _ => return None,
                }
            }
            _ => return None,
        }
        Some(())
    }
}

/// Overwrites those options that `changes` names; nothing for a name that there is not.
pub(crate) fn merge(training: &mut TrainingSpec, changes: serde_json::Value) -> Option<()> {
    let mut all = serde_json::to_value(&*training).ok()?;
    for (name, change) in changes.as_object()? {
        let place = all.get_mut(name)?;
        match (place.as_object_mut(), change.as_object()) {
            // Parts of structures are merged; the variants of a choice replace each other.
            (Some(place), Some(change)) if change.keys().all(|key| place.contains_key(key)) => {
                place.extend(change.clone());
            }
            _ => *place = change.clone(),
        }
    }
    *training = serde_json::from_value(all).ok()?;
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use nn::spec::Schedule;

    fn parse(line: &[&str]) -> Result<Options, String> {
        Options::parse(&line.iter().map(ToString::to_string).collect::<Vec<_>>())
    }

    #[test]
    fn options_change_the_preset() {
        let json = r#"{"schedule":{"cosine":{"epochs":3}},"augmentation":{"shift":2}}"#;
        let options = parse(&["--lr", "0.5", "--preset", "lenet-tricks", "--training", json]).unwrap();
        let preset = Preset::LeNetTricks.training();
        assert_eq!((options.training.learning_rate, options.training.seed), (0.5, preset.seed));
        assert_eq!(options.training.schedule, Schedule::Cosine { epochs: 3.0 });
        assert_eq!(options.training.augmentation.shift, 2.0);
        assert_eq!(options.training.augmentation.rotation, preset.augmentation.rotation);
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        for line in [&["--lr"][..], &["--lr", "fast"], &["--colour", "red"], &["--preset", "lenet6"]] {
            let sentence = parse(line).err().unwrap();
            assert!(sentence.contains("Usage"), "{sentence}");
        }
        assert!(parse(&["--training", r#"{"learning_rat":1}"#]).is_err());
    }
}
