//! Digits to train on that need no files, and hosts for sessions.

#![allow(dead_code, reason = "each test uses some of it")]

use data::{DataSet, drawing, shard};
use nn::random::pcg4d;
use std::cell::{Cell, RefCell};
use trainer::messages::Event;
use trainer::parallel::transport::Transport;
use trainer::{Session, Worker};

/// A digit as a pocket calculator shows it, a little different for every `variant`, as MNIST would have it.
pub(crate) fn calculator_digit(digit: usize, variant: u32) -> [u8; 784] {
    //      0
    //    1   2    the seven segments, and which of them each digit lights
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
    drawing::to_mnist(&ink, 48, 60).expect("there is ink")
}

/// `count` digits, by way of the bytes of a shard.
pub(crate) fn digits(count: usize, first_variant: u32) -> DataSet {
    let labels: Vec<u8> = (0..count).map(|i| (i % 10) as u8).collect();
    let images: Vec<u8> =
        (0..count).flat_map(|i| calculator_digit(i % 10, first_variant + (i / 10) as u32)).collect();
    shard::parse(&shard::write(28, 28, &images, &labels)).expect("what was written can be read")
}

/// One core, and a clock that moves on when it is looked at.
#[derive(Default)]
pub(crate) struct Alone(Cell<f64>);

impl Transport for Alone {
    fn now(&self) -> f64 {
        self.0.replace(self.0.get() + 1.0)
    }

    fn post(&self, _: usize, _: &[&[u32]]) {
        panic!("there are no helpers");
    }
}

/// A crew in this very process: core 0 is the session, and what is posted lies here until it is delivered.
pub(crate) struct Together {
    clock: Alone,
    helpers: RefCell<Vec<Worker>>,
    posted: RefCell<Vec<Post>>,
}

struct Post {
    from: usize,
    to: usize,
    words: Vec<u32>,
}

/// The outside as a core sees it.
struct Core<'a>(&'a Together, usize);

impl Transport for Core<'_> {
    fn now(&self) -> f64 {
        self.0.clock.now()
    }

    fn post(&self, to: usize, words: &[&[u32]]) {
        self.0.posted.borrow_mut().push(Post { from: self.1, to, words: words.concat() });
    }
}

impl Transport for Together {
    fn now(&self) -> f64 {
        self.clock.now()
    }

    fn post(&self, to: usize, words: &[&[u32]]) {
        Core(self, 0).post(to, words);
    }
}

impl Together {
    pub(crate) fn new(cores: u32) -> Self {
        let helpers = (1..cores).map(Worker::new).collect();
        Self { clock: Alone::default(), helpers: RefCell::new(helpers), posted: RefCell::default() }
    }

    /// Delivers messages until there is one for the session. Helpers are quick and slow, and the order must not matter: the
    /// line that was posted to last comes first, but on each line the oldest message does.
    pub(crate) fn deliver(&self) -> Option<(usize, Vec<u32>)> {
        loop {
            let Post { from, to, mut words } = {
                let mut posted = self.posted.borrow_mut();
                let (from, to) = posted.last().map(|post| (post.from, post.to))?;
                let first = posted.iter().position(|post| (post.from, post.to) == (from, to))?;
                posted.remove(first)
            };
            match to.checked_sub(1) {
                None => return Some((from, words)),
                // One that was there once: nobody hears what it is told.
                Some(helper) => {
                    if let Some(helper) = self.helpers.borrow_mut().get_mut(helper) {
                        helper.on_message(from, &mut words, &Core(self, to));
                    }
                }
            }
        }
    }

    /// Works until the session pauses.
    pub(crate) fn work(&self, session: &mut Session) -> Vec<Event> {
        let mut events = Vec::new();
        loop {
            while session.busy() {
                events.extend(session.work(self));
            }
            let Some((core, mut words)) = self.deliver() else { return events };
            events.extend(session.on_message(core, &mut words, self));
        }
    }
}
