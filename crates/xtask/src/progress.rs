//! What the user reads meanwhile: steps, durations, and a line of progress for long compilations.

use std::collections::VecDeque;
use std::fmt::Display;
use std::io::{BufRead, BufReader, IsTerminal, stderr};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};

/// Announces a step.
pub(crate) fn step(what: impl Display) {
    if stderr().is_terminal() {
        eprintln!("\x1b[1;36m==>\x1b[0m {what}");
    } else {
        eprintln!("==> {what}");
    }
}

/// A duration as people say it.
pub(crate) fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs_f32();
    if seconds < 60.0 {
        format!("{seconds:.1} s")
    } else {
        let seconds = seconds.round() as u32;
        format!("{} min {:02} s", seconds / 60, seconds % 60)
    }
}

/// A long run of cargo.
pub(crate) struct Compilation {
    /// The program that is compiled.
    pub(crate) name: String,
    /// How.
    pub(crate) command: Command,
    /// Run instead if `command` fails before it has compiled any crate.
    pub(crate) fallback: Command,
}

/// Runs several compilations at the same time and shows how many crates they have compiled, in place of their output.
///
/// # Errors
///
/// If one fails: the end of its output is printed, and the error names it.
pub(crate) fn compile(compilations: Vec<Compilation>) -> Result<()> {
    let crates = AtomicUsize::new(0);
    let done = AtomicBool::new(false);
    let title = compilations.iter().map(|one| one.name.as_str()).collect::<Vec<_>>().join(" and ");
    thread::scope(|scope| {
        scope.spawn(|| show_count(&title, &crates, &done));
        let running: Vec<_> =
            compilations.into_iter().map(|one| scope.spawn(|| compile_one(one, &crates))).collect();
        let results: Vec<Result<()>> = running
            .into_iter()
            .map(|one| one.join().unwrap_or_else(|_| Err(anyhow!("a compilation was interrupted"))))
            .collect();
        done.store(true, Ordering::Relaxed);
        results.into_iter().collect()
    })
}

/// Shows the count of crates until `done`: every second on a terminal, every 30 s in a log.
fn show_count(title: &str, crates: &AtomicUsize, done: &AtomicBool) {
    let begin = Instant::now();
    let on_terminal = stderr().is_terminal();
    let interval = Duration::from_secs(if on_terminal { 1 } else { 30 });
    let mut next = begin + interval;
    while !done.load(Ordering::Relaxed) {
        if Instant::now() >= next {
            next += interval;
            let count = crates.load(Ordering::Relaxed);
            let line = format!("    {title}: {count} crates, {}", duration(begin.elapsed()));
            if on_terminal { eprint!("\r{line}\x1b[K") } else { eprintln!("{line}") }
        }
        thread::sleep(Duration::from_millis(100));
    }
    if on_terminal {
        eprint!("\r\x1b[K");
    }
}

fn compile_one(compilation: Compilation, crates: &AtomicUsize) -> Result<()> {
    let Compilation { name, command, fallback } = compilation;
    let mut run = count_crates(command, crates)?;
    if !run.success && run.crates == 0 {
        run = count_crates(fallback, crates)?;
    }
    if run.success {
        return Ok(());
    }
    for line in run.tail {
        eprintln!("{line}");
    }
    let what = if run.crates == 0 { "fetched" } else { "compiled" };
    bail!("{name} could not be {what}; the end of cargo's output is above");
}

/// A finished run of cargo.
struct CargoRun {
    success: bool,
    /// Crates that it compiled.
    crates: usize,
    /// The last lines of its output.
    tail: VecDeque<String>,
}

/// Runs cargo; adds 1 to `total` for each crate that it compiles.
fn count_crates(mut command: Command, total: &AtomicUsize) -> Result<CargoRun> {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().context("cargo could not be started")?;
    let (mut crates, mut tail) = (0, VecDeque::new());
    if let Some(stderr) = child.stderr.take() {
        for line in BufReader::new(stderr).lines().map_while(Result::ok) {
            if line.trim_start().starts_with("Compiling ") {
                total.fetch_add(1, Ordering::Relaxed);
                crates += 1;
            }
            tail.push_back(line);
            if tail.len() > 40 {
                tail.pop_front();
            }
        }
    }
    let status = child.wait().context("cargo was lost")?;
    Ok(CargoRun { success: status.success(), crates, tail })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_written_in_seconds_or_minutes() {
        assert_eq!(duration(Duration::from_millis(1234)), "1.2 s");
        assert_eq!(duration(Duration::from_secs(60)), "1 min 00 s");
        assert_eq!(duration(Duration::from_millis(119_700)), "2 min 00 s");
    }
}
