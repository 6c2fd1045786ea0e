//! The commands of the README: `cargo xtask setup`, `serve`, `build`, `test`, `train`.
//!
//! Every command sets up what it needs and finds missing, does nothing twice, and on failure ends with one sentence.

mod chromium;
mod debian;
mod mnist;
mod npm;
mod paths;
mod process;
mod progress;
mod shards;
mod site;
mod stages;
mod tools;
mod vulkan;

use std::process::ExitCode;

use paths::Place;
use progress::{Failure, Outcome};

const USAGE: &str = "\
Usage: cargo xtask COMMAND

  serve [--port N]   set up what is missing, build, and serve the playground on this machine
                     (port 8080, or the variable PORT); rebuilds when a file changes
  build              leave in dist/ what any static host can serve
  test [STAGE ...]   set up what is missing and run every test, or only some stages:
                     lint, native, wasm, gpu, build, e2e
  train [ARGS]       train natively on all of MNIST; `cargo xtask train --help` lists ARGS
  table              what every trick is worth: docs/accuracy.md, anew (hours)
  bench [JOB ...]    measure the built page in a real browser: kernels, throughput
  setup              only fetch the tools and the data
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match command(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure(sentence)) => {
            eprintln!("\nxtask: {sentence}");
            ExitCode::FAILURE
        }
    }
}

/// Trains outside the browser.
fn train(arguments: &[String]) -> Outcome {
    let place = Place::find()?;
    let data = mnist::ensure(&place)?;
    let mut train = process::cargo(&place);
    train.args(["run", "--release", "--package", "train", "--"]);
    train.args(arguments).env(mnist::VARIABLE, data);
    process::visibly(&mut train, "the training")
}

fn command(arguments: &[String]) -> Outcome {
    let Some((name, rest)) = arguments.split_first() else {
        print!("{USAGE}");
        return Ok(());
    };
    match name.as_str() {
        "help" | "--help" | "-h" => {
            print!("{USAGE}");
            Ok(())
        }
        "setup" if rest.is_empty() => {
            let place = Place::find()?;
            tools::ensure(&place)?;
            mnist::ensure(&place)?;
            progress::step("Everything is set up");
            Ok(())
        }
        "build" if rest.is_empty() => {
            let place = Place::find()?;
            let tools = tools::ensure(&place)?;
            site::build(&place, &tools)
        }
        "serve" => {
            let port = site::port(rest, std::env::var("PORT").ok())?;
            let place = Place::find()?;
            let tools = tools::ensure(&place)?;
            site::serve(&place, &tools, port)
        }
        "test" => {
            let stages = stages::parse(rest)?;
            stages::run(&Place::find()?, &stages)
        }
        "train" => train(rest),
        "table" if rest.is_empty() => train(&["table".into(), "docs/accuracy.md".into()]),
        "bench" => {
            let place = Place::find()?;
            site::build(&place, &tools::ensure(&place)?)?;
            stages::bench(&place, rest)
        }
        _ => Err(Failure(format!(
            "there is no command `{}`; `cargo xtask help` lists those there are.",
            arguments.join(" ")
        ))),
    }
}
