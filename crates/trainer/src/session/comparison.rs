//! A comparison: several runs, each from the initial weights of its seed, that train in turns, so that their curves grow together, or
//! one after the other.
//!
//! The active run takes the place of the session's own training, which is parked meanwhile and comes back
//! unchanged. Comparisons train on the cores: the numbers are the same on every machine, and nothing has to
//! be built anew at every turn.

use super::run::Run;
use super::validate::check_config;
use crate::cursor::DataCursor;
use crate::messages::RunConfig;
use data::mnist::TRAIN_IMAGES;
use nn::memory::Footprint;
use nn::spec::{NetworkSpec, TrainingSpec};
use nn::train::Training;

/// The largest number of runs, in turns and one after the other.
const MAX_RUNS: usize = 8;
const MAX_SWEEP: usize = 40;
/// The greatest length of a comparison, in epochs.
const MAX_EPOCHS: f64 = 1000.0;
/// The length of a turn: a twentieth of an epoch, but at least this number of images (about a sixth of a
/// second), because every turn sends the whole state to the workers.
const TURN_EPOCHS: f64 = 0.05;
const MIN_TURN_IMAGES: f64 = 3_000.0;

/// The order in which runs train.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    InTurns,
    OneAfterTheOther,
}

/// A comparison under way.
pub(super) struct Comparison {
    order: Order,
    /// The runs. In the place of the active one, the session's own training is parked.
    runs: Vec<ComparedRun>,
    active: usize,
    /// Length of each run.
    epochs: f64,
    /// Length of a turn.
    turn_epochs: f64,
}

struct ComparedRun {
    training: Training,
    run: Run,
    /// The step of its last evaluation.
    evaluated: Option<u64>,
    /// Whether it has trained for all epochs, or diverged.
    ended: bool,
}

impl ComparedRun {
    fn new(RunConfig { network, training }: RunConfig) -> Result<Self, String> {
        let training = Training::new(network, training).map_err(|e| e.message)?;
        Ok(Self { run: Run::new(&training), training, evaluated: None, ended: false })
    }
}

/// The memory of a run on one core.
fn footprint(network: &NetworkSpec, training: &TrainingSpec) -> Result<Footprint, String> {
    Footprint::new(network, training.batch_size, 1).map_err(|e| e.message)
}

/// How a comparison goes on.
pub(super) enum NextRun {
    /// The active run trains on.
    Same,
    /// The active run is evaluated first: it has reached its end.
    Evaluate,
    /// This run becomes the active one.
    Switch(usize),
    /// All runs have ended.
    End,
}

impl Comparison {
    /// A comparison whose first run becomes the active one: it is to be [swapped](Self::swap) in, in place of `own`.
    ///
    /// # Errors
    /// A sentence, if it is too large, or a run cannot be trained.
    pub(super) fn new(
        runs: Vec<RunConfig>,
        order: Order,
        epochs: f64,
        memory: u64,
        own: &Training,
    ) -> Result<Self, String> {
        let max_runs = if order == Order::InTurns { MAX_RUNS } else { MAX_SWEEP };
        if !(1..=max_runs).contains(&runs.len()) {
            return Err(format!("A comparison has 1 to {max_runs} runs."));
        }
        if !(epochs > 0.0 && epochs <= MAX_EPOCHS) {
            return Err(format!("A comparison takes at most {MAX_EPOCHS} epochs."));
        }
        let mut footprints = Vec::new();
        for RunConfig { network, training } in &runs {
            check_config(network, training, memory)?;
            footprints.push(footprint(network, training)?);
        }
        // Of each run, and of the session's own one, what does not depend on the batch; the rest only of the one
        // that trains.
        let largest = footprints.iter().map(|f| f.batch + f.occasional).max().unwrap_or(0);
        footprints.push(footprint(own.network.spec(), own.spec())?);
        let parked = footprints.iter().map(|f| f.weights + f.block).sum::<u64>();
        if parked + largest > memory {
            return Err(
                "These runs take too much memory together: compare fewer or smaller networks, or lower \
                        the batch size."
                    .into(),
            );
        }
        let runs = runs.into_iter().map(ComparedRun::new);
        let runs: Vec<_> = runs.collect::<Result<_, _>>()?;
        let smallest = runs.iter().map(|run| DataCursor::epoch_images(run.training.spec())).min();
        let turn_epochs = match order {
            Order::InTurns => (MIN_TURN_IMAGES / smallest.unwrap_or(TRAIN_IMAGES) as f64).max(TURN_EPOCHS),
            Order::OneAfterTheOther => f64::INFINITY,
        };
        Ok(Self { order, runs, active: 0, epochs, turn_epochs })
    }

