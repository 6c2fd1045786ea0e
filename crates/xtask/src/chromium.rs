//! The browser of the tests and its driver: found on this machine, or installed from Debian's packages.

use std::env;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};

use crate::debian;

/// The variable that names the browser; the tests read it too.
pub(crate) const VARIABLE: &str = "CHROMIUM";
/// The variable that names the driver; `wasm-bindgen-test-runner` reads it too.
pub(crate) const DRIVER: &str = "CHROMEDRIVER";

const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

const ELSEWHERE: [&str; 5] = [
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
    r"C:\Program Files\Google\Chrome\Application\chrome.exe",
    r"C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe",
];

/// The path of a Chromium.
pub(crate) fn ensure() -> Result<PathBuf> {
    if let Some(chosen) = env::var_os(VARIABLE).filter(|chosen| !chosen.is_empty()) {
        let chosen = PathBuf::from(chosen);
        ensure!(chosen.is_file(), "{VARIABLE} is set to {}, but there is no such file", chosen.display());
        return Ok(chosen);
    }
    if let Some(found) = find() {
        return Ok(found);
    }
    debian::install(&["chromium"], "the browser tests")?;
    find().with_context(|| {
        format!(
            "no Chromium was found for the browser tests: install one (Debian: `apt-get install chromium`), or set \
             {VARIABLE} to its program"
        )
    })
}

/// The path of a ChromeDriver, which runs the tests that are themselves WebAssembly.
pub(crate) fn ensure_driver() -> Result<PathBuf> {
    let find = || on_path(&["chromedriver"]);
    let chosen = env::var_os(DRIVER).map(PathBuf::from).filter(|chosen| chosen.is_file());
    if let Some(found) = chosen.or_else(find) {
        return Ok(found);
    }
    debian::install(&["chromium-driver"], "the tests of the compute shaders in Chromium")?;
    find().with_context(|| {
        format!(
            "no ChromeDriver was found for the tests of the compute shaders: install the one of your Chromium (Debian: \
             `apt-get install chromium-driver`), or set {DRIVER} to its program"
        )
    })
}

fn find() -> Option<PathBuf> {
    on_path(&NAMES).or_else(|| ELSEWHERE.iter().map(PathBuf::from).find(|path| path.is_file()))
}

fn on_path(names: &[&str]) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = env::split_paths(&path).collect();
    names
        .iter()
        .flat_map(|name| folders.iter().map(move |folder| folder.join(name)))
        .find(|path| path.is_file())
}
