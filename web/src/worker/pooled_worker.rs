//! A worker of the pool: it trains a replica of the network on its shard of each batch.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use js_sys::{ArrayBuffer, Reflect};
use trainer::Worker;
use wasm_bindgen::prelude::*;
use web_sys::{DedicatedWorkerGlobalScope, MessageChannel, MessageEvent};

use super::channels::{Channels, Port, on_message};

/// Makes the present worker one of the pool.
pub(crate) fn run() {
    let scope: DedicatedWorkerGlobalScope = js_sys::global().unchecked_into();
    let channels = Rc::new(Channels::new(scope.performance().expect("every worker has a clock")));
    channels.connect(0, scope.clone().unchecked_into());
    let worker = Rc::new(RefCell::new(None::<Worker>));
    let words = Rc::new(RefCell::new(Vec::new()));
    let slices = Slices::new(worker.clone(), channels.clone());
    let handle = {
        let (channels, worker) = (channels.clone(), worker.clone());
        move |from: usize, buffer: ArrayBuffer| {
            channels.receive(from, buffer, &mut words.borrow_mut());
            if let Some(worker) = worker.borrow_mut().as_mut() {
                worker.on_message(from, &mut words.borrow_mut(), &*channels);
            }
            slices.queue();
        }
    };
    on_message(scope.unchecked_ref(), move |message: MessageEvent| {
        let data = match message.data().dyn_into::<ArrayBuffer>() {
            Ok(buffer) => return handle(0, buffer),
            Err(data) => data,
        };
        // The pool sends this worker its rank, and a port to each of the others.
        if let Some(rank) = data.as_f64() {
            *worker.borrow_mut() = Some(Worker::new(rank as u32));
        } else if let (Ok(rank), Ok(port)) =
            (Reflect::get(&data, &"rank".into()), Reflect::get(&data, &"port".into()))
        {
            let (rank, port) = (rank.as_f64().unwrap_or(0.0) as usize, port.unchecked_into::<Port>());
            channels.connect(rank, port.clone());
            let handle = handle.clone();
            on_message(&port, move |message| {
                if let Ok(buffer) = message.data().dyn_into::<ArrayBuffer>() {
                    handle(rank, buffer);
                }
            });
        }
    });
    let _ = scope.post_message(&"ready".into());
}

/// The slices of work that take longer than one message: between two of them, messages are taken.
struct Slices {
    worker: Rc<RefCell<Option<Worker>>>,
    /// The worker posts a message to itself.
    next: MessageChannel,
    queued: Cell<bool>,
}

impl Slices {
    fn new(worker: Rc<RefCell<Option<Worker>>>, channels: Rc<Channels>) -> Rc<Self> {
        let next = MessageChannel::new().expect("every browser with workers has MessageChannel");
        let slices = Rc::new(Self { worker, next, queued: Cell::new(false) });
        let this = slices.clone();
        let slice = Closure::<dyn FnMut()>::new(move || {
            this.queued.set(false);
            if let Some(worker) = this.worker.borrow_mut().as_mut() {
                worker.work(&*channels);
            }
            this.queue();
        });
        slices.next.port1().set_onmessage(Some(slice.as_ref().unchecked_ref()));
        slice.forget();
        slices
    }

    /// Queues the next slice, if there is work to do.
    fn queue(&self) {
        let is_busy = self.worker.borrow().as_ref().is_some_and(Worker::busy);
        if is_busy && !self.queued.replace(true) {
            let _ = self.next.port2().post_message(&JsValue::NULL);
        }
    }
}
