//! `cargo xtask train` and `cargo xtask table`: the page's own trainer at a terminal. It makes the checkpoint that the page
//! starts with, the table of what every trick is worth, and that of what the certainty of an answer is worth.

mod certainty;
mod options;
mod run;
mod table;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Error, Result};
use clap::{Parser, Subcommand};

use options::Options;

/// Trains on all of MNIST outside the browser, with the code that the page runs.
#[derive(Debug, Parser)]
#[command(bin_name = "cargo xtask train", args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    options: Options,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Train every network of the table of tricks from several seeds (hours), and write the table
    Table {
        /// The Markdown file to write
        file: PathBuf,
        /// Make only the groups whose title contains this
        #[arg(long, value_name = "TEXT", default_value = "")]
        group: String,
    },
    /// Measure how well the certainty of an answer tells digits from other drawings (minutes), and write the table
    Certainty {
        /// The Markdown file to write
        file: PathBuf,
    },
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = match cli.command {
        Some(Command::Table { file, group }) => table::make(&file, &group),
        Some(Command::Certainty { file }) => certainty::make(&file),
        None => train(&cli.options),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn train(options: &Options) -> Result<()> {
    let training = options.training()?;
    let mut session = run::session()?;
    session.set_threads(options.threads);
    println!("{}, {}", options.title(), serde_json::to_string(&training)?);
    let evaluations = run::run(&mut session, &options.network(), &training, options.epochs, true)?;
    println!("{}", run::summary(&evaluations));
    let Some(out) = &options.out else { return Ok(()) };
    let bytes = interchange::write_checkpoint(session.network()).map_err(Error::msg)?;
    std::fs::write(out, &bytes).with_context(|| format!("cannot write {}", out.display()))?;
    println!("{}: {} bytes", out.display(), bytes.len());
    Ok(())
}
