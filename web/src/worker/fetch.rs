//! Files from the network: fetched, retried, unzipped.

use js_sys::Uint8Array;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{DedicatedWorkerGlobalScope, ReadableStream, Response, WritableStream};

/// Attempts before a download counts as failed.
pub(super) const ATTEMPTS: u32 = 4;

#[wasm_bindgen]
extern "C" {
    // web-sys has it only behind its flag for unstable APIs; every browser has had it since 2023.
    type DecompressionStream;
    #[wasm_bindgen(constructor, catch)]
    fn new(format: &str) -> Result<DecompressionStream, JsValue>;
    #[wasm_bindgen(method, getter)]
    fn readable(this: &DecompressionStream) -> ReadableStream;
    #[wasm_bindgen(method, getter)]
    fn writable(this: &DecompressionStream) -> WritableStream;
}

/// The response of an address.
///
/// # Errors
/// If there is no connection, or the status is no success.
pub(super) async fn fetch(scope: &DedicatedWorkerGlobalScope, url: &str) -> Result<Response, JsValue> {
    let response: Response = JsFuture::from(scope.fetch_with_str(url)).await?.dyn_into()?;
    if response.ok() { Ok(response) } else { Err(format!("HTTP {}", response.status()).into()) }
}

/// The bytes at an address.
///
/// # Errors
/// As [`fetch`].
pub(super) async fn fetch_bytes(scope: &DedicatedWorkerGlobalScope, url: &str) -> Result<Vec<u8>, JsValue> {
    body(&fetch(scope, url).await?).await
}

/// As [`fetch_bytes`], with [`ATTEMPTS`] attempts.
///
/// # Errors
/// That of the last attempt.
pub(super) async fn fetch_with_retries(
    scope: &DedicatedWorkerGlobalScope,
    url: &str,
) -> Result<Vec<u8>, JsValue> {
    for attempt in 0.. {
        match fetch_bytes(scope, url).await {
            Err(_) if attempt + 1 < ATTEMPTS => back_off(attempt).await,
            result => return result,
        }
    }
    unreachable!("the loop returns at the last attempt")
}

/// Waits after a failed attempt, twice as long as after the one before.
pub(super) async fn back_off(attempt: u32) {
    gloo_timers::future::TimeoutFuture::new(250 << attempt).await;
}

/// The bytes of a response.
///
/// # Errors
/// If the connection breaks.
pub(super) async fn body(response: &Response) -> Result<Vec<u8>, JsValue> {
    Ok(Uint8Array::new(&JsFuture::from(response.array_buffer()?).await?).to_vec())
}

/// Unzips gzip.
///
/// # Errors
/// If the bytes are no gzip.
pub(super) async fn gunzip(bytes: &[u8]) -> Result<Vec<u8>, JsValue> {
    let zipped = Response::new_with_opt_js_u8_array(Some(&Uint8Array::from(bytes)))?;
    let stream = zipped.body().ok_or("no body")?;
    let gzip = DecompressionStream::new("gzip")?;
    let unzip = web_sys::ReadableWritablePair::new(&gzip.readable(), &gzip.writable());
    let raw = stream.pipe_through(&unzip);
    body(&Response::new_with_opt_readable_stream(Some(&raw))?).await
}
