//! The pool of further workers, one for each further core. The worker of the session starts them and connects them with each
//! other.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use js_sys::{Array, ArrayBuffer, Object, Reflect};
use wasm_bindgen::prelude::*;
use web_sys::{DedicatedWorkerGlobalScope, Event, MessageChannel, MessageEvent, Worker};

use super::channels::{Channels, Port, on_message};
use crate::new_worker::new_worker;

/// More cores gain nothing: a batch of 64 is four blocks of work.
const MAX_CORES: usize = 8;

/// Cores that training may use.
pub(super) fn core_count(scope: &DedicatedWorkerGlobalScope) -> usize {
    (scope.navigator().hardware_concurrency() as usize).clamp(1, MAX_CORES)
}

/// What the owner of a pool does when it changes, and with its messages.
pub(super) trait Owner {
    /// The pool has this many workers: ranks 1 to this number.
    fn resized(self: &Rc<Self>, workers: usize);
    /// A worker stopped by an error.
    fn worker_lost(self: &Rc<Self>, rank: usize);
    /// A worker sent a message.
    fn message(self: &Rc<Self>, rank: usize, words: &mut Vec<u32>);
}

/// The workers of ranks 1 and up; their owner has rank 0.
pub(super) struct WorkerPool {
    base: String,
    glue: String,
    /// The channels of the owner to the workers that are ready.
    pub(super) channels: Rc<Channels>,
    /// Workers that are ready.
    ready: Rc<Cell<usize>>,
    /// Workers that there should be.
    target: Rc<Cell<usize>>,
}

impl WorkerPool {
    /// An empty pool. `base` is the address of the page's folder, `glue` that of the module's JavaScript.
    pub(super) fn new(scope: &DedicatedWorkerGlobalScope, base: &str, glue: String) -> Self {
        let performance = scope.performance().expect("every worker has a clock");
        Self {
            base: base.into(),
            glue,
            channels: Rc::new(Channels::new(performance)),
            ready: Rc::default(),
            target: Rc::default(),
        }
    }

    /// The number of workers that are ready.
    pub(super) fn len(&self) -> usize {
        self.ready.get()
    }

    /// Starts or stops workers until the pool has `workers` of them. A worker that cannot be started is left out.
    pub(super) fn resize(&self, workers: usize, owner: &Rc<impl Owner + 'static>) {
        self.target.set(workers);
        if self.len() > workers {
            for rank in workers + 1..=self.ready.replace(workers) {
                if let Some(port) = self.channels.disconnect(rank) {
                    port.unchecked_into::<Worker>().terminate();
                }
            }
            owner.resized(workers);
        }
        for _ in self.len()..workers {
            let _ = self.start(owner.clone());
        }
    }

    fn start(&self, owner: Rc<impl Owner + 'static>) -> Result<(), JsValue> {
        let worker = new_worker(&self.base)?;
        // 0 until the worker is ready.
        let rank = Rc::new(Cell::new(0));
        on_message(worker.unchecked_ref(), self.message_handler(worker.clone(), rank.clone(), owner.clone()));
        let failed = Closure::<dyn FnMut(Event)>::new(move |error: Event| {
            // An error that nobody handles goes on to the page, which would take it for one of the session.
            error.prevent_default();
            if rank.get() > 0 {
                owner.worker_lost(rank.get());
            }
        });
        worker.set_onerror(Some(failed.as_ref().unchecked_ref()));
        failed.forget();
        let start = Object::new();
        Reflect::set(&start, &"glue".into(), &self.glue.as_str().into())?;
        Reflect::set(&start, &"module".into(), &wasm_bindgen::module())?;
        Reflect::set(&start, &"pooled".into(), &true.into())?;
        worker.post_message(&start)
    }

    /// Handles the messages of one worker: "ready" first, then those of the group.
    fn message_handler(
        &self,
        worker: Worker,
        rank: Rc<Cell<usize>>,
        owner: Rc<impl Owner + 'static>,
    ) -> impl FnMut(MessageEvent) + 'static {
        let (channels, ready, target) = (self.channels.clone(), self.ready.clone(), self.target.clone());
        let words = RefCell::new(Vec::new());
        move |message| match message.data().dyn_into::<ArrayBuffer>() {
            Ok(buffer) => {
                channels.receive(rank.get(), buffer, &mut words.borrow_mut());
                owner.message(rank.get(), &mut words.borrow_mut());
            }
            Err(_) if rank.get() == 0 && ready.get() < target.get() => {
                ready.set(ready.get() + 1);
                rank.set(ready.get());
                if connect(&worker, rank.get(), &channels).is_ok() {
                    owner.resized(ready.get());
                }
            }
            Err(_) => worker.terminate(),
        }
    }
}

/// Sends a new worker its rank, and connects it with all others.
fn connect(worker: &Worker, rank: usize, channels: &Channels) -> Result<(), JsValue> {
    worker.post_message(&(rank as u32).into())?;
    for (other, port) in channels.ports() {
        let channel = MessageChannel::new()?;
        for (to, peer, end) in
            [(worker.unchecked_ref(), other, channel.port1()), (&port, rank, channel.port2())]
        {
            let message = Object::new();
            Reflect::set(&message, &"rank".into(), &(peer as u32).into())?;
            Reflect::set(&message, &"port".into(), &end)?;
            Port::post(to, &message, &Array::of1(&end))?;
        }
    }
    channels.connect(rank, worker.clone().unchecked_into());
    Ok(())
}
