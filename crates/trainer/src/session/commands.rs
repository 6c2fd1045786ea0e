//! What the page can ask of a session, and what comes of it at once.

use super::Session;
use super::report::{Speed, Tally};
use super::validate::check;
use crate::batch::{Batch, PIXELS, Place};
use crate::device::probe::Trial;
use crate::messages::{Command, Event, RunState};
use nn::spec::{NetworkSpec, TrainingSpec};
use nn::train::TrainingState;

impl Session {
    /// Carries out a command.
    pub fn handle(&mut self, command: Command) -> Vec<Event> {
        let looks_only = matches!(
            command,
            Command::Show { .. }
                | Command::Watch(_)
                | Command::RetryDownload
                | Command::UseCores(_)
                | Command::Labels(_)
                | Command::Images { .. }
        );
        if !looks_only && self.wait_with(&command) {
            return Vec::new();
        }
        match command {
            Command::Configure { network, training } => {
                let mut events = self.end_comparison();
                events.extend(told(self.configure(network, training)));
                events
            }
            Command::Compare { runs, epochs } => told(self.compare(runs, epochs)),
            Command::EndComparison => self.end_comparison(),
            Command::Train => self.run(None),
            Command::Step => self.run(Some(1)),
            Command::Pause => self.pause(),
            // Somebody wants to be rid of the comparison, not of what was learned before it.
            Command::Reset if self.is_comparing() => self.end_comparison(),
            Command::Reset => self.reset(),
            Command::UndoReset => self.undo_reset(),
            Command::Restore => self.restore(),
            Command::Show { image } if image.len() == PIXELS => {
                self.image = Some(image);
                self.snapshot().into_iter().collect()
            }
            Command::Show { .. } => vec![Event::Failed("An image to recognise has 28x28 pixels.".into())],
            Command::Watch(watch) => {
                let before = std::mem::replace(&mut self.watch, watch);
                self.watch_answers(before.predictions);
                self.snapshot().into_iter().collect()
            }
            Command::UseDevice(choice) => {
                self.devices.choose(choice);
                self.report().into_iter().collect()
            }
            // The download and the helpers are the entry's business; see the worker.
            Command::RetryDownload | Command::UseCores(_) => Vec::new(),
            Command::Labels(_) | Command::Images { .. } => self.look_up(&command).into_iter().collect(),
        }
    }

    fn configure(&mut self, network: NetworkSpec, training: TrainingSpec) -> Result<Vec<Event>, String> {
        check(&network, &training)?;
        self.before_reset = None;
        let now = self.crew.training();
        if *now.network.spec() != network || now.spec().batch_size != training.batch_size {
            (self.cpu_trial, self.speed) = (Trial::default(), Speed::default());
            self.devices.forget_speeds();
        }
        let new = self.crew.change(|now| now.configure(network, training)).map_err(|e| e.message)?;
        self.limit_crew();
        if self.crew.training().steps() == 0 {
            // Nothing was learned yet: the weights are those of the (new) seed, not of an old one.
            return Ok(self.restart());
        }
        if !new.is_empty() && self.batch_is_here() {
            let mut batch = Batch::default();
            batch.gather(&self.train, self.place, self.crew.training().spec());
            let fill = |sample: usize, input: &mut [f32]| batch.fill(sample, input);
            self.crew.change(|training| training.calibrate_batch_norm(&new, &batch.labels, &fill));
        }
        self.testing = false;
        self.good.start(self.crew.training(), self.place);
        self.ask_anew();
        Ok(self.snapshot().into_iter().collect())
    }

    pub(super) fn run(&mut self, steps: Option<u64>) -> Vec<Event> {
        self.steps_wanted = steps;
        let mut events = self.take_turns();
        if events.contains(&Event::ActiveRun(None)) {
            return events;
        }
        let state = if self.batch_is_here() { RunState::Training } else { RunState::WaitingForData };
        events.extend(self.set_state(state));
        events
    }

    /// Stops, and tells where: what was told last may be a thirtieth of a second old.
    fn pause(&mut self) -> Vec<Event> {
        let mut events = self.set_state(RunState::Paused);
        if !events.is_empty() {
            events.push(self.progress());
            events.extend(self.pass_turn(0));
            events.extend(self.snapshot());
        }
        events
    }

    fn reset(&mut self) -> Vec<Event> {
        let mut events = self.set_state(RunState::Paused);
        // A second reset in a row ends nothing.
        if self.crew.training().steps() > 0 {
            let mut state = TrainingState::default();
            self.crew.training().save(&mut state);
            self.before_reset = Some((state, self.place));
        }
        events.extend(self.restart());
        events
    }

    fn undo_reset(&mut self) -> Vec<Event> {
        if self.crew.training().steps() > 0 || self.is_comparing() {
            return Vec::new();
        }
        let Some((state, place)) = self.before_reset.take() else { return Vec::new() };
        let mut events = self.set_state(RunState::Paused);
        self.crew.change(|training| training.restore(&state));
        self.place = place;
        self.good.start(self.crew.training(), self.place);
        events.extend(self.look_again());
        events
    }

    fn restart(&mut self) -> Vec<Event> {
        self.crew.change(|training| training.restart());
        self.place = Place::default();
        self.good.start(self.crew.training(), self.place);
        self.look_again()
    }

    /// Back to the last good state.
    fn restore(&mut self) -> Vec<Event> {
        let mut events = self.set_state(RunState::Paused);
        let (state, place) = self.good.state();
        self.crew.change(|training| training.restore(state));
        self.place = place;
        events.extend(self.look_again());
        events
    }

    /// After a jump to another state.
    fn look_again(&mut self) -> Vec<Event> {
        self.testing = false;
        self.ask_anew();
        self.since_report = Tally::default();
        self.speed = Speed::default();
        let mut events = vec![self.progress()];
        events.extend(self.snapshot());
        events
    }
}

/// What came of a command that can fail.
fn told(outcome: Result<Vec<Event>, String>) -> Vec<Event> {
    outcome.unwrap_or_else(|sentence| vec![Event::Failed(sentence)])
}
