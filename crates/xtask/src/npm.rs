//! Packages from npm: the data, and tools that need no compilation.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use flate2::read::GzDecoder;
use xshell::{Cmd, Shell, cmd};

use crate::process;

/// npm itself.
///
/// # Errors
///
/// Where it is not installed: a sentence about where to get it.
pub(crate) fn npm(shell: &Shell) -> Result<Cmd<'_>> {
    program(shell, "npm")
}

/// A program that comes with Node.js.
pub(crate) fn program<'a>(shell: &'a Shell, name: &str) -> Result<Cmd<'a>> {
    let file = if cfg!(windows) { format!("{name}.cmd") } else { name.into() };
    ensure!(
        process::succeeds(cmd!(shell, "{file} --version")),
        "{name} is missing: install Node.js 20 or later, which brings it (Debian: `apt-get install nodejs npm`; \
         otherwise nodejs.org), and run this again"
    );
    Ok(cmd!(shell, "{file}"))
}

/// Fetches `package` (name@version) into the folder `scratch`, and calls `take` with the name inside the package and the content of
/// each file that `wanted` chooses. Runs no script of the package.
pub(crate) fn unpack(
    package: &str,
    scratch: &Path,
    wanted: impl Fn(&str) -> bool,
    mut take: impl FnMut(&str, &[u8]) -> Result<()>,
) -> Result<()> {
    let shell = Shell::new()?;
    shell.create_dir(scratch)?;
    shell.change_dir(scratch);
    let printed = npm(&shell)?.args(["pack", package, "--silent", "--ignore-scripts"]).read()?;
    let file = printed.lines().last().unwrap_or_default().trim();

    let mut unpack = || {
        let mut archive = tar::Archive::new(GzDecoder::new(File::open(scratch.join(file))?));
        for entry in archive.entries()? {
            let mut entry = entry?;
            let path = entry.path()?.to_string_lossy().into_owned();
            let name = path.strip_prefix("package/").unwrap_or(&path);
            if wanted(name) {
                let mut content = Vec::new();
                entry.read_to_end(&mut content)?;
                take(name, &content)?;
            }
        }
        anyhow::Ok(())
    };
    unpack().with_context(|| format!("the package {package} cannot be unpacked"))?;
    Ok(shell.remove_path(scratch)?)
}
