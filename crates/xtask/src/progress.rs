//! What the user gets to read: steps, durations, and the one sentence of a failure.

use std::fmt::Display;
use std::io::IsTerminal;
use std::time::Duration;

/// Why a command cannot go on, as one sentence that says what to do about it.
#[derive(Debug)]
pub(crate) struct Failure(pub(crate) String);

/// The result of everything that can fail.
pub(crate) type Outcome<T = ()> = Result<T, Failure>;

/// Turns an error into a sentence by saying what was being done.
pub(crate) trait While<T> {
    /// `what` completes "while ...".
    fn while_doing(self, what: impl Display) -> Outcome<T>;
}

impl<T, E: Display> While<T> for Result<T, E> {
    fn while_doing(self, what: impl Display) -> Outcome<T> {
        self.map_err(|error| Failure(format!("while {what}: {error}.")))
    }
}

/// Announces a step.
pub(crate) fn step(what: impl Display) {
    if std::io::stderr().is_terminal() {
        eprintln!("\x1b[1;36m==>\x1b[0m {what}");
    } else {
        eprintln!("==> {what}");
    }
}

/// A duration as people say it.
pub(crate) fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs_f32();
    if seconds < 60.0 {
        format!("{seconds:.1} s")
    } else {
        let seconds = seconds.round() as u32;
        format!("{} min {:02} s", seconds / 60, seconds % 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_well() {
        assert_eq!(duration(Duration::from_millis(1234)), "1.2 s");
        assert_eq!(duration(Duration::from_secs(60)), "1 min 00 s");
        assert_eq!(duration(Duration::from_millis(119_700)), "2 min 00 s");
    }
}
