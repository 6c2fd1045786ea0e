//! Pinned runs outlive the page: they are kept in this browser's storage, at most [`MOST_PINNED`] of them, each with no more
//! points than its curves have.

use std::time::Duration;

use leptos::prelude::*;
use serde::{Deserialize, Serialize};
use web_sys::Storage;

use crate::client::State;
use crate::runs::{MOST_PINNED, Record, Run, Runs, SLOTS};
use crate::settings::codec;
use crate::ui::debounce::debounce_changes;

/// Where they are. What another version left there is not read.
const KEY: &str = "lenet-playground-runs-1";
/// Bytes that are read and written at most; four runs with full curves take half of it.
const MOST_BYTES: usize = 1_000_000;
/// Changes come in series.
const SETTLED: Duration = Duration::from_millis(300);

/// A run as it is kept.
#[derive(Serialize, Deserialize)]
struct Kept {
    slot: usize,
    /// As [`codec::write`] writes it.
    setup: String,
    record: Record,
    shown: bool,
}

/// The pinned ones.
fn write(runs: &Runs) -> Option<String> {
    let kept = |run: &Run| {
        let mut record = run.record.clone();
        // There is no text for other numbers.
        record.tested = record.tested.filter(|tested| tested.loss.is_finite());
        Kept { slot: run.slot, setup: codec::write(&run.setup), record, shown: run.shown }
    };
    let all: Vec<_> = runs.iter().filter(|run| run.pinned).map(kept).collect();
    serde_json::to_string(&all).ok().filter(|text| text.len() <= MOST_BYTES)
}

/// What [`write`] wrote; no runs, if it is anything else.
fn read(text: &str) -> Runs {
    let all: Vec<Kept> =
        if text.len() <= MOST_BYTES { serde_json::from_str(text).unwrap_or_default() } else { Vec::new() };
    let mut runs = Runs::default();
    for Kept { slot, setup, record, shown } in all.into_iter().take(MOST_PINNED) {
        if let (Ok(setup), true) = (codec::read(&setup), slot < SLOTS) {
            runs.put(Run { slot, setup, record, shown, pinned: true });
        }
    }
    runs
}

/// Nothing, where it is refused.
fn storage() -> Option<Storage> {
    window().local_storage().ok().flatten()
}

/// The runs of the last visit.
pub(crate) fn last_visit() -> Runs {
    let text = storage().and_then(|storage| storage.get_item(KEY).ok().flatten());
    text.map(|text| read(&text)).unwrap_or_default()
}

/// Keeps what is pinned from now on. Where that cannot be, it is said once.
pub(crate) fn keep(state: State) {
    let pinned = Memo::new(move |_| {
        state.runs.with(|runs| {
            let pinned = runs.iter().filter(|run| run.pinned);
            pinned.map(|run| (run.slot, run.shown, run.record.progress.step)).collect::<Vec<_>>()
        })
    });
    let told = StoredValue::new(false);
    let store = move || {
        let stored = if pinned.with_untracked(Vec::is_empty) {
            storage().is_none_or(|storage| storage.remove_item(KEY).is_ok())
        } else {
            let text = state.runs.with_untracked(write);
            storage().zip(text).is_some_and(|(storage, text)| storage.set_item(KEY, &text).is_ok())
        };
        if !stored && !told.get_value() {
            told.set_value(true);
            state.problem.set(Some(
                "This browser has no room for pinned runs, or refuses to keep them: they will be gone when the page is closed. \
                 CSV, above the charts, saves their curves."
                    .into(),
            ));
        }
    };
    // Not tracked but read: a memo that was never read does not know its dependencies. The runs that were read at the start are
    // stored already.
    debounce_changes(SETTLED, move || pinned.get(), move |_| store());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runs::{Measure, Part};
    use crate::settings::{Setting, Setup};
    use trainer::messages::{Progress, Tested};

    /// A run of so many steps.
    fn record(steps: u64) -> Record {
        let mut record = Record::default();
        for step in 1..=steps {
            record.progress(Progress {
                step,
                epoch: step as f64 / 937.0,
                train_loss: Some(1.0 / step as f32),
                train_accuracy: Some(0.123_456_7),
                ..Progress::default()
            });
            record.tested(Tested { step, epoch: step as f64 / 937.0, loss: 0.3, accuracy: 0.987_654 });
        }
        record
    }

    #[test]
    fn pinned_runs_come_back_and_no_others() {
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
        for (measure, part) in [(Measure::Loss, Part::Training), (Measure::Accuracy, Part::Test)] {
            let points = |record: &Record| record.curve(measure, part).points().to_vec();
            let (before, after) = (points(&run.record), points(&back[0].record));
            assert_eq!(before.len(), after.len());
            let near = |(a, b): (&(f64, f64), &(f64, f64))| (a.0 - b.0).abs() + (a.1 - b.1).abs() < 1e-6;
            assert!(before.iter().zip(&after).all(near));
        }
    }

    #[test]
    fn full_curves_have_room() {
        let mut runs = Runs::default();
        let full = record(1199);
        (0..MOST_PINNED).for_each(|_| runs.pin(Setup::default(), full.clone()));
        let text = write(&runs).unwrap();
        assert!(text.len() < MOST_BYTES * 6 / 10, "{}", text.len());
        assert_eq!(read(&text).iter().count(), MOST_PINNED);
    }

    #[test]
    fn numbers_without_text_and_garbage_do_no_harm() {
        let mut runs = Runs::default();
        let mut diverged = record(2);
        diverged.progress(Progress {
            step: 3,
            epoch: 0.01,
            train_loss: Some(f32::NAN),
            ..Progress::default()
        });
        diverged.tested(Tested { step: 3, epoch: 0.01, loss: f32::INFINITY, accuracy: 0.1 });
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
            format!("{text}{}", " ".repeat(MOST_BYTES)),
        ];
        for garbage in garbage {
            assert_eq!(read(&garbage).iter().count(), 0, "{garbage:.200}");
        }
    }
}
