//! Which pointer draws: one at a time, whatever mice, pens, fingers and palms do to the pad, and even if the browser
//! never says that a pointer was lifted.

use crate::pad::drawing::SIDE;

/// A stroke shorter than this was not meant, if a second finger or a pen follows it.
const SHORT: f64 = SIDE / 5.0;
/// A pointer that the browser does not keep for the pad counts as lifted if nothing was heard of it for so long (ms).
const SILENCE: f64 = 3000.0;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Mouse,
    Touch,
    Pen,
}

/// A pointer that was put down.
#[derive(Clone, Copy, Debug)]
pub(super) struct Press {
    pub(super) id: i32,
    pub(super) kind: Kind,
    /// Whether no other pointer of its kind is down.
    pub(super) is_primary: bool,
    /// When (ms).
    pub(super) time: f64,
}

/// What becomes of the stroke under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Nothing changes.
    Ignored,
    /// A new stroke begins; the one under way, if any, stays as it is.
    Begins,
    /// A new stroke begins in place of the one under way.
    Replaces,
    /// The stroke goes on.
    Extends,
    /// The stroke ends.
    Ends,
    /// The stroke was not meant.
    Discarded,
}

/// The pointer that draws.
#[derive(Clone, Copy, Debug)]
struct Active {
    id: i32,
    kind: Kind,
    /// When it was heard of last (ms).
    time: f64,
    at: (f64, f64),
    /// The length of the stroke.
    length: f64,
}

/// The pointers on the pad.
#[derive(Clone, Debug, Default)]
pub(super) struct Pointers {
    active: Option<Active>,
    /// Fingers that do not draw: they zoom, or belong to a palm.
    gesture: Vec<i32>,
    /// When the last one of them was put down (ms).
    gesture_time: f64,
}

impl Pointers {
    /// The pointer that draws.
    pub(super) fn active(&self) -> Option<i32> {
        self.active.map(|active| active.id)
    }

    /// A pointer is put down. `is_kept` tells whether the browser still keeps the active pointer for the pad; none if it
    /// cannot say.
    pub(super) fn press(&mut self, press: Press, at: (f64, f64), is_kept: Option<bool>) -> Outcome {
        let Press { id, kind, is_primary, time } = press;
        if kind == Kind::Touch {
            if is_primary || time - self.gesture_time >= SILENCE {
                // Those fingers were lifted, though the browser did not say so.
                self.gesture.clear();
            }
            self.gesture_time = time;
        }
        let outcome = match self.active {
            None if kind == Kind::Touch && !self.gesture.is_empty() => {
                self.gesture.push(id);
                return Outcome::Ignored;
            }
            None => Outcome::Begins,
            Some(active) => {
                let is_gone = active.id == id || !is_kept.unwrap_or(time - active.time < SILENCE);
                match (active.kind, kind) {
                    _ if is_gone => Outcome::Begins,
                    // The palm was here before the pen, or comes with it.
                    (Kind::Touch, Kind::Pen) => {
                        self.gesture.push(active.id);
                        Outcome::Replaces
                    }
                    (Kind::Pen, Kind::Touch) => {
                        self.gesture.push(id);
                        return Outcome::Ignored;
                    }
                    // Two fingers are meant to zoom or to scroll, but a touch during a long stroke is an accident.
                    (Kind::Touch, Kind::Touch) if !is_primary => {
                        if active.length >= SHORT {
                            return Outcome::Ignored;
                        }
                        self.active = None;
                        self.gesture = vec![active.id, id];
                        return Outcome::Discarded;
                    }
                    _ => Outcome::Begins,
                }
            }
        };
        self.active = Some(Active { id, kind, time, at, length: 0.0 });
        outcome
    }

    /// A pointer moves. `is_down` tells whether it is still pressed: the browser may not have said that it was lifted.
    pub(super) fn advance(&mut self, id: i32, is_down: bool, at: (f64, f64), time: f64) -> Outcome {
        match &mut self.active {
            Some(active) if active.id == id && is_down => {
                active.length += (at.0 - active.at.0).hypot(at.1 - active.at.1);
                (active.at, active.time) = (at, time);
                Outcome::Extends
            }
            Some(active) if active.id == id => {
                self.active = None;
                Outcome::Ends
            }
            _ => Outcome::Ignored,
        }
    }

    /// A pointer is lifted, or the browser stops to tell of it.
    pub(super) fn lift(&mut self, id: i32) -> Outcome {
        self.gesture.retain(|finger| *finger != id);
        if self.active() != Some(id) {
            return Outcome::Ignored;
        }
        self.active = None;
        Outcome::Ends
    }

    /// The browser takes a pointer for itself, to scroll or to zoom, or takes it for a palm.
    pub(super) fn cancel(&mut self, id: i32) -> Outcome {
        let was_meant = self.active.is_none_or(|active| active.kind != Kind::Touch || active.length >= SHORT);
        match self.lift(id) {
            Outcome::Ends if !was_meant => Outcome::Discarded,
            outcome => outcome,
        }
    }

    /// Ends the stroke under way: its pointer does not go on with it.
    pub(super) fn release(&mut self) {
        self.active = None;
    }
}

#[cfg(test)]
mod tests {
    use super::Kind::{Mouse, Pen, Touch};
    use super::Outcome::{Begins, Discarded, Ends, Extends, Ignored, Replaces};
    use super::*;

    const FAR: (f64, f64) = (SIDE, SIDE);

    fn press(pointers: &mut Pointers, id: i32, kind: Kind, is_primary: bool) -> Outcome {
        pointers.press(Press { id, kind, is_primary, time: 0.0 }, (0.0, 0.0), None)
    }

