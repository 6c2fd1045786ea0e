//! How much memory a training may take on this device.

/// A phone's browser closes a tab that takes about 300 MB; MNIST takes 55 of them.
#[cfg(target_family = "wasm")]
const PHONE_BYTES: u64 = 245_000_000;

/// Bytes that a training may take on all cores together.
#[cfg(target_family = "wasm")]
pub(crate) fn budget() -> u64 {
    use js_sys::Reflect;
    let window = leptos::prelude::window();
    let matches = |query: &str| window.match_media(query).ok().flatten().is_some_and(|list| list.matches());
    // Gigabytes, from 0.25 to 8; some browsers do not tell.
    let memory =
        Reflect::get(&window.navigator(), &"deviceMemory".into()).ok().and_then(|value| value.as_f64());
    let is_phone = matches("(pointer: coarse) and (max-device-width: 600px)");
    let is_small = memory.is_some_and(|gigabytes| gigabytes <= 2.0);
    if is_phone || is_small { PHONE_BYTES } else { nn::memory::MAX_BYTES }
}

/// Tests run on a computer.
#[cfg(not(target_family = "wasm"))]
pub(crate) fn budget() -> u64 {
    nn::memory::MAX_BYTES
}
