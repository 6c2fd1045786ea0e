//! One training session as a state machine: commands and data go in, events come out, work is done in slices.

use crate::messages::{Command, Event, LayerValues, Progress, RunState, Snapshot, Source, Tested, Watch};
use data::{DataSet, augment::augment};
use nn::network::{Network, Score, pixels};
use nn::preset::Preset;
use nn::random::{Stream, permute};
use nn::spec::TrainingSpec;
use nn::training::Training;
use tensor::BLOCK;

/// Training images in MNIST.
pub const TRAIN_IMAGES: usize = 60_000;
/// Test images in MNIST.
pub const TEST_IMAGES: usize = 10_000;
/// The first epoch shuffles within so many images: what a shard holds. Training can so begin with the first shard,
/// and still sees the same batches however fast the download is.
const WINDOW: usize = 5_000;
/// How long one slice of work is, so that commands are heard and pictures move: half a frame at 30 a second.
const SLICE_MS: f64 = 16.0;
/// Events that draw something come at most 30 times a second.
const FRAME_MS: f64 = 1000.0 / 30.0;

/// A session. It starts with LeNet-5 at its initial weights, paused.
pub struct Session {
    train: DataSet,
    test: DataSet,
    training: Training,
    network: nn::spec::NetworkSpec,
    pretrained: Option<Network>,
    image: Option<Vec<u8>>,
    watch: Watch,
    state: RunState,
    /// Steps to take before stopping, when not told to go on for ever.
    steps_wanted: Option<u64>,
    /// Training images consumed since the reset: where in the epochs it is.
    seen: u64,
    /// Test images measured so far in the evaluation under way.
    testing: Option<(usize, Score)>,
    batch: Vec<u32>,
    labels: Vec<u8>,
    since_report: Tally,
    speed: Speed,
    last_frame: f64,
}

#[derive(Default)]
struct Tally {
    images: usize,
    score: Score,
}

/// Images a second over about the last second of training time.
#[derive(Default)]
struct Speed {
    images: f64,
    ms: f64,
}

impl Speed {
    fn add(&mut self, images: usize, ms: f64) {
        // Older slices fade with a time constant of one second of work.
        let keep = (1.0 - ms / 1000.0).clamp(0.0, 1.0);
        self.images = self.images * keep + images as f64;
        self.ms = self.ms * keep + ms;
    }

    fn per_second(&self) -> Option<f32> {
        (self.ms > 20.0).then(|| (1000.0 * self.images / self.ms) as f32)
    }
}

impl Default for Session {
    fn default() -> Self {
        let network = Preset::LeNet5.network();
        let training = Training::new(network.clone(), TrainingSpec::default()).expect("the preset fits");
        Self {
            train: DataSet::default(),
            test: DataSet::default(),
            training,
            network,
            pretrained: None,
            image: None,
            watch: Watch::default(),
            state: RunState::Paused,
            steps_wanted: None,
            seen: 0,
            testing: None,
            batch: Vec::new(),
            labels: Vec::new(),
            since_report: Tally::default(),
            speed: Speed::default(),
            last_frame: f64::NEG_INFINITY,
        }
    }
}

impl Session {
    /// Adds the next training images, in MNIST's order.
    ///
    /// # Errors
    /// A sentence, if they do not fit to those that are here.
    pub fn add_train(&mut self, part: &DataSet) -> Result<usize, String> {
        self.train.reserve_total(TRAIN_IMAGES, part.rows, part.columns);
        self.train.append(part).map_err(|e| e.to_string())?;
        Ok(self.train.len())
    }

    /// Adds the next test images.
    ///
    /// # Errors
    /// A sentence, if they do not fit to those that are here.
    pub fn add_test(&mut self, part: &DataSet) -> Result<usize, String> {
        self.test.reserve_total(TEST_IMAGES, part.rows, part.columns);
        self.test.append(part).map_err(|e| e.to_string())?;
        Ok(self.test.len())
    }

    /// The checkpoint that recognises drawings as long as the session's own network has not been trained.
    ///
    /// # Errors
    /// A sentence, if `bytes` are no checkpoint.
    pub fn set_pretrained(&mut self, bytes: &[u8]) -> Result<Vec<Event>, String> {
        let mut network = interchange::read_checkpoint(bytes)?;
        network.prepare();
        self.pretrained = Some(network);
        Ok(self.snapshot().into_iter().collect())
    }

    /// The network in training.
    pub fn network(&self) -> &Network {
        &self.training.network
    }

