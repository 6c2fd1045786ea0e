//! What nobody meant to send: any bytes are a message or none, a command of any numbers is carried out or gets a sentence,
//! and images of another size stay outside.

use data::shard;
use nn::preset::Preset;
use nn::random::pcg4d;
use nn::spec::{Augmentation, LayerSpec, TrainingSpec};
use trainer::Session;
use trainer::messages::{
    Command, Download, Event, Images, LayerValues, Predictions, Snapshot, Source, Split, Watch, decode,
    encode,
};
use wasm_bindgen_test::wasm_bindgen_test;

mod common;
use common::{Alone, digits};

/// Random numbers, one after the other.
struct Random(u32);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 += 1;
        pcg4d([self.0, 3, 1, 4])[0] as usize % n
    }

    /// Some bytes overwritten, left out or put in; the edges of what a byte can say come up more often.
    fn damage(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut bytes = bytes.to_vec();
        for _ in 0..=self.below(3) {
            let at = self.below(bytes.len());
            let byte = [0, 1, 0x7f, 0x80, 0xff, self.below(256) as u8][self.below(6)];
            match self.below(6) {
                0 if bytes.len() > 1 => drop(bytes.remove(at)),
                1 => bytes.insert(at, byte),
                // A number as large as they get.
                2 => drop(bytes.splice(at..at, [0xff; 9])),
                _ => bytes[at] = byte,
            }
        }
        bytes
    }
}

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
        Command::Show { image: vec![9; 784] },
        Command::Watch(Watch {
            activations: vec![0, 2],
            weights: vec![1],
            norms: true,
            details: vec![4],
            predictions: true,
        }),
        Command::UseCores(3),
        Command::Labels(Split::Test),
        Command::Images { split: Split::Train, indices: vec![0, 4_999, 300] },
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
            weights: vec![values],
            norms: Vec::new(),
            details: Vec::new(),
        }),
        Event::Predictions(Predictions {
            source: Source::Pretrained,
            classes: vec![7, 10],
            confidences: vec![0.75, f32::NAN],
        }),
        Event::Labels { split: Split::Train, labels: vec![5, 0, 4] },
        Event::Images(Images { split: Split::Test, indices: vec![9, 200], pixels: vec![3; 2 * 784] }),
    ]
}

/// What can be read can be written and read again, to the same bytes.
fn check<M: serde::Serialize + for<'a> serde::Deserialize<'a>>(bytes: &[u8]) -> Option<M> {
    let message: M = decode(bytes)?;
    let written = encode(&message);
    let again: M = decode(&written).expect("what was written can be read");
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
fn a_command_of_any_numbers_is_carried_out_or_gets_a_sentence() {
    let mut session = Session::default();
    session.add_train(&digits(5_000, 0)).unwrap();
    let mut random = Random(0);
    let written: Vec<Vec<u8>> = commands().iter().map(encode).collect();
    let (mut failed, mut steps) = (0, 0);
    for round in 0..400 {
        let Some(command) = decode(&random.damage(&written[round % 3])) else { continue };
        for event in session.handle(command) {
            if let Event::Failed(sentence) = event {
                assert!(sentence.ends_with('.'), "{sentence}");
                failed += 1;
            }
        }
        session.handle(Command::Step);
        while session.busy() {
            let events = session.work(&Alone::default());
            steps += events.iter().filter(|event| matches!(event, Event::Progress(_))).count();
        }
    }
    assert!(failed > 10 && steps > 100, "{failed} failed, {steps} steps");
}

#[wasm_bindgen_test(unsupported = test)]
fn images_of_another_size_are_refused_before_there_is_room_for_60_000_of_them() {
    let mut session = Session::default();
    let (pixels, side) = (vec![1; 1 << 22], 1 << 11);
    let huge = shard::parse(&shard::write(side, side, &pixels, &[7])).unwrap();
    let sentence = session.add_train(&huge).unwrap_err();
    assert_eq!(sentence, "MNIST's images are 28 by 28 pixels, but these are 2048 by 2048.");
    assert_eq!(session.add_test(&huge), Err(sentence));
    assert_eq!(session.add_train(&digits(10, 0)), Ok(10));
}
