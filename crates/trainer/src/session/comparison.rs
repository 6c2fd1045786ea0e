//! Several trainings side by side: each from the initial weights of its seed, in turns, so that their curves grow together.
//!
//! The one whose turn it is stands where the session's own training stands else; that one is put aside meanwhile, and comes
//! back as it was. Comparisons run on the cores: there the numbers are the same on every machine, and nothing has to be built
//! anew at every turn.

use super::Session;
use super::report::{Speed, Tally};
use super::validate::check;
use crate::batch::{Place, TRAIN_IMAGES};
use crate::messages::{Event, RunConfig, RunState};
use crate::rollback::Good;
use nn::train::Training;

/// Most trainings that are compared at a time.
const MOST_RUNS: usize = 8;
/// The longest comparison, in epochs.
const MOST_EPOCHS: f64 = 1000.0;
/// How far one goes before it is another one's turn: a twentieth of an epoch, but not less than so many images (about a sixth
/// of a second), since helpers are told the whole state at every turn.
const TURN_EPOCHS: f64 = 0.05;
const TURN_IMAGES: f64 = 3_000.0;

/// A comparison under way.
pub(super) struct Comparison {
    /// The runs; in the place of the one whose turn it is lies the session's own training.
    runs: Vec<Run>,
    /// Whose turn it is.
    turn: usize,
    /// Where all of them end.
    epochs: f64,
    /// Epochs between turns.
    stretch: f64,
}

struct Run {
    aside: Aside,
    /// After so many steps it was measured last.
    measured: Option<u64>,
    /// It has come to its end, or to a number that is not finite.
    over: bool,
}

/// A training that waits, with all that belongs to it.
struct Aside {
    training: Training,
    place: Place,
    good: Good,
    speed: Speed,
    testing: bool,
}

impl Aside {
    fn of(RunConfig { network, training }: RunConfig) -> Result<Self, String> {
        check(&network, &training)?;
        let training = Training::new(network, training).map_err(|e| e.message)?;
        let mut good = Good::default();
        good.start(&training, Place::default());
        Ok(Self { training, place: Place::default(), good, speed: Speed::default(), testing: false })
    }
}

impl Comparison {
    /// Where pictures come from while it is not the turn of the first: the network they show must not change with every turn.
    pub(super) fn first_aside(&mut self) -> Option<&mut Training> {
        (self.turn > 0).then(|| &mut self.runs[0].aside.training)
    }
}

impl Session {
    /// Begins a comparison, in place of one that is under way.
    pub(super) fn compare(&mut self, recipes: Vec<RunConfig>, epochs: f64) -> Result<Vec<Event>, String> {
        if !(1..=MOST_RUNS).contains(&recipes.len()) {
            return Err(format!("A comparison has 1 to {MOST_RUNS} runs."));
        }
        if !(epochs > 0.0 && epochs <= MOST_EPOCHS) {
            return Err(format!("A comparison takes at most {MOST_EPOCHS} epochs."));
        }
        let asides: Vec<_> = recipes.into_iter().map(Aside::of).collect::<Result<_, _>>()?;
        let smallest = asides.iter().map(|aside| Place::epoch_images(aside.training.spec())).min();
        let runs = asides.into_iter().map(|aside| Run { aside, measured: None, over: false }).collect();
        let mut events = self.end_comparison();
        events.extend(self.set_state(RunState::Paused));
        events.push(self.progress());
        let stretch = (TURN_IMAGES / smallest.unwrap_or(TRAIN_IMAGES) as f64).max(TURN_EPOCHS);
        self.comparison = Some(Comparison { runs, turn: 0, epochs, stretch });
        self.swap_with(0);
        events.extend([Event::ActiveRun(Some(0)), self.progress()]);
        events.extend(self.snapshot());
        events.extend(self.run(None));
        Ok(events)
    }

