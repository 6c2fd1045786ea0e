//! The message channel to the worker.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use gloo_events::EventListener;
use gloo_timers::callback::Timeout;
use js_sys::{ArrayBuffer, Object, Reflect, Uint8Array};
use trainer::messages::{Command, Event, decode, encode};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::spawn_local;
use web_sys::{MessageEvent, Worker};

use crate::client::memory;
use crate::new_worker::new_worker;

/// After this time the page says that it waits for the worker (ms).
const PATIENCE: u32 = 3000;
/// A fault in the worker, as in the page itself (`start.js`), costs what it was doing, not what it has kept.
const STOPPED: &str = "Training stopped unexpectedly. Reload to go on; what was trained is kept.";
const STILL_LOADING: &str = "Still loading worker.js, which reads drawings and trains: the connection is slow or stands still. If it does not come, reload the page.";

#[wasm_bindgen]
extern "C" {
    /// Why a file of the page did not load, as a sentence (`start.js`).
    #[wasm_bindgen(catch, js_namespace = pageStart, js_name = explain)]
    async fn explain(address: &str) -> Result<JsValue, JsValue>;
    /// Shows a line above the page, with a button that reloads it (`start.js`).
    #[wasm_bindgen(js_namespace = pageStart)]
    fn note(sentence: &str, role: &str);
}

/// How far the worker's start has come.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Start {
    Loading,
    /// The page has said that it waits.
    Late,
    Failed,
    Done,
}

/// The channel to the worker. It queues commands until the worker is ready.
#[derive(Clone)]
pub(crate) struct Bridge {
    worker: Worker,
    queued: Rc<RefCell<Option<Vec<Command>>>>,
}

impl Bridge {
    /// Starts the worker. Its events go to `on_event`. If it stops or keeps the page waiting, a sentence goes to `on_problem`, and
    /// `None` once it is there after all.
    pub(crate) fn start(
        on_event: impl Fn(Event) + 'static,
        on_problem: impl Fn(Option<String>) + 'static,
    ) -> Result<Self, JsValue> {
        let document = web_sys::window().and_then(|w| w.document()).ok_or("no document")?;
        let base = document.base_uri()?.ok_or("no address")?;
        let base = base.split(['?', '#']).next().unwrap_or_default();
        let folder = base.rsplit_once('/').map_or_else(|| "/".to_owned(), |(folder, _)| format!("{folder}/"));
        // Only the link by which Trunk preloads the module's glue has its hashed name.
        let link = document.query_selector("link[rel=modulepreload]")?.ok_or("no glue")?;
        let glue = Reflect::get(&link, &"href".into())?;
        let worker = new_worker(&folder)?;

        let bridge = Self { worker: worker.clone(), queued: Rc::new(RefCell::new(Some(Vec::new()))) };
        let on_problem = Rc::new(on_problem);
        let start = Rc::new(Cell::new(Start::Loading));
        let (state, on_late) = (start.clone(), on_problem.clone());
        let late = move || {
            if state.get() == Start::Loading {
                state.set(Start::Late);
                on_late(Some(STILL_LOADING.into()));
            }
        };
        Timeout::new(PATIENCE, late).forget();
        let this = bridge.clone();
        let (state, on_ready) = (start.clone(), on_problem.clone());
        let on_message = Closure::<dyn FnMut(MessageEvent)>::new(move |message: MessageEvent| {
            match message.data().dyn_into::<ArrayBuffer>() {
                Ok(buffer) => {
                    if let Some(event) = decode::<Event>(&Uint8Array::new(&buffer).to_vec()) {
                        on_event(event);
                    }
                }
                // The only other message is the word "ready".
                Err(_) => {
                    if state.replace(Start::Done) == Start::Late {
                        on_ready(None);
                    }
                    let queued = this.queued.borrow_mut().take();
                    queued.into_iter().flatten().for_each(|command| this.send(command));
                }
            }
        });
        worker.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        on_message.forget();
        let (state, script) = (start, format!("{folder}worker.js"));
        let on_error = move |_: &_| {
            if state.get() == Start::Done {
                note(STOPPED, "alert");
                return;
            }
            state.set(Start::Failed);
            let (script, on_problem) = (script.clone(), on_problem.clone());
            spawn_local(async move {
                let reason = explain(&script).await.ok().and_then(|reason| reason.as_string());
                on_problem(Some(format!("Nothing can be read or trained. {}", reason.unwrap_or_default())));
            });
        };
        EventListener::new(&worker, "error", on_error).forget();

        let start = Object::new();
        Reflect::set(&start, &"glue".into(), &glue)?;
        Reflect::set(&start, &"module".into(), &wasm_bindgen::module())?;
        Reflect::set(&start, &"base".into(), &folder.as_str().into())?;
        Reflect::set(&start, &"memory".into(), &(memory::budget() as f64).into())?;
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
