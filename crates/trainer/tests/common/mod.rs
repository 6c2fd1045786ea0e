//! Digits to train on that need no files, and transports for sessions.

#![allow(dead_code, reason = "each test uses some of it")]

#[cfg(not(target_family = "wasm"))]
pub(crate) mod gpu;

use data::{DataSet, drawing, shard};
use nn::random::pcg4d;
use nn::spec::{Augmentation, Initializer, Optimizer, Penalty, Schedule, StopRule, TrainingSpec};
use std::cell::{Cell, RefCell};
use trainer::messages::Event;
use trainer::parallel::transport::Transport;
use trainer::{Session, Worker};

/// A seven-segment digit, preprocessed as MNIST's. Its proportions depend on `variant`.
pub(crate) fn calculator_digit(digit: usize, variant: u32) -> [u8; 784] {
    //      0
    //    1   2    the seven segments, and a bit for each that a digit lights
    //      3
    //    4   5
    //      6
    const LIT: [u8; 10] = [
        0b111_0111, 0b010_0100, 0b101_1101, 0b110_1101, 0b010_1110, 0b110_1011, 0b111_1011, 0b010_0101,
        0b111_1111, 0b110_1111,
    ];
    let [a, b, c, d] = pcg4d([variant, digit as u32, 0, 0]);
    let (width, height, thick) = (18 + a as usize % 10, 30 + b as usize % 12, 3 + c as usize % 4);
    let (left, top) = (2 + d as usize % 8, 2 + d as usize / 8 % 6);
    let mut ink = vec![0; 48 * 60];
    let mut bar = |x: usize, y: usize, w: usize, h: usize| {
        (y..y + h).for_each(|row| ink[row * 48 + x..row * 48 + x + w].fill(255));
    };
    let (half, right, bottom) = (height / 2, left + width - thick, top + height - thick);
    let segments = [
        (left, top, width, thick),
        (left, top, thick, half),
        (right, top, thick, half),
        (left, top + half - thick / 2, width, thick),
        (left, top + half, thick, height - half),
        (right, top + half, thick, height - half),
        (left, bottom, width, thick),
    ];
    for (bit, (x, y, w, h)) in segments.into_iter().enumerate() {
        if LIT[digit] >> bit & 1 == 1 {
            bar(x, y, w, h);
        }
    }
    drawing::to_mnist(&ink, 48, 60).expect("the drawing has ink")
}

/// `count` digits, 0 to 9 in turns, written to the bytes of a shard and read back.
pub(crate) fn digits(count: usize, first_variant: u32) -> DataSet {
    let labels: Vec<u8> = (0..count).map(|i| (i % 10) as u8).collect();
    let images: Vec<u8> =
        (0..count).flat_map(|i| calculator_digit(i % 10, first_variant + (i / 10) as u32)).collect();
    shard::parse(&shard::write(28, 28, &images, &labels)).expect("a written shard can be read")
}

/// All options at once.
pub(crate) fn all_options() -> TrainingSpec {
    TrainingSpec {
        seed: 5,
        batch_size: 80,
        learning_rate: 0.01,
        optimizer: Optimizer::ADAM_W,
        // Three passes over 5,000 images.
        schedule: Schedule::OneCycle { epochs: 0.25 },
        penalty: Penalty { l1: 1e-5, l2: 1e-3, biases: true },
        label_smoothing: 0.1,
        label_noise: 0.1,
        initializer: Initializer::Xavier,
        augmentation: Augmentation {
            rotation: 10.0,
            shift: 1.5,
            zoom: 0.1,
            shear: 0.1,
            elastic: 1.5,
            crop: 1,
        },
        subset: Some(5_000),
        stop: StopRule::Never,
    }
}

/// A transport without other cores. Its clock advances by a millisecond with each look at it.
#[derive(Default)]
pub(crate) struct SingleCore(Cell<f64>);

impl Transport for SingleCore {
    fn now(&self) -> f64 {
        self.0.replace(self.0.get() + 1.0)
    }

    fn post(&self, _: usize, _: &[&[u32]]) {
        panic!("there are no workers");
    }
}

/// Workers are fast or slow. Messages between two cores arrive in their order; this is the order of
/// everything else.
#[derive(Clone, Copy)]
pub(crate) enum DeliveryOrder {
    /// First the messages between the two cores of the message that was sent last.
    NewestFirst,
    /// At random, by this seed.
    Random(u32),
}

