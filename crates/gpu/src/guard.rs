//! Calls of the browser's GPU that may throw.
//!
//! Where a driver has failed, `createBuffer`, `submit` and others throw exceptions, of which wgpu makes panics. Neither may end the
//! worker: a call that throws counts as the loss of the device, and everything that the call was about is dropped.

/// Calls `f`. Returns `None` if it throws.
#[cfg(target_family = "wasm")]
pub(crate) fn attempt<T>(f: impl FnOnce() -> T) -> Option<T> {
    use wasm_bindgen::prelude::*;

    #[wasm_bindgen]
    extern "C" {
        /// JavaScript's way to call a function: here, from where exceptions are caught.
        #[wasm_bindgen(catch, js_namespace = Reflect, js_name = apply)]
        fn apply(f: &mut dyn FnMut(), this: &JsValue, arguments: &js_sys::Array) -> Result<JsValue, JsValue>;
    }

    let (mut f, mut result) = (Some(f), None);
    let mut call = || {
        if let Some(f) = f.take() {
            result = Some(f());
        }
    };
    apply(&mut call, &JsValue::NULL, &js_sys::Array::new()).ok()?;
    result
}

/// Natively, nothing throws.
#[cfg(not(target_family = "wasm"))]
pub(crate) fn attempt<T>(f: impl FnOnce() -> T) -> Option<T> {
    Some(f())
}

/// Resolves to what `future` resolves to, or to `None` if it throws on the way. What a future that has thrown holds is never dropped,
/// since it may be in use.
pub async fn guarded<T>(future: impl Future<Output = T>) -> Option<T> {
    use std::task::Poll;
    let mut running = Some(Box::pin(future));
    std::future::poll_fn(|context| {
        let Some(future) = &mut running else { return Poll::Ready(None) };
        match attempt(|| future.as_mut().poll(context)) {
            Some(poll) => poll.map(Some),
            None => {
                std::mem::forget(running.take());
                Poll::Ready(None)
            }
        }
    })
    .await
}
