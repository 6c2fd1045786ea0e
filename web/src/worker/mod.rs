//! The worker's thin entry: carries messages, and keeps the session working.

mod bench;
mod channels;
mod dataset;
mod pool;

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use js_sys::{ArrayBuffer, Uint8Array};
use trainer::Session;
use trainer::messages::{Command, Event, decode, encode};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::spawn_local;
use web_sys::{DedicatedWorkerGlobalScope, MessageChannel, MessageEvent};

pub(crate) use bench::run as run_bench;
use pool::Helpers;
pub(crate) use pool::run as run_helper;

struct Worker {
    scope: DedicatedWorkerGlobalScope,
    session: RefCell<Session>,
    helpers: Helpers,
    download: dataset::State,
    /// A message to ourselves: the next slice of work comes behind the commands that wait by then.
    again: MessageChannel,
    awake: RefCell<bool>,
    /// Somebody waits for the GPU.
    gpu_awaited: Cell<bool>,
}

/// Starts the trainer. `base` is the address that the page's files are relative to, `glue` that of the module's glue.
pub(crate) fn run(base: String, glue: String) {
    let scope: DedicatedWorkerGlobalScope = js_sys::global().unchecked_into();
    let again = MessageChannel::new().expect("every browser with workers has MessageChannel");
    let worker = Rc::new(Worker {
        helpers: Helpers::new(&scope, &base, glue),
        scope: scope.clone(),
        session: RefCell::default(),
        download: dataset::State::default(),
        again,
        awake: RefCell::new(false),
        gpu_awaited: Cell::new(false),
    });
    let w = worker.clone();
    let heard = Closure::<dyn FnMut(MessageEvent)>::new({
        let base = base.clone();
        move |message: MessageEvent| {
            let Ok(buffer) = message.data().dyn_into::<ArrayBuffer>() else { return };
            let Some(command) = decode::<Command>(&Uint8Array::new(&buffer).to_vec()) else { return };
            match command {
                Command::RetryDownload => spawn_local(dataset::mnist(w.clone(), base.clone())),
                Command::UseCores(cores) => w.helpers.want(cores.saturating_sub(1), &w),
                _ => {}
            }
            let events = w.session.borrow_mut().handle(command);
            w.tell(events);
            w.wake();
        }
    });
    scope.set_onmessage(Some(heard.as_ref().unchecked_ref()));
    heard.forget();
    let w = worker.clone();
    let slice = Closure::<dyn FnMut()>::new(move || {
        *w.awake.borrow_mut() = false;
        let events = w.session.borrow_mut().work(&*w.helpers.lines);
        w.tell(events);
        w.wake();
    });
    worker.again.port1().set_onmessage(Some(slice.as_ref().unchecked_ref()));
    slice.forget();
    worker.helpers.want(pool::cores(&scope) - 1, &worker);
    spawn_local(dataset::checkpoint(worker.clone(), base.clone()));
    spawn_local(dataset::mnist(worker, base));
    let _ = scope.post_message(&"ready".into());
}

impl Worker {
    fn tell(&self, events: Vec<Event>) {
        for event in events {
            let buffer = Uint8Array::from(encode(&event).as_slice()).buffer();
            let _ = self.scope.post_message_with_transfer(&buffer, &js_sys::Array::of1(&buffer));
        }
    }

    /// After anything that the session was told or did: sees to it that it goes on.
    fn wake(self: &Rc<Self>) {
        self.tend_gpu();
        if self.session.borrow().busy() {
            self.call_again();
        }
    }

    fn call_again(&self) {
        if !self.awake.replace(true) {
            let _ = self.again.port2().post_message(&JsValue::NULL);
        }
    }

    /// Builds what the session wants of a GPU, and waits for what comes back from it, while the session goes on.
    fn tend_gpu(self: &Rc<Self>) {
        let request = self.session.borrow_mut().gpu_request();
        if let Some(request) = request {
            let worker = self.clone();
            spawn_local(async move {
                let built = request.build().await;
                let events = worker.session.borrow_mut().gpu_built(built);
                worker.tell(events);
                worker.call_again();
            });
        }
        let next = self.session.borrow().gpu_next();
        if let Some(next) = next
            && !self.gpu_awaited.replace(true)
        {
            let worker = self.clone();
            spawn_local(async move {
                next.await;
                worker.gpu_awaited.set(false);
                worker.call_again();
            });
        }
    }
}

impl pool::Trainer for Worker {
    fn helpers_changed(self: &Rc<Self>, helpers: usize) {
        let events = self.session.borrow_mut().set_helpers(helpers);
        self.tell(events);
        self.wake();
    }

    fn lost(self: &Rc<Self>, core: usize) {
        let events = self.session.borrow_mut().lose_core(core);
        self.tell(events);
        self.wake();
    }

    fn heard(self: &Rc<Self>, core: usize, words: &mut Vec<u32>) {
        let events = self.session.borrow_mut().hear(core, words, &*self.helpers.lines);
        self.tell(events);
        self.wake();
    }
}
