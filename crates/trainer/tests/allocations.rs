//! A training step allocates nothing, with every option on, on one core and on two.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};

use data::DataSet;
use nn::preset::Preset;
use nn::spec::{Augmentation, Optimizer, Penalty, TrainingSpec};
use nn::train::Training;
use trainer::Worker;
use trainer::cursor::DataCursor;
use trainer::parallel::group::{Completed, ProcessGroup};
use trainer::parallel::transport::Transport;

mod common;

struct Counting;

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call is forwarded to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: as above.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The channels between rank 0 and a worker, whose messages lie in memory that is used again.
#[derive(Default)]
struct Channels {
    to_worker: Queue,
    to_session: Queue,
}

#[derive(Default)]
struct Queue {
    waiting: RefCell<VecDeque<Vec<u32>>>,
    free: RefCell<Vec<Vec<u32>>>,
}

impl Queue {
    fn push(&self, parts: &[&[u32]]) {
        let mut kept = self.free.borrow_mut().pop().unwrap_or_default();
        kept.clear();
        parts.iter().for_each(|part| kept.extend_from_slice(part));
        self.waiting.borrow_mut().push_back(kept);
    }

    fn take(&self, receive: impl FnOnce(&mut Vec<u32>)) -> bool {
        let first = self.waiting.borrow_mut().pop_front();
        first.map(|mut words| (receive(&mut words), self.free.borrow_mut().push(words))).is_some()
    }
}

/// Posts to one of them.
struct To<'a>(&'a Queue);

impl Transport for To<'_> {
    fn now(&self) -> f64 {
        0.0
    }

    fn post(&self, _: usize, parts: &[&[u32]]) {
        self.0.push(parts);
    }
}

fn step(
    group: &mut ProcessGroup,
    data: &DataSet,
    channels: &Channels,
    worker: &mut Worker,
    cursor: &mut DataCursor,
) {
    let (to_worker, to_session) = (To(&channels.to_worker), To(&channels.to_session));
    group.plan(data, *cursor, &to_worker);
    let mut completed = group.advance(&to_worker);
    while completed.is_none() {
        let by_worker = channels.to_worker.take(|words| worker.on_message(0, words, &to_session));
        let by_session =
            channels.to_session.take(|words| completed = group.on_message(1, words, data, &to_worker));
        assert!(by_worker || by_session, "both cores wait for a message");
    }
    assert!(matches!(completed, Some(Completed::Step(64, Ok(_)))));
    cursor.advance(group.training().spec());
}

#[test]
fn a_step_allocates_nothing() {
    let data = common::digits(5_000, 0);
    let spec = TrainingSpec {
        optimizer: Optimizer::ADAM_W,
        penalty: Penalty { l1: 1e-5, l2: 1e-3, biases: true },
        label_smoothing: 0.1,
        augmentation: Augmentation { rotation: 10.0, elastic: 1.0, ..Augmentation::default() },
        ..TrainingSpec::default()
    };
    for preset in Preset::ALL {
        for workers in [0, 1] {
            let mut group = ProcessGroup::new(Training::new(preset.network(), spec.clone()).unwrap());
            group.set_workers(workers);
            let (channels, mut worker, mut cursor) =
                (Channels::default(), Worker::new(1), DataCursor::default());
            (0..5).for_each(|_| step(&mut group, &data, &channels, &mut worker, &mut cursor));
            let before = ALLOCATIONS.load(Ordering::Relaxed);
            (0..20).for_each(|_| step(&mut group, &data, &channels, &mut worker, &mut cursor));
            let allocations = ALLOCATIONS.load(Ordering::Relaxed) - before;
            assert_eq!(allocations, 0, "{preset:?} with {workers} workers");
        }
    }
    // An allocation would have been counted.
    let before = ALLOCATIONS.load(Ordering::Relaxed);
    std::hint::black_box(vec![0u8; 8]);
    assert_eq!(ALLOCATIONS.load(Ordering::Relaxed), before + 1);
}
