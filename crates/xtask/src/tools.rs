//! The tools that build the page, in pinned versions, each in a folder of its own in the cache.
//!
//! They are put on the PATH of the commands that need them and nowhere else: what the user has installed is left
//! alone.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::npm;
use crate::paths::Place;
use crate::process::{self, Job};
use crate::progress::{self, Failure, Outcome, While};

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
    /// Puts the tools first on the PATH of a command.
    pub(crate) fn equip(&self, command: &mut Command) -> Outcome {
        process::put_on_path(command, self.folders.iter().map(PathBuf::as_path))
    }
}

/// Makes sure that all tools and the WebAssembly target are there.
pub(crate) fn ensure(place: &Place) -> Outcome<Tools> {
    ensure_target()?;
    let folder = |name: &str, version: &str| place.cache.join(format!("{name}-{version}"));
    let trunk = folder("trunk", TRUNK);
    let bindgen = folder("wasm-bindgen", WASM_BINDGEN);
    let binaryen = folder("binaryen", BINARYEN);
    let tools = Tools { folders: vec![trunk.join("bin"), bindgen.join("bin"), binaryen.join("bin")] };
    if [&trunk, &bindgen, &binaryen].iter().all(|folder| folder.exists()) {
        return Ok(tools);
    }

    let _lock = place.lock()?;
    // The quick one first: if npm is missing, better to hear of it now than in five minutes.
    if !binaryen.exists() {
        unpack_wasm_opt(place, &binaryen)?;
    }
    let builds = [
        // Without TLS it cannot download anything by itself, and has far fewer crates.
        Build { krate: "trunk", version: TRUNK, options: &["--no-default-features"], to: trunk },
        Build { krate: "wasm-bindgen-cli", version: WASM_BINDGEN, options: &[], to: bindgen },
    ];
    compile(place, builds.into_iter().filter(|build| !build.to.exists()).collect())?;
    Ok(tools)
}

/// Makes sure that the standard library for WebAssembly is installed.
pub(crate) fn ensure_target() -> Outcome {
    let printed = process::silently(process::command("rustc").args(["--print", "sysroot"]))?;
    if Path::new(printed.trim()).join("lib/rustlib").join(TARGET).exists() {
        return Ok(());
    }
    if !process::works("rustup", &["--version"]) {
        return Err(Failure(format!(
            "this Rust has no standard library for {TARGET}: install it with your system's packages, or use rustup."
        )));
    }
    progress::step(format_args!("Adding the target {TARGET} to Rust"));
    process::visibly(process::command("rustup").args(["target", "add", TARGET]), "`rustup target add`")
}

/// Makes sure that rustup's optional programs `cargo fmt` and `cargo clippy` are there.
pub(crate) fn ensure_lints() -> Outcome {
    for (subcommand, component) in [("fmt", "rustfmt"), ("clippy", "clippy")] {
        if process::works("cargo", &[subcommand, "--version"]) {
            continue;
        }
        if !process::works("rustup", &["--version"]) {
            return Err(Failure(format!(
                "`cargo {subcommand}` is missing: install {component}, or use rustup."
            )));
        }
        progress::step(format_args!("Adding {component} to Rust"));
        process::visibly(
            process::command("rustup").args(["component", "add", component]),
            "`rustup component add`",
        )?;
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

/// Compiles tools side by side and moves them to their folders once they are whole.
fn compile(place: &Place, builds: Vec<Build>) -> Outcome {
    if builds.is_empty() {
        return Ok(());
    }
    let names: Vec<_> = builds.iter().map(|build| format!("{} {}", build.krate, build.version)).collect();
    progress::step(format_args!(
        "Compiling {} (minutes, but only once on this machine)",
        names.join(" and ")
    ));
    let scratch = |build: &Build| place.cache.join(format!("compiling-{}", build.krate));
    let jobs = builds.iter().map(|build| {
        let install = |lock: Option<&str>| install(build, &scratch(build), &place.cache, lock);
        Job {
            name: build.krate.into(),
            command: install(Some("--locked")),
            // A registry's mirror may lag behind the versions that a tool was locked to.
            otherwise: Some(install(None)),
        }
    });
    process::compile_together(jobs.collect())?;
    for build in &builds {
        let scratch = scratch(build);
        fs::rename(scratch.join("root"), &build.to).while_doing(format_args!(
            "moving {} to {}",
            build.krate,
            build.to.display()
        ))?;
        // Hundreds of megabytes of intermediate files.
        fs::remove_dir_all(&scratch).while_doing(format_args!("removing {}", scratch.display()))?;
    }
    Ok(())
}

/// The command that compiles one tool, quickly: these programs run for seconds, so compiling them well costs more
/// than it saves. With their own release profiles the two tools take 29 CPU-minutes; this way 10, which are 6 minutes
/// on two cores. Optimisation level 1 adds 2 CPU-minutes; the number of codegen units makes no difference.
fn install(build: &Build, scratch: &Path, cache: &Path, lock: Option<&str>) -> Command {
    let mut cargo = process::command("cargo");
    // Outside the repository, whose .cargo/config.toml is not meant for tools.
    cargo.current_dir(cache).args(["install", build.krate, "--version", build.version]).args(build.options);
    cargo.args(lock).arg("--root").arg(scratch.join("root"));
    for name in ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "CARGO_BUILD_TARGET"] {
        cargo.env_remove(name);
    }
    cargo.env("CARGO_TARGET_DIR", scratch.join("target"));
    let profile = [
        ("LTO", "off"),
        ("OPT_LEVEL", "0"),
        ("CODEGEN_UNITS", "16"),
        ("DEBUG", "false"),
        ("STRIP", "symbols"),
    ];
    for (key, value) in profile {
        cargo.env(format!("CARGO_PROFILE_RELEASE_{key}"), value);
    }
    cargo
}

/// Fetches wasm-opt, ready-made, in seconds. Run by Node it takes 15 s of a build and makes a third less of the page's
/// 880 kB; a native one would have to be compiled from Binaryen's C++ first.
fn unpack_wasm_opt(place: &Place, to: &Path) -> Outcome {
    npm::npm()?;
    progress::step("Fetching wasm-opt (23 MB, once)");
    let scratch = place.cache.join("unpacking-binaryen");
    let partial = place.cache.join("partial-binaryen");
    let bin = partial.join("bin");
    fs::create_dir_all(&bin).while_doing(format_args!("making {}", bin.display()))?;
    let wanted = |name: &str| ["bin/wasm-opt", "bin/package.json"].contains(&name);
    npm::unpack(&format!("binaryen@{BINARYEN}"), &scratch, wanted, |name, content| {
        let path = partial.join(name);
        fs::write(&path, content).while_doing(format_args!("writing {}", path.display()))
    })?;
    make_executable(&bin.join("wasm-opt"))?;
    fs::rename(&partial, to).while_doing(format_args!("moving wasm-opt to {}", to.display()))
}

#[cfg(unix)]
fn make_executable(path: &Path) -> Outcome {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))
        .while_doing(format_args!("making {} executable", path.display()))
}

/// Elsewhere a file is a program by its name: a batch file hands the script to Node.
#[cfg(not(unix))]
fn make_executable(path: &Path) -> Outcome {
    let batch = path.with_extension("cmd");
    fs::write(&batch, "@node \"%~dp0wasm-opt\" %*\r\n")
        .while_doing(format_args!("writing {}", batch.display()))
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
}
