//! How often a session reports while it trains, by a clock that advances when it is read.

use nn::preset::Preset;
use nn::spec::{Schedule, TrainingSpec};
use std::cell::Cell;
use trainer::Session;
use trainer::messages::{Command, Event, Progress};
use trainer::parallel::transport::Transport;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::common::digits;

/// One core, and a clock that advances by this much (ms) at each read.
struct Ticking {
    ms: Cell<f64>,
    tick: f64,
}

impl Transport for Ticking {
    fn now(&self) -> f64 {
        self.ms.set(self.ms.get() + self.tick);
        self.ms.get()
    }

    fn post(&self, _: usize, _: &[&[u32]]) {
        panic!("there are no other workers");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn a_page_that_paints_slowly_gets_no_report_before_it_has_painted_the_last() {
    let reports_of = |paints_every: usize, ms: f64| {
        let mut session = Session::default();
        session.add_train(&digits(5_000, 0)).unwrap();
        let training = TrainingSpec { batch_size: 16, subset: Some(5_000), ..TrainingSpec::default() };
        session.handle(Command::Configure { network: Preset::Mlp30.network(), training });
        session.handle(Command::Painted { ms: 1.0 });
        session.handle(Command::Train);
        let clock = Ticking { ms: Cell::new(0.0), tick: 0.5 };
        let (mut reports, mut slices) = (0, 0);
        while clock.ms.get() < 10_000.0 {
            let events = session.work(&clock);
            reports += events.iter().filter(|event| matches!(event, Event::Snapshot(_))).count();
            slices += 1;
            if slices % paints_every == 0 {
                session.handle(Command::Painted { ms });
            }
        }
        reports
    };
    let never = reports_of(usize::MAX, 1.0);
    assert!((8..=11).contains(&never), "{never} reports in ten seconds to a page that is hidden");
    let at_once = reports_of(1, 1.0);
    assert!(at_once > 150, "{at_once} reports in ten seconds to a page that paints at once");
    let slowly = reports_of(1, 10.0);
    assert!((90..=105).contains(&slowly), "{slowly} reports in ten seconds to a page that paints for 10 ms");
    for ms in [1e9, f64::INFINITY, f64::NAN, -1e9] {
        let reports = reports_of(1, ms);
        assert!(reports >= 75, "{reports} reports in ten seconds to a page that says {ms} ms");
    }
}

/// Trains for 100 steps; returns the events, and the time that it took (ms).
fn train(tick: f64) -> (Vec<Event>, f64) {
    let mut session = Session::default();
    session.add_train(&digits(5_000, 0)).unwrap();
    let training = TrainingSpec { batch_size: 16, ..TrainingSpec::default() };
    session.handle(Command::Configure { network: Preset::Mlp30.network(), training });
    session.handle(Command::Train);
    let clock = Ticking { ms: Cell::new(0.0), tick };
    let mut events = Vec::new();
    let steps =
        |event: &Event| if let Event::Progress(progress) = event { Some(progress.step) } else { None };
    while events.iter().filter_map(steps).next_back() < Some(100) {
        events.extend(session.work(&clock));
    }
    (events, clock.ms.get())
}

#[wasm_bindgen_test(unsupported = test)]
fn while_it_trains_reports_with_a_snapshot_come_at_most_30_times_a_second() {
    // Steps that take a fraction of a millisecond, a few milliseconds, and longer than a frame.
    for tick in [0.1, 1.0, 5.0, 50.0] {
        let (events, time) = train(tick);
        let kinds: Vec<_> = events
            .iter()
            .filter_map(|event| match event {
                Event::Progress(_) => Some("report"),
                Event::Snapshot(_) => Some("snapshot"),
                Event::State(_) | Event::Device(_) => None,
                other => panic!("{other:?}"),
            })
            .collect();
        let reports = kinds.iter().filter(|kind| **kind == "report").count();
        assert!(kinds.chunks(2).all(|pair| pair == ["report", "snapshot"]), "{kinds:?}");
        // The first one comes at once.
        let most = 1 + (time * 30.0 / 1000.0) as usize;
        assert!(reports <= most, "{reports} reports in {time} ms, at {tick} ms");
        assert!(reports <= 101, "one a step at most, not {reports}");
        // The clock is read a few times a step, and a report waits for the end of a step.
        let least = (time / (1000.0 / 30.0 + 6.0 * tick)).min(99.0) as usize;
        assert!(reports >= least, "{reports} reports in {time} ms, at {tick} ms");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn a_range_test_has_the_same_points_however_fast_the_machine_is() {
    let curve = |tick: f64| {
        let mut session = Session::default();
        session.add_train(&digits(5_000, 0)).unwrap();
        // A test of 6,000 images: 376 steps, since the last batch of an epoch has 8.
        let training = TrainingSpec {
            batch_size: 16,
            subset: Some(5_000),
            schedule: Schedule::RangeTest { epochs: 0.1 },
            ..TrainingSpec::default()
        };
        session.handle(Command::Configure { network: Preset::Mlp30.network(), training });
        session.handle(Command::Train);
        let clock = Ticking { ms: Cell::new(0.0), tick };
        let mut reports = Vec::new();
        while reports.last().is_none_or(|last: &Progress| last.step < 400) {
            reports.extend(session.work(&clock).into_iter().filter_map(|event| match event {
                Event::Progress(progress) => Some(progress),
                _ => None,
            }));
        }
        let is_behind = |report: &&Progress| report.step > 376;
        assert!(
            reports.iter().filter(is_behind).all(|report| report.train_rate.is_none()),
            "the test is over"
        );
        let points = reports.iter().filter(|report| report.step <= 376);
        points
            .filter_map(|report| Some((report.step, report.train_loss?, report.train_rate?)))
            .collect::<Vec<_>>()
    };
    let points = curve(0.1);
    assert_eq!(points.len(), 100);
    // Every rate is that of the steps before the report: between those of the first and the last of them.
    assert!(points.is_sorted_by(|a, b| a.2 < b.2));
    let (first, last) = (points[0].2, points[99].2);
    assert!((1.0e-7..1.2e-7).contains(&first) && (0.8..1.0).contains(&last), "{first} to {last}");
    for tick in [5.0, 50.0] {
        assert_eq!(curve(tick), points, "at {tick} ms");
    }
}
