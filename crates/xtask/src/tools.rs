//! The tools that build the page, in pinned versions, each in a folder of its own in the cache.
//!
//! Only the commands that need them have them on their PATH; what the user has installed is left alone.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use xshell::{Shell, cmd};

use crate::npm;
use crate::paths::Paths;
use crate::process;
use crate::progress::{self, Compilation};

/// The target of the page.
pub(crate) const TARGET: &str = "wasm32-unknown-unknown";

const TRUNK: &str = "0.21.14";
/// Must equal the version of the library in Cargo.toml and the one in Trunk.toml; a test below compares them.
const WASM_BINDGEN: &str = "0.2.130";
/// The number of the npm package, whose wasm-opt is itself compiled to WebAssembly and run by Node.
const BINARYEN: &str = "132.0.0";

/// Folders with programs.
pub(crate) struct Tools {
    folders: Vec<PathBuf>,
}

impl Tools {
    /// Puts the tools first on the PATH of a shell.
    pub(crate) fn add_to_path(&self, shell: &Shell) -> Result<()> {
        process::prepend_to_path(shell, &self.folders)
    }
}

/// Makes sure that all tools and the WebAssembly target are installed.
pub(crate) fn ensure(paths: &Paths) -> Result<Tools> {
    ensure_target()?;
    let folder = |name: &str, version: &str| paths.cache.join(format!("{name}-{version}"));
    let trunk = folder("trunk", TRUNK);
    let bindgen = folder("wasm-bindgen", WASM_BINDGEN);
    let binaryen = folder("binaryen", BINARYEN);
    let tools = Tools { folders: vec![trunk.join("bin"), bindgen.join("bin"), binaryen.join("bin")] };
    if [&trunk, &bindgen, &binaryen].iter().all(|folder| folder.exists()) {
        return Ok(tools);
    }

    let _lock = paths.lock()?;
    // The quick one first: if npm is missing, this fails now and not in five minutes.
    if !binaryen.exists() {
        unpack_wasm_opt(paths, &binaryen)?;
    }
    let builds = [
        // Without TLS it cannot download anything by itself, and has far fewer crates.
        Build { krate: "trunk", version: TRUNK, options: &["--no-default-features"], to: trunk },
        Build { krate: "wasm-bindgen-cli", version: WASM_BINDGEN, options: &[], to: bindgen },
    ];
    compile(paths, builds.into_iter().filter(|build| !build.to.exists()).collect())?;
    Ok(tools)
}

/// Makes sure that the standard library for WebAssembly is installed.
pub(crate) fn ensure_target() -> Result<()> {
    let shell = Shell::new()?;
    let sysroot = cmd!(shell, "rustc --print sysroot").read()?;
    if Path::new(&sysroot).join("lib/rustlib").join(TARGET).exists() {
        return Ok(());
    }
    ensure!(
        process::succeeds(cmd!(shell, "rustup --version")),
        "this Rust has no standard library for {TARGET}: install it with your system's packages, or use rustup"
    );
    progress::step(format_args!("Adding the target {TARGET} to Rust"));
    Ok(cmd!(shell, "rustup target add {TARGET}").run()?)
}

/// Makes sure that rustup's optional programs `cargo fmt` and `cargo clippy` are installed.
pub(crate) fn ensure_lints() -> Result<()> {
    let shell = Shell::new()?;
    for (subcommand, component) in [("fmt", "rustfmt"), ("clippy", "clippy")] {
        if process::succeeds(cmd!(shell, "cargo {subcommand} --version")) {
            continue;
        }
        ensure!(
            process::succeeds(cmd!(shell, "rustup --version")),
            "`cargo {subcommand}` is missing: install {component}, or use rustup"
        );
        progress::step(format_args!("Adding {component} to Rust"));
        cmd!(shell, "rustup component add {component}").run()?;
    }
    Ok(())
}

/// A tool to be compiled.
struct Build {
    krate: &'static str,
    version: &'static str,
    options: &'static [&'static str],
    to: PathBuf,
}

