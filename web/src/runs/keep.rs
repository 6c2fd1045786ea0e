//! The record of the present run, which the worker keeps with the run.

use std::time::Duration;

use js_sys::Date;
use leptos::prelude::*;
use trainer::messages::RunState;

use crate::client::Client;
use crate::runs::record::Record;
use crate::runs::replaced::Cause;
use crate::runs::store::RunStore;
use crate::settings::Setup;
use crate::settings::store::Settings;
use crate::ui::debounce::debounce_changes;

/// Milliseconds between two records while training. A record takes about a millisecond to write.
const INTERVAL: f64 = 1_000.0;
/// The last report of a run comes a moment after it was paused.
const PAUSED_AFTER: Duration = Duration::from_millis(80);

/// Gives the worker the record of the present run: while training about once a second, once paused after every change, and
/// before another network takes the place of this one. To be called before the settings are sent.
pub(crate) fn keep_records(runs: RunStore, settings: Settings, client: Client) {
    let is_paused = move || client.run.get_untracked() == RunState::Paused;
    Effect::new(move |before: Option<Setup>| {
        let now = settings.trained();
        let is_restored = runs.is_restoring.try_update_value(std::mem::take).unwrap_or(false);
        if !is_restored
            && let Some(before) = before.filter(|before| before.network != now.network)
            && runs.record.with_untracked(Record::is_trained)
        {
            runs.keep_record(&before);
            runs.cause.set_value(Cause::Network);
        }
        now
    });
    let sent = StoredValue::new(0.0);
    // By the reports, since browsers slow the timers of hidden pages down.
    Effect::new(move |_| {
        let is_trained = runs.record.with(Record::is_trained);
        // The clock may be set back.
        if is_trained && !is_paused() && (Date::now() - sent.get_value()).abs() >= INTERVAL {
            sent.set_value(Date::now());
            runs.keep_record(&untrack(|| settings.trained()));
        }
    });
    let changed = move || {
        runs.record.track();
        settings.setup.track();
        client.run.track();
    };
    debounce_changes(PAUSED_AFTER, changed, move |()| {
        if is_paused() && runs.record.with_untracked(Record::is_trained) {
            runs.keep_record(&untrack(|| settings.trained()));
        }
    });
}
