//! Pinned runs in the browser's storage, so that they outlive the page: each under a key of its own, so that tabs never write
//! over each other's runs, with curves of limited length.

use std::collections::BTreeMap;
use std::time::Duration;

use gloo_events::EventListener;
use js_sys::{Date, Math};
use leptos::ev;
use leptos::prelude::*;
use serde::{Deserialize, Serialize};
use web_sys::Storage;

use crate::client::Client;
use crate::client::problems::Topic;
use crate::runs::record::Record;
use crate::runs::run::{MAX_PINNED, Run, Runs, SLOTS};
use crate::runs::store::RunStore;
use crate::settings::codec;
use crate::ui::debounce::debounce_changes;

/// What the keys begin with. The number is the version of the format.
const PREFIX: &str = "lenet-playground-run-1-";
/// The key of all runs together, which earlier versions of the page wrote.
const ALL_RUNS: &str = "lenet-playground-runs-1";
/// The key of the compared runs that are not pinned, in the storage of the tab.
const COMPARED: &str = "lenet-playground-compared-1";
/// The longest entry that is read, in bytes. A run with full curves takes an eighth of it.
const MAX_BYTES: usize = 1_000_000;
/// A run that is pinned while it trains is written this long after its last step.
const WRITE_AFTER: Duration = Duration::from_millis(300);
/// While a comparison trains, which may be long, its pinned runs are written this often (ms).
const WRITE_EVERY: f64 = 2_000.0;
const NO_ROOM: &str = "More runs are pinned in this browser than the six that fit here: the others stay in its storage, and come when \
                       some are removed and the page is reloaded.";
const ENDED: &str = "The comparison that was under way ended when the page was left. Its curves are here as far as they had come.";

/// A run in the storage.
#[derive(Serialize, Deserialize)]
struct StoredRun {
    slot: usize,
    /// Written by [`codec::write`].
    setup: String,
    record: Record,
    shown: bool,
}

/// The runs of a comparison.
#[derive(Serialize, Deserialize)]
struct Compared {
    is_under_way: bool,
    runs: Vec<StoredRun>,
}

fn to_stored(run: &Run) -> StoredRun {
    // Through its JSON, in which every number is finite.
    let record = Record::from_json(&run.record.to_json()).unwrap_or_default();
    StoredRun { slot: run.slot, setup: codec::write(&run.setup), record, shown: run.shown }
}

/// A run as JSON.
fn write(run: &Run) -> String {
    serde_json::to_string(&to_stored(run)).unwrap_or_default()
}

/// Reads the text of [`write`].
fn read(key: &str, text: &str) -> Option<Run> {
    if text.len() > MAX_BYTES {
        return None;
    }
    from_stored(serde_json::from_str(text).ok()?, Some(key.to_owned()))
}

fn from_stored(StoredRun { slot, setup, record, shown }: StoredRun, key: Option<String>) -> Option<Run> {
    let setup = codec::read(&setup)?;
    (slot < SLOTS).then_some(Run { slot, setup, record, shown, pinned: true, key })
}

/// Reads all runs from the text of an earlier version.
fn read_all(text: &str) -> Vec<Run> {
    let all: Vec<StoredRun> =
        if text.len() <= MAX_BYTES { serde_json::from_str(text).unwrap_or_default() } else { Vec::new() };
    all.into_iter().take(MAX_PINNED).filter_map(|run| from_stored(run, None)).collect()
}

/// The storage of all tabs; none where the browser refuses it.
pub(crate) fn shared_storage() -> Option<Storage> {
    window().local_storage().ok().flatten()
}

/// The compared runs as JSON; none if there are none.
fn write_compared(runs: &Runs, is_under_way: bool) -> Option<String> {
    let runs: Vec<_> = runs.iter().filter(|run| !run.pinned).map(to_stored).collect();
    if runs.is_empty() { None } else { serde_json::to_string(&Compared { is_under_way, runs }).ok() }
}

/// Reads the text of [`write_compared`]: the runs, and whether their comparison was under way.
fn read_compared(text: &str) -> Option<(Vec<Run>, bool)> {
    let Compared { is_under_way, runs } = serde_json::from_str(text).ok()?;
    let runs = runs.into_iter().take(2).filter_map(|run| from_stored(run, None));
    Some((runs.map(|run| Run { pinned: false, ..run }).collect(), is_under_way))
}

