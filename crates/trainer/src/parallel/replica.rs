//! One core of a crew. It has a copy of the training of its own and takes the same steps as all the others, each on its part
//! of the batch: what they tell each other is what came of their parts, and all add it up in the same order.

use crate::batch::Batch;
use crate::parallel::group::{Host, StepResult};
use crate::parallel::protocol::{Moment, Reader, Words};
use nn::train::pairwise_sum::{PairwiseSum, PartialSum};
use nn::train::{AllReduce, Training, shard_range};
use std::collections::VecDeque;

/// A core of a crew, with its own copy of the training.
pub(crate) struct Member {
    pub(crate) training: Training,
    /// The numbers of all cores that work together, in order, and which of them this one is.
    crew: Vec<u32>,
    place: usize,
    /// Where it is. The phase counts only while a step is under way.
    now: Moment,
    /// The step's first phase was run.
    running: bool,
    /// Steps that are still to be finished: the first is the one under way.
    steps: VecDeque<Step>,
    /// Messages with sums that came from each core, not used yet.
    heard: Vec<VecDeque<Vec<u32>>>,
    /// Used messages and batches, to be written into again.
    free: Vec<Vec<u32>>,
    batches: Vec<Batch>,
    words: Words,
}

struct Step {
    epoch: f64,
    /// Samples in the whole batch.
    size: usize,
    /// Those that are worked on here.
    batch: Batch,
}

impl Member {
    /// A core that works alone.
    pub(crate) fn new(training: Training) -> Self {
        Self {
            training,
            crew: vec![0],
            place: 0,
            now: Moment::default(),
            running: false,
            steps: VecDeque::new(),
            heard: Vec::new(),
            free: Vec::new(),
            batches: Vec::new(),
            words: Words::default(),
        }
    }

    /// Gives up all steps, and works with this crew, as core number `number`, from now on.
    pub(crate) fn join(&mut self, ticket: u32, crew: &[u32], number: u32) {
        self.crew.clear();
        self.crew.extend_from_slice(crew);
        self.place = crew.iter().position(|n| *n == number).unwrap_or(0);
        self.now = Moment { ticket, ..Moment::default() };
        self.running = false;
        self.batches.extend(self.steps.drain(..).map(|step| step.batch));
        self.training.abandon();
        self.heard.iter_mut().for_each(|queue| {
            let old =
                |words: &Vec<u32>| Reader(&words[1..]).moment().is_none_or(|moment| moment.ticket < ticket);
            while queue.front().is_some_and(old) {
                self.free.extend(queue.pop_front());
            }
        });
    }

    /// Number of the state that it works from.
    pub(crate) fn ticket(&self) -> u32 {
        self.now.ticket
    }

    /// The cores that work together.
    pub(crate) fn crew(&self) -> &[u32] {
        &self.crew
    }

    /// The part of a batch that a core of the crew works on.
    pub(crate) fn share(&self, size: usize, place: usize) -> std::ops::Range<usize> {
        shard_range(size, place, self.crew.len())
    }

    /// Steps that are still to be finished.
    pub(crate) fn steps(&self) -> usize {
        self.steps.len()
    }

    /// The steps that were added last, from the given one on: after how many epochs each is, and its batch.
    pub(crate) fn steps_from(&self, first: usize) -> impl ExactSizeIterator<Item = (f64, &Batch)> {
        self.steps.range(first..).map(|step| (step.epoch, &step.batch))
    }

    /// A batch to be filled.
    pub(crate) fn spare_batch(&mut self) -> Batch {
        self.batches.pop().unwrap_or_default()
    }

    /// The next step: a batch of so many samples, of which `batch` holds at least those that are worked on here.
    pub(crate) fn add(&mut self, epoch: f64, size: usize, batch: Batch) {
        self.steps.push_back(Step { epoch, size, batch });
    }

