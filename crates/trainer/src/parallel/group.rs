//! The work on every core: training steps, or a measurement, spread over this process and helpers that share no memory with it.
//!
//! Work goes on in pieces: what [`Crew::go_on`] and [`Crew::measure`] cannot finish at once is finished by [`Crew::hear`],
//! when the helpers have answered.

use crate::batch::{Batch, PIXELS, Place};
use crate::parallel::protocol::{Reader, Words, kind};
use crate::parallel::replica::Member;
use crate::parallel::worker::measure;
use data::DataSet;
use nn::inspect::divergence::Divergence;
use nn::network::{Network, Score};
use nn::train::{Training, TrainingState};

/// Images that one core measures at a time: about 15 ms of work, so that commands are heard meanwhile.
const MEASURED_AT_ONCE: usize = 256;

/// Steps that helpers are told at a time: a message took 40 µs of who sends it and 60 of who receives it, whatever was in it.
const TOLD_AT_ONCE: usize = 8;

/// Steps that helpers still know of when they are told more. When they were told during their last one, they came to its end
/// first, and all waited 300 µs.
const TOLD_AHEAD: usize = 2;

/// Steps that are planned while helpers are waited for, which takes 40 µs each: all of a message at once would be waited for, and
/// with one alone nothing would ever be planned ahead.
const PLANNED_AT_ONCE: usize = 2;

/// What a core needs of the outside.
pub trait Host {
    /// Milliseconds since some moment.
    fn now(&self) -> f64;
    /// Sends words, one part after the other, to another core: 0 is the trainer, helpers count from 1.
    fn post(&self, core: usize, words: &[&[u32]]);
    /// The others' words will be here in a moment: not worth sleeping.
    fn stay_awake(&self) {}
}

/// What came of a step: how the batch did before it, or why it was not taken.
pub type StepResult = Result<Score, Divergence>;

/// Work that came to its end.
#[derive(Clone, Debug, PartialEq)]
pub enum Done {
    /// A training step on so many images.
    Step(usize, StepResult),
    /// A measurement.
    Measurement(Measured),
}

/// How a network did on images, and how it read each.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Measured {
    /// Loss and hits of all.
    pub score: Score,
    /// The class that each image is taken for, in their order; [`data::mnist::CLASSES`] where the network gives no numbers.
    pub classes: Vec<u8>,
    /// The probability that the network gives that class, 0 to 1.
    pub confidences: Vec<f32>,
}

impl Measured {
    /// Adds a block of images that `network` has just inferred, with these labels.
    pub(crate) fn add_block(&mut self, network: &mut Network, labels: &[u8]) {
        let score = network.score(labels);
        self.score.loss += score.loss;
        self.score.correct += score.correct;
        for answer in network.predictions() {
            let (class, confidence) = answer.unwrap_or((data::mnist::CLASSES, f32::NAN));
            self.classes.push(class as u8);
            self.confidences.push(confidence);
        }
    }

    /// Adds what was measured on the images that follow.
    fn append(&mut self, mut next: Self) {
        self.score.loss += next.score.loss;
        self.score.correct += next.score.correct;
        self.classes.append(&mut next.classes);
        self.confidences.append(&mut next.confidences);
    }
}

/// A network in training, and the cores that train it. This process is core 0.
pub struct Crew {
    member: Member,
    /// Helpers that are there: the first one is core 1. Those that stopped are `None`.
    helpers: Vec<Option<Line>>,
    /// At most so many cores work together.
    most: usize,
    /// The helpers must be told the state before the next work.
    changed: bool,
    /// Planned steps, the last ones, that helpers were not told yet.
    untold: usize,
    state: TrainingState,
    measuring: Option<Measuring>,
    /// A task that is given up is followed by one with another number: answers to the old one are not heard.
    ticket: u32,
    words: Words,
}

/// The line to a helper.
#[derive(Clone, Default)]
struct Line {
    /// Which images it measures.
    chunk: Option<usize>,
}

#[derive(Default)]
struct Measuring {
    /// How the chunks went, as far as it is known.
    chunks: Vec<Option<Measured>>,
    /// The next chunk to be measured.
    next: usize,
}

impl Crew {
    /// A crew of one: this process.
    pub fn new(training: Training) -> Self {
        Self {
            member: Member::new(training),
            helpers: Vec::new(),
            most: usize::MAX,
            changed: false,
            untold: 0,
            state: TrainingState::default(),
            measuring: None,
            ticket: 0,
            words: Words::default(),
        }
    }

