//! One training from its first step to its last evaluation.

use std::io::{IsTerminal, Write, stderr};
use std::path::Path;

use anyhow::{Context, Error, Result, bail};
use data::DataSet;
use nn::spec::{NetworkSpec, TrainingSpec};
use trainer::Session;
use trainer::cursor::DataCursor;
use trainer::messages::{Command, Event, Progress, Tested};
use trainer::parallel::transport::{SingleCore, Transport};

/// A session with all of MNIST, read from the folder in the variable LENET_MNIST.
pub(crate) fn session() -> Result<Session> {
    let folder =
        std::env::var_os("LENET_MNIST").context("run this as `cargo xtask train`, which fetches MNIST")?;
    let mut session = Session::default();
    session.add_train(&read(Path::new(&folder), "train")?).map_err(Error::msg)?;
    session.add_test(&read(Path::new(&folder), "t10k")?).map_err(Error::msg)?;
    Ok(session)
}

fn read(folder: &Path, name: &str) -> Result<DataSet> {
    let file = |kind: &str| {
        let path = folder.join(format!("{name}-{kind}-ubyte"));
        std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))
    };
    Ok(DataSet::from_idx(&file("images-idx3")?, &file("labels-idx1")?)?)
}

/// Trains from the initial weights for a number of epochs: up to the first step at which they are reached. Returns all evaluations
/// on the test set in their order, of which the last is that of the trained network; shows progress and each evaluation if
/// `verbose`.
///
/// # Errors
///
/// If the session refuses the network or the training, or the training diverges.
pub(crate) fn run(
    session: &mut Session,
    network: &NetworkSpec,
    training: &TrainingSpec,
    epochs: f64,
    verbose: bool,
) -> Result<Vec<Row>> {
    let host = SingleCore::default();
    let mut events = session.handle(Command::Reset);
    events
        .extend(session.handle(Command::Configure { network: network.clone(), training: training.clone() }));
    // Before steps are counted: without images in a batch there would be no end.
    if let Some(Event::Failed(sentence)) = events.iter().find(|event| matches!(event, Event::Failed(_))) {
        bail!("{sentence}");
    }
    if !epochs.is_finite() {
        bail!("The number of epochs must be finite, not {epochs}.");
    }
    let steps = DataCursor::default().steps_until(epochs, training);
    if steps > 0 {
        events.extend(session.train_steps(steps));
    }
    let mut rows: Vec<Row> = Vec::new();
    let mut progress = Progress::default();
    if verbose {
        println!("{HEAD}");
    }
    let mut test = |tested: Tested, progress: Progress| {
        let row = Row { tested, progress, seconds: host.now() / 1000.0 };
        if verbose {
            let clear = if stderr().is_terminal() { "\r\x1b[K" } else { "" };
            eprint!("{clear}");
            println!("{row}");
        }
        rows.push(row);
    };
    let mut tested_step = None;
    loop {
        for event in events {
            match event {
                Event::Progress(now) => {
                    progress = Progress {
                        train_loss: now.train_loss.or(progress.train_loss),
                        train_accuracy: now.train_accuracy.or(progress.train_accuracy),
                        ..now
                    };
                    if verbose && stderr().is_terminal() {
                        eprint!("\r{}\x1b[K", bar(&progress, epochs));
                        let _ = stderr().flush();
                    }
                }
                Event::Tested(tested) => {
                    tested_step = Some(tested.step);
                    test(tested, progress);
                }
                Event::Failed(sentence) => bail!(sentence),
                Event::Diverged(diverged) => bail!(diverged.sentence),
                _ => {}
            }
        }
        if !session.busy() {
            break;
        }
        events = session.work(&host);
    }
    let last = session.score_on_test_images();
    if tested_step != Some(last.step) {
        test(last, progress);
    }
    Ok(rows)
}

/// An evaluation, and the last progress report before it.
pub(crate) struct Row {
    pub(crate) tested: Tested,
    progress: Progress,
    pub(crate) seconds: f64,
}

const HEAD: &str = "  epoch  train loss  train acc.   test loss   test acc.   images/s   seconds";

impl std::fmt::Display for Row {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { tested, progress, seconds } = self;
        let number = |value: Option<f32>| value.unwrap_or(f32::NAN);
        write!(
            f,
            "{:>7.2}  {:>10.4}  {:>8.2} %  {:>10.4}  {:>8.2} %  {:>9.0}  {seconds:>8.1}",
            tested.epoch,
            number(progress.train_loss),
            100.0 * number(progress.train_accuracy),
            tested.loss,
            100.0 * tested.accuracy,
            number(progress.images_per_second),
        )
    }
}

fn bar(progress: &Progress, epochs: f64) -> String {
    let done = ((progress.epoch / epochs).clamp(0.0, 1.0) * 40.0) as usize;
    format!(
        "[{}{}] epoch {:.2} of {epochs}, loss {:.4}, {:.0} images/s",
        "#".repeat(done),
        ".".repeat(40 - done),
        progress.epoch,
        progress.train_loss.unwrap_or(f32::NAN),
        progress.images_per_second.unwrap_or(0.0),
    )
}

/// The result of a run in a sentence.
pub(crate) fn summary(rows: &[Row]) -> String {
    let Some(last) = rows.last() else { return "Nothing was measured.".into() };
    let first_99 = rows.iter().find(|row| row.tested.accuracy >= 0.99);
    let first_99 = first_99.map_or(String::new(), |row| {
        format!(" 99 % were passed after {:.1} s (epoch {:.2}).", row.seconds, row.tested.epoch)
    });
    format!(
        "{:.2} % of the test set after {:.0} epochs ({} steps, {:.1} s).{first_99}",
        100.0 * last.tested.accuracy,
        last.tested.epoch,
        last.tested.step,
        last.seconds,
    )
}
