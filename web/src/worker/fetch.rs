//! Files from the network: fetched, retried, unzipped. Nothing is waited for without an end, and nothing is larger than it is said
//! to be.

use js_sys::{Array, Promise, Reflect, Uint8Array};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::{JsFuture, future_to_promise};
use web_sys::{
    DedicatedWorkerGlobalScope, ReadableStream, ReadableStreamDefaultReader, Response, WritableStream,
};

/// Attempts before a download counts as failed. One that stands still counts as two.
const ATTEMPTS: u32 = 4;
/// Milliseconds without a byte after which a download stands still.
const STALL_MS: u32 = 5_000;
/// What a download that stands still fails with.
const STALLED: &str = "stalled";

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

/// What a promise resolves to.
///
/// # Errors
/// What it rejects with, or [`STALLED`] if it does neither within `ms` milliseconds.
pub(super) async fn within(promise: &Promise, ms: u32) -> Result<JsValue, JsValue> {
    let timeout = future_to_promise(async move {
        gloo_timers::future::TimeoutFuture::new(ms).await;
        Err(STALLED.into())
    });
    JsFuture::from(Promise::race(&Array::of2(promise, &timeout))).await
}

/// The response of an address.
///
/// # Errors
/// If there is no connection, or the status is no success.
async fn fetch(scope: &DedicatedWorkerGlobalScope, url: &str) -> Result<Response, JsValue> {
    let response: Response = within(&scope.fetch_with_str(url), STALL_MS).await?.dyn_into()?;
    if response.ok() { Ok(response) } else { Err(format!("HTTP {}", response.status()).into()) }
}

/// What `read` makes of the response of an address, tried several times.
///
/// # Errors
/// That of the last attempt.
pub(super) async fn fetch_with_retries<T>(
    scope: &DedicatedWorkerGlobalScope,
    url: &str,
    read: impl AsyncFn(Response) -> Result<T, JsValue>,
) -> Result<T, JsValue> {
    let mut attempts = 0;
    loop {
        let result = match fetch(scope, url).await {
            Ok(response) => read(response).await,
            Err(error) => Err(error),
        };
        let Err(error) = result else { return result };
        attempts += if error.as_string().as_deref() == Some(STALLED) { 2 } else { 1 };
        if attempts >= ATTEMPTS {
            return Err(error);
        }
        gloo_timers::future::TimeoutFuture::new(125 << attempts).await;
    }
}

/// The bytes of a response, at most `limit`.
///
/// # Errors
/// If the connection breaks or stands still, or there are more bytes.
pub(super) async fn body(response: &Response, limit: usize) -> Result<Vec<u8>, JsValue> {
    read_all(&response.body().ok_or("no body")?, limit).await
}

/// Unzips gzip to at most `limit` bytes.
///
/// # Errors
/// If the bytes are no gzip, or of more bytes: a small file may be unzipped to any size.
pub(super) async fn gunzip(bytes: &[u8], limit: usize) -> Result<Vec<u8>, JsValue> {
    let zipped = Response::new_with_opt_js_u8_array(Some(&Uint8Array::from(bytes)))?;
    let stream = zipped.body().ok_or("no body")?;
    let gzip = DecompressionStream::new("gzip")?;
    let unzip = web_sys::ReadableWritablePair::new(&gzip.readable(), &gzip.writable());
    read_all(&stream.pipe_through(&unzip), limit).await
}

async fn read_all(stream: &ReadableStream, limit: usize) -> Result<Vec<u8>, JsValue> {
    let reader: ReadableStreamDefaultReader = stream.get_reader().dyn_into()?;
    let mut bytes = Vec::new();
    let result = loop {
        let read = match within(&reader.read(), STALL_MS).await {
            Ok(read) => read,
            Err(error) => break Err(error),
        };
        if Reflect::get(&read, &"done".into())?.is_truthy() {
            return Ok(bytes);
        }
        let chunk: Uint8Array = Reflect::get(&read, &"value".into())?.dyn_into()?;
        if bytes.len() + chunk.length() as usize > limit {
            break Err("There are more bytes than there should be.".into());
        }
        let at = bytes.len();
        bytes.resize(at + chunk.length() as usize, 0);
        chunk.copy_to(&mut bytes[at..]);
    };
    // The rest is not wanted: the connection is closed.
    let _ = within(&reader.cancel(), 0).await;
    result
}