    /// Ends a comparison, if there is one: all is as it was before it, and paused.
    pub(super) fn end_comparison(&mut self) -> Vec<Event> {
        let Some(turn) = self.comparison.as_ref().map(|comparison| comparison.turn) else {
            return Vec::new();
        };
        let mut events = self.set_state(RunState::Paused);
        events.push(self.progress());
        self.swap_with(turn);
        self.comparison = None;
        events.extend([Event::ActiveRun(None), self.progress()]);
        events.extend(self.snapshot());
        events
    }

    /// Whether the training at work is the one that is shown: not while it is the turn of another run than the first.
    pub(super) fn is_shown(&self) -> bool {
        self.comparison.as_ref().is_none_or(|comparison| comparison.turn == 0)
    }

    /// Whether a comparison is under way.
    pub(super) fn is_comparing(&self) -> bool {
        self.comparison.is_some()
    }

    /// After how many epochs the runs of a comparison end, if there is one.
    pub(super) fn comparison_ends(&self) -> Option<f64> {
        self.comparison.as_ref().map(|comparison| comparison.epochs)
    }

    /// Notes that the run whose turn it is was measured.
    pub(super) fn was_measured(&mut self) {
        let steps = self.crew.training().steps();
        if let Some(Comparison { runs, turn, .. }) = &mut self.comparison {
            runs[*turn].measured = Some(steps);
        }
    }

    /// Ends the run whose turn it is; says whether there is one.
    pub(super) fn end_run(&mut self) -> bool {
        if let Some(Comparison { runs, turn, .. }) = &mut self.comparison {
            runs[*turn].over = true;
        }
        self.is_comparing()
    }

    /// Passes the turn on, where it is another one's; measures a run that has come to its end; ends the comparison.
    pub(super) fn take_turns(&mut self) -> Vec<Event> {
        let (here, steps) = (self.epoch(), self.crew.training().steps());
        let (at_work, test_set) = (self.testing, self.test_set_is_here());
        let Some(Comparison { runs, turn, epochs, stretch }) = &mut self.comparison else {
            return Vec::new();
        };
        if at_work {
            return Vec::new();
        }
        let run = &mut runs[*turn];
        if !run.over && here >= *epochs {
            if test_set && run.measured != Some(steps) {
                self.testing = true;
                return Vec::new();
            }
            run.over = true;
        }
        let stretches = runs.iter().enumerate().map(|(i, run)| {
            let epoch = if i == *turn { here } else { run.aside.place.epochs(run.aside.training.spec()) };
            // What ends at a turn has ended, whatever the rounding.
            (!run.over).then_some((epoch / *stretch + 1e-9) as u64)
        });
        let stretches: Vec<_> = stretches.collect();
        let open = stretches.iter().enumerate().filter_map(|(i, stretches)| Some(((*stretches)?, i)));
        match open.min() {
            None => self.end_comparison(),
            Some((least, next)) if stretches[*turn] != Some(least) => self.pass_turn(next),
            Some(_) => Vec::new(),
        }
    }

    /// Makes it the turn of another run.
    pub(super) fn pass_turn(&mut self, next: usize) -> Vec<Event> {
        let Some(now) = self.comparison.as_ref().map(|comparison| comparison.turn) else { return Vec::new() };
        if now == next {
            return Vec::new();
        }
        let mut events = vec![self.progress()];
        self.swap_with(now);
        self.swap_with(next);
        if let Some(comparison) = &mut self.comparison {
            comparison.turn = next;
        }
        events.push(Event::ActiveRun(Some(next)));
        events
    }

    /// Exchanges the training at work for what lies in the place of a run.
    fn swap_with(&mut self, run: usize) {
        if let Some(comparison) = &mut self.comparison {
            let Aside { training, place, good, speed, testing } = &mut comparison.runs[run].aside;
            self.crew.change(|at_work| std::mem::swap(at_work, training));
            std::mem::swap(&mut self.place, place);
            std::mem::swap(&mut self.good, good);
            std::mem::swap(&mut self.speed, speed);
            std::mem::swap(&mut self.testing, testing);
        }
        self.since_report = Tally::default();
        self.limit_crew();
    }
}
