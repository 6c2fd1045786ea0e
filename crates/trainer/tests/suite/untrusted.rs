//! Untrusted input: any bytes are a message or none, a command with any numbers is executed or gives a
//! sentence, and images of another size are refused.

use std::collections::BTreeSet;

use data::shard;
use nn::cpu::Units;
use nn::inspect::batch_statistics::ChannelStatistics;
use nn::inspect::step_scores::SampleScore;
use nn::inspect::weight_changes::WeightChange;
use nn::preset::Preset;
use nn::random::pcg4d;
use nn::spec::{Augmentation, LayerSpec, NetworkSpec, TrainingSpec};
use tensor::Shape;
use trainer::Session;
use trainer::messages::{
    BatchDetail, ChangedShare, CheckpointSummary, Command, DeviceChoice, Download, Event, Images,
    LayerValues, MaskAnswers, Occlusion, Predictions, RunConfig, Saliency, SaliencyOf, Snapshot, Source,
    Split, StepReport, StepSample, Tested, ViewState, Watch, decode, encode,
};
use wasm_bindgen_test::wasm_bindgen_test;

use crate::common::{SingleCore, digits};

/// A sequence of random numbers.
struct Random(u32);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 += 1;
        pcg4d([self.0, 3, 1, 4])[0] as usize % n
    }

    /// Overwrites, removes or inserts a few bytes. The smallest and largest values of a byte are more
    /// frequent than others.
    fn damage(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut bytes = bytes.to_vec();
        for _ in 0..=self.below(3) {
            let at = self.below(bytes.len());
            let byte = [0, 1, 0x7f, 0x80, 0xff, self.below(256) as u8][self.below(6)];
            match self.below(6) {
                0 if bytes.len() > 1 => drop(bytes.remove(at)),
                1 => bytes.insert(at, byte),
                // The largest number.
                2 => drop(bytes.splice(at..at, [0xff; 9])),
                _ => bytes[at] = byte,
            }
        }
        bytes
    }
}

/// At least one command of each kind.
fn commands() -> Vec<Command> {
    let augmentation = Augmentation { rotation: 10.0, elastic: 1.0, crop: 1, ..Augmentation::default() };
    let mut layers = Preset::LeNetTricks.network();
    layers.layers.insert(2, LayerSpec::Elu { alpha: 1.0 });
    vec![
        Command::Configure {
            network: layers,
            training: TrainingSpec { augmentation, subset: Some(500), ..TrainingSpec::default() },
        },
        Command::Configure { network: Preset::Mlp30.network(), training: TrainingSpec::default() },
        Command::Show { image: vec![9; 784], reference: None },
        Command::Watch(Watch {
            activations: vec![0, 2],
            weights: vec![1],
            norms: true,
            details: vec![4],
            predictions: true,
            units: Units::Kept { seed: 7, sample: 19 },
            masks: Some(7),
            batches: vec![1, 99],
            occlusion: true,
            step: true,
            saliency: Some(SaliencyOf::Class(200)),
        }),
        Command::Compare {
            runs: vec![RunConfig { network: Preset::Mlp30.network(), training: TrainingSpec::default() }; 2],
            epochs: 0.5,
        },
        Command::Train,
        Command::Pause,
        Command::Step,
        Command::Reset,
        Command::Undo,
        Command::Restore,
        Command::EndComparison,
        Command::RetryDownload,
        Command::UseDevice(DeviceChoice::WebGpu),
        Command::UseCores(3),
        Command::Labels(Split::Test),
        Command::Images { split: Split::Train, indices: vec![0, 4_999, 300] },
        Command::OpenStorage {
            session: "a".into(),
            before: vec!["b".into()],
            left: vec![("c".into(), ViewState::default())],
        },
        Command::KeepRecord { setup: "#v=1".into(), record: "{}".into() },
        Command::KeepView { view: Box::default(), at_once: true },
        Command::Resume,
        Command::SetAside,
        Command::ForgetReplaced,
        Command::Painted { ms: f64::INFINITY },
        Command::ShowCheckpoint(Some(0)),
        Command::ContinueFrom(u64::MAX),
        Command::Sweep {
            runs: vec![RunConfig { network: Preset::Mlp30.network(), training: TrainingSpec::default() }; 2],
            epochs: 0.5,
        },
    ]
}

