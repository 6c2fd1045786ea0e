//! Keeps the screen awake.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use gloo_events::EventListener;
use leptos::prelude::*;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{EventTarget, Navigator};

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(extends = Navigator)]
    type WakeLockNavigator;

    /// Pages from plain http hosts and older browsers lack it.
    #[wasm_bindgen(method, getter, js_name = wakeLock)]
    fn wake_lock(this: &WakeLockNavigator) -> Option<WakeLock>;

    type WakeLock;

    #[wasm_bindgen(method, catch)]
    fn request(this: &WakeLock, kind: &str) -> Result<js_sys::Promise, JsValue>;

    #[wasm_bindgen(extends = EventTarget)]
    #[derive(Clone, PartialEq)]
    type Sentinel;

    #[wasm_bindgen(method, catch)]
    fn release(this: &Sentinel) -> Result<js_sys::Promise, JsValue>;
}

/// A lock that is held while it is needed and the page is visible.
#[derive(Clone, Default)]
struct Lock {
    is_needed: Rc<Cell<bool>>,
    is_requested: Rc<Cell<bool>>,
    held: Rc<RefCell<Option<Sentinel>>>,
}

/// Keeps the screen awake while the reactive function `is_needed` says so, where the browser can.
pub(crate) fn keep_screen_awake(is_needed: impl Fn() -> bool + 'static) {
    let lock = Lock::default();
    let on_need = lock.clone();
    Effect::new(move |_| {
        on_need.is_needed.set(is_needed());
        on_need.update();
    });
    let _ = window_event_listener_untyped("visibilitychange", move |_| lock.update());
}

impl Lock {
    /// Holds the lock until the browser takes it back: when the page is hidden, or to save power. It is asked again when the page is
    /// shown or training begins.
    fn hold(&self, sentinel: Sentinel) {
        let (held, released) = (self.held.clone(), sentinel.clone());
        EventListener::once(&sentinel, "release", move |_| {
            held.replace_with(|held| held.take().filter(|held| *held != released));
        })
        .forget();
        *self.held.borrow_mut() = Some(sentinel);
    }

    /// Requests the lock if it is needed, or releases it.
    fn update(&self) {
        if !self.is_needed.get() {
            if let Some(held) = self.held.take() {
                let _ = held.release();
            }
            return;
        }
        if document().hidden() || self.held.borrow().is_some() || self.is_requested.get() {
            return;
        }
        let navigator = window().navigator();
        let Some(wake_lock) = navigator.unchecked_ref::<WakeLockNavigator>().wake_lock() else { return };
        let Ok(request) = wake_lock.request("screen") else { return };
        self.is_requested.set(true);
        let this = self.clone();
        spawn_local(async move {
            let answer = JsFuture::from(request).await;
            this.is_requested.set(false);
            // Browsers refuse it where the battery is low, and that is theirs to decide.
            if let Ok(sentinel) = answer {
                this.hold(sentinel.unchecked_into());
                this.update();
            }
        });
    }
}
