//! The start of a worker, from the page and from other workers.

use js_sys::Array;
use wasm_bindgen::prelude::*;
use web_sys::{Blob, BlobPropertyBag, Url, Worker, WorkerOptions, WorkerType};

/// A worker that runs `worker.js`. `base` is the address of the page's folder.
pub(crate) fn new_worker(base: &str) -> Result<Worker, JsValue> {
    let options = WorkerOptions::new();
    options.set_type(WorkerType::Module);
    let script = format!("{base}worker.js");
    Worker::new_with_options(&script, &options).or_else(|_| {
        // A sandboxed frame has an origin of its own: it may start no script of its host as a worker, but one of its own that imports
        // it, if the host lets other origins read its files. Chromium starts only a classic script that way. The first message comes
        // before the import is done.
        let code = format!(
            "onmessage = ({{ data }}) => {{ onmessage = null; import(\"{script}\").then(
               () => dispatchEvent(new MessageEvent(\"message\", {{ data }})), (error) => setTimeout(() => {{ throw error; }})); }};"
        );
        let javascript = BlobPropertyBag::new();
        javascript.set_type("text/javascript");
        let blob = Blob::new_with_str_sequence_and_options(&Array::of1(&code.into()), &javascript)?;
        Worker::new(&Url::create_object_url_with_blob(&blob)?)
    })
}
