//! Workers that hang without an error: training goes on without them, and with them when they answer again. By a clock that the
//! tests move.

use std::cell::Cell;

use nn::preset::Preset;
use nn::spec::TrainingSpec;
use trainer::Session;
use trainer::messages::{Command, DeviceReport, Event, RunState};
use trainer::parallel::transport::Transport;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::common::{LocalGroup, digits};

/// A group whose clock the test moves.
struct Clock {
    group: LocalGroup,
    ms: Cell<f64>,
}

impl Transport for Clock {
    fn now(&self) -> f64 {
        self.ms.get()
    }

    fn post(&self, to: usize, parts: &[&[u32]]) {
        self.group.post(to, parts);
    }
}

impl Clock {
    fn new(cores: u32) -> Self {
        Self { group: LocalGroup::new(cores), ms: Cell::new(0.0) }
    }

    /// Works until no message is left.
    fn work(&self, session: &mut Session) -> Vec<Event> {
        let mut events = Vec::new();
        loop {
            while session.busy() {
                events.extend(session.work(self));
            }
            let Some((rank, mut words)) = self.group.deliver() else { return events };
            events.extend(session.on_message(rank, &mut words, self));
        }
    }

    /// Lets this many milliseconds pass, with ticks and all that workers send meanwhile.
    fn pass(&self, ms: f64, session: &mut Session) -> Vec<Event> {
        let mut events = Vec::new();
        for _ in 0..(ms / 200.0) as usize {
            self.ms.set(self.ms.get() + 200.0);
            events.extend(session.tick(self));
            events.extend(self.work(session));
        }
        events
    }
}

fn session(cores: usize) -> Session {
    let mut session = Session::default();
    session.add_train(&digits(5_000, 0)).unwrap();
    session.set_workers(cores - 1);
    let training = TrainingSpec { batch_size: 128, ..TrainingSpec::default() };
    session.handle(Command::Configure { network: Preset::LeNet5.network(), training });
    session
}

fn steps(session: &mut Session, clock: &Clock, steps: u64) -> Vec<Event> {
    let one = |_| {
        session.handle(Command::Step);
        clock.work(session)
    };
    (0..steps).flat_map(one).collect()
}

fn report(events: &[Event]) -> Option<&DeviceReport> {
    events.iter().rev().find_map(|event| if let Event::Device(report) = event { Some(report) } else { None })
}

fn weights(session: &Session) -> Vec<u32> {
    session.network().parameters.iter().map(|weight| weight.to_bits()).collect()
}

#[wasm_bindgen_test(unsupported = test)]
fn training_goes_on_without_a_worker_that_hangs() {
    let (mut quiet, alone) = (session(1), Clock::new(1));
    steps(&mut quiet, &alone, 4);
    let (mut hung, clock) = (session(3), Clock::new(3));
    steps(&mut hung, &clock, 2);
    assert_eq!(hung.world_size(), 3);
    clock.group.stop_worker(2);
    hung.handle(Command::Step);
    let events = clock.work(&mut hung);
    assert!(!events.contains(&Event::State(RunState::Paused)), "the step waits");
    clock.pass(1_000.0, &mut hung);
    assert_eq!(hung.world_size(), 3, "it may only be slow");
    let events = clock.pass(600.0, &mut hung);
    assert!(events.contains(&Event::State(RunState::Paused)), "the step is taken: {events:?}");
    let note = report(&events).and_then(|report| report.note.clone()).expect("a note");
    assert_eq!(note, "A worker has not answered in time: training goes on with 2 cores.");
    steps(&mut hung, &clock, 1);
    assert!(weights(&hung) == weights(&quiet), "bit by bit");
}