fn events() -> Vec<Event> {
    let values = LayerValues { layer: 3, values: vec![0.5; 20] };
    vec![
        Event::Download(Download { problem: Some("No network.".into()), ..Download::default() }),
        Event::Failed("A sentence.".into()),
        Event::Snapshot(Snapshot {
            source: Source::Session { step: 7 },
            probabilities: vec![0.1; 10],
            activations: vec![values.clone(); 2],
            changed: vec![ChangedShare { layer: 3, share: 0.5 }],
            weights: vec![values],
            norms: Vec::new(),
            details: Vec::new(),
            units: Units::AllScaled,
            masks: Some(Box::new(MaskAnswers {
                all: vec![0.5; 10],
                thinned: vec![vec![1.0; 10]; 2],
                ..MaskAnswers::default()
            })),
            occlusion: Some(Box::new(Occlusion { whole: vec![0.5; 10], covered: vec![vec![1.0; 10]; 2] })),
            saliency: Some(Box::new(Saliency { class: 3, logit: 0.5, gradient: vec![0.5; 784] })),
            batches: vec![BatchDetail { layer: 1, channels: vec![ChannelStatistics::default()] }],
        }),
        Event::Predictions(Predictions {
            source: Source::Pretrained,
            classes: vec![7, 10],
            confidences: vec![0.75, f32::NAN],
        }),
        Event::Labels { split: Split::Train, labels: vec![5, 0, 4] },
        Event::Images(Images { split: Split::Test, indices: vec![9, 200], pixels: vec![3; 2 * 784] }),
        Event::Network(Preset::LeNet5.network()),
        Event::PretrainedTested(Tested {
            step: 0,
            epoch: 0.0,
            loss: 0.02,
            accuracy: 0.99,
            certainty: Some(0.9),
        }),
        Event::Checkpoints(vec![CheckpointSummary { step: 9, epoch: 0.5, learning_rate: 0.1, tested: None }]),
        Event::Shown { step: Some(9), is_answer: true },
        Event::Stopped("Training stopped.".into()),
        Event::StepTaken(Box::new(StepReport {
            step: 9,
            images: 70,
            correct: 5,
            loss: 0.5,
            samples: vec![StepSample {
                index: 7,
                label: 3,
                score: SampleScore { class: 5, confidence: 0.75, loss: 2.0 },
            }],
            pixels: vec![3; 784],
            changes: vec![WeightChange {
                layer: 1,
                weights: 0.5,
                change: 0.25,
                at: 149,
                before: 0.5,
                after: 0.75,
                as_far: 1,
            }],
        })),
    ]
}

/// Checks that a message that is read is written to bytes that are read as the same message.
fn check<M: serde::Serialize + for<'a> serde::Deserialize<'a>>(bytes: &[u8]) -> Option<M> {
    let message: M = decode(bytes)?;
    let written = encode(&message);
    let again: M = decode(&written).expect("a written message can be read");
    assert_eq!(encode(&again), written);
    Some(message)
}

