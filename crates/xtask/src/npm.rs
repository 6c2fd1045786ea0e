//! Taking packages from npm: the data, and tools that come ready-made.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;
use std::process::Command;

use flate2::read::GzDecoder;

use crate::process;
use crate::progress::{Failure, Outcome, While};

/// npm itself, or a sentence about where to get it.
pub(crate) fn npm() -> Outcome<Command> {
    program("npm")
}

/// A program that comes with Node.js.
pub(crate) fn program(name: &str) -> Outcome<Command> {
    let file = if cfg!(windows) { format!("{name}.cmd") } else { name.into() };
    if process::works(&file, &["--version"]) {
        return Ok(process::command(file));
    }
    Err(Failure(format!(
        "{name} is missing: install Node.js 20 or later, which brings it (Debian: `apt-get install nodejs npm`; \
         otherwise nodejs.org), and run this again."
    )))
}

/// Fetches `package` (name@version) and hands each of its files that `wanted` chooses to `take`, as (name inside the
/// package, content). No script of the package runs.
pub(crate) fn unpack(
    package: &str,
    scratch: &Path,
    wanted: impl Fn(&str) -> bool,
    mut take: impl FnMut(&str, &[u8]) -> Outcome,
) -> Outcome {
    fs::create_dir_all(scratch).while_doing(format_args!("making {}", scratch.display()))?;
    let mut pack = npm()?;
    pack.args(["pack", package, "--silent", "--ignore-scripts"]).current_dir(scratch);
    let printed = process::silently(&mut pack)?;
    let file = printed.lines().last().unwrap_or_default().trim();
    let archive =
        File::open(scratch.join(file)).while_doing(format_args!("opening the package {package}"))?;

    let what = format!("unpacking the package {package}");
    let mut archive = tar::Archive::new(GzDecoder::new(archive));
    for entry in archive.entries().while_doing(&what)? {
        let mut entry = entry.while_doing(&what)?;
        let path = entry.path().while_doing(&what)?.to_string_lossy().into_owned();
        let name = path.strip_prefix("package/").unwrap_or(&path);
        if wanted(name) {
            let mut content = Vec::new();
            entry.read_to_end(&mut content).while_doing(&what)?;
            take(name, &content)?;
        }
    }
    fs::remove_dir_all(scratch).while_doing(format_args!("removing {}", scratch.display()))
}
