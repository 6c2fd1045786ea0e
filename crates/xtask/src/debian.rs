//! Installing Debian's packages where that is possible without asking.

use std::path::Path;

use crate::process;
use crate::progress::{self, Outcome};

/// Installs packages, if this is a Debian-like machine and we are its root; else does nothing.
pub(crate) fn install(packages: &[&str], what_for: &str) -> Outcome {
    let root = || process::silently(process::command("id").arg("-u")).is_ok_and(|user| user.trim() == "0");
    if !Path::new("/etc/debian_version").exists() || !root() {
        return Ok(());
    }
    let names = packages.join(" and ");
    progress::step(format_args!("Installing Debian's {names} for {what_for}"));
    process::visibly(process::command("apt-get").args(["update", "-qq"]), "`apt-get update`")?;
    let mut install = process::command("apt-get");
    install.args(["install", "-y", "-qq", "--no-install-recommends"]).args(packages);
    install.env("DEBIAN_FRONTEND", "noninteractive");
    process::visibly(&mut install, &format!("`apt-get install {}`", packages.join(" ")))
}