/// Keeps the compared runs in the tab, or forgets those of its last page.
fn keep_compared(runs: RunStore) {
    let Ok(Some(tab)) = window().session_storage() else { return };
    let is_under_way = runs.comparison.with_untracked(Option::is_some);
    let _ = match runs.others.with_untracked(|others| write_compared(others, is_under_way)) {
        Some(text) => tab.set(COMPARED, &text),
        None => tab.remove_item(COMPARED),
    };
}

/// The pinned runs that are stored, of all tabs, and the compared ones of this tab.
pub(crate) fn last_visit(client: Client) -> Runs {
    let mut runs = pinned_runs(client);
    let tab = window().session_storage().ok().flatten();
    let text = tab.and_then(|tab| tab.get_item(COMPARED).ok().flatten());
    if let Some((compared, is_under_way)) = text.and_then(|text| read_compared(&text)) {
        for run in compared {
            runs.add_stored(run);
        }
        if is_under_way {
            client.report(Topic::Fault, ENDED.into());
        }
    }
    runs
}

fn pinned_runs(client: Client) -> Runs {
    let mut runs = Runs::default();
    let Some(storage) = shared_storage() else { return runs };
    let keys = stored_keys(&storage);
    let stored = keys.iter().filter_map(|key| read(key, &storage.get_item(key).ok().flatten()?));
    let mut stored: Vec<_> = stored.collect();
    if let Ok(Some(text)) = storage.get_item(ALL_RUNS) {
        // They are stored anew when something changes; until then they stay where they are.
        stored.extend(read_all(&text));
    }
    for run in stored {
        if !runs.add_stored(run) {
            client.report(Topic::Fault, NO_ROOM.into());
        }
    }
    runs
}

/// The keys of all pinned runs, in the order of time.
fn stored_keys(storage: &Storage) -> Vec<String> {
    let keys = (0..storage.length().unwrap_or(0)).filter_map(|index| storage.key(index).ok().flatten());
    let mut keys: Vec<_> = keys.filter(|key| key.starts_with(PREFIX)).collect();
    keys.sort_unstable();
    keys
}

/// What this tab has written or read, by the keys: whether the run is drawn, and its steps.
type Known = BTreeMap<String, (bool, u64)>;

