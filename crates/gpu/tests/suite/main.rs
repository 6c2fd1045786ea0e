//! The tests of the compute shaders in one program, which is linked once: natively on Vulkan, and in a browser on WebGPU.

#[cfg(target_family = "wasm")]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_dedicated_worker);

mod common;
mod limits;
mod parity;
mod training;
