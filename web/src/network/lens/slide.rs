//! The state of a sliding window: its position, its speed, and the geometry that is tried.

use std::time::Duration;

use leptos::prelude::*;

use crate::network::sliding_window::SlidingWindow;

/// Steps a second at first.
pub(super) const DEFAULT_SPEED: u64 = 15;

/// A window that slides.
#[derive(Clone, Copy)]
pub(super) struct Slide {
    /// The window, with the stride and padding that are tried.
    pub(super) window: RwSignal<SlidingWindow>,
    /// The position of the window, row by row from 0.
    pub(super) at: RwSignal<usize>,
    /// Whether it moves by itself.
    pub(super) playing: RwSignal<bool>,
    /// Steps a second.
    pub(super) speed: RwSignal<u64>,
    timer: StoredValue<Option<IntervalHandle>>,
}

impl Slide {
    /// A window at its first position. It stops when its owner is cleaned up.
    pub(super) fn new(window: SlidingWindow) -> Self {
        let slide = Self {
            window: RwSignal::new(window),
            at: RwSignal::new(0),
            playing: RwSignal::new(false),
            speed: RwSignal::new(DEFAULT_SPEED),
            timer: StoredValue::new(None),
        };
        on_cleanup(move || slide.stop());
        slide
    }

    /// The number of positions.
    pub(super) fn positions(self) -> usize {
        let (rows, columns) = self.window.get().output();
        rows * columns
    }

    /// Moves to a position; behind the last one, to the first.
    fn go(self, to: usize) {
        self.at.set(to % untrack(|| self.positions()).max(1));
    }

    /// Moves one position forward.
    pub(super) fn forward(self) {
        self.go(self.at.get_untracked() + 1);
    }

    /// Moves one position back.
    pub(super) fn back(self) {
        self.go(self.at.get_untracked() + untrack(|| self.positions()).saturating_sub(1));
    }

    /// Moves by itself, at the speed that is chosen.
    pub(super) fn play(self) {
        self.stop();
        self.playing.set(true);
        let every = Duration::from_millis(1000 / self.speed.get_untracked());
        self.timer.set_value(set_interval_with_handle(move || self.forward(), every).ok());
    }

    /// Stops moving by itself.
    pub(super) fn stop(self) {
        self.playing.set(false);
        if let Some(Some(timer)) = self.timer.try_update_value(Option::take) {
            timer.clear();
        }
    }

    /// Changes the geometry, and begins at the first position.
    pub(super) fn change(self, change: impl FnOnce(&mut SlidingWindow)) {
        self.window.update(change);
        self.at.set(0);
    }
}