#[wasm_bindgen_test(unsupported = test)]
fn a_worker_that_answers_again_takes_part_again() {
    let (mut quiet, alone) = (session(1), Clock::new(1));
    steps(&mut quiet, &alone, 5);
    let (mut session, clock) = (session(2), Clock::new(2));
    steps(&mut session, &clock, 2);
    clock.group.hold_worker(1);
    session.handle(Command::Step);
    clock.work(&mut session);
    clock.pass(1_600.0, &mut session);
    assert_eq!(session.world_size(), 1);
    steps(&mut session, &clock, 1);
    clock.group.release_worker(1);
    let events = clock.work(&mut session);
    assert_eq!(session.world_size(), 2);
    assert_eq!(report(&events).and_then(|report| report.note.clone()), None);
    steps(&mut session, &clock, 1);
    assert!(weights(&session) == weights(&quiet));
    // It is given more time from now on.
    clock.group.hold_worker(1);
    session.handle(Command::Step);
    clock.work(&mut session);
    clock.pass(1_600.0, &mut session);
    assert_eq!(session.world_size(), 2);
    clock.pass(1_200.0, &mut session);
    assert_eq!(session.world_size(), 1);
}

#[wasm_bindgen_test(unsupported = test)]
fn a_worker_that_answers_again_leaves_the_note_about_one_that_stays_lost() {
    let (mut session, clock) = (session(3), Clock::new(3));
    steps(&mut session, &clock, 1);
    clock.group.stop_worker(1);
    let events = session.lose_worker(1);
    let note = |events: &[Event]| report(events).and_then(|report| report.note.clone());
    let stopped = "A worker has stopped: training goes on with 2 cores.";
    assert_eq!(note(&events).as_deref(), Some(stopped));
    clock.group.hold_worker(2);
    session.handle(Command::Step);
    clock.work(&mut session);
    let events = clock.pass(1_600.0, &mut session);
    let silent = "A worker has not answered in time: training goes on with one core.";
    assert_eq!(note(&events).as_deref(), Some(silent));
    clock.group.release_worker(2);
    let events = clock.work(&mut session);
    assert_eq!((note(&events).as_deref(), session.world_size()), (Some(stopped), 2));
}

#[wasm_bindgen_test(unsupported = test)]
fn all_workers_may_hang_and_pause_works_at_once() {
    let (mut session, clock) = (session(4), Clock::new(4));
    steps(&mut session, &clock, 1);
    (1..4).for_each(|rank| clock.group.stop_worker(rank));
    session.handle(Command::Train);
    clock.work(&mut session);
    let events = session.handle(Command::Pause);
    assert!(events.contains(&Event::State(RunState::Paused)), "{events:?}");
    session.handle(Command::Step);
    clock.work(&mut session);
    let events = clock.pass(1_600.0, &mut session);
    assert_eq!(session.world_size(), 1);
    assert!(events.contains(&Event::State(RunState::Paused)), "{events:?}");
    let note = report(&events).and_then(|report| report.note.clone()).expect("a note");
    assert!(note.ends_with("training goes on with one core."), "{note}");
}

#[wasm_bindgen_test(unsupported = test)]
fn a_sleeping_machine_loses_no_worker() {
    let (mut session, clock) = (session(2), Clock::new(2));
    steps(&mut session, &clock, 1);
    clock.group.hold_worker(1);
    session.handle(Command::Step);
    clock.work(&mut session);
    session.tick(&clock);
    clock.ms.set(clock.ms.get() + 3_600_000.0);
    session.tick(&clock);
    assert_eq!(session.world_size(), 2);
    clock.group.release_worker(1);
    let events = clock.work(&mut session);
    assert!(events.contains(&Event::State(RunState::Paused)));
}

#[wasm_bindgen_test(unsupported = test)]
fn the_group_is_as_large_as_the_batches_after_the_first() {
    let (mut session, clock) = (session(4), Clock::new(4));
    let training = TrainingSpec { batch_size: 128, subset: Some(136), ..TrainingSpec::default() };
    session.handle(Command::Configure { network: Preset::LeNet5.network(), training: training.clone() });
    steps(&mut session, &clock, 1);
    // The next batch has eight images; the one after it has 128 again.
    session.handle(Command::Configure {
        network: Preset::LeNet5.network(),
        training: TrainingSpec { learning_rate: 0.5, ..training },
    });
    let sent = clock.group.sent_to_workers();
    steps(&mut session, &clock, 1);
    let of_small = clock.group.sent_to_workers() - sent;
    let sent = clock.group.sent_to_workers();
    steps(&mut session, &clock, 1);
    assert!(of_small > 0 && clock.group.sent_to_workers() > sent, "all four cores work on the large batch");
}