/// A process group in this process: rank 0 is the session, and messages wait here until they are delivered.
pub(crate) struct LocalGroup {
    clock: SingleCore,
    /// By rank - 1; `None` for a worker that has stopped.
    workers: RefCell<Vec<Option<Worker>>>,
    messages: RefCell<Vec<Message>>,
    /// A worker that takes no messages for now.
    held: Cell<Option<usize>>,
    /// Messages that the session has sent.
    sent: Cell<usize>,
    order: DeliveryOrder,
    delivered: Cell<u32>,
}

struct Message {
    from: usize,
    to: usize,
    words: Vec<u32>,
}

/// The transport of the core of this rank.
struct Endpoint<'a>(&'a LocalGroup, usize);

impl Transport for Endpoint<'_> {
    fn now(&self) -> f64 {
        self.0.clock.now()
    }

    fn post(&self, to: usize, parts: &[&[u32]]) {
        self.0.messages.borrow_mut().push(Message { from: self.1, to, words: parts.concat() });
    }
}

impl Transport for LocalGroup {
    fn now(&self) -> f64 {
        self.clock.now()
    }

    fn post(&self, to: usize, parts: &[&[u32]]) {
        self.sent.set(self.sent.get() + 1);
        Endpoint(self, 0).post(to, parts);
    }
}

impl LocalGroup {
    pub(crate) fn new(cores: u32) -> Self {
        Self::with_order(cores, DeliveryOrder::NewestFirst)
    }

    pub(crate) fn with_order(cores: u32, order: DeliveryOrder) -> Self {
        let workers = (1..cores).map(|rank| Some(Worker::new(rank))).collect();
        Self {
            clock: SingleCore::default(),
            workers: RefCell::new(workers),
            messages: RefCell::default(),
            held: Cell::new(None),
            sent: Cell::new(0),
            order,
            delivered: Cell::new(0),
        }
    }

    /// Stops a worker: it answers no more.
    pub(crate) fn stop_worker(&self, rank: usize) {
        self.workers.borrow_mut()[rank - 1] = None;
    }

    /// Lets a worker take no messages.
    pub(crate) fn hold_worker(&self, rank: usize) {
        self.held.set(Some(rank));
    }

    /// Lets it take them again.
    pub(crate) fn release_worker(&self, _: usize) {
        self.held.set(None);
    }

    /// Messages that the session has sent to workers.
    pub(crate) fn sent_to_workers(&self) -> usize {
        self.sent.get()
    }

    /// Starts a worker in place of the one of this rank.
    pub(crate) fn start_worker(&self, rank: usize) {
        self.workers.borrow_mut()[rank - 1] = Some(Worker::new(rank as u32));
    }

    /// Takes out the message that arrives next.
    fn next_message(&self) -> Option<Message> {
        let mut messages = self.messages.borrow_mut();
        let held = self.held.get();
        let last = messages.iter().rposition(|message| held != Some(message.to))?;
        let chosen = match self.order {
            DeliveryOrder::NewestFirst => last,
            DeliveryOrder::Random(seed) => {
                let delivered = self.delivered.replace(self.delivered.get() + 1);
                pcg4d([seed, delivered, 0, 0])[0] as usize % messages.len()
            }
        };
        let (from, to) = (messages[chosen].from, messages[chosen].to);
        let oldest = messages.iter().position(|message| (message.from, message.to) == (from, to))?;
        Some(messages.remove(oldest))
    }

    /// Delivers messages until one is for the session, and returns that one with its sender; `None` if no
    /// message is left.
    pub(crate) fn deliver(&self) -> Option<(usize, Vec<u32>)> {
        loop {
            let Message { from, to, mut words } = self.next_message()?;
            if to == 0 {
                return Some((from, words));
            }
            if let Some(Some(worker)) = self.workers.borrow_mut().get_mut(to - 1) {
                let endpoint = Endpoint(self, to);
                worker.on_message(from, &mut words, &endpoint);
                while worker.busy() {
                    worker.work(&endpoint);
                }
            }
        }
    }

    /// Works until the session pauses, or waits for a message that no core sends.
    pub(crate) fn work(&self, session: &mut Session) -> Vec<Event> {
        let mut events = Vec::new();
        loop {
            while session.busy() {
                events.extend(session.work(self));
            }
            let Some((rank, mut words)) = self.deliver() else { return events };
            events.extend(session.on_message(rank, &mut words, self));
        }
    }
}
