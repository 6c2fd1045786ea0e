//! The memory that a training takes is the memory that was counted before.
#![cfg(not(target_family = "wasm"))]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use nn::memory::{Footprint, MAX_BYTES, checkpoint_bytes, max_cores};
use nn::preset::Preset;
use nn::random::pcg4d;
use nn::spec::{LayerSpec, NetworkSpec, Shape, TrainingSpec};
use trainer::Session;
use trainer::messages::{Command, Event, RunConfig, Watch};

mod common;
use common::{DeliveryOrder, LocalGroup, digits};

/// Counts the bytes that are allocated, and the most that were.
struct Counting;

static LIVE: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);
/// Tests in other threads would be counted as well.
static ALONE: Mutex<()> = Mutex::new(());

// SAFETY: every call is forwarded to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let live = LIVE.fetch_add(layout.size(), Ordering::Relaxed) + layout.size();
        PEAK.fetch_max(live, Ordering::Relaxed);
        // SAFETY: as above.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: as above.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn live() -> usize {
    LIVE.load(Ordering::Relaxed)
}

/// The most bytes that `work` allocates beside those that are allocated before it.
fn peak_of(work: impl FnOnce()) -> usize {
    let before = live();
    PEAK.store(before, Ordering::Relaxed);
    work();
    PEAK.load(Ordering::Relaxed) - before
}

/// A session with images, whose memory is not counted, and a worker for each further core.
struct Run {
    session: Session,
    group: LocalGroup,
    /// Bytes that were allocated before it, and those of the images.
    before: usize,
}

impl Run {
    fn new(cores: usize) -> Self {
        let before = live();
        let images = digits(5_000, 0);
        let mut session = Session::default();
        let without_images = live();
        session.add_train(&images).unwrap();
        let of_images = live() - without_images;
        session.set_workers(cores - 1);
        let group = LocalGroup::with_order(cores as u32, DeliveryOrder::NewestFirst);
        Self { session, group, before: before + of_images }
    }

    fn configure(&mut self, network: &NetworkSpec, batch_size: usize) -> Vec<Event> {
        let training = TrainingSpec { batch_size, subset: Some(5_000), ..TrainingSpec::default() };
        self.session.handle(Command::Configure { network: network.clone(), training })
    }

    fn step(&mut self) {
        self.session.handle(Command::Step);
        let events = self.group.work(&mut self.session);
        assert!(!events.iter().any(|event| matches!(event, Event::Failed(_))), "{events:?}");
    }

    /// The most bytes that the training takes in a step.
    fn bytes(&mut self) -> usize {
        (0..3).for_each(|_| self.step());
        PEAK.store(live(), Ordering::Relaxed);
        self.step();
        PEAK.load(Ordering::Relaxed) - self.before - self.checkpoints()
    }

    /// The bytes of the checkpoints, which take memory that is left.
    fn checkpoints(&self) -> usize {
        let network = self.session.network();
        let (parameters, running) = (network.parameters.len() as u64, network.running.len() as u64);
        let count = self.session.checkpoints().len() as u64;
        // The first one has no gradients.
        (count * checkpoint_bytes(parameters, running) - count.min(1) * 4 * parameters) as usize
    }
}

struct Random(u32);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 += 1;
        pcg4d([self.0, 7, 0, 0])[0] as usize % n
    }

    /// Convolutions, pooling, normalisation, activations and dropout, then linear layers.
    fn network(&mut self) -> NetworkSpec {
        let mut layers = Vec::new();
        for _ in 0..1 + self.below(3) {
            let kernel_size = [1, 3, 5][self.below(3)];
            let padding = if kernel_size > 1 { self.below(2) * (kernel_size / 2) } else { 0 };
            layers.push(LayerSpec::Conv2d {
                out_channels: 4 + self.below(21),
                kernel_size,
                stride: 1,
                padding,
            });
            if self.below(2) == 0 {
                layers.push(LayerSpec::BatchNorm);
            }
            layers.push([LayerSpec::Relu, LayerSpec::Tanh, LayerSpec::Elu { alpha: 1.0 }][self.below(3)]);
            match self.below(3) {
                0 => layers.push(LayerSpec::MaxPool2d { kernel_size: 2, stride: 2 }),
                1 => layers.push(LayerSpec::AvgPool2d { kernel_size: 2, stride: 2 }),
                _ => {}
            }
        }
        layers.push(LayerSpec::Flatten);
        if self.below(2) == 0 {
            layers.extend([LayerSpec::Linear { out_features: 50 + self.below(200) }, LayerSpec::Relu]);
            layers.push(LayerSpec::Dropout { p: 0.5 });
        }
        layers.push(LayerSpec::Linear { out_features: 10 });
        NetworkSpec { input: Shape::maps(1, 28, 28), layers }
    }
}

