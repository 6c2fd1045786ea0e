//! `cargo xtask test`: the stages of the test, one after another, and a summary of their results.

use std::fmt;
use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow, bail, ensure};
use clap::ValueEnum;
use xshell::{Cmd, Shell};

use crate::paths::Paths;
use crate::process::cargo;
use crate::{chromium, mnist, npm, progress, site, tools, vulkan};

/// A part of the test that can be run alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Stage {
    /// Architecture, format and clippy, for this machine and for the browser
    Lint,
    /// The tests of all crates on this machine
    Native,
    /// The tests of the numeric crates as WebAssembly, in Node
    Wasm,
    /// The compute shaders in a real browser
    Gpu,
    /// The page, into dist/
    Build,
    /// The page in a real browser
    E2e,
}

/// Crates whose tests also run as WebAssembly.
const WASM_CRATES: [&str; 4] = ["tensor", "nn", "data", "trainer"];

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.to_possible_value();
        f.pad(value.as_ref().map_or("", |value| value.get_name()))
    }
}

impl Stage {
    fn run(self, paths: &Paths) -> Result<()> {
        match self {
            Stage::Lint => lint(paths),
            Stage::Native => native(paths),
            Stage::Wasm => wasm(paths),
            Stage::Gpu => gpu(paths),
            Stage::Build => site::build(paths, &tools::ensure(paths)?),
            Stage::E2e => e2e(paths),
        }
    }
}

/// A stage that ended, or that was skipped.
struct Outcome {
    stage: Stage,
    /// `None` if it was skipped.
    result: Option<Result<()>>,
    duration: Duration,
}

impl Outcome {
    fn failed(&self) -> bool {
        matches!(self.result, Some(Err(_)))
    }
}

/// Runs the stages, or all where none is named. After a failed stage the others still run, but for the browser tests without a page.
pub(crate) fn run(paths: &Paths, stages: &[Stage]) -> Result<()> {
    let stages = if stages.is_empty() { Stage::value_variants() } else { stages };
    let mut outcomes: Vec<Outcome> = Vec::new();
    for row in rows(stages) {
        let no_page = outcomes.iter().any(|outcome| outcome.stage == Stage::Build && outcome.failed());
        if no_page && row == [Stage::E2e] {
            outcomes.push(Outcome { stage: Stage::E2e, result: None, duration: Duration::ZERO });
            continue;
        }
        if row.len() > 1 {
            // Once, not by both at the same time. If it fails, each of them says so.
            let _ = tools::ensure(paths);
            let _ = mnist::ensure(paths);
        }
        let ended = thread::scope(|scope| {
            let running: Vec<_> = row.iter().map(|stage| scope.spawn(|| attempt(*stage, paths))).collect();
            running
                .into_iter()
                .zip(&row)
                .map(|(stage, name)| stage.join().unwrap_or_else(|_| panicked(*name)))
                .collect::<Vec<_>>()
        });
        outcomes.extend(ended);
    }
    outcomes.sort_by_key(|outcome| stages.iter().position(|stage| *stage == outcome.stage));
    println!("\n{}", summary(&outcomes));
    let failed: Vec<String> =
        outcomes.iter().filter(|outcome| outcome.failed()).map(|outcome| outcome.stage.to_string()).collect();
    if let Some(first) = failed.first() {
        bail!("the tests failed in {}; run `cargo xtask test {first}` to see it alone", failed.join(", "));
    }
    Ok(())
}

/// Stages that run at the same time. Each has minutes in which it keeps one core busy: tests that count allocations and the linking
/// of the page, which compile into different folders; tests in Node and shaders that a browser compiles, where one compiles while the other runs.
const TOGETHER: [[Stage; 2]; 2] = [[Stage::Native, Stage::Build], [Stage::Wasm, Stage::Gpu]];

