//! The message channel to the worker.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use gloo_events::EventListener;
use gloo_timers::callback::Timeout;
use js_sys::{Array, Object, Reflect, Uint8Array};
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
pub(super) const STILL_LOADING: &str = "Still loading worker.js, which reads drawings and trains: the connection is slow or stands still. If it does not come, reload the page.";

#[wasm_bindgen]
extern "C" {
    /// Why a file of the page did not load, as a sentence (`start.js`).
    #[wasm_bindgen(catch, js_namespace = pageStart, js_name = explain)]
    async fn explain(address: &str) -> Result<JsValue, JsValue>;
    /// Shows a line above the page, with a button that reloads it (`start.js`).
    #[wasm_bindgen(js_namespace = pageStart)]
    pub(super) fn note(sentence: &str, role: &str);
}

/// How far the worker's start has come.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Start {
    Loading,
    Failed,
    Done,
}

/// What becomes of the worker.
pub(super) enum State {
    /// It keeps the page waiting.
    Late,
    /// It handles commands.
    Ready,
    /// It did not start, or a fault has stopped it: why, in a sentence.
    Stopped(String),
}

/// The channel to the worker. It queues commands until the worker is ready.
#[derive(Clone)]
pub(crate) struct Bridge {
    worker: Worker,
    start: Rc<Cell<Start>>,
    queued: Rc<RefCell<Vec<Command>>>,
}

impl Bridge {
    /// Starts the worker. Its events go to `on_event`, and what becomes of it to `on_state`.
    pub(crate) fn start(
        on_event: impl Fn(Event) + 'static,
        on_state: impl Fn(State) + 'static,
    ) -> Result<Self, JsValue> {
        let document = web_sys::window().and_then(|w| w.document()).ok_or("no document")?;
        let base = document.base_uri()?.ok_or("no address")?;
        let base = base.split(['?', '#']).next().unwrap_or_default();
        let folder = base.rsplit_once('/').map_or_else(|| "/".to_owned(), |(folder, _)| format!("{folder}/"));
        // Only the link by which Trunk preloads the module's glue has its hashed name.
        let link = document.query_selector("link[rel=modulepreload]")?.ok_or("no glue")?;
        let glue = Reflect::get(&link, &"href".into())?;
        let worker = new_worker(&folder)?;

        let start = Rc::new(Cell::new(Start::Loading));
        let bridge = Self { worker: worker.clone(), start: start.clone(), queued: Rc::default() };
        let on_state = Rc::new(on_state);
        let (at, on_late) = (start.clone(), on_state.clone());
        let late = move || {
            if at.get() == Start::Loading {
                on_late(State::Late);
            }
        };
        Timeout::new(PATIENCE, late).forget();
        let this = bridge.clone();
        let (at, on_ready) = (start.clone(), on_state.clone());
        let on_message = Closure::<dyn FnMut(MessageEvent)>::new(move |message: MessageEvent| {
            match message.data().dyn_into::<Array>() {
                Ok(events) => {
                    let bytes = events.iter().map(|event| Uint8Array::new(&event).to_vec());
                    bytes.filter_map(|bytes| decode::<Event>(&bytes)).for_each(&on_event);
                }
                // The only other message is the word "ready".
                Err(_) => {
                    at.set(Start::Done);
                    on_ready(State::Ready);
                    this.queued.take().into_iter().for_each(|command| this.send(command));
                }
            }
        });
        worker.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        on_message.forget();
        let script = format!("{folder}worker.js");
        let on_error = move |_: &_| {
            if start.get() == Start::Done {
                return on_state(State::Stopped(STOPPED.into()));
            }
            start.set(Start::Failed);
            let (script, on_state) = (script.clone(), on_state.clone());
            spawn_local(async move {
                let reason = explain(&script).await.ok().and_then(|reason| reason.as_string());
                on_state(State::Stopped(format!(
                    "Nothing can be read or trained. {}",
                    reason.unwrap_or_default()
                )));
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

    /// Sends a command, or queues it until the worker is ready. A worker that did not start gets none.
    pub(crate) fn send(&self, command: Command) {
        match self.start.get() {
            Start::Loading => return self.queued.borrow_mut().push(command),
            Start::Failed => return,
            Start::Done => {}
        }
        let buffer = Uint8Array::from(encode(&command).as_slice()).buffer();
        let _ = self.worker.post_message_with_transfer(&buffer, &Array::of1(&buffer));
    }
}
