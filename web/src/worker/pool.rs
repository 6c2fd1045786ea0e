//! Helper workers: one for each further core. The trainer's worker starts them and connects each with each other.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use js_sys::{Array, ArrayBuffer, Object, Reflect};
use trainer::Helper;
use wasm_bindgen::prelude::*;
use web_sys::{DedicatedWorkerGlobalScope, MessageChannel, MessageEvent, Worker, WorkerOptions, WorkerType};

use super::channels::{Lines, Port, listen};

/// More than this gain nothing: a batch of 64 is four blocks of work.
const MOST_CORES: usize = 8;

/// Cores that training may use.
pub(super) fn cores(scope: &DedicatedWorkerGlobalScope) -> usize {
    (scope.navigator().hardware_concurrency() as usize).clamp(1, MOST_CORES)
}

/// What the trainer does when its crew changes or speaks.
pub(super) trait Trainer {
    /// There are so many helpers now: cores 1 to this number.
    fn helpers_changed(self: &Rc<Self>, helpers: usize);
    /// A core stopped.
    fn lost(self: &Rc<Self>, core: usize);
    /// A core tells something.
    fn heard(self: &Rc<Self>, core: usize, words: &mut Vec<u32>);
}

/// The helpers of a trainer.
pub(super) struct Helpers {
    base: String,
    glue: String,
    /// The lines to those that are up: cores 1 to `count`.
    pub(super) lines: Rc<Lines>,
    count: Rc<Cell<usize>>,
    wanted: Rc<Cell<usize>>,
}

impl Helpers {
    pub(super) fn new(scope: &DedicatedWorkerGlobalScope, base: &str, glue: String) -> Self {
        let performance = scope.performance().expect("every worker has a clock");
        Self {
            base: base.into(),
            glue,
            lines: Rc::new(Lines::new(performance)),
            count: Rc::default(),
            wanted: Rc::default(),
        }
    }

    /// Helpers that are up.
    pub(super) fn count(&self) -> usize {
        self.count.get()
    }

    /// Starts or stops helpers until there are so many. Those that cannot be started are done without.
    pub(super) fn want(&self, helpers: usize, trainer: &Rc<impl Trainer + 'static>) {
        self.wanted.set(helpers);
        if self.count() > helpers {
            for core in helpers + 1..=self.count.replace(helpers) {
                if let Some(port) = self.lines.disconnect(core) {
                    port.unchecked_into::<Worker>().terminate();
                }
            }
            trainer.helpers_changed(helpers);
        }
        for _ in self.count()..helpers {
            let _ = self.start(trainer.clone());
        }
    }

    fn start(&self, trainer: Rc<impl Trainer + 'static>) -> Result<(), JsValue> {
        let options = WorkerOptions::new();
        options.set_type(WorkerType::Module);
        let worker = Worker::new_with_options(&format!("{}worker.js", self.base), &options)?;
        let (lines, count, wanted) = (self.lines.clone(), self.count.clone(), self.wanted.clone());
        let (number, words) = (Rc::new(Cell::new(0)), RefCell::new(Vec::new()));
        let (owner, this) = (trainer.clone(), worker.clone());
        let core = number.clone();
        listen(worker.unchecked_ref(), move |message: MessageEvent| {
            match message.data().dyn_into::<ArrayBuffer>() {
                Ok(buffer) => {
                    lines.take(core.get(), buffer, &mut words.borrow_mut());
                    owner.heard(core.get(), &mut words.borrow_mut());
                }
                // Its first word is "ready".
                Err(_) if core.get() == 0 && count.get() < wanted.get() => {
                    count.set(count.get() + 1);
                    core.set(count.get());
                    if introduce(&this, core.get(), &lines).is_ok() {
                        owner.helpers_changed(count.get());
                    }
                }
                Err(_) => this.terminate(),
            }
        });
        let failed = Closure::<dyn FnMut()>::new(move || {
            if number.get() > 0 {
                trainer.lost(number.get());
            }
        });
        worker.set_onerror(Some(failed.as_ref().unchecked_ref()));
        failed.forget();
        let start = Object::new();
        Reflect::set(&start, &"glue".into(), &self.glue.as_str().into())?;
        Reflect::set(&start, &"module".into(), &wasm_bindgen::module())?;
        Reflect::set(&start, &"helps".into(), &true.into())?;
        worker.post_message(&start)
    }
}

/// Tells a new helper its number, and connects it with all that are there.
fn introduce(worker: &Worker, core: usize, lines: &Lines) -> Result<(), JsValue> {
    worker.post_message(&(core as u32).into())?;
    for (other, port) in lines.ports() {
        let channel = MessageChannel::new()?;
        for (to, whom, end) in
            [(worker.unchecked_ref(), other, channel.port1()), (&port, core, channel.port2())]
        {
            let message = Object::new();
            Reflect::set(&message, &"core".into(), &(whom as u32).into())?;
            Reflect::set(&message, &"port".into(), &end)?;
            Port::post(to, &message, &Array::of1(&end))?;
        }
    }
    lines.connect(core, worker.clone().unchecked_into());
    Ok(())
}

/// Turns this worker into a helper.
pub(crate) fn run() {
    let scope: DedicatedWorkerGlobalScope = js_sys::global().unchecked_into();
    let lines = Rc::new(Lines::new(scope.performance().expect("every worker has a clock")));
    lines.connect(0, scope.clone().unchecked_into());
    let helper = Rc::new(RefCell::new(None));
    let words = Rc::new(RefCell::new(Vec::new()));
    let hear = {
        let (lines, helper) = (lines.clone(), helper.clone());
        move |from: usize, buffer: ArrayBuffer| {
            lines.take(from, buffer, &mut words.borrow_mut());
            if let Some(helper) = helper.borrow_mut().as_mut() {
                Helper::hear(helper, from, &mut words.borrow_mut(), &*lines);
            }
        }
    };
    listen(scope.unchecked_ref(), move |message: MessageEvent| {
        let data = match message.data().dyn_into::<ArrayBuffer>() {
            Ok(buffer) => return hear(0, buffer),
            Err(data) => data,
        };
        if let Some(number) = data.as_f64() {
            *helper.borrow_mut() = Some(Helper::new(number as u32));
        } else if let (Ok(core), Ok(port)) =
            (Reflect::get(&data, &"core".into()), Reflect::get(&data, &"port".into()))
        {
            let (core, port) = (core.as_f64().unwrap_or(0.0) as usize, port.unchecked_into::<Port>());
            lines.connect(core, port.clone());
            let hear = hear.clone();
            listen(&port, move |message| {
                if let Ok(buffer) = message.data().dyn_into::<ArrayBuffer>() {
                    hear(core, buffer);
                }
            });
        }
    });
    let _ = scope.post_message(&"ready".into());
}