/// The stages one after another, but those of a pair together.
fn rows(stages: &[Stage]) -> Vec<Vec<Stage>> {
    let mut rows: Vec<Vec<Stage>> = Vec::new();
    for &stage in stages {
        let partner_of =
            |other: Stage| TOGETHER.iter().any(|pair| pair.contains(&stage) && pair.contains(&other));
        match rows.iter_mut().find(|row| partner_of(row[0])) {
            Some(row) => row.push(stage),
            None => rows.push(vec![stage]),
        }
    }
    rows
}

/// Runs a stage, and says how it ended.
fn attempt(stage: Stage, paths: &Paths) -> Outcome {
    progress::step(format_args!("Test stage {stage}"));
    let begin = Instant::now();
    let result = stage.run(paths);
    let duration = begin.elapsed();
    match &result {
        Ok(()) => progress::step(format_args!("Stage {stage} passed in {}", progress::duration(duration))),
        Err(error) => eprintln!("xtask: {}", sentence(stage, error)),
    }
    Outcome { stage, result: Some(result), duration }
}

fn panicked(stage: Stage) -> Outcome {
    Outcome { stage, result: Some(Err(anyhow!("it panicked"))), duration: Duration::ZERO }
}

fn sentence(stage: Stage, error: &anyhow::Error) -> String {
    format!("stage {stage} failed: {error:#}. Run it alone with `cargo xtask test {stage}`.")
}

/// One line a stage, and one line of totals.
fn summary(outcomes: &[Outcome]) -> String {
    let mut text = String::new();
    let (mut passed, mut failed) = (0, 0);
    for Outcome { stage, result, duration } in outcomes {
        let word = match result {
            Some(Ok(())) => {
                passed += 1;
                "passed"
            }
            Some(Err(_)) => {
                failed += 1;
                "FAILED"
            }
            None => "skipped",
        };
        text += &format!("{stage:<8}{word:<9}{:>14}\n", progress::duration(*duration));
    }
    let skipped = outcomes.len() - passed - failed;
    let skipped = if skipped == 0 { String::new() } else { format!(", {skipped} skipped") };
    text + &format!("{passed} passed, {failed} failed{skipped} (stages)")
}

fn lint(paths: &Paths) -> Result<()> {
    tools::ensure_lints()?;
    tools::ensure_target()?;
    let shell = paths.shell()?;
    // First, since it takes seconds. A backtrace says nothing about the sources that it reads.
    let architecture =
        cargo(&shell, "test").args(["--quiet", "--package", "xtask", "--test", "architecture"]);
    architecture.env("RUST_BACKTRACE", "0").run()?;
    cargo(&shell, "fmt").args(["--all", "--check"]).run()?;
    let deny = ["--", "-D", "warnings"];
    cargo(&shell, "clippy").args(["--workspace", "--all-targets"]).args(deny).run()?;
    Ok(cargo(&shell, "clippy").args(["--package", "web", "--target", tools::TARGET]).args(deny).run()?)
}

fn native(paths: &Paths) -> Result<()> {
    vulkan::ensure()?;
    let shell = paths.shell()?;
    let data = mnist::ensure(paths)?;
    Ok(cargo(&shell, "test").arg("--workspace").env(mnist::VARIABLE, data).run()?)
}

fn wasm(paths: &Paths) -> Result<()> {
    Ok(test_as_wasm(paths, &paths.shell()?, &WASM_CRATES)?.run()?)
}

/// Chromium has a GPU in software, SwiftShader, where there is no other.
fn gpu(paths: &Paths) -> Result<()> {
    chromium::ensure()?;
    let shell = paths.shell()?;
    let cargo = test_as_wasm(paths, &shell, &["gpu"])?.env(chromium::DRIVER, chromium::ensure_driver()?);
    // Seconds until a test file must have come to its end.
    Ok(cargo.env("WASM_BINDGEN_TEST_TIMEOUT", "1800").run()?)
}

