//! One core of a crew. It has a copy of the training of its own and takes the same steps as all the others, each on its part
//! of the batch: what they tell each other is what came of their parts, and all add it up in the same order.

use crate::batch::Batch;
use crate::parallel::group::{Host, StepResult};
use crate::parallel::protocol::{Moment, Reader, Words};
use nn::train::{Training, share};
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
        share(size, place, self.crew.len())
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
        if !self.running {
            let step = self.steps.front()?;
            let samples = share(step.size, self.place, self.crew.len());
            let labels = &step.batch.labels[samples.start - step.batch.first..][..samples.len()];
            self.training.begin(step.size, samples, labels);
            self.now.phase = 0;
            self.running = true;
            self.run(host);
        }
        while self.all_are_here() {
            // Its own first: what the others tell is then added to it from where it lies.
            self.training.merge_own();
            for core in
                self.crew.iter().enumerate().filter(|(place, _)| *place != self.place).map(|(_, c)| *c)
            {
                if let Some(words) = self.heard[core as usize].pop_front() {
                    let mut reader = Reader(&words[1..]);
                    reader.moment();
                    reader
                        .sums()
                        .for_each(|(level, index, values)| self.training.merge(level, index, values));
                    self.free.push(words);
                }
            }
            self.training.finish_phase(self.now.phase as usize);
            if self.now.phase as usize + 1 == self.training.network.plan().phases() {
                return self.finish();
            }
            self.now.phase += 1;
            self.run(host);
        }
        host.stay_awake();
        None
    }

    /// Runs a phase on the samples here, and tells the others what came of it.
    fn run(&mut self, host: &dyn Host) {
        let Some(Step { batch, .. }) = self.steps.front() else { return };
        self.training.run(self.now.phase as usize, &|sample, input| batch.fill(sample, input));
        if self.crew.len() > 1 {
            let others = self.crew.iter().enumerate().filter(|(place, _)| *place != self.place);
            self.words.sums(self.now, self.training.own(), |words| {
                others.for_each(|(_, core)| host.post(*core as usize, words));
            });
        }
    }

    /// Whether the sums of all others for the phase under way have come. Forgets what came of steps that were given up.
    fn all_are_here(&mut self) -> bool {
        let Self { crew, place, now, heard, free, .. } = self;
        crew.iter().enumerate().filter(|(i, _)| i != place).all(|(_, core)| {
            let Some(queue) = heard.get_mut(*core as usize) else { return false };
            while let Some(words) = queue.front() {
                match Reader(&words[1..]).moment() {
                    Some(moment) if moment == *now => return true,
                    Some(moment) if moment > *now => return false,
                    _ => free.extend(queue.pop_front()),
                }
            }
            false
        })
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
