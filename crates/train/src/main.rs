//! `cargo xtask train` and `cargo xtask table`: the page's own trainer at a terminal. It makes the checkpoint that the page is
//! shipped with, and the table of what every trick is worth.

mod options;
mod run;
mod table;

use std::path::Path;
use std::process::ExitCode;

use options::Options;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let done = match arguments.first().map(String::as_str) {
        Some("table") => table::make(&arguments[1..]),
        _ => Options::parse(&arguments).and_then(|options| train(&options)),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(sentence) => {
            eprintln!("{sentence}");
            ExitCode::FAILURE
        }
    }
}

fn train(options: &Options) -> Result<(), String> {
    let mut session = run::session()?;
    session.set_threads(options.threads);
    println!("{}, {}", options.title, serde_json::to_string(&options.training).map_err(|e| e.to_string())?);
    let tested = run::run(&mut session, &options.network, &options.training, options.epochs, true)?;
    println!("{}", run::summary(&tested));
    let Some(out) = &options.out else { return Ok(()) };
    let bytes = interchange::write_checkpoint(session.network())?;
    std::fs::write(out, &bytes)
        .map_err(|e| format!("{} cannot be written: {e}.", Path::new(out).display()))?;
    println!("{}: {} bytes", out.display(), bytes.len());
    Ok(())
}
