//! Running other programs.

use std::env;
use std::path::PathBuf;

use anyhow::{Context, Result};
use xshell::{Cmd, Shell, cmd};

/// Cargo with the flags of `.cargo/config.toml`.
pub(crate) fn cargo<'a>(shell: &'a Shell, subcommand: &str) -> Cmd<'a> {
    without_cargo_variables(cmd!(shell, "cargo {subcommand}"))
}

/// Removes what `cargo run` told this program about itself: build scripts that watch those variables would run again
/// whenever the user changes between `cargo` and `cargo xtask`. Removes RUSTFLAGS, too: they would replace the flags of
/// `.cargo/config.toml`, SIMD among them.
pub(crate) fn without_cargo_variables(mut command: Cmd<'_>) -> Cmd<'_> {
    let prefixes = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_"];
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        if prefixes.iter().any(|prefix| text.starts_with(prefix)) {
            command = command.env_remove(&name);
        }
    }
    command.env_remove("RUSTFLAGS").env_remove("CARGO_ENCODED_RUSTFLAGS")
}

/// Puts `folders` before the PATH of a shell's commands.
pub(crate) fn prepend_to_path(shell: &Shell, folders: &[PathBuf]) -> Result<()> {
    let path = env::var_os("PATH").unwrap_or_default();
    let all = folders.iter().cloned().chain(env::split_paths(&path));
    shell.set_var("PATH", env::join_paths(all).context("cannot put the tools on the PATH")?);
    Ok(())
}

/// Whether a command can be started and succeeds. Shows nothing of it.
pub(crate) fn succeeds(command: Cmd<'_>) -> bool {
    command.quiet().ignore_stdout().ignore_stderr().run().is_ok()
}