    /// Carries out a command.
    pub fn handle(&mut self, command: Command) -> Vec<Event> {
        match command {
            Command::Configure { network, training } => match self.configure(network, training) {
                Ok(events) => events,
                Err(sentence) => vec![Event::Failed(sentence)],
            },
            Command::Train => self.run(None),
            Command::Step => self.run(Some(1)),
            Command::Pause => self.set_state(RunState::Paused),
            Command::Reset => self.reset(),
            Command::Show { image } if image.len() == 784 => {
                self.image = Some(image);
                self.snapshot().into_iter().collect()
            }
            Command::Show { .. } => vec![Event::Failed("An image to recognise has 28x28 pixels.".into())],
            Command::Watch(watch) => {
                self.watch = watch;
                self.snapshot().into_iter().collect()
            }
            // The download is the entry's business; see the worker.
            Command::RetryDownload => Vec::new(),
        }
    }

    /// Whether [`Session::work`] has something to do.
    pub fn busy(&self) -> bool {
        self.state != RunState::Paused && (self.testing.is_some() || self.batch_is_here())
    }

    /// Works for one slice. `now` gives milliseconds.
    pub fn work(&mut self, now: &dyn Fn() -> f64) -> Vec<Event> {
        let mut events = Vec::new();
        if self.state == RunState::Paused {
            return events;
        }
        if self.testing.is_none() && !self.batch_is_here() {
            return self.set_state(RunState::WaitingForData);
        }
        events.extend(self.set_state(RunState::Training));
        let start = now();
        let mut images = 0;
        while now() - start < SLICE_MS {
            if self.testing.is_some() {
                events.extend(self.test_some());
                break;
            }
            if !self.batch_is_here() {
                break;
            }
            images += self.step();
            if let Some(wanted) = &mut self.steps_wanted {
                *wanted -= 1;
                if *wanted == 0 {
                    events.extend(self.set_state(RunState::Paused));
                    break;
                }
            }
        }
        let end = now();
        if images > 0 {
            self.speed.add(images, end - start);
        }
        let due = end - self.last_frame >= FRAME_MS;
        if due || self.state == RunState::Paused {
            self.last_frame = end;
            events.push(self.progress());
            events.extend(self.snapshot());
        }
        events
    }

    /// One epoch is this many training images.
    fn epoch(&self) -> f64 {
        self.seen as f64 / self.epoch_images() as f64
    }

    /// Images in an epoch: the training set, or the part of it that is to be used.
    fn epoch_images(&self) -> usize {
        self.training.spec().subset.map_or(TRAIN_IMAGES, |n| (n as usize).min(TRAIN_IMAGES))
    }

    /// Number of the epoch, and how many of its images were seen.
    fn place(&self) -> (u32, usize) {
        let images = self.epoch_images() as u64;
        ((self.seen / images) as u32, (self.seen % images) as usize)
    }

    fn configure(
        &mut self,
        network: nn::spec::NetworkSpec,
        training: TrainingSpec,
    ) -> Result<Vec<Event>, String> {
        if training.batch_size == 0 || training.batch_size > WINDOW {
            return Err(format!("The batch size must be between 1 and {WINDOW}."));
        }
        if training.subset == Some(0) {
            return Err("Training needs at least one image.".into());
        }
        if !(training.learning_rate.is_finite() && training.learning_rate >= 0.0) {
            return Err("The learning rate must be a number from 0 up.".into());
        }
        let fits = network.input.len() == 784
            && network.summary().ok().and_then(|s| s.last().map(|l| l.output.len())) == Some(data::CLASSES);
        if !fits && network.summary().is_ok() {
            return Err("The network must take 28x28 images and end in 10 units.".into());
        }
        self.training.configure(network.clone(), training).map_err(|e| e.message)?;
        if self.training.steps() == 0 {
            // Nothing was learned yet: the weights are those of the (new) seed, not of an old one.
            return Ok(self.restart(network));
        }
        self.network = network;
        self.testing = None;
        Ok(self.snapshot().into_iter().collect())
    }

    fn run(&mut self, steps: Option<u64>) -> Vec<Event> {
        self.steps_wanted = steps;
        let state = if self.batch_is_here() { RunState::Training } else { RunState::WaitingForData };
        self.set_state(state)
    }

    fn reset(&mut self) -> Vec<Event> {
        let mut events = self.set_state(RunState::Paused);
        events.extend(self.restart(self.network.clone()));
        events
    }

    fn restart(&mut self, network: nn::spec::NetworkSpec) -> Vec<Event> {
        let spec = self.training.spec().clone();
        self.training = Training::new(network.clone(), spec).expect("it was checked when it was configured");
        self.network = network;
        self.seen = 0;
        self.testing = None;
        self.since_report = Tally::default();
        self.speed = Speed::default();
        let mut events = vec![self.progress()];
        events.extend(self.snapshot());
        events
    }

    fn set_state(&mut self, state: RunState) -> Vec<Event> {
        if self.state == state {
            return Vec::new();
        }
        self.state = state;
        vec![Event::State(state)]
    }

    /// Images of the next batch: an epoch's last one may be smaller.
    fn batch_size(&self) -> usize {
        self.training.spec().batch_size.min(self.epoch_images() - self.place().1)
    }

