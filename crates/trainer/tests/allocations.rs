//! A training step allocates nothing, with every option on, alone and with helpers.

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

// SAFETY: everything is passed on to the system's allocator.
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

/// A trainer and its helper, on lines whose messages lie in memory that is used again.
#[derive(Default)]
struct Lines {
    to_helper: Queue,
    to_trainer: Queue,
}

#[derive(Default)]
struct Queue {
    waiting: RefCell<VecDeque<Vec<u32>>>,
    free: RefCell<Vec<Vec<u32>>>,
}

impl Queue {
    fn push(&self, words: &[&[u32]]) {
        let mut kept = self.free.borrow_mut().pop().unwrap_or_default();
        kept.clear();
        words.iter().for_each(|words| kept.extend_from_slice(words));
        self.waiting.borrow_mut().push_back(kept);
    }

    fn take(&self, hear: impl FnOnce(&mut Vec<u32>)) -> bool {
        let first = self.waiting.borrow_mut().pop_front();
        first.map(|mut words| (hear(&mut words), self.free.borrow_mut().push(words))).is_some()
    }
}

/// Posts to one side.
struct To<'a>(&'a Queue);

impl Transport for To<'_> {
    fn now(&self) -> f64 {
        0.0
    }

    fn post(&self, _: usize, words: &[&[u32]]) {
        self.0.push(words);
    }
}

fn step(crew: &mut ProcessGroup, data: &DataSet, lines: &Lines, helper: &mut Worker, place: &mut DataCursor) {
    let (to_helper, to_trainer) = (To(&lines.to_helper), To(&lines.to_trainer));
    crew.plan(data, *place, &to_helper);
    let mut done = crew.advance(&to_helper);
    while done.is_none() {
        let told = lines.to_helper.take(|words| helper.on_message(0, words, &to_trainer));
        let heard = lines.to_trainer.take(|words| done = crew.on_message(1, words, data, &to_helper));
        assert!(told || heard, "somebody works");
    }
    assert!(matches!(done, Some(Completed::Step(64, Ok(_)))));
    place.images_seen += 64;
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
        for helpers in [0, 1] {
            let mut crew = ProcessGroup::new(Training::new(preset.network(), spec.clone()).unwrap());
            crew.set_workers(helpers);
            let (lines, mut helper, mut place) = (Lines::default(), Worker::new(1), DataCursor::default());
            (0..5).for_each(|_| step(&mut crew, &data, &lines, &mut helper, &mut place));
            let before = ALLOCATIONS.load(Ordering::Relaxed);
            (0..20).for_each(|_| step(&mut crew, &data, &lines, &mut helper, &mut place));
            let allocations = ALLOCATIONS.load(Ordering::Relaxed) - before;
            assert_eq!(allocations, 0, "{preset:?} with {helpers} helpers");
        }
    }
    // Would one have been seen?
    let before = ALLOCATIONS.load(Ordering::Relaxed);
    std::hint::black_box(vec![0u8; 8]);
    assert_eq!(ALLOCATIONS.load(Ordering::Relaxed), before + 1);
}