    /// The training.
    pub fn training(&self) -> &Training {
        &self.member.training
    }

    /// Looks at the network: a pass for a picture needs its memory, and changes nothing that is learned.
    pub fn training_mut(&mut self) -> &mut Training {
        &mut self.member.training
    }

    /// Changes the training, or what it learned. Steps under way are given up.
    pub fn change<T>(&mut self, change: impl FnOnce(&mut Training) -> T) -> T {
        self.abandon();
        change(&mut self.member.training)
    }

    /// From the next work on, cores 1 to this many are there.
    pub fn set_helpers(&mut self, helpers: usize) {
        self.abandon();
        self.helpers.clear();
        self.helpers.resize(helpers, Some(Line::default()));
    }

    /// From the next work on, at most so many cores work together: see [`crate::worth`].
    pub fn limit(&mut self, most: usize) {
        if self.most != most {
            self.abandon();
            self.most = most;
        }
    }

    /// A core stopped: what it was part of is given up, and done again without it.
    pub fn lose(&mut self, core: usize) {
        self.abandon();
        if let Some(line) = core.checked_sub(1).and_then(|helper| self.helpers.get_mut(helper)) {
            *line = None;
        }
    }

    /// Cores that are there.
    pub fn cores(&self) -> usize {
        1 + self.helpers.iter().flatten().count()
    }

    /// Cores that work together.
    pub fn working(&self) -> usize {
        self.cores().min(self.most)
    }

    /// Gives up what is under way; nothing has changed by it.
    pub fn abandon(&mut self) {
        self.ticket += 1;
        self.member.join(self.ticket, &[0], 0);
        self.changed = true;
        self.untold = 0;
        self.measuring = None;
        self.helpers.iter_mut().flatten().for_each(|line| line.chunk = None);
    }

    /// Steps that were planned and are not finished.
    pub fn planned(&self) -> usize {
        self.member.steps()
    }

    /// How many more steps should be planned while helpers are waited for: they begin with the next one while the trainer finishes
    /// this one.
    pub fn plans_more(&self) -> usize {
        let missing = (TOLD_AHEAD + TOLD_AT_ONCE).saturating_sub(self.planned());
        if self.member.crew().len() > 1 { missing.min(PLANNED_AT_ONCE) } else { 0 }
    }

    /// Whether there is nothing to do until a helper answers.
    pub fn is_waiting(&self) -> bool {
        match &self.measuring {
            Some(measuring) => measuring.next >= measuring.chunks.len(),
            None => self.member.steps() > 0,
        }
    }

    /// Plans a training step on the batch of `data` that is at `place`. [`Crew::tell`] tells the helpers, once they need it.
    pub fn plan(&mut self, data: &DataSet, place: Place, host: &dyn Host) {
        let spec = self.member.training.spec();
        let epoch = place.epochs(spec);
        let mut batch = self.member.spare_batch();
        batch.gather(data, place, self.member.training.spec());
        self.plan_batch(batch, epoch, host);
    }

    /// The same with a batch of one's own, after so many epochs.
    pub fn plan_batch(&mut self, batch: Batch, epoch: f64, host: &dyn Host) {
        self.stop_measuring();
        self.inform(batch.labels.len().div_ceil(tensor::BLOCK), host);
        self.member.add(epoch, batch.labels.len(), batch);
        self.untold += 1;
    }

    /// Tells the helpers the steps that were planned, once they need them.
    pub fn tell(&mut self, host: &dyn Host) {
        if self.planned() - self.untold > TOLD_AHEAD {
            return;
        }
        let untold = std::mem::take(&mut self.untold);
        if untold == 0 {
            return;
        }
        let (member, words) = (&self.member, &mut self.words);
        for (place, core) in member.crew().iter().enumerate().skip(1) {
            let steps = member.steps_from(member.steps() - untold);
            let steps = steps.map(|(epoch, batch)| (epoch, batch, member.share(batch.labels.len(), place)));
            host.post(*core as usize, &[words.steps(self.ticket, steps)]);
        }
    }

    /// A batch to be filled.
    pub fn spare_batch(&mut self) -> Batch {
        self.member.spare_batch()
    }

