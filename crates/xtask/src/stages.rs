//! `cargo xtask test`: the stages of the test, one after another, and what came of them.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::paths::Place;
use crate::progress::{self, Failure, Outcome};
use crate::{chromium, mnist, npm, process, site, tools, vulkan};

/// A part of the test that can be run alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Format and clippy, for this machine and for the browser.
    Lint,
    /// The tests of all crates on this machine.
    Native,
    /// The tests of the numeric crates as WebAssembly, in Node.
    Wasm,
    /// The compute shaders in a real browser.
    Gpu,
    /// The page.
    Build,
    /// The page in a real browser.
    E2e,
}

const ALL: [Stage; 6] = [Stage::Lint, Stage::Native, Stage::Wasm, Stage::Gpu, Stage::Build, Stage::E2e];

/// Crates whose tests also run as WebAssembly.
const WASM_CRATES: [&str; 4] = ["tensor", "nn", "data", "trainer"];

impl Stage {
    fn name(self) -> &'static str {
        match self {
            Stage::Lint => "lint",
            Stage::Native => "native",
            Stage::Wasm => "wasm",
            Stage::Gpu => "gpu",
            Stage::Build => "build",
            Stage::E2e => "e2e",
        }
    }

    fn run(self, place: &Place) -> Outcome {
        match self {
            Stage::Lint => lint(place),
            Stage::Native => native(place),
            Stage::Wasm => wasm(place),
            Stage::Gpu => gpu(place),
            Stage::Build => site::build(place, &tools::ensure(place)?),
            Stage::E2e => e2e(place),
        }
    }
}

/// The stages that the arguments name, or all of them.
pub(crate) fn parse(arguments: &[String]) -> Outcome<Vec<Stage>> {
    if arguments.is_empty() {
        return Ok(ALL.to_vec());
    }
    arguments
        .iter()
        .map(|argument| {
            ALL.into_iter().find(|stage| stage.name() == argument).ok_or_else(|| {
                let names = ALL.map(Stage::name).join(", ");
                Failure(format!("there is no test stage `{argument}`; the stages are {names}."))
            })
        })
        .collect()
}

/// Runs the stages. A failed stage does not keep the others from running, except the browser without a page.
pub(crate) fn run(place: &Place, stages: &[Stage]) -> Outcome {
    let mut results: Vec<(Stage, Option<Outcome>, Duration)> = Vec::new();
    for &stage in stages {
        let no_page = results
            .iter()
            .any(|(stage, result, _)| *stage == Stage::Build && !matches!(result, Some(Ok(()))));
        if stage == Stage::E2e && no_page {
            results.push((stage, None, Duration::ZERO));
            continue;
        }
        progress::step(format_args!("Test stage {}", stage.name()));
        let begin = Instant::now();
        let result = stage.run(place);
        let duration = begin.elapsed();
        match &result {
            Ok(()) => progress::step(format_args!(
                "Stage {} passed in {}",
                stage.name(),
                progress::duration(duration)
            )),
            Err(failure) => eprintln!("xtask: {}", sentence(stage, failure)),
        }
        results.push((stage, Some(result), duration));
    }
    println!("\n{}", summary(&results));
    let failed: Vec<_> = results
        .iter()
        .filter(|(_, result, _)| matches!(result, Some(Err(_))))
        .map(|(stage, ..)| *stage)
        .collect();
    match failed.as_slice() {
        [] => Ok(()),
        [stage, ..] => Err(Failure(format!(
            "the tests failed in {}; run `cargo xtask test {}` to see it alone.",
            failed.iter().map(|stage| stage.name()).collect::<Vec<_>>().join(", "),
            stage.name()
        ))),
    }
}

fn sentence(stage: Stage, Failure(reason): &Failure) -> String {
    format!("stage {} failed: {reason} Run it alone with `cargo xtask test {0}`.", stage.name())
}

/// One line a stage, and one line of totals.
fn summary(results: &[(Stage, Option<Outcome>, Duration)]) -> String {
    let mut text = String::new();
    let (mut passed, mut failed) = (0, 0);
    for (stage, result, duration) in results {
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
        text += &format!("{:<8}{word:<9}{:>14}\n", stage.name(), progress::duration(*duration));
    }
    let skipped = results.len() - passed - failed;
    let skipped = if skipped == 0 { String::new() } else { format!(", {skipped} skipped") };
    text + &format!("{passed} passed, {failed} failed{skipped} (stages)")
}

fn lint(place: &Place) -> Outcome {
    tools::ensure_lints()?;
    tools::ensure_target()?;
    let deny = ["--", "-D", "warnings"];
    process::visibly(
        process::cargo(place).args(["fmt", "--all", "--check"]),
        "the check of the format (`cargo fmt --all`)",
    )?;
    let mut native = process::cargo(place);
    process::visibly(native.args(["clippy", "--workspace", "--all-targets"]).args(deny), "clippy")?;
    let mut web = process::cargo(place);
    web.args(["clippy", "--package", "web", "--target", tools::TARGET]).args(deny);
    process::visibly(&mut web, "clippy for the browser")
}

