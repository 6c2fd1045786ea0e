//! The work on every core: a training step, or a measurement, spread over this process and helpers that share no memory with it.
//!
//! Work goes on in pieces: what [`Crew::step`] and [`Crew::measure`] cannot finish at once is finished by
//! [`Crew::hear`], when the helpers have answered.

use crate::batch::{Batch, PIXELS, Place};
use crate::helper::measure;
use crate::wire::{Reader, Words};
use data::DataSet;
use nn::divergence::Divergence;
use nn::network::Score;
use nn::training::Training;

/// Images that one core measures at a time: about 15 ms of work, so that commands are heard meanwhile.
const MEASURED_AT_ONCE: usize = 256;

/// What a crew needs of the outside.
pub trait Host {
    /// Milliseconds since some moment.
    fn now(&self) -> f64;
    /// Sends words to a helper, whose answer goes to the session.
    fn post(&self, helper: usize, words: &[u32]);
}

/// What came of a step: how the batch did before it, or why it was not taken.
pub type StepResult = Result<Score, Divergence>;

/// Work that came to its end.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Done {
    /// A training step on so many images.
    Step(usize, StepResult),
    /// A measurement on so many images.
    Measurement(usize, Score),
}

/// A network in training, and the cores that train it.
pub struct Crew {
    /// The network in training.
    pub training: Training,
    helpers: Vec<Line>,
    batch: Batch,
    /// Scores of the chunks of the measurement under way, as far as they are known.
    scores: Vec<Option<Score>>,
    task: Task,
    /// Number of the task under way: answers to older ones are not heard.
    ticket: u32,
    words: Words,
}

/// The line to a helper.
#[derive(Default)]
struct Line {
    /// It stopped, and is never asked again.
    gone: bool,
    knows_network: bool,
    /// Its answer is still to come.
    awaited: bool,
    /// Which images it measures.
    chunk: usize,
    answer: Vec<u32>,
}

#[derive(Clone, Copy)]
enum Task {
    None,
    /// A step by so many helpers, in a phase; after so many epochs.
    Step {
        helpers: usize,
        phase: usize,
        epoch: f64,
    },
    /// The next chunk to be measured.
    Measure {
        next: usize,
    },
}

impl Crew {
    /// A crew of one: this process.
    pub fn new(training: Training) -> Self {
        Self {
            training,
            helpers: Vec::new(),
            batch: Batch::default(),
            scores: Vec::new(),
            task: Task::None,
            ticket: 0,
            words: Words::default(),
        }
    }

    /// From the next task on, this many helpers help.
    pub fn set_helpers(&mut self, helpers: usize) {
        self.abandon();
        self.helpers.clear();
        self.helpers.resize_with(helpers, Line::default);
    }

    /// A helper stopped: the task under way is given up, and the next ones do without it.
    pub fn lose(&mut self, helper: usize) {
        self.abandon();
        if let Some(line) = self.helpers.get_mut(helper) {
            line.gone = true;
        }
    }

    /// Cores that work.
    pub fn cores(&self) -> usize {
        1 + self.helpers.iter().filter(|line| !line.gone).count()
    }

    /// The network, or all that was learned, is another one now: helpers must be told.
    pub fn change(&mut self, change: impl FnOnce(&mut Training)) {
        self.abandon();
        change(&mut self.training);
        self.helpers.iter_mut().for_each(|line| line.knows_network = false);
    }

    /// Gives up the task under way; nothing has changed by it.
    pub fn abandon(&mut self) {
        self.ticket = self.ticket.wrapping_add(1);
        self.task = Task::None;
        self.training.abandon();
        self.helpers.iter_mut().for_each(|line| line.awaited = false);
    }

    /// Whether there is nothing to do until a helper answers.
    pub fn is_waiting(&self) -> bool {
        match self.task {
            Task::None => false,
            Task::Step { .. } => true,
            Task::Measure { next } => next >= self.scores.len(),
        }
    }

    /// Begins a training step on the next batch of `data`. Gives what came of it if no helper has to answer first.
    pub fn step(&mut self, data: &DataSet, place: Place, host: &dyn Host) -> Option<Done> {
        let mut batch = std::mem::take(&mut self.batch);
        batch.gather(data, place, self.training.spec());
        self.step_on(batch, place.epochs(self.training.spec()), host)
    }

    /// The same on a batch of one's own, after so many epochs.
    pub fn step_on(&mut self, batch: Batch, epoch: f64, host: &dyn Host) -> Option<Done> {
        self.abandon();
        self.batch = batch;
        let helpers = (self.cores() - 1).min(self.batch.labels.len().div_ceil(tensor::BLOCK) - 1);
        let Self { training, batch, words, ticket, .. } = self;
        training.begin(&batch.labels, helpers);
        let weights = (&training.network.parameters[..], &training.network.running[..]);
        for (i, (helper, line)) in alive(&mut self.helpers).take(helpers).enumerate() {
            if !line.knows_network {
                host.post(helper, words.network(training.network.spec()));
            }
            host.post(helper, words.begin(*ticket, &training.job(i, helpers), batch, weights));
            (line.knows_network, line.awaited) = (true, true);
        }
        training.run(0, &|sample, input| batch.fill(sample, input));
        self.task = Task::Step { helpers, phase: 0, epoch };
        self.go_on(host)
    }