#[test]
fn thirty_random_networks_take_the_memory_that_was_counted() {
    let _alone = ALONE.lock();
    let mut random = Random(0);
    let mut wrong = Vec::new();
    for _ in 0..30 {
        let (network, batch, cores) = loop {
            let network = random.network();
            let (batch, cores) = ([16, 64, 100, 256][random.below(4)], 1 + random.below(3));
            if network.summary().is_ok() {
                break (network, batch, cores);
            }
        };
        let mut run = Run::new(cores);
        run.configure(&network, batch);
        let (taken, world) = (run.bytes() as f64, run.session.world_size());
        let counted = Footprint::new(&network, batch, world).unwrap();
        let ratio = counted.total() as f64 / taken;
        if !(0.9..1.1).contains(&ratio) {
            wrong.push(format!(
                "{ratio:.3}: {taken} taken, {counted:?}, batch {batch}, {world} cores: {:?}",
                network.layers
            ));
        }
    }
    assert!(wrong.is_empty(), "{} of 30\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn memory_shrinks_with_the_batch() {
    let _alone = ALONE.lock();
    let network = Preset::LeNetTricks.network();
    for cores in [1, 2] {
        let mut run = Run::new(cores);
        run.configure(&network, 32);
        let small = run.bytes();
        run.configure(&network, 1024);
        let large = run.bytes();
        run.configure(&network, 32);
        let again = run.bytes();
        assert!(large > 3 * small, "{small} bytes, then {large}");
        assert!(again as f64 <= 1.1 * small as f64, "{small} bytes, then {large}, then {again}");
    }
}

#[test]
fn what_does_not_fit_is_refused_before_it_is_allocated() {
    let _alone = ALONE.lock();
    let conv = |out_channels| LayerSpec::Conv2d { out_channels, kernel_size: 3, stride: 1, padding: 1 };
    let block = [conv(64), LayerSpec::BatchNorm, LayerSpec::Relu];
    let end = [LayerSpec::Flatten, LayerSpec::Linear { out_features: 10 }];
    let layers = [&block[..], &block, &block, &end].concat();
    let network = NetworkSpec { input: Shape::maps(1, 28, 28), layers };
    let mut run = Run::new(1);
    let mut events = Vec::new();
    let peak = peak_of(|| events = run.configure(&network, 1024));
    let [Event::Failed(sentence)] = events.as_slice() else { panic!("{events:?}") };
    assert!(sentence.contains("lower the batch size to ") && sentence.ends_with('.'), "{sentence}");
    assert!(peak < 100_000, "{peak} bytes for a refusal");
    assert_eq!(run.session.network().spec(), &Preset::LeNet5.network(), "the session is as it was");
    run.step();
    // So are runs of a comparison.
    let training = TrainingSpec { batch_size: 1024, ..TrainingSpec::default() };
    let runs = vec![RunConfig { network, training }];
    let events = run.session.handle(Command::Compare { runs, epochs: 1.0 });
    assert!(matches!(&events[..], [Event::Failed(_)]), "{events:?}");
}

#[test]
fn tracing_a_divergence_takes_no_more_than_a_step() {
    let _alone = ALONE.lock();
    let conv = LayerSpec::Conv2d { out_channels: 16, kernel_size: 3, stride: 1, padding: 1 };
    let layers: Vec<_> = (0..4).flat_map(|_| [conv, LayerSpec::Relu]).collect();
    let end = [LayerSpec::Flatten, LayerSpec::Linear { out_features: 10 }];
    let network = NetworkSpec { input: Shape::maps(1, 28, 28), layers: [&layers[..], &end].concat() };
    let mut run = Run::new(1);
    run.configure(&network, 1024);
    let of_step = run.bytes();
    let training = TrainingSpec {
        batch_size: 1024,
        subset: Some(5_000),
        learning_rate: 1e30,
        optimizer: nn::spec::Optimizer::SGD,
        ..TrainingSpec::default()
    };
    run.session.handle(Command::Configure { network, training });
    PEAK.store(live(), Ordering::Relaxed);
    let diverged = (0..4).any(|_| {
        run.session.handle(Command::Step);
        let events = run.group.work(&mut run.session);
        events.iter().any(|event| matches!(event, Event::Diverged(_)))
    });
    assert!(diverged);
    let peak = PEAK.load(Ordering::Relaxed) - run.before - run.checkpoints();
    assert!(peak < 2 * of_step, "{peak} bytes to find the cause, {of_step} for a step");
    let counted = Footprint::new(run.session.network().spec(), 1024, 1).unwrap();
    assert!(peak as f64 <= 1.1 * counted.peak() as f64, "{peak} bytes to find the cause, {counted:?}");
}

#[test]
fn a_file_of_the_run_and_its_copy_are_counted() {
    let _alone = ALONE.lock();
    let layers = [LayerSpec::Flatten, LayerSpec::Linear { out_features: 800 }, LayerSpec::Relu];
    let layers = [&layers[..], &[LayerSpec::Linear { out_features: 10 }]].concat();
    let network = NetworkSpec { input: Shape::maps(1, 28, 28), layers };
    let mut run = Run::new(1);
    run.configure(&network, 16);
    run.bytes();
    let resting = live() - run.before - run.checkpoints();
    let peak = resting + peak_of(|| drop(run.session.encode().map(|file| (file.clone(), file)).unwrap()));
    let counted = Footprint::new(&network, 16, 1).unwrap();
    assert!(peak as f64 <= 1.1 * counted.peak() as f64, "{peak} bytes to store the run, {counted:?}");
    assert!(counted.occasional >= 24 * network.parameters() as u64, "{counted:?}");
}

#[test]
fn the_report_of_a_step_is_counted() {
    let _alone = ALONE.lock();
    let wide = [LayerSpec::Flatten, LayerSpec::Linear { out_features: 800 }, LayerSpec::Relu];
    let wide = [&wide[..], &[LayerSpec::Linear { out_features: 10 }]].concat();
    let conv = LayerSpec::Conv2d { out_channels: 32, kernel_size: 3, stride: 1, padding: 1 };
    let deep = [[conv, LayerSpec::BatchNorm, LayerSpec::Relu]; 3].concat();
    let deep = [&deep[..], &[LayerSpec::Flatten, LayerSpec::Linear { out_features: 10 }]].concat();
    for layers in [wide, deep] {
        let network = NetworkSpec { input: Shape::maps(1, 28, 28), layers };
        let mut run = Run::new(1);
        run.configure(&network, 64);
        let without = run.bytes();
        run.session.handle(Command::Watch(Watch { step: true, ..Watch::default() }));
        let with = run.bytes();
        assert!(with > without, "{with} bytes with a report, {without} without");
        let counted = Footprint::new(&network, 64, 1).unwrap();
        assert!(with as f64 <= 1.1 * counted.peak() as f64, "{with} bytes with a report, {counted:?}");
    }
}

#[test]
fn checkpoints_take_half_of_the_memory_that_is_left() {
    let _alone = ALONE.lock();
    let network = Preset::Mlp30.network();
    let mut run = Run::new(1);
    run.session.add_test(&digits(10_000, 600)).unwrap();
    run.configure(&network, 64);
    let room = 1_000_000;
    run.session.limit_memory(Footprint::new(&network, 64, 1).unwrap().peak() + 2 * room);
    run.step();
    let before = live() - run.checkpoints();
    (0..12).for_each(|_| run.step());
    let taken = live() - before;
    assert!((room / 3..=room + 50_000).contains(&(taken as u64)), "{taken} bytes");
    // Where not one fits, there is none.
    run.session.limit_memory(Footprint::new(&network, 64, 1).unwrap().peak() + 100_000);
    run.step();
    assert!(run.session.checkpoints().is_empty());
}

#[test]
fn new_batch_norms_are_calibrated_on_few_images_of_a_large_batch() {
    let _alone = ALONE.lock();
    let conv = LayerSpec::Conv2d { out_channels: 6, kernel_size: 3, stride: 1, padding: 1 };
    let end = [LayerSpec::Flatten, LayerSpec::Linear { out_features: 10 }];
    let network =
        |layers: &[LayerSpec]| NetworkSpec { input: Shape::maps(1, 28, 28), layers: [layers, &end].concat() };
    let plain = network(&[conv, LayerSpec::Relu, conv, LayerSpec::Relu]);
    let norm = LayerSpec::BatchNorm;
    let normalized = network(&[conv, norm, LayerSpec::Relu, conv, norm, LayerSpec::Relu]);
    let mut run = Run::new(1);
    run.configure(&plain, 1024);
    run.step();
    let peak = peak_of(|| drop(run.configure(&normalized, 1024)));
    let of_batch = Footprint::new(&normalized, 1024, 1).unwrap().batch;
    assert!((peak as u64) < of_batch / 4, "{peak} bytes, and {of_batch} for a batch");
    run.step();
}

#[test]
fn a_comparison_is_refused_if_its_runs_and_the_batch_of_one_do_not_fit() {
    let _alone = ALONE.lock();
    let training = |batch_size| TrainingSpec { batch_size, subset: Some(5_000), ..TrainingSpec::default() };
    let run =
        |batch_size| RunConfig { network: Preset::LeNetTricks.network(), training: training(batch_size) };
    let footprint = |run: &RunConfig| Footprint::new(&run.network, run.training.batch_size, 1).unwrap();
    let runs = vec![run(16), run(256)];
    let mut session = Session::default();
    session.add_train(&digits(5_000, 0)).unwrap();
    let own = Footprint::new(session.network().spec(), TrainingSpec::default().batch_size, 1).unwrap();
    let parked: u64 = runs.iter().map(footprint).chain([own]).map(|f| f.weights + f.block).sum();
    let largest = footprint(&runs[1]);
    let needed = parked + largest.batch + largest.occasional;
    assert!(largest.peak() < needed);
    session.limit_memory(needed - 1);
    let compare = Command::Compare { runs, epochs: 1.0 };
    let events = session.handle(compare.clone());
    assert!(
        matches!(&events[..], [Event::Failed(sentence)] if sentence.contains("too much memory together")),
        "{events:?}"
    );
    session.limit_memory(needed);
    let events = session.handle(compare);
    assert!(events.contains(&Event::ActiveRun(Some(0))), "{events:?}");
}

#[test]
fn mnist_on_a_phone_with_six_workers_takes_less_than_300_mb() {
    let _alone = ALONE.lock();
    /// Code and stack of a worker's WebAssembly instance.
    const INSTANCE: usize = 4 << 20;
    let images = |count| {
        let mut set = digits(5_000, 0);
        let part = set.clone();
        (1..count / 5_000).for_each(|_| set.append(&part).unwrap());
        set
    };
    for preset in Preset::ALL {
        let before = live();
        let mut session = Session::default();
        session.limit_memory(245_000_000);
        session.add_train(&images(60_000)).unwrap();
        session.add_test(&images(10_000)).unwrap();
        session.set_workers(6);
        let group = LocalGroup::new(7);
        session.handle(Command::Configure { network: preset.network(), training: preset.training() });
        session.handle(Command::Watch(Watch { predictions: true, norms: true, ..Watch::default() }));
        PEAK.store(live(), Ordering::Relaxed);
        for _ in 0..3 {
            session.handle(Command::Step);
            group.work(&mut session);
        }
        let peak = PEAK.load(Ordering::Relaxed) - before + 7 * INSTANCE;
        assert!(peak < 300_000_000, "{preset:?} takes {peak} bytes");
    }
    // Larger networks have fewer cores.
    let conv = |out_channels| LayerSpec::Conv2d { out_channels, kernel_size: 5, stride: 1, padding: 2 };
    let layers = [conv(64), LayerSpec::Relu, conv(64), LayerSpec::Relu, LayerSpec::Flatten];
    let layers = [&layers[..], &[LayerSpec::Linear { out_features: 10 }]].concat();
    let large = NetworkSpec { input: Shape::maps(1, 28, 28), layers };
    let cores = max_cores(&large, 256, 7, 245_000_000);
    assert!((1..7).contains(&cores) && max_cores(&large, 256, 7, MAX_BYTES) > cores, "{cores} cores");
}