fn native(place: &Place) -> Outcome {
    vulkan::ensure()?;
    let mut cargo = process::cargo(place);
    cargo.args(["test", "--workspace"]).env(mnist::VARIABLE, mnist::ensure(place)?);
    process::visibly(&mut cargo, "a test")
}

fn wasm(place: &Place) -> Outcome {
    process::visibly(&mut as_wasm(place, &WASM_CRATES)?, "a test")
}

/// Chromium has a GPU in software, SwiftShader, where there is no other.
fn gpu(place: &Place) -> Outcome {
    chromium::ensure()?;
    let mut cargo = as_wasm(place, &["gpu"])?;
    cargo.env(chromium::DRIVER, chromium::ensure_driver()?);
    // Seconds until a test file must have come to its end.
    cargo.env("WASM_BINDGEN_TEST_TIMEOUT", "900");
    process::visibly(&mut cargo, "a test")
}

/// The tests of some crates as WebAssembly.
fn as_wasm(place: &Place, crates: &[&str]) -> Outcome<Command> {
    let tools = tools::ensure(place)?;
    let mut cargo = process::cargo(place);
    tools.equip(&mut cargo)?;
    // --tests leaves out the examples in the documentation, which the native stage has run.
    cargo.args(["test", "--tests", "--target", tools::TARGET]);
    cargo.args(crates.iter().flat_map(|name| ["--package", name]));
    Ok(cargo)
}

fn e2e(place: &Place) -> Outcome {
    if !place.root.join("dist/index.html").exists() {
        return Err(Failure("there is no page in dist/: run `cargo xtask build` first.".into()));
    }
    process::visibly(
        &mut in_browser(place, "npx", &["--no-install", "playwright", "test"])?,
        "a browser test",
    )
}

/// `cargo xtask bench`: measures the page that was built, in a real browser.
pub(crate) fn bench(place: &Place, jobs: &[String]) -> Outcome {
    let arguments: Vec<&str> =
        ["../bench/main.mjs"].into_iter().chain(jobs.iter().map(String::as_str)).collect();
    process::visibly(&mut in_browser(place, "node", &arguments)?, "the benchmark")
}

/// A program among the browser tests, with all that they need.
fn in_browser(place: &Place, program: &str, arguments: &[&str]) -> Outcome<Command> {
    let chromium = chromium::ensure()?;
    let folder = place.root.join("tests/e2e");
    install_packages(&folder)?;
    let mut command = npm::program(program)?;
    command.args(arguments).current_dir(&folder);
    command.env(chromium::VARIABLE, chromium).env(mnist::VARIABLE, mnist::ensure(place)?);
    Ok(command)
}

/// `npm ci`, unless the lock file is older than what it installed.
fn install_packages(folder: &Path) -> Outcome {
    let changed = |file: &str| fs::metadata(folder.join(file)).and_then(|file| file.modified()).ok();
    let installed = changed("node_modules/.package-lock.json");
    if installed.is_some() && installed >= changed("package-lock.json") {
        return Ok(());
    }
    progress::step("Fetching the packages of the browser tests");
    let mut npm: Command = npm::npm()?;
    npm.args(["ci", "--no-audit", "--no-fund"]).current_dir(folder);
    // They drive the Chromium found above.
    npm.env("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1");
    process::visibly(&mut npm, "`npm ci`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stages_are_chosen_by_name() {
        let parse = |names: &[&str]| parse(&names.iter().map(|&name| name.to_string()).collect::<Vec<_>>());
        assert_eq!(parse(&[]).unwrap(), ALL);
        assert_eq!(parse(&["wasm", "lint"]).unwrap(), [Stage::Wasm, Stage::Lint]);
        assert!(parse(&["wsam"]).unwrap_err().0.contains("lint, native, wasm, gpu, build, e2e"));
    }

    #[test]
    fn the_summary_counts_stages() {
        let results = [
            (Stage::Lint, Some(Ok(())), Duration::from_millis(1500)),
            (Stage::Build, Some(Err(Failure("no.".into()))), Duration::from_secs(75)),
            (Stage::E2e, None, Duration::ZERO),
        ];
        let summary = summary(&results);
        assert!(summary.ends_with("\n1 passed, 1 failed, 1 skipped (stages)"), "{summary}");
        assert!(summary.contains("\nbuild   FAILED       1 min 15 s\n"), "{summary}");
    }

    #[test]
    fn a_failed_stage_says_how_to_run_it_alone() {
        let text = sentence(Stage::Native, &Failure("a test failed.".into()));
        assert_eq!(text, "stage native failed: a test failed. Run it alone with `cargo xtask test native`.");
    }
}
