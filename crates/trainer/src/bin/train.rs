//! `cargo xtask train`: the page's own trainer at a terminal. It makes the checkpoint that the page is shipped with.

use std::path::{Path, PathBuf};
use std::time::Instant;

use data::DataSet;
use nn::preset::Preset;
use nn::spec::{Optimizer, TrainingSpec};
use trainer::Session;
use trainer::messages::{Command, Event};

const USAGE: &str = "usage: cargo xtask train [--preset lenet5|mlp30] [--epochs N] [--seed N] [--batch N]
                         [--optimizer adam|momentum|sgd] [--lr X] [--out FILE.safetensors]";

struct Options {
    preset: Preset,
    epochs: f64,
    training: TrainingSpec,
    out: Option<PathBuf>,
}

fn main() -> std::process::ExitCode {
    match options().and_then(|options| train(&options)) {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(sentence) => {
            eprintln!("{sentence}");
            std::process::ExitCode::FAILURE
        }
    }
}

fn options() -> Result<Options, String> {
    let mut options =
        Options { preset: Preset::LeNet5, epochs: 10.0, training: TrainingSpec::default(), out: None };
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let value = arguments.next().ok_or(USAGE)?;
        let wrong = || format!("{name} does not take {value}.\n{USAGE}");
        match name.as_str() {
            "--preset" => options.preset = Preset::from_id(&value).ok_or_else(&wrong)?,
            "--epochs" => options.epochs = value.parse().map_err(|_| wrong())?,
            "--seed" => options.training.seed = value.parse().map_err(|_| wrong())?,
            "--batch" => options.training.batch_size = value.parse().map_err(|_| wrong())?,
            "--lr" => options.training.learning_rate = value.parse().map_err(|_| wrong())?,
            "--out" => options.out = Some(value.into()),
            "--optimizer" => {
                options.training.optimizer = match value.as_str() {
                    "adam" => Optimizer::ADAM,
                    "adamw" => Optimizer::ADAM_W,
                    "nesterov" => Optimizer::NESTEROV,
                    "momentum" => Optimizer::MOMENTUM,
                    "sgd" => Optimizer::SGD,
                    _ => return Err(wrong()),
                }
            }
            _ => return Err(USAGE.into()),
        }
    }
    Ok(options)
}

fn train(options: &Options) -> Result<(), String> {
    let folder =
        std::env::var_os("LENET_MNIST").ok_or("Run this as `cargo xtask train`: it fetches MNIST.")?;
    let mut session = Session::default();
    session.add_train(&read(Path::new(&folder), "train")?)?;
    session.add_test(&read(Path::new(&folder), "t10k")?)?;
    let start = Instant::now();
    let now = || start.elapsed().as_secs_f64() * 1000.0;
    let configure =
        Command::Configure { network: options.preset.network(), training: options.training.clone() };
    println!("{}, {:?}", options.preset.title(), options.training);
    println!(
        "{:>7} {:>10} {:>10} {:>10} {:>9} {:>9}",
        "epoch", "train loss", "test loss", "test acc.", "images/s", "seconds"
    );
    let (mut loss, mut speed) = (0.0, 0.0);
    let mut events = session.handle(configure);
    events.extend(session.handle(Command::Train));
    loop {
        for event in events {
            match event {
                Event::Progress(progress) => {
                    loss = progress.train_loss.unwrap_or(loss);
                    speed = progress.images_per_second.unwrap_or(speed);
                    eprint!("\r{:>7.2} {loss:>10.4}\r", progress.epoch);
                }
                Event::Tested(tested) => {
                    println!(
                        "{:>7.2} {loss:>10.4} {:>10.4} {:>8.2} % {speed:>9.0} {:>9.1}",
                        tested.epoch,
                        tested.loss,
                        100.0 * tested.accuracy,
                        now() / 1000.0
                    );
                    if tested.epoch >= options.epochs - 1e-3 {
                        return save(&session, options.out.as_deref());
                    }
                }
                Event::Failed(sentence) => return Err(sentence),
                _ => {}
            }
        }
        events = session.work(&now);
    }
}

fn save(session: &Session, out: Option<&Path>) -> Result<(), String> {
    let Some(out) = out else { return Ok(()) };
    let bytes = interchange::write_checkpoint(session.network())?;
    std::fs::write(out, &bytes).map_err(|e| format!("{} cannot be written: {e}.", out.display()))?;
    println!("{}: {} bytes", out.display(), bytes.len());
    Ok(())
}

fn read(folder: &Path, name: &str) -> Result<DataSet, String> {
    let file = |kind: &str| {
        let path = folder.join(format!("{name}-{kind}-ubyte"));
        std::fs::read(&path).map_err(|e| format!("{} cannot be read: {e}.", path.display()))
    };
    DataSet::from_idx(&file("images-idx3")?, &file("labels-idx1")?).map_err(|e| e.to_string())
}