/// Compiles tools at the same time and moves them to their folders once they are complete.
fn compile(paths: &Paths, builds: Vec<Build>) -> Result<()> {
    if builds.is_empty() {
        return Ok(());
    }
    let names: Vec<_> = builds.iter().map(|build| format!("{} {}", build.krate, build.version)).collect();
    progress::step(format_args!(
        "Compiling {} (minutes, but only once on this machine)",
        names.join(" and ")
    ));
    let scratch = |build: &Build| paths.cache.join(format!("compiling-{}", build.krate));
    let shell = Shell::new()?;
    // Outside the repository, whose .cargo/config.toml is not meant for tools.
    shell.change_dir(&paths.cache);
    let compilation = |build: &Build| Compilation {
        name: build.krate.into(),
        command: install(&shell, build, &scratch(build), Some("--locked")),
        // A registry's mirror may lag behind the versions in a tool's lock file.
        fallback: install(&shell, build, &scratch(build), None),
    };
    progress::compile(builds.iter().map(compilation).collect())?;
    for build in &builds {
        let scratch = scratch(build);
        fs::rename(scratch.join("root"), &build.to)
            .with_context(|| format!("cannot move {} to {}", build.krate, build.to.display()))?;
        // Hundreds of megabytes of intermediate files.
        shell.remove_path(&scratch)?;
    }
    Ok(())
}

/// The command that compiles one tool, quickly: these programs run for seconds, so optimizing them costs more
/// than it saves. With their own release profiles the two tools take 29 CPU-minutes; this way 10, which are 6 minutes
/// on two cores. Optimization level 1 adds 2 CPU-minutes; the number of codegen units makes no difference.
fn install(shell: &Shell, build: &Build, scratch: &Path, lock: Option<&str>) -> Command {
    let Build { krate, version, options, .. } = *build;
    let root = scratch.join("root");
    let mut cargo =
        cmd!(shell, "cargo install {krate} --version {version} {options...} {lock...} --root {root}");
    for name in ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "CARGO_BUILD_TARGET"] {
        cargo = cargo.env_remove(name);
    }
    cargo = cargo.env("CARGO_TARGET_DIR", scratch.join("target"));
    let profile = [
        ("LTO", "off"),
        ("OPT_LEVEL", "0"),
        ("CODEGEN_UNITS", "16"),
        ("DEBUG", "false"),
        ("STRIP", "symbols"),
    ];
    for (key, value) in profile {
        cargo = cargo.env(format!("CARGO_PROFILE_RELEASE_{key}"), value);
    }
    cargo.into()
}

/// Fetches wasm-opt, which comes compiled, in seconds. Run by Node it takes 15 s of a build and makes a third less of the page's
/// 880 kB; a native one would have to be compiled from Binaryen's C++ first.
fn unpack_wasm_opt(paths: &Paths, to: &Path) -> Result<()> {
    let shell = Shell::new()?;
    progress::step("Fetching wasm-opt (23 MB, once)");
    let scratch = paths.cache.join("unpacking-binaryen");
    let partial = paths.cache.join("partial-binaryen");
    let wanted = |name: &str| ["bin/wasm-opt", "bin/package.json"].contains(&name);
    npm::unpack(&format!("binaryen@{BINARYEN}"), &scratch, wanted, |name, content| {
        Ok(shell.write_file(partial.join(name), content)?)
    })?;
    make_executable(&partial.join("bin/wasm-opt"))?;
    fs::rename(&partial, to).with_context(|| format!("cannot move wasm-opt to {}", to.display()))
}

#[cfg(unix)]
fn make_executable(path: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))
        .with_context(|| format!("cannot make {} executable", path.display()))
}

/// Where there is no permission to execute, a file's extension makes it a program: a batch file passes the script to Node.
#[cfg(not(unix))]
fn make_executable(path: &Path) -> Result<()> {
    Ok(Shell::new()?.write_file(path.with_extension("cmd"), "@node \"%~dp0wasm-opt\" %*\r\n")?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root_file(name: &str) -> String {
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(name)).unwrap()
    }

    #[test]
    fn one_version_of_wasm_bindgen_is_named_everywhere() {
        let cargo = root_file("Cargo.toml");
        assert!(cargo.contains(&format!("wasm-bindgen = \"={WASM_BINDGEN}\"")));
        let trunk = root_file("Trunk.toml");
        assert!(trunk.contains(&format!("wasm_bindgen = \"{WASM_BINDGEN}\"")));
    }

    #[test]
    fn one_version_of_rust_is_named_everywhere() {
        let toolchain = root_file("rust-toolchain.toml");
        let channel = toolchain.lines().find_map(|line| line.strip_prefix("channel = ")).unwrap();
        let (minor, _patch) = channel.trim_matches('"').rsplit_once('.').unwrap();
        assert!(root_file("Cargo.toml").contains(&format!("rust-version = \"{minor}\"")));
        assert!(toolchain.contains(TARGET));
    }
}