    /// The batch of the last step, to be used again.
    pub fn take_batch(&mut self) -> Batch {
        std::mem::take(&mut self.batch)
    }

    /// Once everybody has done the phase under way: adds up, and runs the next one.
    fn go_on(&mut self, host: &dyn Host) -> Option<Done> {
        let Task::Step { helpers, mut phase, epoch } = self.task else { return None };
        let Self { training, batch, words, ticket, .. } = self;
        let fill = |sample: usize, input: &mut [f32]| batch.fill(sample, input);
        while !self.helpers.iter().any(|line| line.awaited) {
            for (_, line) in alive(&mut self.helpers).take(helpers) {
                for (level, index, values) in Reader(&line.answer).sums() {
                    training.merge(level, index, values);
                }
            }
            let last = phase + 1 == training.network.plan().phases();
            let statistics = training.finish_phase(phase);
            if last {
                self.task = Task::None;
                let result = training.finish(epoch);
                let result = result.ok_or_else(|| training.trace_divergence(&batch.labels, &fill));
                return Some(Done::Step(batch.labels.len(), result));
            }
            for (helper, line) in alive(&mut self.helpers).take(helpers) {
                host.post(helper, words.absorb(*ticket, phase, statistics));
                line.awaited = true;
            }
            phase += 1;
            training.run(phase, &fill);
        }
        self.task = Task::Step { helpers, phase, epoch };
        None
    }

    /// Begins to measure the network on so many images, or goes on with it. Gives the score once it is known.
    pub fn measure(&mut self, data: &DataSet, host: &dyn Host) -> Option<Done> {
        if !matches!(self.task, Task::Measure { .. }) {
            self.abandon();
            self.training.network.prepare();
            self.scores.clear();
            self.scores.resize(data.len().div_ceil(MEASURED_AT_ONCE), None);
            self.task = Task::Measure { next: 0 };
        }
        for helper in 0..self.helpers.len() {
            self.give_chunk(helper, data, host);
        }
        if let Some(chunk) = self.next_chunk() {
            let (images, labels) = part(data, chunk);
            self.scores[chunk] = Some(measure(&mut self.training.network, images, labels));
        }
        self.measured(data)
    }

    fn next_chunk(&mut self) -> Option<usize> {
        let Task::Measure { next } = &mut self.task else { return None };
        let chunk = *next;
        *next += 1;
        (chunk < self.scores.len()).then_some(chunk)
    }

    /// Gives a helper that has nothing to do images to measure.
    fn give_chunk(&mut self, helper: usize, data: &DataSet, host: &dyn Host) {
        if self.helpers[helper].gone || self.helpers[helper].awaited {
            return;
        }
        let Some(chunk) = self.next_chunk() else { return };
        let Self { training, words, ticket, helpers, .. } = self;
        let line = &mut helpers[helper];
        if !line.knows_network {
            host.post(helper, words.network(training.network.spec()));
        }
        let weights = (&training.network.parameters[..], &training.network.running[..]);
        host.post(helper, words.measure(*ticket, part(data, chunk), weights));
        (line.knows_network, line.awaited, line.chunk) = (true, true, chunk);
    }

    /// The whole score, if all of it is known: added up in the order of the images.
    fn measured(&mut self, data: &DataSet) -> Option<Done> {
        let mut total = Score::default();
        for score in &self.scores {
            let score = (*score)?;
            total.loss += score.loss;
            total.correct += score.correct;
        }
        self.task = Task::None;
        Some(Done::Measurement(data.len(), total))
    }

    /// Takes the answer of a helper; `measured` is what is being measured on. Gives what came to its end by it.
    pub fn hear(
        &mut self,
        helper: usize,
        words: &[u32],
        measured: &DataSet,
        host: &dyn Host,
    ) -> Option<Done> {
        let mut reader = Reader(words);
        let line = self.helpers.get_mut(helper)?;
        if reader.word() != Some(self.ticket) || !line.awaited {
            return None;
        }
        line.awaited = false;
        match self.task {
            Task::None => None,
            Task::Step { .. } => {
                line.answer.clear();
                line.answer.extend_from_slice(words);
                self.go_on(host)
            }
            Task::Measure { .. } => {
                let chunk = line.chunk;
                self.scores[chunk] = reader.score();
                self.give_chunk(helper, measured, host);
                self.measured(measured)
            }
        }
    }
}

fn alive(helpers: &mut [Line]) -> impl Iterator<Item = (usize, &mut Line)> {
    helpers.iter_mut().enumerate().filter(|(_, line)| !line.gone)
}

fn part(data: &DataSet, chunk: usize) -> (&[u8], &[u8]) {
    let images = chunk * MEASURED_AT_ONCE..((chunk + 1) * MEASURED_AT_ONCE).min(data.len());
    (&data.images[images.start * PIXELS..images.end * PIXELS], &data.labels[images])
}