    /// The index of the active run.
    pub(super) fn active(&self) -> usize {
        self.active
    }

    /// Whether snapshots show the run that trains. In turns they show the first one, so that they do not change with every turn.
    pub(super) fn shows_every_run(&self) -> bool {
        self.order == Order::OneAfterTheOther
    }

    /// The index of the run that snapshots show.
    pub(super) fn shown(&self) -> usize {
        if self.shows_every_run() { self.active } else { 0 }
    }

    /// Whether the run that is shown is the active one.
    pub(super) fn shown_is_active(&self) -> bool {
        self.shown() == self.active
    }

    /// The length of each run in epochs.
    pub(super) fn epochs(&self) -> f64 {
        self.epochs
    }

    /// The training of the run that is shown, while it is parked.
    pub(super) fn parked_shown(&mut self) -> Option<&mut Training> {
        let shown = self.shown();
        (shown != self.active).then(|| &mut self.runs[shown].training)
    }

    /// The session's own training and run.
    pub(super) fn parked(&self) -> (&Training, &Run) {
        let parked = &self.runs[self.active];
        (&parked.training, &parked.run)
    }

    /// Records that the active run was evaluated after `step` steps.
    pub(super) fn record_evaluation(&mut self, step: u64) {
        self.runs[self.active].evaluated = Some(step);
    }

    /// Ends the active run.
    pub(super) fn end_active(&mut self) {
        self.runs[self.active].ended = true;
    }

    /// Decides how the comparison goes on when the active run is at `epoch` after `step` steps.
    pub(super) fn schedule(&mut self, epoch: f64, step: u64, can_evaluate: bool) -> NextRun {
        let active = &mut self.runs[self.active];
        if !active.ended && epoch >= self.epochs {
            if can_evaluate && active.evaluated != Some(step) {
                return NextRun::Evaluate;
            }
            active.ended = true;
        }
        let turns = self.runs.iter().enumerate().map(|(i, compared)| {
            let at =
                if i == self.active { epoch } else { compared.run.cursor.epochs(compared.training.spec()) };
            // A run that stops right at the end of a turn has finished it, whatever the rounding.
            (!compared.ended).then_some((at / self.turn_epochs + 1e-9) as u64)
        });
        let turns: Vec<_> = turns.collect();
        let open = turns.iter().enumerate().filter_map(|(i, turns)| Some(((*turns)?, i)));
        match open.min() {
            None => NextRun::End,
            Some((fewest, next)) if turns[self.active] != Some(fewest) => NextRun::Switch(next),
            Some(_) => NextRun::Same,
        }
    }

    /// Exchanges the session's training and run with those in the place of the active run.
    pub(super) fn swap(&mut self, training: &mut Training, run: &mut Run) {
        training.free_memory();
        let active = &mut self.runs[self.active];
        std::mem::swap(training, &mut active.training);
        std::mem::swap(run, &mut active.run);
    }

    /// Makes another run the active one: swaps the session's own training back, then the run in.
    pub(super) fn switch(&mut self, next: usize, training: &mut Training, run: &mut Run) {
        self.swap(training, run);
        self.active = next;
        self.swap(training, run);
    }
}
