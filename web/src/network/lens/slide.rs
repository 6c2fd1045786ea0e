//! The window of the Lens as it moves: by hand, a position at a time, or by itself.

use std::time::Duration;

use leptos::prelude::*;

use crate::network::lens::trial::{Trial, nearest};
use crate::network::sliding_window::SlidingWindow;
use crate::ui::signal::set_if_changed;

/// Steps a second at first.
pub(super) const DEFAULT_SPEED: u64 = 15;

/// A window that slides over the input of a layer.
#[derive(Clone, Copy)]
pub(super) struct Slide {
    /// The window of the layer, and whether it may have padding.
    own: (SlidingWindow, bool),
    /// The window, as the link has it.
    trial: RwSignal<Trial>,
    /// The window, with what is tried.
    pub(super) window: Memo<SlidingWindow>,
    /// Where it lies while it moves by itself: the link gets the place where it stops.
    moving: RwSignal<Option<(usize, usize)>>,
    /// The row and the column of the output that it lies on.
    pub(super) place: Memo<(usize, usize)>,
    /// Whether it moves by itself.
    pub(super) playing: RwSignal<bool>,
    /// Whether only the values up to the position are shown: those that the window has computed since it began to slide.
    pub(super) fills: RwSignal<bool>,
    /// Steps a second.
    pub(super) speed: RwSignal<u64>,
    timer: StoredValue<Option<IntervalHandle>>,
}

impl Slide {
    /// The window of a layer, which may have padding, with what is tried on it. As long as nobody has moved it, it lies where the
    /// output is `largest`. It stops when its owner is cleaned up.
    pub(super) fn new(
        (own, has_padding): (SlidingWindow, bool),
        trial: RwSignal<Trial>,
        window: Memo<SlidingWindow>,
        largest: Memo<Option<usize>>,
    ) -> Self {
        let moving = RwSignal::new(None);
        let place = Memo::new(move |_| {
            let window = window.get();
            let columns = window.output().1.max(1);
            let start = || largest.get().map(|at| (at / columns, at % columns));
            let place = moving.get().or_else(|| trial.get().place).or_else(start).unwrap_or_default();
            nearest(window, place)
        });
        let slide = Self {
            own: (own, has_padding),
            trial,
            window,
            moving,
            place,
            playing: RwSignal::new(false),
            fills: RwSignal::new(false),
            speed: RwSignal::new(DEFAULT_SPEED),
            timer: StoredValue::new(None),
        };
        on_cleanup(move || slide.halt());
        slide
    }

    /// The number of the position, row by row from 0.
    pub(super) fn at(self) -> usize {
        let (row, column) = self.place.get();
        row * self.window.get().output().1 + column
    }

    /// The number of positions.
    pub(super) fn positions(self) -> usize {
        let (rows, columns) = self.window.get().output();
        rows * columns
    }

    /// Moves to a position by its number; behind the last one, to the first.
    fn go(self, to: usize) {
        let columns = self.window.get_untracked().output().1.max(1);
        let at = to % untrack(|| self.positions()).max(1);
        self.set_place((at / columns, at % columns));
    }

    /// Moves to the position nearest to a row and a column, by hand.
    pub(super) fn move_to(self, row: usize, column: usize) {
        self.stop();
        self.fills.set(false);
        self.set_place(nearest(self.window.get_untracked(), (row, column)));
    }

    /// Moves by rows and columns, as far as there are any.
    pub(super) fn move_by(self, rows: isize, columns: isize) {
        let (row, column) = self.place.get_untracked();
        self.move_to(row.saturating_add_signed(rows), column.saturating_add_signed(columns));
    }

    fn set_place(self, place: (usize, usize)) {
        if self.playing.get_untracked() {
            self.moving.set(Some(place));
        } else {
            set_if_changed(self.trial, Trial { place: Some(place), ..self.trial.get_untracked() });
        }
    }

    /// Moves one position forward.
    pub(super) fn forward(self) {
        self.go(untrack(|| self.at()) + 1);
    }

    /// Moves one position back.
    pub(super) fn back(self) {
        self.go(untrack(|| self.at() + self.positions()).saturating_sub(1));
    }

    /// Moves by itself, at the speed that is chosen, and fills the output from its first value on.
    pub(super) fn play(self) {
        self.playing.set(true);
        if !self.fills.get_untracked() {
            self.fills.set(true);
            self.go(0);
        }
        self.run();
    }

    /// Moves by itself from where it is.
    fn run(self) {
        self.halt();
        let every = Duration::from_millis(1000 / self.speed.get_untracked());
        self.timer.set_value(set_interval_with_handle(move || self.forward(), every).ok());
    }

    /// Chooses the steps a second.
    pub(super) fn set_speed(self, speed: u64) {
        self.speed.set(speed);
        if self.playing.get_untracked() {
            self.run();
        }
    }

    /// Stops moving by itself.
    pub(super) fn stop(self) {
        self.halt();
        self.playing.set(false);
        if let Some(place) = self.moving.get_untracked() {
            self.set_place(place);
            self.moving.set(None);
        }
    }

    /// Ends the moves.
    fn halt(self) {
        if let Some(Some(timer)) = self.timer.try_update_value(Option::take) {
            timer.clear();
        }
    }

    /// Tries another window, at the position nearest to the present one.
    pub(super) fn change(self, change: impl FnOnce(&mut Trial)) {
        self.stop();
        let mut trial = Trial { place: Some(self.place.get_untracked()), ..self.trial.get_untracked() };
        change(&mut trial);
        let (own, has_padding) = self.own;
        // A place that is not there any more is taken back to the nearest one.
        trial.repair(own, has_padding);
        set_if_changed(self.trial, trial);
    }
}
