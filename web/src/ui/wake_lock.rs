//! Keeps the screen awake.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use leptos::prelude::*;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::Navigator;

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
    // The browser takes the lock back when the page is hidden.
    let _ = window_event_listener_untyped("visibilitychange", move |_| {
        if document().hidden() {
            lock.held.take();
        }
        lock.update();
    });
}

impl Lock {
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
                *this.held.borrow_mut() = Some(sentinel.unchecked_into());
                this.update();
            }
        });
    }
}
