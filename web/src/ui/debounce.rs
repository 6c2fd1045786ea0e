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
    let pending = StoredValue::new(None::<TimeoutHandle>);
    let cancel = move || {
        if let Some(Some(pending)) = pending.try_update_value(Option::take) {
            pending.clear();
        }
    };
    // What the action reads goes with its owner, such as a panel that closes.
    on_cleanup(cancel);
    Effect::new(move |before: Option<()>| {
        cancel();
        let value = source();
        if before.is_some() || with_first {
            pending.set_value(set_timeout_with_handle(move || action(value), delay).ok());
        }
    });
}
