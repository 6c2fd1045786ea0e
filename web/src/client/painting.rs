//! How long the page's thread works on what the worker reports. The worker sends reports the more rarely, the longer that takes.

use std::time::Duration;

use leptos::prelude::*;
use leptos::task::spawn_local;

/// The work since the last report was painted.
#[derive(Clone, Copy, Default)]
pub(super) struct Painting {
    /// Milliseconds of work.
    ms: StoredValue<f64>,
    /// Until when work is counted: several events of one message are one piece of work.
    counted: StoredValue<f64>,
    /// Whether a paint is awaited. A hidden page paints nothing.
    is_awaited: StoredValue<bool>,
}

impl Painting {
    /// Does work, and counts it with the effects that follow.
    pub(super) fn count(self, work: impl FnOnce()) {
        let since = now();
        work();
        // The effects are tasks in the queue: this one comes after them.
        spawn_local(async move { self.add(since) });
    }

    /// Calls back once the page has painted, with the milliseconds of work since the last time; once for all calls before the same
    /// frame.
    pub(super) fn when_painted(self, then: impl FnOnce(f64) + 'static) {
        if self.is_awaited.try_update_value(|is_awaited| std::mem::replace(is_awaited, true)) != Some(false) {
            return;
        }
        // The browser lays out and paints between this callback and the next task.
        request_animation_frame(move || {
            let since = now();
            self.is_awaited.set_value(false);
            set_timeout(
                move || {
                    self.add(since);
                    then(self.ms.try_update_value(std::mem::take).unwrap_or_default());
                },
                Duration::ZERO,
            );
        });
    }

    fn add(self, since: f64) {
        let (now, since) = (now(), since.max(self.counted.get_value()));
        self.ms.update_value(|ms| *ms += now - since);
        self.counted.set_value(now);
    }
}

/// Milliseconds since the page was opened.
fn now() -> f64 {
    window().performance().map_or(0.0, |clock| clock.now())
}
