//! The page: built into `dist/` by Trunk, or served from this machine.

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use crate::paths::Place;
use crate::process;
use crate::progress::{self, Failure, Outcome, While};
use crate::shards;
use crate::tools::Tools;

const PORT: u16 = 8080;

/// Leaves in `dist/` what any static host can serve.
pub(crate) fn build(place: &Place, tools: &Tools) -> Outcome {
    shards::ensure(place)?;
    progress::step("Building the page");
    let begin = Instant::now();
    process::visibly(&mut trunk(place, tools, "build")?, "the build of the page")?;
    progress::step(format_args!(
        "dist/ is ready for any static host, after {}",
        progress::duration(begin.elapsed())
    ));
    Ok(())
}

/// Serves the page on this machine until interrupted, building it anew when a file changes.
pub(crate) fn serve(place: &Place, tools: &Tools, port: u16) -> Outcome {
    // Asked first: nobody wants to wait for a build to hear this.
    if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_err() {
        return Err(Failure(format!(
            "port {port} is taken or not allowed: choose another, as in `cargo xtask serve --port {}`.",
            port.checked_add(1).unwrap_or(PORT)
        )));
    }
    shards::ensure(place)?;
    progress::step("Building the page, then serving it (Ctrl+C ends it)");
    let mut trunk = trunk(place, tools, "serve")?;
    trunk.args(["--address", "127.0.0.1", "--port", &port.to_string()]);
    let mut server = trunk.spawn().while_doing("starting Trunk")?;
    loop {
        if let Some(status) = server.try_wait().while_doing("watching Trunk")? {
            return Err(Failure(format!("Trunk stopped ({status}); its message is above.")));
        }
        if TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok() {
            break;
        }
        thread::sleep(Duration::from_millis(200));
    }
    progress::step(format_args!("LeNet Playground: http://127.0.0.1:{port}/"));
    let status = server.wait().while_doing("waiting for Trunk")?;
    if status.success() { Ok(()) } else { Err(Failure("Trunk failed; its message is above.".into())) }
}

fn trunk(place: &Place, tools: &Tools, command: &str) -> Outcome<Command> {
    let mut trunk = process::command("trunk");
    tools.equip(&mut trunk)?;
    trunk.current_dir(&place.root).args([command, "--release"]);
    // As for cargo: flags from the environment would replace those of .cargo/config.toml.
    trunk.env_remove("RUSTFLAGS").env_remove("CARGO_ENCODED_RUSTFLAGS");
    // Trunk takes NO_COLOR for a boolean, and stops at the usual value 1.
    trunk.env_remove("NO_COLOR");
    Ok(trunk)
}

/// The port from `--port N`, or else from the variable PORT.
pub(crate) fn port(arguments: &[String], variable: Option<String>) -> Outcome<u16> {
    let text = match arguments {
        [] => variable.filter(|text| !text.is_empty()),
        [option, number] if option == "--port" => Some(number.clone()),
        [joined] if joined.starts_with("--port=") => Some(joined["--port=".len()..].into()),
        _ => return Err(Failure("`serve` takes only `--port N`.".into())),
    };
    let Some(text) = text else { return Ok(PORT) };
    text.parse()
        .ok()
        .filter(|&port| port != 0)
        .ok_or_else(|| Failure(format!("`{text}` is not a port: it must be a number from 1 to 65535.")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn port_of(arguments: &[&str], variable: Option<&str>) -> Option<u16> {
        let arguments: Vec<_> = arguments.iter().map(|&text| text.to_string()).collect();
        port(&arguments, variable.map(Into::into)).ok()
    }

    #[test]
    fn the_option_comes_before_the_variable() {
        assert_eq!(port_of(&[], None), Some(8080));
        assert_eq!(port_of(&[], Some("9000")), Some(9000));
        assert_eq!(port_of(&["--port", "9001"], Some("9000")), Some(9001));
        assert_eq!(port_of(&["--port=9001"], None), Some(9001));
    }

    #[test]
    fn nonsense_is_refused() {
        for arguments in [&["--port"][..], &["--port", "x"], &["--port", "70000"], &["--port=0"], &["x"]] {
            assert_eq!(port_of(arguments, None), None, "{arguments:?}");
        }
    }
}
