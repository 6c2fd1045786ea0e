//! The message channel to the worker.

use std::cell::RefCell;
use std::rc::Rc;

use gloo_events::EventListener;
use js_sys::{ArrayBuffer, Object, Reflect, Uint8Array};
use trainer::messages::{Command, Event, decode, encode};
use wasm_bindgen::prelude::*;
use web_sys::{MessageEvent, Worker, WorkerOptions, WorkerType};

/// The channel to the worker. It queues commands until the worker is ready.
#[derive(Clone)]
pub(crate) struct Bridge {
    worker: Worker,
    queued: Rc<RefCell<Option<Vec<Command>>>>,
}

impl Bridge {
    /// Starts the worker. Its events go to `on_event`; if it stops, a sentence goes to `on_failure`.
    pub(crate) fn start(
        on_event: impl Fn(Event) + 'static,
        on_failure: impl Fn(String) + 'static,
    ) -> Result<Self, JsValue> {
        let document = web_sys::window().and_then(|w| w.document()).ok_or("no document")?;
        let base = document.base_uri()?.ok_or("no address")?;
        let base = base.split(['?', '#']).next().unwrap_or_default();
        let folder = &base[..=base.rfind('/').unwrap_or(0)];
        // Only the link by which Trunk preloads the module's glue has its hashed name.
        let link = document.query_selector("link[rel=modulepreload]")?.ok_or("no glue")?;
        let glue = Reflect::get(&link, &"href".into())?;
        let options = WorkerOptions::new();
        options.set_type(WorkerType::Module);
        let worker = Worker::new_with_options(&format!("{folder}worker.js"), &options)?;

        let bridge = Self { worker: worker.clone(), queued: Rc::new(RefCell::new(Some(Vec::new()))) };
        let this = bridge.clone();
        let on_message = Closure::<dyn FnMut(MessageEvent)>::new(move |message: MessageEvent| {
            match message.data().dyn_into::<ArrayBuffer>() {
                Ok(buffer) => {
                    if let Some(event) = decode::<Event>(&Uint8Array::new(&buffer).to_vec()) {
                        on_event(event);
                    }
                }
                // The only other message is the word "ready".
                Err(_) => {
                    let queued = this.queued.borrow_mut().take();
                    queued.into_iter().flatten().for_each(|command| this.send(command));
                }
            }
        });
        worker.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        on_message.forget();
        let on_error =
            move |_: &_| on_failure("Training stopped unexpectedly: reload the page to go on.".into());
        EventListener::new(&worker, "error", on_error).forget();

        let start = Object::new();
        Reflect::set(&start, &"glue".into(), &glue)?;
        Reflect::set(&start, &"module".into(), &wasm_bindgen::module())?;
        Reflect::set(&start, &"base".into(), &folder.into())?;
        worker.post_message(&start)?;
        Ok(bridge)
    }

    /// Sends a command, or queues it until the worker is ready.
    pub(crate) fn send(&self, command: Command) {
        if let Some(queued) = self.queued.borrow_mut().as_mut() {
            queued.push(command);
            return;
        }
        let buffer = Uint8Array::from(encode(&command).as_slice()).buffer();
        let _ = self.worker.post_message_with_transfer(&buffer, &js_sys::Array::of1(&buffer));
    }
}
