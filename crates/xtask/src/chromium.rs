//! Finding a Chromium for the browser tests, or installing Debian's where that is possible without asking.

use std::env;
use std::path::{Path, PathBuf};

use crate::run;
use crate::say::{self, Failure, Outcome};

/// The variable that names the browser; the tests read it too.
pub(crate) const VARIABLE: &str = "CHROMIUM";

const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

const ELSEWHERE: [&str; 5] = [
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
    r"C:\Program Files\Google\Chrome\Application\chrome.exe",
    r"C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe",
];

/// The path of a Chromium.
pub(crate) fn ensure() -> Outcome<PathBuf> {
    if let Some(chosen) = env::var_os(VARIABLE).filter(|chosen| !chosen.is_empty()) {
        let chosen = PathBuf::from(chosen);
        if chosen.is_file() {
            return Ok(chosen);
        }
        return Err(Failure(format!(
            "{VARIABLE} is set to {}, but there is no such file.",
            chosen.display()
        )));
    }
    if let Some(found) = find() {
        return Ok(found);
    }
    if may_install() {
        say::step("Installing Debian's chromium for the browser tests");
        let mut update = run::command("apt-get");
        run::visibly(update.args(["update", "-qq"]), "`apt-get update`")?;
        let mut install = run::command("apt-get");
        install.args(["install", "-y", "-qq", "--no-install-recommends", "chromium"]);
        install.env("DEBIAN_FRONTEND", "noninteractive");
        run::visibly(&mut install, "`apt-get install chromium`")?;
    }
    find().ok_or_else(|| {
        Failure(format!(
            "no Chromium was found for the browser tests: install one (Debian: `apt-get install chromium`), or set \
             {VARIABLE} to its program."
        ))
    })
}

fn find() -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let on_path = NAMES.iter().flat_map(|name| env::split_paths(&path).map(move |folder| folder.join(name)));
    on_path.chain(ELSEWHERE.iter().map(PathBuf::from)).find(|path| path.is_file())
}

/// Whether this is a Debian-like machine, and we are its root.
fn may_install() -> bool {
    Path::new("/etc/debian_version").exists()
        && run::silently(run::command("id").arg("-u")).is_ok_and(|user| user.trim() == "0")
}