    /// Works on the steps that are planned. Gives what came of one that could be finished.
    pub fn go_on(&mut self, host: &dyn Host) -> Option<Done> {
        self.tell(host);
        self.member.go_on(host).map(|(size, result)| Done::Step(size, result))
    }

    /// If there was a change, forms a crew for so many pieces of work, and tells it the state.
    fn inform(&mut self, pieces: usize, host: &dyn Host) {
        if !std::mem::take(&mut self.changed) {
            return;
        }
        let helpers = self.helpers.iter().enumerate().filter(|(_, line)| line.is_some());
        let crew: Vec<u32> = [0]
            .into_iter()
            .chain(helpers.map(|(i, _)| i as u32 + 1))
            .take(pieces.clamp(1, self.most))
            .collect();
        self.member.join(self.ticket, &crew, 0);
        if crew.len() > 1 {
            let training = &self.member.training;
            training.save(&mut self.state);
            let specs = (training.network.spec(), training.spec());
            let words = self.words.state(self.ticket, &crew, specs, &self.state);
            crew[1..].iter().for_each(|core| host.post(*core as usize, &[words]));
        }
    }

    /// A measurement that was not finished is given up.
    fn stop_measuring(&mut self) {
        if self.measuring.is_some() {
            self.abandon();
        }
    }

    /// Begins to measure the network on so many images, or goes on with it. Gives the score once it is known.
    pub fn measure(&mut self, data: &DataSet, host: &dyn Host) -> Option<Done> {
        if self.measuring.is_none() {
            if self.member.steps() > 0 {
                self.abandon();
            }
            let chunks = data.len().div_ceil(MEASURED_AT_ONCE);
            self.inform(chunks, host);
            self.member.training.network.prepare();
            self.measuring = Some(Measuring { chunks: vec![None; chunks], next: 0 });
        }
        for place in 1..self.member.crew().len() {
            self.give_chunk(self.member.crew()[place] as usize, data, host);
        }
        let measuring = self.measuring.as_mut()?;
        if let Some(chunk) = measuring.take() {
            let (images, labels) = part(data, chunk);
            measuring.chunks[chunk] = Some(measure(&mut self.member.training.network, images, labels));
        }
        self.measured()
    }

    /// Gives a helper that has nothing to do images to measure.
    fn give_chunk(&mut self, core: usize, data: &DataSet, host: &dyn Host) {
        let (Some(Some(line)), Some(measuring)) = (self.helpers.get_mut(core - 1), &mut self.measuring)
        else {
            return;
        };
        if line.chunk.is_none() {
            line.chunk = measuring.take();
            if let Some(chunk) = line.chunk {
                host.post(core, &[self.words.measure(self.ticket, part(data, chunk))]);
            }
        }
    }

    /// The whole of it, if all chunks are known: added up in the order of the images.
    fn measured(&mut self) -> Option<Done> {
        if self.measuring.as_ref()?.chunks.iter().any(Option::is_none) {
            return None;
        }
        let mut total = Measured::default();
        self.measuring.take()?.chunks.into_iter().flatten().for_each(|chunk| total.append(chunk));
        Some(Done::Measurement(total))
    }

    /// Takes what a helper tells; `measured` is what is being measured on. Gives what came to its end by it. The words may
    /// be kept and replaced by others of no meaning.
    pub fn hear(
        &mut self,
        core: usize,
        words: &mut Vec<u32>,
        measured: &DataSet,
        host: &dyn Host,
    ) -> Option<Done> {
        let mut reader = Reader(words);
        if reader.word()? == kind::SUMS {
            self.member.hear(core, words);
            return self.go_on(host);
        }
        if reader.word()? != self.ticket {
            return None;
        }
        let chunk = self.helpers.get_mut(core.checked_sub(1)?)?.as_mut()?.chunk.take()?;
        self.measuring.as_mut()?.chunks[chunk] = reader.measured();
        self.give_chunk(core, measured, host);
        self.measured()
    }
}

impl Measuring {
    fn take(&mut self) -> Option<usize> {
        let chunk = self.next;
        self.next += usize::from(chunk < self.chunks.len());
        (chunk < self.chunks.len()).then_some(chunk)
    }
}

fn part(data: &DataSet, chunk: usize) -> (&[u8], &[u8]) {
    let images = chunk * MEASURED_AT_ONCE..((chunk + 1) * MEASURED_AT_ONCE).min(data.len());
    (&data.images[images.start * PIXELS..images.end * PIXELS], &data.labels[images])
}