    fn batch_is_here(&self) -> bool {
        let (epoch, at) = self.place();
        let needed =
            if epoch == 0 { (at + self.batch_size()).next_multiple_of(WINDOW) } else { TRAIN_IMAGES };
        self.train.len() >= needed.min(self.epoch_images())
    }

    /// One training step; the number of images in it.
    fn step(&mut self) -> usize {
        let size = self.batch_size();
        let (epoch, at) = self.place();
        let TrainingSpec { seed, augmentation, .. } = *self.training.spec();
        let images = self.epoch_images() as u32;
        self.batch.clear();
        self.batch.extend((at..at + size).map(|i| training_image(seed, epoch, i as u32, images)));
        self.labels.clear();
        self.labels.extend(self.batch.iter().map(|&i| self.train.labels[i as usize]));
        let (train, batch, epochs) = (&self.train, &self.batch, self.epoch());
        let fill = |i: usize, out: &mut [f32]| {
            let image = train.image(batch[i] as usize);
            if augmentation.is_off() {
                pixels(image, out);
            } else {
                augment(&augmentation, seed, epoch, batch[i], image, out);
            }
        };
        let score = self.training.step(&self.labels, epochs, &fill);
        self.since_report.images += size;
        self.since_report.score.loss += score.loss;
        self.since_report.score.correct += score.correct;
        let before = self.tests_due();
        self.seen += size as u64;
        if self.tests_due() > before && self.test.len() == TEST_IMAGES {
            self.testing = Some((0, Score::default()));
        }
        size
    }

    /// Evaluations that should have happened by now: two in each epoch (evaluating costs about a third of training,
    /// image by image) but not more often than every 3,000 images, and more in the first, while the curve moves.
    fn tests_due(&self) -> usize {
        const EARLY: [u64; 4] = [3_000, 7_500, 15_000, 45_000];
        let regular = (self.epoch_images() as u64 / 2).max(3_000);
        EARLY.iter().filter(|&&at| self.seen >= at).count() + (self.seen / regular) as usize
    }

    /// Measures the next part of the test set.
    fn test_some(&mut self) -> Option<Event> {
        let (mut at, mut total) = self.testing?;
        if at == 0 {
            self.training.network.prepare();
        }
        // 256 images are about 15 ms.
        for _ in 0..16 {
            let to = (at + BLOCK).min(self.test.len());
            self.training.network.infer((at..to).map(|i| self.test.image(i)));
            let score = self.training.network.score(&self.test.labels[at..to]);
            total.loss += score.loss;
            total.correct += score.correct;
            at = to;
        }
        if at < self.test.len() {
            self.testing = Some((at, total));
            return None;
        }
        self.testing = None;
        Some(Event::Tested(Tested {
            step: self.training.steps(),
            epoch: self.epoch(),
            loss: (total.loss / at as f64) as f32,
            accuracy: total.correct as f32 / at as f32,
        }))
    }

    fn progress(&mut self) -> Event {
        let Tally { images, score } = std::mem::take(&mut self.since_report);
        let mean = |sum: f64| (images > 0).then(|| (sum / images as f64) as f32);
        Event::Progress(Progress {
            step: self.training.steps(),
            epoch: self.epoch(),
            train_loss: mean(score.loss),
            train_accuracy: mean(score.correct as f64),
            images_per_second: self.speed.per_second(),
        })
    }

    /// The shown image through the network that answers now: the session's once it was trained, else the checkpoint.
    fn snapshot(&mut self) -> Option<Event> {
        let step = self.training.steps();
        let watch = &self.watch;
        let (network, source) = match &mut self.pretrained {
            Some(pretrained) if step == 0 && *pretrained.spec() == self.network => {
                (pretrained, Source::Pretrained)
            }
            _ => {
                self.training.network.prepare();
                (&mut self.training.network, Source::Session { step })
            }
        };
        let values = |layer: &usize, values: Option<Vec<f32>>| {
            values.map(|values| LayerValues { layer: *layer, values })
        };
        let (mut probabilities, mut activations) = (Vec::new(), Vec::new());
        if let Some(image) = &self.image {
            network.infer(std::iter::once(image.as_slice()));
            probabilities = network.probabilities();
            activations = watch.activations.iter().filter_map(|l| values(l, network.output(*l))).collect();
        }
        let weights = watch.weights.iter();
        let weights = weights.filter_map(|l| values(l, network.weights(*l).map(<[f32]>::to_vec))).collect();
        Some(Event::Snapshot(Snapshot { source, probabilities, activations, weights }))
    }
}

/// The `at`-th image that `epoch` trains on, of the first `images`.
fn training_image(seed: u32, epoch: u32, at: u32, images: u32) -> u32 {
    let window = if epoch == 0 { WINDOW as u32 } else { images };
    let first = at / window * window;
    let size = window.min(images - first);
    first + permute(seed.wrapping_add(first), Stream::Shuffle, epoch, size, at - first)
}
