//! Actions that wait until a value has settled.

use std::time::Duration;

use leptos::prelude::*;

/// Runs `action` with the value of the reactive function `source` once `source` has not changed for `delay`.
pub(crate) fn debounce<T: 'static>(
    delay: Duration,
    source: impl Fn() -> T + 'static,
    action: impl Fn(T) + Copy + 'static,
) {
    start(delay, source, action, true);
}

/// As [`debounce`], but the first value of `source` runs nothing.
pub(crate) fn debounce_changes<T: 'static>(
    delay: Duration,
    source: impl Fn() -> T + 'static,
    action: impl Fn(T) + Copy + 'static,
) {
    start(delay, source, action, false);
}

fn start<T: 'static>(
    delay: Duration,
    source: impl Fn() -> T + 'static,
    action: impl Fn(T) + Copy + 'static,
    with_first: bool,
) {
    Effect::new(move |pending: Option<Option<TimeoutHandle>>| {
        let is_first = pending.is_none();
        if let Some(pending) = pending.flatten() {
            pending.clear();
        }
        let value = source();
        if is_first && !with_first {
            return None;
        }
        set_timeout_with_handle(move || action(value), delay).ok()
    });
}
