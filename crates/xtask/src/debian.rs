//! Installing Debian's packages where that is possible without asking.

use std::path::Path;

use crate::run;
use crate::say::{self, Outcome};

/// Installs packages, if this is a Debian-like machine and we are its root; else does nothing.
pub(crate) fn install(packages: &[&str], what_for: &str) -> Outcome {
    let root = || run::silently(run::command("id").arg("-u")).is_ok_and(|user| user.trim() == "0");
    if !Path::new("/etc/debian_version").exists() || !root() {
        return Ok(());
    }
    let names = packages.join(" and ");
    say::step(format_args!("Installing Debian's {names} for {what_for}"));
    run::visibly(run::command("apt-get").args(["update", "-qq"]), "`apt-get update`")?;
    let mut install = run::command("apt-get");
    install.args(["install", "-y", "-qq", "--no-install-recommends"]).args(packages);
    install.env("DEBIAN_FRONTEND", "noninteractive");
    run::visibly(&mut install, &format!("`apt-get install {}`", packages.join(" ")))
}
