//! One training from its first step to its last evaluation.

use std::io::{IsTerminal, Write, stderr};
use std::path::Path;
use std::time::Instant;

use data::DataSet;
use nn::spec::{NetworkSpec, TrainingSpec};
use trainer::Session;
use trainer::messages::{Command, Event, Progress, Tested};
use trainer::parallel::group::Host;

/// This process alone: it has a clock and no helpers.
struct Alone(Instant);

impl Host for Alone {
    fn now(&self) -> f64 {
        self.0.elapsed().as_secs_f64() * 1000.0
    }

    fn post(&self, _: usize, _: &[&[u32]]) {
        unreachable!("nobody asked for helpers")
    }
}

/// A session with all of MNIST.
pub(crate) fn session() -> Result<Session, String> {
    let folder =
        std::env::var_os("LENET_MNIST").ok_or("Run this as `cargo xtask train`: it fetches MNIST.")?;
    let mut session = Session::default();
    session.add_train(&read(Path::new(&folder), "train")?)?;
    session.add_test(&read(Path::new(&folder), "t10k")?)?;
    Ok(session)
}

fn read(folder: &Path, name: &str) -> Result<DataSet, String> {
    let file = |kind: &str| {
        let path = folder.join(format!("{name}-{kind}-ubyte"));
        std::fs::read(&path).map_err(|e| format!("{} cannot be read: {e}.", path.display()))
    };
    DataSet::from_idx(&file("images-idx3")?, &file("labels-idx1")?).map_err(|e| e.to_string())
}

/// Trains from the initial weights on. Gives all evaluations; the last one is at the end.
pub(crate) fn run(
    session: &mut Session,
    network: &NetworkSpec,
    training: &TrainingSpec,
    epochs: f64,
    talk: bool,
) -> Result<Vec<Row>, String> {
    let host = Alone(Instant::now());
    let mut events = session.handle(Command::Reset);
    events
        .extend(session.handle(Command::Configure { network: network.clone(), training: training.clone() }));
    events.extend(session.handle(Command::Train));
    let mut rows: Vec<Row> = Vec::new();
    let mut progress = Progress::default();
    if talk {
        println!("{HEAD}");
    }
    loop {
        for event in events {
            match event {
                Event::Progress(now) => {
                    progress = Progress {
                        train_loss: now.train_loss.or(progress.train_loss),
                        train_accuracy: now.train_accuracy.or(progress.train_accuracy),
                        ..now
                    };
                    if talk && stderr().is_terminal() {
                        eprint!("\r{}\x1b[K", bar(&progress, epochs));
                        let _ = stderr().flush();
                    }
                }
                Event::Tested(tested) => {
                    let row = Row { tested, progress, seconds: host.now() / 1000.0 };
                    if talk {
                        let clear = if stderr().is_terminal() { "\r\x1b[K" } else { "" };
                        eprint!("{clear}");
                        println!("{row}");
                    }
                    rows.push(row);
                    if tested.epoch >= epochs - 1e-3 {
                        return Ok(rows);
                    }
                }
                Event::Failed(sentence) => return Err(sentence),
                Event::Diverged(diverged) => return Err(diverged.sentence),
                _ => {}
            }
        }
        events = session.work(&host);
    }
}

/// An evaluation, and how training was going.
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

/// The end of a run in a sentence.
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