/// Stores the pinned runs after every change, and follows the changes of other tabs. The first failure is reported.
pub(crate) fn store_changes(runs: RunStore, client: Client) {
    let known = StoredValue::new(Known::new());
    let is_reported = StoredValue::new(false);
    let note = move |known: &mut Known, run: &Run| {
        if let Some(key) = &run.key {
            known.insert(key.clone(), (run.shown, run.record.progress.step));
        }
    };
    runs.others
        .with_untracked(|others| others.iter().for_each(|run| known.update_value(|known| note(known, run))));
    let store = move || {
        let all = runs.others.get_untracked();
        let mut next = all.clone();
        let mut stored = true;
        known.update_value(|known| {
            for run in all.iter().filter(|run| run.pinned) {
                stored &= store_run(run, known, &mut next);
            }
            // Not by `all`, in which runs that were stored just now have no key yet.
            let pinned = |key: &String| next.stored_under(key).is_some_and(|run| run.pinned);
            let gone: Vec<_> = known.keys().filter(|key| !pinned(key)).cloned().collect();
            for key in gone {
                known.remove(&key);
                stored &= shared_storage().is_none_or(|storage| storage.remove_item(&key).is_ok());
            }
        });
        if let Some(storage) = shared_storage().filter(|_| stored) {
            let _ = storage.remove_item(ALL_RUNS);
        }
        if next != all {
            runs.others.set(next);
        }
        if !stored && !is_reported.get_value() {
            is_reported.set_value(true);
            client.report(
                Topic::Fault,
                "This browser has no room for pinned runs, or refuses to keep them: they will be gone when the page is closed. \
                 CSV, above the charts, saves their curves."
                    .into(),
            );
        }
    };
    let pinned = move |with_steps: bool| {
        runs.others.with(|others| {
            let pinned = others.iter().filter(|run| run.pinned);
            let step = |run: &Run| if with_steps { run.record.progress.step } else { 0 };
            pinned.map(|run| (run.slot, run.shown, step(run))).collect::<Vec<_>>()
        })
    };
    // At once, since the page may be closed: but a run that still trains changes thirty times a second.
    let chosen = Memo::new(move |_| pinned(false));
    Effect::new(move |before: Option<()>| {
        chosen.track();
        if before.is_some() {
            store();
        }
    });
    debounce_changes(WRITE_AFTER, move || pinned(true), move |_| store());
    let written = StoredValue::new(Date::now());
    Effect::new(move |_| {
        let _ = pinned(true);
        // The clock may be set back.
        let is_due = (Date::now() - written.get_value()).abs() >= WRITE_EVERY;
        if is_due && runs.comparison.with_untracked(Option::is_some) {
            written.set_value(Date::now());
            store();
        }
    });
    let leave = move || {
        store();
        keep_compared(runs);
    };
    EventListener::new(&window(), "pagehide", move |_| leave()).forget();
    // A phone may stop a hidden page without a further word.
    let hide = move |_: &_| {
        if document().hidden() {
            leave();
        }
    };
    EventListener::new(&document(), "visibilitychange", hide).forget();
    // Another tab has written a run, or removed it.
    let follow = move |key: String, text: Option<String>| {
        let run = text.and_then(|text| read(&key, &text));
        let here = runs.others.with_untracked(|others| others.stored_under(&key).map(|run| run.slot));
        match (run, here) {
            (Some(run), None) => {
                let mut has_room = false;
                runs.others.update(|others| has_room = others.add_stored(run.clone()));
                // A run that is known but not among the runs would be removed from the storage.
                if has_room {
                    known.update_value(|known| note(known, &run));
                } else {
                    client.report(Topic::Fault, NO_ROOM.into());
                }
            }
            (None, Some(slot)) => {
                known.update_value(|known| {
                    known.remove(&key);
                });
                runs.others.update(|others| others.remove(slot));
            }
            // Which runs are drawn is each tab's own affair.
            _ => {}
        }
    };
    let _ = window_event_listener(ev::storage, move |event| {
        if let Some(key) = event.key().filter(|key| key.starts_with(PREFIX)) {
            follow(key, event.new_value());
        }
    });
    // A page that Back shows again as it was has heard of no change meanwhile.
    let _ = window_event_listener(ev::pageshow, move |event| {
        if let Some(storage) = shared_storage().filter(|_| event.persisted()) {
            let mut keys = stored_keys(&storage);
            keys.extend(known.with_value(|known| known.keys().cloned().collect::<Vec<_>>()));
            for key in keys {
                let text = storage.get_item(&key).ok().flatten();
                follow(key, text);
            }
        }
    });
}

/// Stores a run if it has changed; `next` gets its key. A run that another tab has removed meanwhile is removed from `next`, too.
fn store_run(run: &Run, known: &mut Known, next: &mut Runs) -> bool {
    let now = (run.shown, run.record.progress.step);
    if run.key.as_ref().is_some_and(|key| known.get(key) == Some(&now)) {
        return true;
    }
    let Some(storage) = shared_storage() else { return false };
    if let Some(key) = &run.key
        && matches!(storage.get_item(key), Ok(None))
    {
        known.remove(key);
        next.remove(run.slot);
        return true;
    }
    let key = run.key.clone().unwrap_or_else(new_key);
    let stored = storage.set_item(&key, &write(run)).is_ok();
    if stored {
        known.insert(key.clone(), now);
        if let Some(run) = next.get_mut(run.slot) {
            run.key = Some(key);
        }
    }
    stored
}