#[wasm_bindgen_test(unsupported = test)]
fn any_bytes_are_a_message_or_none() {
    let mut random = Random(0);
    let (commands, events) = (commands(), events());
    let written = commands.iter().map(encode).chain(events.iter().map(encode));
    let written: Vec<Vec<u8>> = written.collect();
    let mut read = 0;
    for round in 0..20_000 {
        let bytes = match round % 3 {
            0 => (0..random.below(40)).map(|_| random.below(256) as u8).collect(),
            _ => random.damage(&written[round % written.len()]),
        };
        read +=
            usize::from(check::<Command>(&bytes).is_some()) + usize::from(check::<Event>(&bytes).is_some());
    }
    assert!(read > 1_000, "only {read} were messages");
    for (i, whole) in written.iter().enumerate() {
        for length in 0..whole.len() {
            let read = match i < commands.len() {
                true => decode::<Command>(&whole[..length]).is_some(),
                false => decode::<Event>(&whole[..length]).is_some(),
            };
            assert!(!read, "{length} bytes of message {i}");
        }
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn a_command_with_any_numbers_is_executed_or_gives_a_sentence() {
    let mut session = Session::default();
    session.add_train(&digits(5_000, 0)).unwrap();
    let mut random = Random(0);
    let written: Vec<Vec<u8>> = commands().iter().map(encode).collect();
    // The first byte is the kind of a command. Every kind is among them, and the next number is none.
    let kinds: BTreeSet<u8> = written.iter().map(|bytes| bytes[0]).collect();
    assert!(kinds.iter().copied().eq(0..kinds.len() as u8), "{kinds:?}");
    assert!(decode::<Command>(&[&[kinds.len() as u8][..], &[0; 64]].concat()).is_none());
    let (mut failed, mut steps, mut executed) = (0, 0, vec![0; written.len()]);
    for round in 0..1_800 {
        let index = round % written.len();
        let Some(command) = decode(&random.damage(&written[index])) else { continue };
        executed[index] += 1;
        for event in session.handle(command) {
            if let Event::Failed(sentence) = event {
                assert!(sentence.ends_with('.'), "{sentence}");
                failed += 1;
            }
        }
        session.handle(Command::Step);
        while session.busy() {
            let events = session.work(&SingleCore::default());
            steps += events.iter().filter(|event| matches!(event, Event::Progress(_))).count();
        }
    }
    assert!(failed > 10 && steps > 100, "{failed} failed, {steps} steps");
    assert!(executed.iter().all(|count| *count >= 3), "{executed:?} of each kind are executed");
}

#[wasm_bindgen_test(unsupported = test)]
fn what_cannot_be_trained_is_refused_with_its_sentence_and_changes_nothing() {
    let (network, training) = (Preset::Mlp30.network(), TrainingSpec::default());
    let with = |change: &dyn Fn(&mut NetworkSpec, &mut TrainingSpec)| {
        let (mut network, mut training) = (network.clone(), training.clone());
        change(&mut network, &mut training);
        RunConfig { network, training }
    };
    let (batch, subset) =
        ("The batch size must be between 1 and 5000.", "Training needs at least one image.");
    let rate = "The learning rate must be a number from 0 up.";
    let shape = "The network must take 28x28 images and end in 10 units.";
    let cases: Vec<(RunConfig, &str)> = vec![
        (with(&|_, training| training.batch_size = 0), batch),
        (with(&|_, training| training.batch_size = 5_001), batch),
        (with(&|_, training| training.batch_size = usize::MAX), batch),
        (with(&|_, training| training.subset = Some(0)), subset),
        (with(&|_, training| training.learning_rate = -0.001), rate),
        (with(&|_, training| training.learning_rate = f32::NAN), rate),
        (with(&|_, training| training.learning_rate = f32::INFINITY), rate),
        (with(&|network, _| network.input = Shape::maps(1, 27, 28)), shape),
        (with(&|network, _| network.layers.push(LayerSpec::Linear { out_features: 9 })), shape),
    ];
    let mut session = Session::default();
    session.add_train(&digits(100, 0)).unwrap();
    session.handle(Command::Configure { network: network.clone(), training: training.clone() });
    let before = session.network().parameters.clone();
    for (RunConfig { network, training }, sentence) in cases {
        let good = RunConfig { network: Preset::Mlp30.network(), training: TrainingSpec::default() };
        let bad = RunConfig { network: network.clone(), training: training.clone() };
        for command in [
            Command::Configure { network, training },
            Command::Compare { runs: vec![good.clone(), bad.clone()], epochs: 1.0 },
            Command::Sweep { runs: vec![good, bad], epochs: 1.0 },
        ] {
            let events = session.handle(command);
            let failed = |event: &Event| matches!(event, Event::Failed(text) if text == sentence);
            assert!(events.iter().any(failed), "{sentence}: {events:?}");
            assert_eq!(session.network().parameters, before, "{sentence}");
        }
    }
    // The least and most that are taken.
    for training in [
        TrainingSpec { batch_size: 1, subset: Some(1), learning_rate: 0.0, ..TrainingSpec::default() },
        TrainingSpec { batch_size: 5_000, ..TrainingSpec::default() },
    ] {
        let events = session.handle(Command::Configure { network: network.clone(), training });
        assert!(!events.iter().any(|event| matches!(event, Event::Failed(_))), "{events:?}");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn images_of_another_size_are_refused_before_memory_for_60_000_is_reserved() {
    let mut session = Session::default();
    let (pixels, side) = (vec![1; 1 << 22], 1 << 11);
    let huge = shard::parse(&shard::write(side, side, &pixels, &[7])).unwrap();
    let sentence = session.add_train(&huge).unwrap_err();
    assert_eq!(sentence, "MNIST's images are 28 by 28 pixels, but these are 2048 by 2048.");
    assert_eq!(session.add_test(&huge), Err(sentence));
    assert_eq!(session.add_train(&digits(10, 0)), Ok(10));
}
