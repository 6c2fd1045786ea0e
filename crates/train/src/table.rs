//! `cargo xtask table`: the table of what every trick is worth, in the manner of Nielsen's chapter 6. Trains each row from five seeds,
//! on all of MNIST and on its first 1,000 images. Keeps the results in `target/table`, and repeats no run whose result is there.

use std::collections::hash_map::DefaultHasher;
use std::fs;
use std::hash::{Hash, Hasher};
use std::path::Path;

use anyhow::{Context, Result};
use data::mnist::TRAIN_IMAGES;
use nn::preset::Preset;
use nn::spec::LayerSpec::{
    self, BatchNorm, Conv2d, Dropout, Flatten, Linear, MaxPool2d, Permute, Relu, Sigmoid,
};
use nn::spec::{Augmentation, Initializer, NetworkSpec, Optimizer, Penalty, Schedule, Shape, TrainingSpec};
use trainer::Session;

use crate::options::all_cores;
use crate::run;

const SEEDS: u32 = 5;

/// A network and its training.
struct Row {
    name: &'static str,
    network: NetworkSpec,
    training: TrainingSpec,
    epochs: f32,
}

/// A group of rows that are compared with each other.
struct Group {
    title: &'static str,
    /// The paragraph below the title.
    text: &'static str,
    /// Whether accuracies are those of the training images, not of the test set.
    of_training: bool,
    rows: Vec<Row>,
}

fn network(layers: impl IntoIterator<Item = LayerSpec>) -> NetworkSpec {
    NetworkSpec { input: Shape::maps(1, 28, 28), layers: layers.into_iter().collect() }
}

const POOL: LayerSpec = MaxPool2d { kernel_size: 2, stride: 2 };

const fn conv(out_channels: usize, padding: usize) -> LayerSpec {
    Conv2d { out_channels, kernel_size: 5, stride: 1, padding }
}

/// LeNet-5 with these layers after each convolution and after each hidden linear layer.
fn lenet(after_conv: &[LayerSpec], after_linear: &[LayerSpec]) -> NetworkSpec {
    let mut layers = vec![conv(6, 2)];
    layers.extend(after_conv);
    layers.extend([POOL, conv(16, 0)]);
    layers.extend(after_conv);
    layers.extend([POOL, Flatten]);
    for out_features in [120, 84] {
        layers.push(Linear { out_features });
        layers.extend(after_linear);
    }
    layers.push(Linear { out_features: 10 });
    network(layers)
}

/// One cycle over `epochs` epochs of a subset. A schedule's own epochs are those of the whole training set.
fn one_cycle(epochs: f32, subset: Option<u32>) -> Schedule {
    let images = subset.map_or(TRAIN_IMAGES as f32, |images| images as f32);
    Schedule::OneCycle { epochs: epochs * images / TRAIN_IMAGES as f32 }
}

/// The same learning rate, schedule and batch size for all rows: they differ in nothing but what their name says.
fn training(epochs: f32, subset: Option<u32>) -> TrainingSpec {
    TrainingSpec {
        learning_rate: 0.003,
        schedule: one_cycle(epochs, subset),
        subset,
        ..TrainingSpec::default()
    }
}