/// A key that no other run has: they are in the order of time.
fn new_key() -> String {
    format!("{PREFIX}{:013x}{:06x}", Date::now() as u64, (Math::random() * f64::from(1 << 24)) as u32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runs::record::Measure;
    use crate::settings::{Setting, Setup};
    use trainer::messages::{Progress, Split, Tested};

    /// The record of a run with this many steps.
    fn record(steps: u64) -> Record {
        let mut record = Record::default();
        for step in 1..=steps {
            record.on_progress(Progress {
                step,
                epoch: step as f64 / 937.0,
                train_loss: Some(1.0 / step as f32),
                train_accuracy: Some(0.123_456_7),
                ..Progress::default()
            });
            record.on_tested(Tested {
                step,
                epoch: step as f64 / 937.0,
                loss: 0.3,
                accuracy: 0.987_654,
                certainty: None,
            });
        }
        record
    }

    fn run(slot: usize, record: Record) -> Run {
        Run { slot, setup: Setup::default(), record, shown: true, pinned: true, key: None }
    }

    #[test]
    fn a_run_round_trips() {
        let mut setup = Setup::default();
        for (id, value) in [("preset", "mlp30"), ("lr", "0.02"), ("dropout", "on")] {
            Setting::find(id).unwrap().set_text(&mut setup, value).unwrap();
        }
        let run = Run { setup, shown: false, ..run(1, record(40)) };
        let back = read("key", &write(&run)).unwrap();
        assert_eq!((back.slot, back.shown, back.pinned, back.key.as_deref()), (1, false, true, Some("key")));
        assert_eq!(back.setup, run.setup);
        assert_eq!((back.record.progress, back.record.tested), (run.record.progress, run.record.tested));
        for (measure, split) in [(Measure::Loss, Split::Train), (Measure::Accuracy, Split::Test)] {
            let points = |record: &Record| record.curve(measure, split).points().to_vec();
            let (before, after) = (points(&run.record), points(&back.record));
            assert_eq!(before.len(), after.len());
            let near = |(a, b): (&(f64, f64), &(f64, f64))| (a.0 - b.0).abs() + (a.1 - b.1).abs() < 1e-6;
            assert!(before.iter().zip(&after).all(near));
        }
    }

    #[test]
    fn compared_runs_round_trip_and_pinned_ones_are_not_among_them() {
        let mut runs = Runs::default();
        runs.pin(Setup::default(), record(2));
        assert_eq!(write_compared(&runs, false), None);
        runs.compare([Setup::default(), Setup::default()]);
        let (back, is_under_way) = read_compared(&write_compared(&runs, true).unwrap()).unwrap();
        assert_eq!(
            back.iter().map(|run| (run.slot, run.pinned)).collect::<Vec<_>>(),
            [(1, false), (2, false)]
        );
        assert!(is_under_way && read_compared("{").is_none());
    }

    #[test]
    fn runs_with_full_curves_have_room() {
        let text = write(&run(0, record(1199)));
        assert!(text.len() < MAX_BYTES / 6, "{}", text.len());
        assert!(read("key", &text).is_some());
    }

    #[test]
    fn runs_of_several_tabs_get_slots_of_their_own() {
        let mut runs = Runs::default();
        let stored = |slot, key: &str| Run { key: Some(key.into()), ..run(slot, record(1)) };
        for (slot, key) in [(0, "a"), (0, "b"), (4, "c"), (0, "d"), (9, "e"), (2, "f"), (1, "g")] {
            runs.add_stored(stored(slot, key));
        }
        let slots: Vec<_> = runs.iter().map(|run| (run.slot, run.key.as_deref().unwrap())).collect();
        assert_eq!(slots, [(0, "a"), (1, "b"), (2, "d"), (3, "e"), (4, "c"), (5, "f")], "six have a slot");
    }

    #[test]
    fn the_runs_of_an_earlier_version_are_read() {
        let (one, two) = (write(&run(0, record(3))), write(&run(2, record(5))));
        let runs = read_all(&format!("[{one},{two}]"));
        assert_eq!(
            runs.iter().map(|run| (run.slot, run.record.progress.step)).collect::<Vec<_>>(),
            [(0, 3), (2, 5)]
        );
        assert!(read_all("[").is_empty());
    }

    #[test]
    fn numbers_that_are_not_finite_are_left_out_and_garbage_is_no_run() {
        let mut diverged = record(2);
        diverged.on_progress(Progress {
            step: 3,
            epoch: 0.01,
            train_loss: Some(f32::NAN),
            ..Progress::default()
        });
        diverged.on_tested(Tested {
            step: 3,
            epoch: 0.01,
            loss: f32::INFINITY,
            accuracy: 0.1,
            certainty: None,
        });
        diverged.diverged = Some(3);
        let text = write(&run(0, diverged));
        assert_eq!(read("key", &text).map(|run| run.record.diverged), Some(Some(3)));
        let garbage = [
            String::new(),
            "{}".into(),
            text.replace("\"slot\":0", "\"slot\":9"),
            text.replace("\"setup\":\"", "\"setup\":\"#lr=fast"),
            text.replace("[[", "[[9,9],["),
            format!("{text}{}", " ".repeat(MAX_BYTES)),
        ];
        for garbage in garbage {
            assert!(read("key", &garbage).is_none(), "{garbage:.200}");
        }
    }
}
