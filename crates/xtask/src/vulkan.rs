//! A Vulkan driver for the tests of the compute shaders: Mesa's runs in software, where there is no graphics card.

use std::fs;

use anyhow::{Result, ensure};

use crate::debian;

/// Where Linux lists its Vulkan drivers.
const FOLDERS: [&str; 3] = ["/usr/share/vulkan/icd.d", "/etc/vulkan/icd.d", "/usr/local/share/vulkan/icd.d"];

/// Makes sure that Linux has a driver. On other systems the tests themselves fail with a sentence if there is none.
pub(crate) fn ensure() -> Result<()> {
    if !cfg!(target_os = "linux") || is_installed() {
        return Ok(());
    }
    debian::install(&["mesa-vulkan-drivers"], "the tests of the compute shaders")?;
    ensure!(
        is_installed(),
        "the tests of the compute shaders need a Vulkan driver, be it in software: install Mesa's (Debian: `apt-get \
         install mesa-vulkan-drivers`)"
    );
    Ok(())
}

fn is_installed() -> bool {
    FOLDERS.iter().any(|folder| fs::read_dir(folder).is_ok_and(|mut files| files.next().is_some()))
}