    fn advance(pointers: &mut Pointers, id: i32, at: (f64, f64)) -> Outcome {
        pointers.advance(id, true, at, 0.0)
    }

    #[test]
    fn a_pointer_draws_from_its_press_until_it_is_lifted() {
        for kind in [Mouse, Touch, Pen] {
            let mut pointers = Pointers::default();
            assert_eq!(advance(&mut pointers, 1, FAR), Ignored, "{kind:?}");
            assert_eq!(press(&mut pointers, 1, kind, true), Begins);
            assert_eq!((advance(&mut pointers, 1, FAR), advance(&mut pointers, 2, FAR)), (Extends, Ignored));
            assert_eq!((pointers.lift(2), pointers.lift(1), pointers.lift(1)), (Ignored, Ends, Ignored));
            assert_eq!(advance(&mut pointers, 1, FAR), Ignored);
        }
    }

    #[test]
    fn a_pointer_that_moves_unpressed_was_lifted() {
        for kind in [Mouse, Pen] {
            let mut pointers = Pointers::default();
            press(&mut pointers, 1, kind, true);
            assert_eq!(pointers.advance(1, false, FAR, 0.0), Ends);
            assert_eq!(advance(&mut pointers, 1, FAR), Ignored);
        }
    }

    #[test]
    fn a_pointer_whose_end_is_never_heard_of_does_not_shut_others_out() {
        for (first, second) in [(Touch, Mouse), (Mouse, Touch), (Pen, Mouse), (Mouse, Pen), (Touch, Touch)] {
            let mut pointers = Pointers::default();
            press(&mut pointers, 1, first, true);
            advance(&mut pointers, 1, FAR);
            assert_eq!(press(&mut pointers, 2, second, true), Begins, "{first:?}, {second:?}");
            assert_eq!((advance(&mut pointers, 1, FAR), advance(&mut pointers, 2, FAR)), (Ignored, Extends));
        }
        let mut pointers = Pointers::default();
        press(&mut pointers, 1, Mouse, true);
        assert_eq!(press(&mut pointers, 1, Mouse, true), Begins, "the same one again");
        // A pen that the browser no longer keeps, or that is silent for long, does not count as a pen with a palm beside it.
        for (is_kept, time) in [(Some(false), 0.0), (None, SILENCE)] {
            let mut pointers = Pointers::default();
            press(&mut pointers, 1, Pen, true);
            let touch = Press { id: 2, kind: Touch, is_primary: true, time };
            assert_eq!(pointers.press(touch, (0.0, 0.0), is_kept), Begins);
        }
    }

    #[test]
    fn a_palm_leaves_no_mark_before_or_beside_a_pen() {
        let mut pointers = Pointers::default();
        assert_eq!(press(&mut pointers, 1, Touch, true), Begins);
        assert_eq!(press(&mut pointers, 2, Pen, true), Replaces);
        assert_eq!(press(&mut pointers, 3, Touch, false), Ignored);
        assert_eq!((advance(&mut pointers, 1, FAR), advance(&mut pointers, 3, FAR)), (Ignored, Ignored));
        assert_eq!(
            (advance(&mut pointers, 2, FAR), pointers.lift(1), pointers.lift(2)),
            (Extends, Ignored, Ends)
        );
        assert_eq!(press(&mut pointers, 4, Touch, true), Begins, "a finger later draws");
    }

    #[test]
    fn two_fingers_leave_no_mark_and_one_draws_again_after_them() {
        let mut pointers = Pointers::default();
        assert_eq!(press(&mut pointers, 1, Touch, true), Begins);
        advance(&mut pointers, 1, (5.0, 5.0));
        assert_eq!(press(&mut pointers, 2, Touch, false), Discarded);
        assert_eq!(press(&mut pointers, 3, Touch, false), Ignored);
        assert_eq!((advance(&mut pointers, 1, FAR), advance(&mut pointers, 2, FAR)), (Ignored, Ignored));
        assert_eq!([1, 2, 3].map(|id| pointers.lift(id)), [Ignored; 3]);
        assert_eq!(press(&mut pointers, 4, Touch, true), Begins);
        // A touch beside a long stroke is an accident.
        advance(&mut pointers, 4, FAR);
        assert_eq!(press(&mut pointers, 5, Touch, false), Ignored);
        assert_eq!((advance(&mut pointers, 5, FAR), advance(&mut pointers, 4, FAR)), (Ignored, Extends));
        // Of a gesture whose fingers were never lifted, nothing is left for the next finger.
        pointers.release();
        press(&mut pointers, 6, Touch, true);
        press(&mut pointers, 7, Touch, false);
        assert_eq!(press(&mut pointers, 8, Touch, true), Begins);
        press(&mut pointers, 9, Touch, false);
        let late = Press { id: 10, kind: Touch, is_primary: false, time: SILENCE };
        assert_eq!(pointers.press(late, (0.0, 0.0), None), Begins);
    }

    #[test]
    fn a_finger_that_the_browser_takes_leaves_a_stroke_only_if_it_is_long() {
        for (kind, to, outcome) in [
            (Touch, (5.0, 5.0), Discarded),
            (Touch, FAR, Ends),
            (Mouse, (5.0, 5.0), Ends),
            (Pen, (5.0, 5.0), Ends),
        ] {
            let mut pointers = Pointers::default();
            press(&mut pointers, 1, kind, true);
            advance(&mut pointers, 1, to);
            assert_eq!(pointers.cancel(2), Ignored);
            assert_eq!(pointers.cancel(1), outcome, "{kind:?} to {to:?}");
        }
    }
}
