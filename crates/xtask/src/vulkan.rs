//! A Vulkan driver for the tests of the compute shaders: without a graphics card, Mesa's in software.

use std::fs;
use std::path::Path;

use crate::debian;
use crate::progress::{Failure, Outcome};

/// Where drivers announce themselves on Linux.
const FOLDERS: [&str; 3] = ["/usr/share/vulkan/icd.d", "/etc/vulkan/icd.d", "/usr/local/share/vulkan/icd.d"];

/// Makes sure that there is a driver. Elsewhere than on Linux the tests themselves say what they miss.
pub(crate) fn ensure() -> Outcome {
    if !cfg!(target_os = "linux") || there_is_one() {
        return Ok(());
    }
    debian::install(&["mesa-vulkan-drivers"], "the tests of the compute shaders")?;
    if there_is_one() {
        return Ok(());
    }
    Err(Failure(
        "the tests of the compute shaders need a Vulkan driver, be it in software: install Mesa's (Debian: \
         `apt-get install mesa-vulkan-drivers`)."
            .into(),
    ))
}

fn there_is_one() -> bool {
    FOLDERS.iter().any(|folder| fs::read_dir(Path::new(folder)).is_ok_and(|mut files| files.next().is_some()))
}
