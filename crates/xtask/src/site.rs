//! The page: built into `dist/` by Trunk, or served from this machine.

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use xshell::{Cmd, Shell, cmd};

use crate::paths::Paths;
use crate::process;
use crate::progress;
use crate::shards;
use crate::tools::Tools;

/// Leaves in `dist/` what any static host can serve.
pub(crate) fn build(paths: &Paths, tools: &Tools) -> Result<()> {
    shards::ensure(paths)?;
    progress::step("Building the page");
    let begin = Instant::now();
    trunk(&paths.shell()?, tools, "build")?.run()?;
    progress::step(format_args!(
        "dist/ is ready for any static host, after {}",
        progress::duration(begin.elapsed())
    ));
    Ok(())
}

/// Serves the page on this machine until interrupted, and builds it anew when a file changes.
pub(crate) fn serve(paths: &Paths, tools: &Tools, port: u16) -> Result<()> {
    // Before the build, which takes minutes.
    ensure!(
        TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok(),
        "port {port} is taken or not allowed: choose another, as in `cargo xtask serve --port {}`",
        port.checked_add(1).unwrap_or(8080)
    );
    shards::ensure(paths)?;
    progress::step("Building the page, then serving it (Ctrl+C ends it)");
    let shell = paths.shell()?;
    let trunk = trunk(&shell, tools, "serve")?.args(["--address", "127.0.0.1", "--port", &port.to_string()]);
    let mut server = Command::from(trunk).spawn().context("Trunk could not be started")?;
    loop {
        if let Some(status) = server.try_wait()? {
            bail!("Trunk stopped ({status}); its message is above");
        }
        if TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok() {
            break;
        }
        thread::sleep(Duration::from_millis(200));
    }
    progress::step(format_args!("LeNet Playground: http://127.0.0.1:{port}/"));
    let status = server.wait()?;
    ensure!(status.success(), "Trunk failed ({status}); its message is above");
    Ok(())
}

fn trunk<'a>(shell: &'a Shell, tools: &Tools, command: &str) -> Result<Cmd<'a>> {
    tools.add_to_path(shell)?;
    // Trunk reads NO_COLOR as a boolean, and stops at the usual value 1.
    let trunk = cmd!(shell, "trunk {command} --release").env_remove("NO_COLOR");
    Ok(process::without_cargo_variables(trunk))
}
