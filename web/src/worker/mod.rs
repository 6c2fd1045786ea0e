//! What runs in the page's workers: the session, the pool that trains with it, and the benchmarks.

mod bench;
mod channels;
mod dataset;
mod fetch;
mod keep_awake;
mod pool;
mod pooled_worker;
mod session_worker;
mod storage;

use js_sys::{ArrayBuffer, Uint8Array};
use trainer::messages::{Command, decode};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::spawn_local;
use web_sys::{DedicatedWorkerGlobalScope, MessageEvent};

pub(crate) use bench::run as run_bench;
use dataset::{MnistDownload, download_checkpoint};
pub(crate) use pooled_worker::run as run_pooled_worker;
use session_worker::SessionWorker;

/// Makes the present worker the one of the session. `base` is the address of the page's folder, `glue` that of the module's
/// JavaScript; a training may take `memory` bytes.
pub(crate) fn run(base: String, glue: String, memory: u64) {
    let scope: DedicatedWorkerGlobalScope = js_sys::global().unchecked_into();
    let worker = SessionWorker::new(scope.clone(), &base, glue);
    // There is no page yet that would have to know.
    drop(worker.session().limit_memory(memory));
    let mnist = MnistDownload::new(worker.clone(), &base);
    let handler = Closure::<dyn FnMut(MessageEvent)>::new({
        let (worker, mnist) = (worker.clone(), mnist.clone());
        move |message: MessageEvent| {
            let Ok(buffer) = message.data().dyn_into::<ArrayBuffer>() else { return };
            let Some(command) = decode::<Command>(&Uint8Array::new(&buffer).to_vec()) else { return };
            if matches!(command, Command::RetryDownload) {
                mnist.start();
            }
            worker.handle(command);
        }
    });
    scope.set_onmessage(Some(handler.as_ref().unchecked_ref()));
    handler.forget();
    spawn_local(download_checkpoint(worker, base));
    mnist.start();
    let _ = scope.post_message(&"ready".into());
}