fn tricks(epochs: f32, subset: Option<u32>) -> Vec<Row> {
    let plain = training(epochs, subset);
    let distorted =
        TrainingSpec { augmentation: Preset::LeNetTricks.training().augmentation, ..plain.clone() };
    let row = |name, network: NetworkSpec, training: &TrainingSpec| Row {
        name,
        network,
        training: training.clone(),
        epochs,
    };
    let relu = || Preset::LeNet5.network();
    let penalty = |l1, l2| TrainingSpec { penalty: Penalty { l1, l2, biases: false }, ..plain.clone() };
    vec![
        row("Fully connected, 784-30-10", Preset::Mlp30.network(), &plain),
        row(
            "Fully connected, 784-100-10",
            network([Flatten, Linear { out_features: 100 }, Relu, Linear { out_features: 10 }]),
            &plain,
        ),
        row("One convolution (20 maps)", Preset::OneConvolution.network(), &plain),
        row("LeNet-5 with sigmoids", lenet(&[Sigmoid], &[Sigmoid]), &plain),
        row("LeNet-5 as of 1998 (tanh, sub-sampling)", Preset::LeNet1998.network(), &plain),
        row("LeNet-5 (ReLU, max pooling)", relu(), &plain),
        row(
            "LeNet-5, plain SGD with momentum",
            relu(),
            &TrainingSpec { optimizer: Optimizer::MOMENTUM, learning_rate: 0.05, ..plain.clone() },
        ),
        row("LeNet-5 + L1 penalty", relu(), &penalty(1e-5, 0.0)),
        row("LeNet-5 + L2 penalty", relu(), &penalty(0.0, 1e-4)),
        row("LeNet-5 + label smoothing", relu(), &TrainingSpec { label_smoothing: 0.1, ..plain.clone() }),
        row("LeNet-5 + dropout", lenet(&[Relu], &[Relu, Dropout { p: 0.3 }]), &plain),
        row("LeNet-5 + batch normalisation", lenet(&[BatchNorm, Relu], &[BatchNorm, Relu]), &plain),
        row("LeNet-5 + more data (distorted)", relu(), &distorted),
        row(
            "LeNet with all tricks",
            Preset::LeNetTricks.network(),
            &TrainingSpec { subset, schedule: one_cycle(epochs, subset), ..Preset::LeNetTricks.training() },
        ),
    ]
}

fn groups() -> Vec<Group> {
    let deep = |normalised: bool| {
        let hidden = if normalised {
            vec![Linear { out_features: 30 }, BatchNorm, Sigmoid]
        } else {
            vec![Linear { out_features: 30 }, Sigmoid]
        };
        network([Flatten].into_iter().chain(hidden.repeat(5)).chain([Linear { out_features: 10 }]))
    };
    let badly = |std| TrainingSpec { initializer: Initializer::Normal { std }, ..training(5.0, None) };
    let dense = || network([Flatten, Linear { out_features: 100 }, Relu, Linear { out_features: 10 }]);
    let shuffled = |network: NetworkSpec| {
        let layers = [Permute { seed: 1 }].into_iter().chain(network.layers).collect();
        NetworkSpec { layers, ..network }
    };
    let shuffled_row = |name, network, label_noise| Row {
        name,
        network,
        training: TrainingSpec { label_noise, ..training(5.0, None) },
        epochs: 5.0,
    };
    let bad_row =
        |name, normalised, std| Row { name, network: deep(normalised), training: badly(std), epochs: 5.0 };
    vec![
        Group {
            title: "All 60,000 training images, 20 epochs",
            text: "Adam, one-cycle schedule up to 0.003, batches of 64.",
            of_training: false,
            rows: tricks(20.0, None),
        },
        Group {
            title: "The first 1,000 training images, 150 epochs",
            text: "The same with little data, where regularisation and distortion count most.",
            of_training: false,
            rows: tricks(150.0, Some(1_000)),
        },
        Group {
            title: "Unstable gradients: five hidden layers of 30 sigmoid units, 5 epochs",
            text: "Initial weights much too small or too large stop a deep network, unless it normalises.",
            of_training: false,
            rows: vec![
                bad_row("Weights of deviation 0.01", false, 0.01),
                bad_row("Weights of deviation 0.01, batch normalisation", true, 0.01),
                bad_row("Weights of deviation 5", false, 5.0),
                bad_row("Weights of deviation 5, batch normalisation", true, 5.0),
            ],
        },
        Group {
            title: "Shuffled data, 5 epochs",
            text: "The pixels of all images in one random order, or a share of the training labels wrong. Adam, one-cycle schedule up to 0.003.",
            of_training: false,
            rows: vec![
                shuffled_row("Fully connected, 784-100-10", dense(), 0.0),
                shuffled_row("Fully connected, 784-100-10, pixels shuffled", shuffled(dense()), 0.0),
                shuffled_row("LeNet-5", Preset::LeNet5.network(), 0.0),
                shuffled_row("LeNet-5, pixels shuffled", shuffled(Preset::LeNet5.network()), 0.0),
                shuffled_row("LeNet-5, a fifth of the labels wrong", Preset::LeNet5.network(), 0.2),
                shuffled_row("LeNet-5, half of the labels wrong", Preset::LeNet5.network(), 0.5),
            ],
        },
        Group {
            title: "The overfitting check: 50 images, 200 epochs",
            text: "Accuracy on the training images themselves. A network that cannot learn 50 images by heart has a mistake in it.",
            of_training: true,
            rows: vec![Row {
                name: "LeNet-5 (ReLU, max pooling)",
                network: Preset::LeNet5.network(),
                training: TrainingSpec {
                    schedule: Schedule::Constant,
                    learning_rate: 0.001,
                    augmentation: Augmentation::default(),
                    ..training(200.0, Some(50))
                },
                epochs: 200.0,
            }],
        },
    ]
}

