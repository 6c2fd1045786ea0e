//! The worker that runs the session: it handles commands, works in slices between them, and sends events.

use std::cell::{Cell, RefCell, RefMut};
use std::rc::Rc;

use js_sys::Uint8Array;
use trainer::Session;
use trainer::messages::{Command, Event, encode};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::spawn_local;
use web_sys::{DedicatedWorkerGlobalScope, MessageChannel};

use super::pool::{self, WorkerPool};
use super::storage::{self, Keeper};

/// Milliseconds between two looks at whether the GPU and the workers answer.
const TICK_MS: u32 = 200;

pub(super) struct SessionWorker {
    scope: DedicatedWorkerGlobalScope,
    session: RefCell<Session>,
    pool: WorkerPool,
    keeper: Keeper,
    /// The worker posts a message to itself: the next slice of work runs after all commands that are queued by then.
    next_slice: MessageChannel,
    slice_queued: Cell<bool>,
    /// Whether a task waits for the GPU.
    gpu_awaited: Cell<bool>,
    /// Whether the clock ticks.
    ticking: Cell<bool>,
}

impl SessionWorker {
    /// A worker that uses all cores. `base` is the address of the page's folder, `glue` that of the module's JavaScript.
    pub(super) fn new(scope: DedicatedWorkerGlobalScope, base: &str, glue: String) -> Rc<Self> {
        let worker = Rc::new(Self {
            pool: WorkerPool::new(&scope, base, glue),
            keeper: Keeper::new(scope.clone()),
            scope,
            session: RefCell::default(),
            next_slice: MessageChannel::new().expect("every browser with workers has MessageChannel"),
            slice_queued: Cell::new(false),
            gpu_awaited: Cell::new(false),
            ticking: Cell::new(false),
        });
        let this = worker.clone();
        let slice = Closure::<dyn FnMut()>::new(move || {
            this.slice_queued.set(false);
            let events = this.session().work(&*this.pool.channels);
            this.send(events);
            this.proceed();
        });
        worker.next_slice.port1().set_onmessage(Some(slice.as_ref().unchecked_ref()));
        slice.forget();
        worker.use_cores(pool::core_count(&worker.scope));
        worker
    }

    pub(super) fn scope(&self) -> &DedicatedWorkerGlobalScope {
        &self.scope
    }

    pub(super) fn session(&self) -> RefMut<'_, Session> {
        self.session.borrow_mut()
    }

    /// Handles a command of the page.
    pub(super) fn handle(self: &Rc<Self>, command: Command) {
        match &command {
            Command::UseCores(cores) => self.use_cores(*cores),
            Command::OpenStorage { session, before, left } => {
                self.keeper.open(self, session.clone(), before.clone(), left.clone());
            }
            // It is stored beside the run.
            Command::KeepView { view, at_once } => {
                self.keeper.keep_view((**view).clone(), *at_once);
                return self.proceed();
            }
            _ => {}
        }
        let events = self.session().handle(command);
        self.send(events);
        self.proceed();
    }

    fn use_cores(self: &Rc<Self>, cores: usize) {
        self.pool.resize(cores.saturating_sub(1), self);
    }

    /// Sends events to the page, in one message: as two, a report and its snapshot were painted one after the other in every other
    /// frame.
    pub(super) fn send(&self, events: Vec<Event>) {
        if events.is_empty() {
            return;
        }
        let buffers: js_sys::Array =
            events.iter().map(|event| Uint8Array::from(encode(event).as_slice()).buffer()).collect();
        let _ = self.scope.post_message_with_transfer(&buffers, &buffers);
    }

    /// To be called after each change of the session: queues the next slice, if there is work to do.
    pub(super) fn proceed(self: &Rc<Self>) {
        self.poll_gpu();
        self.keeper.poll(self);
        if self.session().busy() {
            self.queue_slice();
        }
        if self.session().needs_ticks() && !self.ticking.replace(true) {
            let worker = self.clone();
            spawn_local(async move {
                gloo_timers::future::TimeoutFuture::new(TICK_MS).await;
                worker.ticking.set(false);
                let events = worker.session().tick(&*worker.pool.channels);
                worker.send(events);
                worker.proceed();
            });
        }
    }

    fn queue_slice(&self) {
        if !self.slice_queued.replace(true) {
            let _ = self.next_slice.port2().post_message(&JsValue::NULL);
        }
    }

    /// Builds the GPU objects that the session asks for, and awaits their results, while the session goes on.
    fn poll_gpu(self: &Rc<Self>) {
        let request = self.session().gpu_request();
        if let Some(request) = request {
            let worker = self.clone();
            spawn_local(async move {
                let built = request.build().await;
                let events = worker.session().gpu_built(built);
                worker.send(events);
                worker.queue_slice();
            });
        }
        let next = self.session().gpu_next();
        if let Some(next) = next
            && !self.gpu_awaited.replace(true)
        {
            let worker = self.clone();
            spawn_local(async move {
                next.await;
                worker.gpu_awaited.set(false);
                worker.queue_slice();
            });
        }
    }
}

impl storage::Owner for SessionWorker {
    fn session(&self) -> RefMut<'_, Session> {
        self.session()
    }

    fn keeper(&self) -> &Keeper {
        &self.keeper
    }

    fn send(&self, events: Vec<Event>) {
        self.send(events);
    }
}

impl pool::Owner for SessionWorker {
    fn resized(self: &Rc<Self>, workers: usize) {
        let events = self.session().set_workers(workers);
        self.send(events);
        self.proceed();
    }

    fn worker_lost(self: &Rc<Self>, rank: usize) {
        let events = self.session().lose_worker(rank);
        self.send(events);
        self.proceed();
    }

    fn message(self: &Rc<Self>, rank: usize, words: &mut Vec<u32>) {
        let events = self.session().on_message(rank, words, &*self.pool.channels);
        self.send(events);
        self.proceed();
    }
}
