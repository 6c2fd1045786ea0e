//! Signals.

use leptos::prelude::*;

/// Sets a signal. A signal that has the value already does not notify its readers.
pub(crate) fn set_if_changed<T: PartialEq + Send + Sync + 'static>(signal: RwSignal<T>, value: T) {
    if signal.with_untracked(|old| *old != value) {
        signal.set(value);
    }
}
