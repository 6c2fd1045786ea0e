//! The commands of the README: `cargo xtask serve`, `build`, `test`, `train`, `table`, `bench`, `setup`.
//!
//! Every command installs what it needs and finds missing, does nothing twice, and on failure ends with one sentence.

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

use std::ffi::OsString;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use paths::Paths;
use stages::Stage;

/// Builds, serves, tests and measures the LeNet Playground.
#[derive(Debug, Parser)]
#[command(bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, PartialEq, Subcommand)]
enum Command {
    /// Set up what is missing, build, and serve the playground on this machine; rebuilds when a file changes
    Serve {
        /// The port of <http://127.0.0.1>
        #[arg(long, value_name = "N", env = "PORT", default_value_t = 8080)]
        #[arg(value_parser = clap::value_parser!(u16).range(1..))]
        port: u16,
    },
    /// Leave in dist/ what any static host can serve
    Build,
    /// Set up what is missing and run every test, or only some stages
    Test {
        #[arg(value_enum, value_name = "STAGE")]
        stages: Vec<Stage>,
    },
    /// Train natively on all of MNIST; `cargo xtask train --help` lists the options
    #[command(disable_help_flag = true)]
    Train {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
    /// Measure what every trick is worth, into docs/accuracy.md (hours)
    Table,
    /// Measure the built page in a real browser
    Bench {
        /// Which measurements: `kernels`, `throughput` or `page`
        #[arg(value_name = "JOB")]
        jobs: Vec<String>,
    },
    /// Only fetch the tools and the data
    Setup,
}

fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nxtask: {error:#}.");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<()> {
    let paths = Paths::find()?;
    match command {
        Command::Serve { port } => site::serve(&paths, &tools::ensure(&paths)?, port),
        Command::Build => site::build(&paths, &tools::ensure(&paths)?),
        Command::Test { stages } => stages::run(&paths, &stages),
        Command::Train { arguments } => train(&paths, &arguments),
        Command::Table => train(&paths, &["table".into(), "docs/accuracy.md".into()]),
        Command::Bench { jobs } => {
            site::build(&paths, &tools::ensure(&paths)?)?;
            stages::bench(&paths, &jobs)
        }
        Command::Setup => {
            tools::ensure(&paths)?;
            mnist::ensure(&paths)?;
            progress::step("Everything is set up");
            Ok(())
        }
    }
}

/// Trains outside the browser.
fn train(paths: &Paths, arguments: &[OsString]) -> Result<()> {
    let data = mnist::ensure(paths)?;
    let shell = paths.shell()?;
    let train = process::cargo(&shell, "run").args(["--release", "--package", "train", "--"]);
    Ok(train.args(arguments).env(mnist::VARIABLE, data).run()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    fn parse(line: &str) -> Result<Command, clap::Error> {
        let words = ["cargo xtask"].into_iter().chain(line.split_whitespace());
        Cli::try_parse_from(words).map(|cli| cli.command)
    }

    #[test]
    fn the_port_is_8080_unless_an_option_or_the_variable_chooses_it() {
        let cli = Cli::command();
        let serve = cli.find_subcommand("serve").unwrap();
        let port = serve.get_arguments().find(|argument| argument.get_id() == "port").unwrap();
        assert_eq!(port.get_env(), Some("PORT".as_ref()));
        assert_eq!(port.get_default_values(), ["8080"]);
        assert_eq!(parse("serve --port 9001").unwrap(), Command::Serve { port: 9001 });
        assert_eq!(parse("serve --port=9001").unwrap(), Command::Serve { port: 9001 });
    }

    #[test]
    fn arguments_that_make_no_sense_are_refused() {
        for line in [
            "serve --port",
            "serve --port x",
            "serve --port 70000",
            "serve --port=0",
            "serve x",
            "build x",
            "deploy",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
    }

    #[test]
    fn stages_are_chosen_by_name() {
        assert_eq!(parse("test").unwrap(), Command::Test { stages: vec![] });
        assert_eq!(
            parse("test wasm lint").unwrap(),
            Command::Test { stages: vec![Stage::Wasm, Stage::Lint] }
        );
        let sentence = parse("test wsam").unwrap_err().to_string();
        assert!(sentence.contains("lint, native, wasm, gpu, build, e2e"), "{sentence}");
    }

    #[test]
    fn options_of_the_training_are_passed_on() {
        for line in ["--help", "--lr 0.5 --training {}"] {
            let arguments = line.split_whitespace().map(OsString::from).collect();
            assert_eq!(parse(&format!("train {line}")).unwrap(), Command::Train { arguments });
        }
    }
}
