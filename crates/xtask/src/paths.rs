//! Where things are: the repository, and the cache that all clones on this machine share.

use std::env;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use xshell::Shell;

use crate::progress;

/// The folders that every command works in.
pub(crate) struct Paths {
    /// The repository.
    pub(crate) root: PathBuf,
    /// Tools and data, outside the repository: a fresh clone finds them again.
    pub(crate) cache: PathBuf,
}

impl Paths {
    /// Finds the repository, and makes the cache if it is not there.
    ///
    /// # Errors
    ///
    /// Without the environment that `cargo run` sets, and without a home folder.
    pub(crate) fn find() -> Result<Paths> {
        // Cargo sets the variable to the folder of this crate, two levels below the top.
        let root = env::var_os("CARGO_MANIFEST_DIR")
            .and_then(|xtask| Some(Path::new(&xtask).parent()?.parent()?.to_path_buf()))
            .context("run this as `cargo xtask` inside the repository")?;
        let variable = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let cache = cache_folder(variable)
            .context("no home folder is known: set LENET_CACHE to a folder for tools and data")?;
        Shell::new()?.create_dir(&cache)?;
        Ok(Paths { root, cache })
    }

    /// A shell whose commands run in the repository.
    pub(crate) fn shell(&self) -> Result<Shell> {
        let shell = Shell::new()?;
        shell.change_dir(&self.root);
        Ok(shell)
    }

    /// Locks the cache until the returned file is dropped; waits while another process holds the lock.
    pub(crate) fn lock(&self) -> Result<File> {
        let path = self.cache.join("lock");
        let file = File::create(&path).with_context(|| format!("cannot create {}", path.display()))?;
        if let Err(TryLockError::WouldBlock) = file.try_lock() {
            progress::step("Waiting for another set-up on this machine to finish");
            file.lock().context("cannot wait for another set-up")?;
        }
        Ok(file)
    }
}

/// The cache: `LENET_CACHE`, or a folder where the system keeps such things.
fn cache_folder(variable: impl Fn(&str) -> Option<PathBuf>) -> Option<PathBuf> {
    if let Some(chosen) = variable("LENET_CACHE") {
        // Tools are run from other folders than this one.
        return std::path::absolute(chosen).ok();
    }
    let parent = if cfg!(windows) {
        variable("LOCALAPPDATA")
    } else if cfg!(target_os = "macos") {
        variable("HOME").map(|home| home.join("Library/Caches"))
    } else {
        variable("XDG_CACHE_HOME").or_else(|| variable("HOME").map(|home| home.join(".cache")))
    };
    Some(parent?.join("lenet-playground"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chosen_cache_comes_before_the_systems() {
        let chosen =
            cache_folder(|name| Some(PathBuf::from(if name == "LENET_CACHE" { "/a" } else { "/b" })));
        assert_eq!(chosen, std::path::absolute("/a").ok());
        let usual = cache_folder(|name| (name != "LENET_CACHE").then(|| PathBuf::from("/b")));
        assert!(usual.is_some_and(|cache| cache.ends_with("lenet-playground")));
        assert_eq!(cache_folder(|_| None), None);
    }
}
