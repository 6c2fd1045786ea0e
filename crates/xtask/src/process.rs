//! Running other programs: visibly, silently, or as a long job with a line of progress.

use std::collections::VecDeque;
use std::env;
use std::ffi::OsString;
use std::io::{BufRead, BufReader, ErrorKind, IsTerminal};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::paths::Place;
use crate::progress::{self, Failure, Outcome, While};

/// A command without what `cargo run` told this program about itself: build scripts that watch those variables
/// would otherwise run again each time the user changes between `cargo` and `cargo xtask`.
pub(crate) fn command(program: impl Into<OsString>) -> Command {
    let mut command = Command::new(program.into());
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        if ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_"]
            .iter()
            .any(|prefix| text.starts_with(prefix))
        {
            command.env_remove(&name);
        }
    }
    command
}

/// Cargo on the workspace. Flags from the environment would replace those of `.cargo/config.toml`, SIMD among them.
pub(crate) fn cargo(place: &Place) -> Command {
    let mut cargo = command(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(&place.root).env_remove("RUSTFLAGS").env_remove("CARGO_ENCODED_RUSTFLAGS");
    cargo
}

/// Puts `folders` before the PATH of one command.
pub(crate) fn put_on_path<'a>(command: &mut Command, folders: impl IntoIterator<Item = &'a Path>) -> Outcome {
    let path = env::var_os("PATH").unwrap_or_default();
    let all = folders.into_iter().map(PathBuf::from).chain(env::split_paths(&path));
    command.env("PATH", env::join_paths(all).while_doing("putting the tools on the PATH")?);
    Ok(())
}

/// Runs a command whose output the user sees. `what` begins the sentence of a failure.
pub(crate) fn visibly(command: &mut Command, what: &str) -> Outcome {
    let status = command.status().map_err(|error| not_started(command, &error))?;
    if status.success() { Ok(()) } else { Err(Failure(format!("{what} failed; its message is above."))) }
}

/// Runs a command and returns what it printed, or a sentence with the end of its complaint.
pub(crate) fn silently(command: &mut Command) -> Outcome<String> {
    let output = command.stdin(Stdio::null()).output().map_err(|error| not_started(command, &error))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    eprint!("{}", String::from_utf8_lossy(&output.stderr));
    Err(Failure(format!("`{}` failed; its message is above.", shown(command))))
}

/// Whether a program can be started and says so with success.
pub(crate) fn works(program: &str, arguments: &[&str]) -> bool {
    let status = command(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    status.is_ok_and(|status| status.success())
}

/// A long compilation.
pub(crate) struct Job {
    /// What is compiled.
    pub(crate) name: String,
    /// How.
    pub(crate) command: Command,
    /// What to try instead if the first command fails before it compiled anything.
    pub(crate) otherwise: Option<Command>,
}

/// Runs compiling commands side by side, showing how many crates have been compiled instead of all their output.
/// When one fails, the end of its output is printed and the sentence names it.
pub(crate) fn compile_together(jobs: Vec<Job>) -> Outcome {
    let begin = Instant::now();
    let crates = AtomicUsize::new(0);
    let done = AtomicBool::new(false);
    let title = jobs.iter().map(|job| job.name.as_str()).collect::<Vec<_>>().join(" and ");
    thread::scope(|scope| {
        scope.spawn(|| {
            let tty = std::io::stderr().is_terminal();
            let pause = if tty { Duration::from_secs(1) } else { Duration::from_secs(30) };
            let mut next = begin + pause;
            while !done.load(Ordering::Relaxed) {
                if Instant::now() >= next {
                    next += pause;
                    let line = format!(
                        "    {title}: {} crates, {}",
                        crates.load(Ordering::Relaxed),
                        progress::duration(begin.elapsed())
                    );
                    if tty { eprint!("\r{line}\x1b[K") } else { eprintln!("{line}") }
                }
                thread::sleep(Duration::from_millis(100));
            }
            if tty {
                eprint!("\r\x1b[K");
            }
        });
        let running: Vec<_> = jobs.into_iter().map(|job| scope.spawn(|| compile(job, &crates))).collect();
        let results: Vec<Outcome> = running
            .into_iter()
            .map(|job| job.join().unwrap_or_else(|_| Err(Failure("a build was interrupted.".into()))))
            .collect();
        done.store(true, Ordering::Relaxed);
        results.into_iter().collect()
    })
}

fn compile(job: Job, crates: &AtomicUsize) -> Outcome {
    let (mut success, mut compiled, mut tail) = listen(job.command, crates)?;
    if let (false, 0, Some(otherwise)) = (success, compiled, job.otherwise) {
        (success, compiled, tail) = listen(otherwise, crates)?;
    }
    if success {
        return Ok(());
    }
    for line in tail {
        eprintln!("{line}");
    }
    let how_far = if compiled == 0 { "could not be fetched" } else { "could not be compiled" };
    Err(Failure(format!("{} {how_far}; cargo's last words are above.", job.name)))
}

/// Runs cargo, counting the crates it compiles; returns its success, that count, and the end of what it said.
fn listen(mut command: Command, crates: &AtomicUsize) -> Outcome<(bool, usize, VecDeque<String>)> {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| not_started(&command, &error))?;
    let (mut compiled, mut tail) = (0, VecDeque::new());
    if let Some(stderr) = child.stderr.take() {
        for line in BufReader::new(stderr).lines().map_while(Result::ok) {
            if line.trim_start().starts_with("Compiling ") {
                crates.fetch_add(1, Ordering::Relaxed);
                compiled += 1;
            }
            tail.push_back(line);
            if tail.len() > 40 {
                tail.pop_front();
            }
        }
    }
    let status = child.wait().while_doing("waiting for cargo")?;
    Ok((status.success(), compiled, tail))
}

fn not_started(command: &Command, error: &std::io::Error) -> Failure {
    let program = command.get_program().to_string_lossy();
    Failure(match error.kind() {
        ErrorKind::NotFound => format!("`{program}` is not installed, or not on the PATH."),
        _ => format!("`{program}` could not be started: {error}."),
    })
}

fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}
