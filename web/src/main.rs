//! LeNet Playground's page, and the entry of its worker: one binary serves both.

#![deny(
    clippy::string_slice,
    reason = "a cut inside of a character or behind the end of a text stops the page"
)]
#![allow(unreachable_pub, reason = "leptos' component macro makes public items out of pub(crate) ones")]

mod app;
mod batch;
mod charts;
mod client;
mod controls;
mod explore;
mod header;
mod link;
mod network;
mod new_worker;
mod pad;
mod runs;
mod session;
mod settings;
mod shortcuts;
mod ui;
mod worker;

use wasm_bindgen::prelude::*;

fn main() {
    // A panic ends what the module is doing. start.js tells people so; the console tells developers where it was.
    std::panic::set_hook(Box::new(|panic| web_sys::console::error_1(&panic.to_string().into())));
    // In the worker the same module starts, too: there `worker.js` calls `start_worker`.
    if web_sys::window().is_some() {
        leptos::mount::mount_to_body(app::App);
        // Last: should the page not come so far, start.js says so in the shell.
        if let Some(shell) = leptos::prelude::document().get_element_by_id("shell") {
            shell.remove();
        }
    }
}

/// Runs the session in this instance of the module. `base` is the address of the page's folder, `glue` that of the JavaScript that
/// was imported to start the module; a training may take `memory` bytes.
#[wasm_bindgen]
pub fn start_worker(base: String, glue: String, memory: f64) {
    worker::run(base, glue, memory as u64);
}

/// Runs the benchmark that `config` (JSON) describes, and posts the result as JSON, or a sentence that begins with `Error: `.
#[wasm_bindgen]
pub fn start_bench(base: String, glue: String, config: String) {
    worker::run_bench(base, glue, config);
}

/// Makes this instance of the module a worker of the session's pool.
#[wasm_bindgen]
pub fn start_pooled_worker() {
    worker::run_pooled_worker();
}
