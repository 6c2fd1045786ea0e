//! Pinned runs in the browser's storage, so that they outlive the page: at most [`MAX_PINNED`], with curves of limited length.

use std::time::Duration;

use leptos::prelude::*;
use serde::{Deserialize, Serialize};
use web_sys::Storage;

use crate::client::Client;
use crate::runs::record::Record;
use crate::runs::run::{MAX_PINNED, Run, Runs, SLOTS};
use crate::runs::store::RunStore;
use crate::settings::codec;
use crate::ui::debounce::debounce_changes;

/// The key of the entry. Its number is the version of the format: entries of other versions are not read.
const KEY: &str = "lenet-playground-runs-1";
/// The longest entry that is read or written, in bytes. Four runs with full curves take half of it.
const MAX_BYTES: usize = 1_000_000;
/// Changes come in series: the entry is written this long after the last one.
const WRITE_AFTER: Duration = Duration::from_millis(300);

/// A run in the entry.
#[derive(Serialize, Deserialize)]
struct StoredRun {
    slot: usize,
    /// Written by [`codec::write`].
    setup: String,
    record: Record,
    shown: bool,
}

/// The pinned runs as JSON; none if the text is too long.
fn write(runs: &Runs) -> Option<String> {
    let stored = |run: &Run| {
        let mut record = run.record.clone();
        // JSON has no text for NaN and infinity.
        record.tested = record.tested.filter(|tested| tested.loss.is_finite());
        StoredRun { slot: run.slot, setup: codec::write(&run.setup), record, shown: run.shown }
    };
    let all: Vec<_> = runs.iter().filter(|run| run.pinned).map(stored).collect();
    serde_json::to_string(&all).ok().filter(|text| text.len() <= MAX_BYTES)
}

/// Reads the text of [`write`]; of any other text, no runs.
fn read(text: &str) -> Runs {
    let all: Vec<StoredRun> =
        if text.len() <= MAX_BYTES { serde_json::from_str(text).unwrap_or_default() } else { Vec::new() };
    let mut runs = Runs::default();
    for StoredRun { slot, setup, record, shown } in all.into_iter().take(MAX_PINNED) {
        if let (Ok(setup), true) = (codec::read(&setup), slot < SLOTS) {
            runs.insert(Run { slot, setup, record, shown, pinned: true });
        }
    }
    runs
}

/// The browser's storage; none where the browser refuses it.
fn storage() -> Option<Storage> {
    window().local_storage().ok().flatten()
}

/// The pinned runs of the last visit.
pub(crate) fn last_visit() -> Runs {
    let text = storage().and_then(|storage| storage.get_item(KEY).ok().flatten());
    text.map(|text| read(&text)).unwrap_or_default()
}

/// Stores the pinned runs after every change. The first failure is reported.
pub(crate) fn store_changes(runs: RunStore, client: Client) {
    let pinned = Memo::new(move |_| {
        runs.others.with(|others| {
            let pinned = others.iter().filter(|run| run.pinned);
            pinned.map(|run| (run.slot, run.shown, run.record.progress.step)).collect::<Vec<_>>()
        })
    });
    let is_reported = StoredValue::new(false);
    let store = move || {
        let stored = if pinned.with_untracked(Vec::is_empty) {
            storage().is_none_or(|storage| storage.remove_item(KEY).is_ok())
        } else {
            let text = runs.others.with_untracked(write);
            storage().zip(text).is_some_and(|(storage, text)| storage.set_item(KEY, &text).is_ok())
        };
        if !stored && !is_reported.get_value() {
            is_reported.set_value(true);
            client.report(
                "This browser has no room for pinned runs, or refuses to keep them: they will be gone when the page is closed. \
                 CSV, above the charts, saves their curves."
                    .into(),
            );
        }
    };
    // Not tracked but read: a memo that was never read does not know its dependencies. The runs that were read at the start are
    // stored already.
    debounce_changes(WRITE_AFTER, move || pinned.get(), move |_| store());
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
            record.on_tested(Tested { step, epoch: step as f64 / 937.0, loss: 0.3, accuracy: 0.987_654 });
        }
        record
    }

    #[test]
    fn pinned_runs_round_trip_and_others_are_not_stored() {
        let (mut runs, mut setup) = (Runs::default(), Setup::default());
        for (id, value) in [("preset", "mlp30"), ("lr", "0.02"), ("dropout", "on")] {
            Setting::find(id).unwrap().set_text(&mut setup, value).unwrap();
        }
        runs.pin(Setup::default(), record(3));
        runs.pin(setup.clone(), record(40));
        runs.compare([Setup::default(), setup.clone()]);
        runs.remove(0);
        runs.get_mut(1).unwrap().shown = false;
        let back = read(&write(&runs).unwrap());
        let back: Vec<_> = back.iter().collect();
        assert_eq!(back.len(), 1);
        assert_eq!((back[0].slot, back[0].shown, back[0].pinned), (1, false, true));
        assert_eq!(back[0].setup, setup);
        let run = runs.get(1).unwrap();
        assert_eq!(
            (back[0].record.progress, back[0].record.tested),
            (run.record.progress, run.record.tested)
        );
        for (measure, split) in [(Measure::Loss, Split::Train), (Measure::Accuracy, Split::Test)] {
            let points = |record: &Record| record.curve(measure, split).points().to_vec();
            let (before, after) = (points(&run.record), points(&back[0].record));
            assert_eq!(before.len(), after.len());
            let near = |(a, b): (&(f64, f64), &(f64, f64))| (a.0 - b.0).abs() + (a.1 - b.1).abs() < 1e-6;
            assert!(before.iter().zip(&after).all(near));
        }
    }

    #[test]
    fn four_runs_with_full_curves_have_room() {
        let mut runs = Runs::default();
        let full = record(1199);
        (0..MAX_PINNED).for_each(|_| runs.pin(Setup::default(), full.clone()));
        let text = write(&runs).unwrap();
        assert!(text.len() < MAX_BYTES * 6 / 10, "{}", text.len());
        assert_eq!(read(&text).iter().count(), MAX_PINNED);
    }

    #[test]
    fn numbers_that_are_not_finite_are_left_out_and_garbage_gives_no_runs() {
        let mut runs = Runs::default();
        let mut diverged = record(2);
        diverged.on_progress(Progress {
            step: 3,
            epoch: 0.01,
            train_loss: Some(f32::NAN),
            ..Progress::default()
        });
        diverged.on_tested(Tested { step: 3, epoch: 0.01, loss: f32::INFINITY, accuracy: 0.1 });
        diverged.diverged = Some(3);
        runs.pin(Setup::default(), diverged);
        let text = write(&runs).unwrap();
        assert_eq!(read(&text).iter().next().map(|run| run.record.diverged), Some(Some(3)));
        let garbage = [
            String::new(),
            "{}".into(),
            text.replace("\"slot\":0", "\"slot\":9"),
            text.replace("\"setup\":\"", "\"setup\":\"#lr=fast"),
            text.replace("[[", "[[9,9],["),
            format!("{text}{}", " ".repeat(MAX_BYTES)),
        ];
        for garbage in garbage {
            assert_eq!(read(&garbage).iter().count(), 0, "{garbage:.200}");
        }
    }
}
