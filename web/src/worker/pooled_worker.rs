//! A worker of the pool: it trains a replica of the network on its shard of each batch.

use std::cell::RefCell;
use std::rc::Rc;

use js_sys::{ArrayBuffer, Reflect};
use trainer::Worker;
use wasm_bindgen::prelude::*;
use web_sys::{DedicatedWorkerGlobalScope, MessageEvent};

use super::channels::{Channels, Port, on_message};

/// Makes the present worker one of the pool.
pub(crate) fn run() {
    let scope: DedicatedWorkerGlobalScope = js_sys::global().unchecked_into();
    let channels = Rc::new(Channels::new(scope.performance().expect("every worker has a clock")));
    channels.connect(0, scope.clone().unchecked_into());
    let worker = Rc::new(RefCell::new(None::<Worker>));
    let words = Rc::new(RefCell::new(Vec::new()));
    let handle = {
        let (channels, worker) = (channels.clone(), worker.clone());
        move |from: usize, buffer: ArrayBuffer| {
            channels.receive(from, buffer, &mut words.borrow_mut());
            if let Some(worker) = worker.borrow_mut().as_mut() {
                worker.on_message(from, &mut words.borrow_mut(), &*channels);
            }
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
