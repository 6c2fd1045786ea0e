//! Channels between cores. Their buffers travel back and forth and are filled again, so that steps leave no garbage.

use std::cell::RefCell;
use std::rc::Rc;

use js_sys::{Array, ArrayBuffer, Function, Uint32Array};
use trainer::parallel::transport::Transport;
use wasm_bindgen::prelude::*;
use web_sys::{MessageEvent, Performance};

use super::keep_awake::KeepAwake;

#[wasm_bindgen]
extern "C" {
    /// Anything with `postMessage`: a worker, a worker's own scope, a message port.
    #[derive(Clone)]
    pub(super) type Port;
    #[wasm_bindgen(method, catch, js_name = postMessage)]
    pub(super) fn post(this: &Port, message: &JsValue, transfer: &Array) -> Result<(), JsValue>;
    #[wasm_bindgen(method, setter, js_name = onmessage)]
    pub(super) fn set_onmessage(this: &Port, listener: &Function);
}

/// The channels of one core to all others.
pub(super) struct Channels {
    performance: Performance,
    /// By the rank of the other core.
    channels: RefCell<Vec<Option<Channel>>>,
    keep_awake: Rc<KeepAwake>,
}

struct Channel {
    port: Port,
    /// Buffers that came over this channel.
    spare: Vec<ArrayBuffer>,
}

impl Channels {
    pub(super) fn new(performance: Performance) -> Self {
        Self { keep_awake: KeepAwake::new(performance.clone()), performance, channels: RefCell::default() }
    }

    /// Opens the channel to a core.
    pub(super) fn connect(&self, rank: usize, port: Port) {
        let mut channels = self.channels.borrow_mut();
        if channels.len() <= rank {
            channels.resize_with(rank + 1, || None);
        }
        channels[rank] = Some(Channel { port, spare: Vec::new() });
    }

    /// Ranks and ports of all connected cores.
    pub(super) fn ports(&self) -> Vec<(usize, Port)> {
        let channels = self.channels.borrow();
        let ports = channels.iter().enumerate();
        ports.filter_map(|(rank, channel)| Some((rank, channel.as_ref()?.port.clone()))).collect()
    }

    /// Closes the channel to a core.
    pub(super) fn disconnect(&self, rank: usize) -> Option<Port> {
        self.channels.borrow_mut().get_mut(rank)?.take().map(|channel| channel.port)
    }

    /// Copies a message from a core to the beginning of `words`, and keeps its buffer. `words` may be longer than the message.
    pub(super) fn receive(&self, rank: usize, buffer: ArrayBuffer, words: &mut Vec<u32>) {
        let view = Uint32Array::new(&buffer);
        let len = view.length() as usize;
        // Never shortened: else the sums after a small message would have their space filled with zeros first.
        if words.len() < len {
            words.resize(len, 0);
        }
        view.copy_to(&mut words[..len]);
        if let Some(Some(channel)) = self.channels.borrow_mut().get_mut(rank) {
            channel.spare.push(buffer);
        }
    }
}

impl Transport for Channels {
    fn now(&self) -> f64 {
        self.performance.now()
    }

    fn stay_awake(&self) {
        self.keep_awake.extend();
    }

    fn post(&self, core: usize, words: &[&[u32]]) {
        if let Some(Some(Channel { port, spare })) = self.channels.borrow_mut().get_mut(core) {
            let bytes = words.iter().map(|words| words.len() as u32 * 4).sum();
            // Small messages leave large buffers alone, and large messages do not replace small ones.
            let fitting = |buffer: &ArrayBuffer| (bytes..=2 * bytes + 64).contains(&buffer.byte_length());
            let buffer = match spare.iter().position(fitting) {
                Some(at) => spare.swap_remove(at),
                None => ArrayBuffer::new(bytes),
            };
            spare.truncate(8);
            let mut at = 0;
            for words in words {
                let length = words.len() as u32;
                Uint32Array::new_with_byte_offset_and_length(&buffer, at, length).copy_from(words);
                at += length * 4;
            }
            let _ = port.post(&buffer, &Array::of1(&buffer));
        }
    }
}

/// Handles the messages of a port for as long as the program runs.
pub(super) fn on_message(port: &Port, handle: impl FnMut(MessageEvent) + 'static) {
    let handle = Closure::<dyn FnMut(MessageEvent)>::new(handle);
    port.set_onmessage(handle.as_ref().unchecked_ref());
    handle.forget();
}