/// Makes the table, of the groups with `part` in their title, and writes it to `out`, as Markdown.
pub(crate) fn make(out: &Path, part: &str) -> Result<()> {
    let mut session = run::session()?;
    session.set_threads(all_cores());
    let mut text = String::from(
        "# What every trick is worth\n\n\
         Made by `cargo xtask table`: mean and standard deviation of the accuracy on MNIST's 10,000 test images over five seeds,\n\
         after the last epoch (not the best one). In the manner of chapter 6 of Michael Nielsen's *Neural Networks and Deep Learning*.\n",
    );
    for group in groups().into_iter().filter(|group| group.title.contains(part)) {
        text += &format!(
            "\n## {}\n\n{}\n\n| network | accuracy | spread |\n|---|---:|---:|\n",
            group.title, group.text
        );
        for row in &group.rows {
            let results = (1..=SEEDS)
                .map(|seed| accuracy(&mut session, row, seed, group.of_training))
                .collect::<Result<Vec<f64>>>()?;
            let line = line(row.name, &results);
            print!("{line}");
            text += &line;
        }
    }
    fs::write(out, text).with_context(|| format!("cannot write {}", out.display()))
}

fn line(name: &str, results: &[f64]) -> String {
    let n = results.len() as f64;
    let mean = results.iter().sum::<f64>() / n;
    let deviation = (results.iter().map(|r| (r - mean).powi(2)).sum::<f64>() / (n - 1.0)).sqrt();
    format!("| {name} | {:.2} % | {:.2} |\n", 100.0 * mean, 100.0 * deviation)
}

/// The accuracy at the end of a run, 0 to 1; from `target/table` if the run's result is there.
fn accuracy(session: &mut Session, row: &Row, seed: u32, of_training: bool) -> Result<f64> {
    let training = TrainingSpec { seed, ..row.training.clone() };
    let key = serde_json::to_string(&(&row.network, &training, row.epochs))?;
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    let known = Path::new("target/table").join(format!("{:016x}", hasher.finish()));
    if let Some(known) = fs::read_to_string(&known).ok().and_then(|text| text.trim().parse().ok()) {
        return Ok(known);
    }
    let rows = run::run(session, &row.network, &training, f64::from(row.epochs), false)?;
    let last = rows.last().context("the run had no evaluation")?;
    let accuracy = if of_training {
        let (images, score) = session.score_on_training_images();
        score.correct as f64 / images as f64
    } else {
        f64::from(last.tested.accuracy)
    };
    eprintln!("{}, seed {seed}: {:.2} %, {:.0} s", row.name, 100.0 * accuracy, last.seconds);
    let write = || fs::create_dir_all("target/table").and_then(|()| fs::write(&known, accuracy.to_string()));
    write().context("cannot write target/table")?;
    Ok(accuracy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cycle_ends_with_the_last_epoch_of_the_subset() {
        assert_eq!(one_cycle(20.0, None), Schedule::OneCycle { epochs: 20.0 });
        assert_eq!(one_cycle(150.0, Some(1_000)), Schedule::OneCycle { epochs: 2.5 });
    }

    #[test]
    fn every_row_is_a_valid_network_and_none_is_twice_there() {
        let mut keys = Vec::new();
        for group in groups() {
            for row in group.rows {
                assert!(row.network.parameters() > 0, "{}", row.name);
                keys.push(format!("{:?} {:?}", row.network, row.training));
            }
        }
        let rows = keys.len();
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), rows);
        assert_eq!(line("a", &[0.5, 0.7]), "| a | 60.00 % | 14.14 |\n");
    }
}
