//! A training step allocates nothing, with every option on, alone and with helpers.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::RefCell;
use std::sync::atomic::{AtomicUsize, Ordering};

use data::DataSet;
use nn::preset::Preset;
use nn::spec::{Augmentation, Optimizer, Penalty, TrainingSpec};
use nn::training::Training;
use trainer::batch::Place;
use trainer::crew::{Crew, Done, Host};

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

/// A line to one helper on which messages lie in memory that is used again.
struct Line {
    helper: RefCell<trainer::Helper>,
    answer: RefCell<Vec<u32>>,
}

impl Host for Line {
    fn now(&self) -> f64 {
        0.0
    }

    fn post(&self, _: usize, words: &[u32]) {
        if let Some(answer) = self.helper.borrow_mut().hear(words) {
            let mut kept = self.answer.borrow_mut();
            kept.clear();
            kept.extend_from_slice(answer);
        }
    }
}

fn step(crew: &mut Crew, data: &DataSet, line: &Line, spare: &mut Vec<u32>, place: &mut Place) {
    let mut done = crew.step(data, *place, line);
    while done.is_none() {
        let answer = line.answer.replace(std::mem::take(spare));
        done = crew.hear(0, &answer, data, line);
        *spare = answer;
    }
    assert!(matches!(done, Some(Done::Step(64, Ok(_)))));
    place.seen += 64;
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
            let mut crew = Crew::new(Training::new(preset.network(), spec.clone()).unwrap());
            crew.set_helpers(helpers);
            let line = Line { helper: RefCell::default(), answer: RefCell::default() };
            let (mut spare, mut place) = (Vec::new(), Place::default());
            (0..5).for_each(|_| step(&mut crew, &data, &line, &mut spare, &mut place));
            let before = ALLOCATIONS.load(Ordering::Relaxed);
            (0..20).for_each(|_| step(&mut crew, &data, &line, &mut spare, &mut place));
            let allocations = ALLOCATIONS.load(Ordering::Relaxed) - before;
            assert_eq!(allocations, 0, "{preset:?} with {helpers} helpers");
        }
    }
    // Would one have been seen?
    let before = ALLOCATIONS.load(Ordering::Relaxed);
    std::hint::black_box(vec![0u8; 8]);
    assert_eq!(ALLOCATIONS.load(Ordering::Relaxed), before + 1);
}
