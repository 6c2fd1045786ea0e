//! Signals.

use leptos::prelude::*;

/// Sets a signal, but notifies nobody if it has this value already.
pub(crate) fn set_if_changed<T: PartialEq + Send + Sync + 'static>(signal: RwSignal<T>, value: T) {
    if signal.with_untracked(|old| *old != value) {
        signal.set(value);
    }
}
