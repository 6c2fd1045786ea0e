//! Lines between cores: buffers of words that go to and fro and are written into again, so that steps leave nothing to be
//! collected.

use std::cell::{Cell, OnceCell, RefCell};
use std::rc::Rc;

use js_sys::{Array, ArrayBuffer, Function, Object, Reflect, Uint32Array};
use trainer::parallel::group::Host;
use wasm_bindgen::prelude::*;
use web_sys::{MessageEvent, Performance};

#[wasm_bindgen]
extern "C" {
    /// What can be posted to: a worker, a worker's own scope, a message port.
    #[derive(Clone)]
    pub(super) type Port;
    #[wasm_bindgen(method, catch, js_name = postMessage)]
    pub(super) fn post(this: &Port, message: &JsValue, transfer: &Array) -> Result<(), JsValue>;
    #[wasm_bindgen(method, setter, js_name = onmessage)]
    pub(super) fn set_onmessage(this: &Port, listener: &Function);
    /// Has a task done after all that are more urgent, such as messages. Not in every browser.
    #[wasm_bindgen(catch, js_namespace = scheduler, js_name = postTask)]
    fn post_task(task: &Function, options: &Object) -> Result<JsValue, JsValue>;
}

/// How long a core that waits for the sums of others stays awake (ms). A thread that sleeps took 45 µs to wake, and on a busy
/// machine far more.
const AWAKE: f64 = 0.6;

/// The lines of one core to the others.
pub(super) struct Lines {
    performance: Performance,
    /// By the number of the other core.
    lines: RefCell<Vec<Option<Line>>>,
    awake: Rc<Awake>,
}

/// Keeps a thread awake by tasks that do nothing, behind all others.
struct Awake {
    performance: Performance,
    /// Until when (ms), and whether there is a task.
    until: Cell<f64>,
    tasked: Cell<bool>,
    task: OnceCell<Closure<dyn FnMut()>>,
    options: Object,
}

impl Awake {
    fn new(performance: Performance) -> Rc<Self> {
        let options = Object::new();
        let _ = Reflect::set(&options, &"priority".into(), &"background".into());
        let awake = Rc::new(Self {
            performance,
            until: Cell::default(),
            tasked: Cell::default(),
            task: OnceCell::new(),
            options,
        });
        let this = awake.clone();
        awake.task.get_or_init(|| {
            Closure::new(move || {
                this.tasked.set(false);
                this.go_on();
            })
        });
        awake
    }

    fn go_on(&self) {
        if let Some(task) = self.task.get()
            && self.performance.now() < self.until.get()
            && !self.tasked.replace(true)
        {
            // In a browser without tasks of this kind the flag stays, and none is asked for again.
            let _ = post_task(task.as_ref().unchecked_ref(), &self.options);
        }
    }
}

struct Line {
    port: Port,
    /// Buffers that came over this line.
    spare: Vec<ArrayBuffer>,
}

impl Lines {
    pub(super) fn new(performance: Performance) -> Self {
        Self { awake: Awake::new(performance.clone()), performance, lines: RefCell::default() }
    }

    /// From now on, this is the way to a core.
    pub(super) fn connect(&self, core: usize, port: Port) {
        let mut lines = self.lines.borrow_mut();
        if lines.len() <= core {
            lines.resize_with(core + 1, || None);
        }
        lines[core] = Some(Line { port, spare: Vec::new() });
    }

    /// The ways to those cores that there are.
    pub(super) fn ports(&self) -> Vec<(usize, Port)> {
        let lines = self.lines.borrow();
        let ports = lines.iter().enumerate();
        ports.filter_map(|(core, line)| Some((core, line.as_ref()?.port.clone()))).collect()
    }

    /// Forgets the way to a core.
    pub(super) fn disconnect(&self, core: usize) -> Option<Port> {
        self.lines.borrow_mut().get_mut(core)?.take().map(|line| line.port)
    }

    /// The words in a buffer that came from a core. What is behind them means nothing.
    pub(super) fn take(&self, core: usize, buffer: ArrayBuffer, words: &mut Vec<u32>) {
        let view = Uint32Array::new(&buffer);
        let len = view.length() as usize;
        // Never shorter: the sums that come after a small message would find their room filled with zeros first.
        if words.len() < len {
            words.resize(len, 0);
        }
        view.copy_to(&mut words[..len]);
        if let Some(Some(line)) = self.lines.borrow_mut().get_mut(core) {
            line.spare.push(buffer);
        }
    }
}

impl Host for Lines {
    fn now(&self) -> f64 {
        self.performance.now()
    }

    fn stay_awake(&self) {
        self.awake.until.set(self.now() + AWAKE);
        self.awake.go_on();
    }

    fn post(&self, core: usize, words: &[&[u32]]) {
        if let Some(Some(Line { port, spare })) = self.lines.borrow_mut().get_mut(core) {
            let bytes = words.iter().map(|words| words.len() as u32 * 4).sum();
            // Small messages must not take the large buffers away, nor the other way round.
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

/// Listens at a port for as long as the program runs.
pub(super) fn listen(port: &Port, heard: impl FnMut(MessageEvent) + 'static) {
    let heard = Closure::<dyn FnMut(MessageEvent)>::new(heard);
    port.set_onmessage(heard.as_ref().unchecked_ref());
    heard.forget();
}