    /// Keeps what a core told of a phase until it is its turn, and gives other memory for it.
    pub(crate) fn hear(&mut self, from: usize, words: &mut Vec<u32>) {
        if self.heard.len() <= from {
            self.heard.resize_with(from + 1, VecDeque::new);
        }
        let spare = self.free.pop().unwrap_or_default();
        self.heard[from].push_back(std::mem::replace(words, spare));
    }

    /// Goes on as far as it can. Gives the size of the batch, and what came of the step, once one is finished.
    pub(crate) fn go_on(&mut self, host: &dyn Host) -> Option<(usize, StepResult)> {
        let Self { training, crew, place, now, running, steps, heard, free, words, .. } = self;
        let Step { size, batch, .. } = steps.front()?;
        if !std::mem::replace(running, true) {
            let samples = shard_range(*size, *place, crew.len());
            let labels = &batch.labels[samples.start - batch.first..][..samples.len()];
            training.begin(*size, samples, labels);
        }
        let mut exchange = Exchange { crew, place: *place, now, heard, free, words, host };
        if training.run_phases(&|sample, input| batch.fill(sample, input), &mut exchange) {
            return self.finish();
        }
        host.stay_awake();
        None
    }

    fn finish(&mut self) -> Option<(usize, StepResult)> {
        let Step { epoch, size, batch } = self.steps.pop_front()?;
        self.running = false;
        self.now.step += 1;
        let result = match self.training.finish(epoch) {
            Some(score) => Ok(score),
            None => {
                // Where it began can be seen by whoever has all of the batch.
                let fill = |sample: usize, input: &mut [f32]| batch.fill(sample + batch.first, input);
                Err(self.training.trace_divergence(&batch.labels, &fill))
            }
        };
        self.batches.push(batch);
        Some((size, result))
    }
}

/// The all-reduce of a phase by messages between the cores of a crew.
struct Exchange<'a> {
    crew: &'a [u32],
    place: usize,
    now: &'a mut Moment,
    heard: &'a mut [VecDeque<Vec<u32>>],
    free: &'a mut Vec<Vec<u32>>,
    words: &'a mut Words,
    host: &'a dyn Host,
}

impl<'a> Exchange<'a> {
    /// The numbers of the other cores.
    fn others(&self) -> impl Iterator<Item = usize> + use<'a> {
        let Self { crew, place, .. } = *self;
        crew.iter().enumerate().filter(move |(i, _)| *i != place).map(|(_, core)| *core as usize)
    }

    /// Whether the sums of all others for the phase under way have come. Forgets what came of steps that were given up.
    fn all_are_here(&mut self) -> bool {
        let mut others = self.others();
        let Self { now, heard, free, .. } = self;
        others.all(|core| {
            let Some(queue) = heard.get_mut(core) else { return false };
            while let Some(words) = queue.front() {
                match Reader(&words[1..]).moment() {
                    Some(moment) if moment == **now => return true,
                    Some(moment) if moment > **now => return false,
                    _ => free.extend(queue.pop_front()),
                }
            }
            false
        })
    }
}

impl AllReduce for Exchange<'_> {
    fn send<'a>(&mut self, phase: usize, partial_sums: impl Iterator<Item = &'a PartialSum> + Clone) {
        self.now.phase = phase as u32;
        if self.crew.len() > 1 {
            let others = self.others();
            let host = self.host;
            self.words.sums(*self.now, partial_sums, |words| others.for_each(|core| host.post(core, words)));
        }
    }

    fn receive(&mut self, _: usize, sum: &mut PairwiseSum) -> bool {
        if !self.all_are_here() {
            return false;
        }
        for core in self.others() {
            if let Some(words) = self.heard[core].pop_front() {
                let mut reader = Reader(&words[1..]);
                reader.moment();
                reader.sums().for_each(|(level, index, values)| sum.push_values(level, index, values));
                self.free.push(words);
            }
        }
        true
    }
}
