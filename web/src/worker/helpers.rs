//! Helper workers: one for each further core, fed and heard by the trainer's worker.
//!
//! Messages are buffers that go to a helper and come back with its answer in them, so that steps leave nothing to be
//! collected.

use std::cell::RefCell;
use std::rc::Rc;

use js_sys::{Array, ArrayBuffer, Object, Reflect, Uint32Array};
use trainer::Helper;
use trainer::crew::Host;
use wasm_bindgen::prelude::*;
use web_sys::{DedicatedWorkerGlobalScope, MessageEvent, Performance, Worker, WorkerOptions, WorkerType};

/// More than this gain nothing: a batch of 64 is four blocks of work.
const MOST_CORES: usize = 8;

/// Cores that training may use.
pub(super) fn cores(scope: &DedicatedWorkerGlobalScope) -> usize {
    (scope.navigator().hardware_concurrency() as usize).clamp(1, MOST_CORES)
}

/// Called when the helpers are others than before.
type Changed = Rc<dyn Fn()>;
/// Called with the number of a helper and its answer.
type Heard = Rc<dyn Fn(usize, &[u32])>;

/// The helpers that are up.
pub(super) struct Helpers {
    performance: Performance,
    base: String,
    glue: String,
    lines: Rc<RefCell<Vec<Line>>>,
    wanted: Rc<RefCell<usize>>,
}

struct Line {
    worker: Worker,
    /// Buffers that came back.
    spare: Vec<ArrayBuffer>,
}

impl Helpers {
    pub(super) fn new(scope: &DedicatedWorkerGlobalScope, base: &str, glue: String) -> Self {
        Self {
            performance: scope.performance().expect("every worker has a clock"),
            base: base.into(),
            glue,
            lines: Rc::default(),
            wanted: Rc::default(),
        }
    }

    /// Helpers that are up.
    pub(super) fn count(&self) -> usize {
        self.lines.borrow().len()
    }

    /// Starts or stops helpers until there are so many. Those that cannot be started are done without.
    pub(super) fn want(&self, helpers: usize, changed: Changed, heard: Heard) {
        *self.wanted.borrow_mut() = helpers;
        if self.count() > helpers {
            self.lines.borrow_mut().drain(helpers..).for_each(|line| line.worker.terminate());
            changed();
        }
        for _ in self.count()..helpers {
            let _ = self.start(changed.clone(), heard.clone());
        }
    }

    fn start(&self, changed: Changed, heard: Heard) -> Result<(), JsValue> {
        let options = WorkerOptions::new();
        options.set_type(WorkerType::Module);
        let worker = Worker::new_with_options(&format!("{}worker.js", self.base), &options)?;
        let (lines, wanted) = (self.lines.clone(), self.wanted.clone());
        let mut number = None;
        let mut words = Vec::new();
        let line = worker.clone();
        let listen = Closure::<dyn FnMut(MessageEvent)>::new(move |message: MessageEvent| {
            match (message.data().dyn_into::<ArrayBuffer>(), number) {
                (Ok(buffer), Some(number)) => {
                    read(&buffer, &mut words);
                    if let Some(Line { spare, .. }) = lines.borrow_mut().get_mut(number) {
                        spare.push(buffer);
                    }
                    heard(number, &words);
                }
                // Its first word is "ready".
                (Err(_), None) if lines.borrow().len() < *wanted.borrow() => {
                    number = Some(lines.borrow().len());
                    lines.borrow_mut().push(Line { worker: line.clone(), spare: Vec::new() });
                    changed();
                }
                _ => line.terminate(),
            }
        });
        worker.set_onmessage(Some(listen.as_ref().unchecked_ref()));
        listen.forget();
        let start = Object::new();
        Reflect::set(&start, &"glue".into(), &self.glue.as_str().into())?;
        Reflect::set(&start, &"module".into(), &wasm_bindgen::module())?;
        Reflect::set(&start, &"helps".into(), &true.into())?;
        worker.post_message(&start)
    }
}

impl Host for Helpers {
    fn now(&self) -> f64 {
        self.performance.now()
    }

    fn post(&self, helper: usize, words: &[u32]) {
        if let Some(Line { worker, spare }) = self.lines.borrow_mut().get_mut(helper) {
            let buffer = write(words, spare.pop());
            let _ = worker.post_message_with_transfer(&buffer, &Array::of1(&buffer));
        }
    }
}

/// Turns this worker into a helper.
pub(crate) fn run() {
    let scope: DedicatedWorkerGlobalScope = js_sys::global().unchecked_into();
    let (mut helper, mut words, outside) = (Helper::default(), Vec::new(), scope.clone());
    let heard = Closure::<dyn FnMut(MessageEvent)>::new(move |message: MessageEvent| {
        let Ok(buffer) = message.data().dyn_into::<ArrayBuffer>() else { return };
        read(&buffer, &mut words);
        if let Some(answer) = helper.hear(&words) {
            let buffer = write(answer, Some(buffer));
            let _ = outside.post_message_with_transfer(&buffer, &Array::of1(&buffer));
        }
    });
    scope.set_onmessage(Some(heard.as_ref().unchecked_ref()));
    heard.forget();
    let _ = scope.post_message(&"ready".into());
}

fn read(buffer: &ArrayBuffer, words: &mut Vec<u32>) {
    let view = Uint32Array::new(buffer);
    words.resize(view.length() as usize, 0);
    view.copy_to(words);
}

/// Writes words into a buffer: the spare one if it is large enough. What is behind them means nothing.
fn write(words: &[u32], spare: Option<ArrayBuffer>) -> ArrayBuffer {
    let bytes = words.len() as u32 * 4;
    let buffer =
        spare.filter(|spare| spare.byte_length() >= bytes).unwrap_or_else(|| ArrayBuffer::new(bytes));
    Uint32Array::new_with_byte_offset_and_length(&buffer, 0, words.len() as u32).copy_from(words);
    buffer
}
