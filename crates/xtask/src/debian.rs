//! Installing Debian's packages where that is possible without asking.

use std::path::Path;

use anyhow::Result;
use xshell::{Shell, cmd};

use crate::progress;

/// Installs packages if this is a Debian-like machine and the user is root; otherwise does nothing.
pub(crate) fn install(packages: &[&str], purpose: &str) -> Result<()> {
    let shell = Shell::new()?;
    let is_root = || cmd!(shell, "id -u").read().is_ok_and(|user| user == "0");
    if !Path::new("/etc/debian_version").exists() || !is_root() {
        return Ok(());
    }
    progress::step(format_args!("Installing Debian's {} for {purpose}", packages.join(" and ")));
    cmd!(shell, "apt-get update -qq").run()?;
    let install = cmd!(shell, "apt-get install -y -qq --no-install-recommends {packages...}");
    Ok(install.env("DEBIAN_FRONTEND", "noninteractive").run()?)
}
