//! The page's end of the line to the worker.

use std::cell::RefCell;
use std::rc::Rc;

use gloo_events::EventListener;
use js_sys::{ArrayBuffer, Object, Reflect, Uint8Array};
use trainer::messages::{Command, Event, decode, encode};
use wasm_bindgen::prelude::*;
use web_sys::{MessageEvent, Worker, WorkerOptions, WorkerType};

/// Sends commands; those from before the worker is ready wait.
#[derive(Clone)]
pub(crate) struct Bridge {
    worker: Worker,
    waiting: Rc<RefCell<Option<Vec<Command>>>>,
}

impl Bridge {
    /// Starts the worker. `hear` gets all it says, `fail` a sentence when it cannot run.
    pub(crate) fn start(
        hear: impl Fn(Event) + 'static,
        fail: impl Fn(String) + 'static,
    ) -> Result<Self, JsValue> {
        let document = web_sys::window().and_then(|w| w.document()).ok_or("no document")?;
        let base = document.base_uri()?.ok_or("no address")?;
        let base = base.split(['?', '#']).next().unwrap_or_default();
        let folder = &base[..=base.rfind('/').unwrap_or(0)];
        // Trunk preloads the glue of the module: that link is where its hashed name stands.
        let link = document.query_selector("link[rel=modulepreload]")?.ok_or("no glue")?;
        let glue = Reflect::get(&link, &"href".into())?;
        let options = WorkerOptions::new();
        options.set_type(WorkerType::Module);
        let worker = Worker::new_with_options(&format!("{folder}worker.js"), &options)?;

        let waiting = Rc::new(RefCell::new(Some(Vec::new())));
        let bridge = Self { worker: worker.clone(), waiting };
        let this = bridge.clone();
        let heard = Closure::<dyn FnMut(MessageEvent)>::new(move |message: MessageEvent| {
            match message.data().dyn_into::<ArrayBuffer>() {
                Ok(buffer) => {
                    if let Some(event) = decode::<Event>(&Uint8Array::new(&buffer).to_vec()) {
                        hear(event);
                    }
                }
                // Anything else is the word "ready".
                Err(_) => {
                    let waiting = this.waiting.borrow_mut().take();
                    waiting.into_iter().flatten().for_each(|command| this.send(command));
                }
            }
        });
        worker.set_onmessage(Some(heard.as_ref().unchecked_ref()));
        heard.forget();
        let failed = move |_: &_| fail("Training stopped unexpectedly: reload the page to go on.".into());
        EventListener::new(&worker, "error", failed).forget();

        let start = Object::new();
        Reflect::set(&start, &"glue".into(), &glue)?;
        Reflect::set(&start, &"module".into(), &wasm_bindgen::module())?;
        Reflect::set(&start, &"base".into(), &folder.into())?;
        worker.post_message(&start)?;
        Ok(bridge)
    }

    /// Sends a command.
    pub(crate) fn send(&self, command: Command) {
        if let Some(waiting) = self.waiting.borrow_mut().as_mut() {
            waiting.push(command);
            return;
        }
        let buffer = Uint8Array::from(encode(&command).as_slice()).buffer();
        let _ = self.worker.post_message_with_transfer(&buffer, &js_sys::Array::of1(&buffer));
    }
}