/// The tests of some crates as WebAssembly.
fn test_as_wasm<'a>(paths: &Paths, shell: &'a Shell, crates: &[&str]) -> Result<Cmd<'a>> {
    tools::ensure(paths)?.add_to_path(shell)?;
    // --tests leaves out the examples in the documentation, which the native stage runs.
    let cargo = cargo(shell, "test").args(["--tests", "--target", tools::TARGET]);
    Ok(cargo.args(crates.iter().flat_map(|name| ["--package", name])))
}

fn e2e(paths: &Paths) -> Result<()> {
    ensure!(
        paths.root.join("dist/index.html").exists(),
        "there is no page in dist/: run `cargo xtask build` first"
    );
    let shell = paths.shell()?;
    Ok(in_browser(paths, &shell, "npx")?.args(["--no-install", "playwright", "test"]).run()?)
}

/// `cargo xtask bench`: measures the page that was built, in a real browser.
pub(crate) fn bench(paths: &Paths, jobs: &[String]) -> Result<()> {
    let shell = paths.shell()?;
    Ok(in_browser(paths, &shell, "node")?.arg("../bench/main.mjs").args(jobs).run()?)
}

/// A program in the folder of the browser tests, with all that they need.
fn in_browser<'a>(paths: &Paths, shell: &'a Shell, program: &str) -> Result<Cmd<'a>> {
    let chromium = chromium::ensure()?;
    shell.change_dir(paths.root.join("tests/e2e"));
    install_packages(shell)?;
    let program = npm::program(shell, program)?;
    Ok(program.env(chromium::VARIABLE, chromium).env(mnist::VARIABLE, mnist::ensure(paths)?))
}

/// `npm ci` in the shell's folder, unless the lock file is older than what it installed.
fn install_packages(shell: &Shell) -> Result<()> {
    let changed = |file: &Path| fs::metadata(file).and_then(|file| file.modified()).ok();
    let folder = shell.current_dir();
    let installed = changed(&folder.join("node_modules/.package-lock.json"));
    if installed.is_some() && installed >= changed(&folder.join("package-lock.json")) {
        return Ok(());
    }
    progress::step("Fetching the packages of the browser tests");
    // They drive the Chromium found above.
    let npm = npm::npm(shell)?.env("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1");
    Ok(npm.args(["ci", "--no-audit", "--no-fund"]).run()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_counts_stages() {
        let outcome = |stage, result, milliseconds| Outcome {
            stage,
            result,
            duration: Duration::from_millis(milliseconds),
        };
        let summary = summary(&[
            outcome(Stage::Lint, Some(Ok(())), 1500),
            outcome(Stage::Build, Some(Err(anyhow!("no"))), 75_000),
            outcome(Stage::E2e, None, 0),
        ]);
        assert!(summary.ends_with("\n1 passed, 1 failed, 1 skipped (stages)"), "{summary}");
        assert!(summary.contains("\nbuild   FAILED       1 min 15 s\n"), "{summary}");
    }

    #[test]
    fn the_page_is_built_beside_the_tests_on_this_machine_and_before_those_in_a_browser() {
        use Stage::{Build, E2e, Gpu, Lint, Native, Wasm};
        assert_eq!(
            rows(Stage::value_variants()),
            [vec![Lint], vec![Native, Build], vec![Wasm, Gpu], vec![E2e]]
        );
        assert_eq!(rows(&[Build, E2e]), [[Build], [E2e]]);
        assert_eq!(rows(&[Gpu, Lint, Wasm]), [vec![Gpu, Wasm], vec![Lint]]);
    }

    #[test]
    fn the_sentence_of_a_failed_stage_names_the_command_that_runs_it_alone() {
        let error = anyhow!("no such file").context("a test failed");
        assert_eq!(
            sentence(Stage::Native, &error),
            "stage native failed: a test failed: no such file. Run it alone with `cargo xtask test native`."
        );
    }
}
