//! Keeps a waiting thread awake, since waking up a thread takes longer than most messages do.

use std::cell::{Cell, OnceCell};
use std::rc::Rc;

use js_sys::{Function, Object, Reflect};
use wasm_bindgen::prelude::*;
use web_sys::Performance;

#[wasm_bindgen]
extern "C" {
    /// Runs a task after all more urgent ones, such as messages. Some browsers lack it.
    #[wasm_bindgen(catch, js_namespace = scheduler, js_name = postTask)]
    fn post_task(task: &Function, options: &Object) -> Result<JsValue, JsValue>;
}

/// How long a core stays awake while it waits for the partial sums of others (ms). A sleeping thread took 45 µs to wake up, and
/// far longer on a busy machine.
const DURATION: f64 = 0.6;

/// Keeps its thread awake by empty background tasks.
pub(super) struct KeepAwake {
    performance: Performance,
    /// When to stop (ms).
    until: Cell<f64>,
    /// Whether a task is queued.
    queued: Cell<bool>,
    task: OnceCell<Closure<dyn FnMut()>>,
    options: Object,
}

impl KeepAwake {
    pub(super) fn new(performance: Performance) -> Rc<Self> {
        let options = Object::new();
        let _ = Reflect::set(&options, &"priority".into(), &"background".into());
        let keep_awake = Rc::new(Self {
            performance,
            until: Cell::default(),
            queued: Cell::default(),
            task: OnceCell::new(),
            options,
        });
        let this = keep_awake.clone();
        keep_awake.task.get_or_init(|| {
            Closure::new(move || {
                this.queued.set(false);
                this.queue();
            })
        });
        keep_awake
    }

    /// Stays awake from now on for [`DURATION`].
    pub(super) fn extend(&self) {
        self.until.set(self.performance.now() + DURATION);
        self.queue();
    }

    fn queue(&self) {
        if let Some(task) = self.task.get()
            && self.performance.now() < self.until.get()
            && !self.queued.replace(true)
        {
            // Where a browser lacks such tasks, `queued` stays set, and no further task is asked for.
            let _ = post_task(task.as_ref().unchecked_ref(), &self.options);
        }
    }
}
