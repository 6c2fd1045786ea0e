//! Snapshots hold all parameters and statistics of the layers in `Watch::details`.

use nn::preset::Preset;
use nn::spec::TrainingSpec;
use trainer::Session;
use trainer::messages::{Command, Event, Snapshot, Watch};

use crate::common::{SingleCore, calculator_digit, digits};

fn snapshot(events: Vec<Event>) -> Snapshot {
    let last = events.into_iter().rev().find_map(|event| match event {
        Event::Snapshot(snapshot) => Some(snapshot),
        _ => None,
    });
    last.expect("a snapshot is sent")
}

#[test]
fn a_detail_holds_everything_of_a_layer() {
    let mut session = Session::default();
    session.add_train(&digits(5_000, 0)).unwrap();
    session.handle(Command::Configure {
        network: Preset::LeNetTricks.network(),
        training: TrainingSpec::default(),
    });
    session.handle(Command::Show { image: calculator_digit(3, 99).to_vec(), reference: None });
    // conv1, its batch norm, a ReLU and a layer that does not exist.
    let watch = Watch { activations: vec![0, 1, 2], details: vec![0, 1, 2, 99], ..Watch::default() };
    let before = snapshot(session.handle(Command::Watch(watch)));
    let layers = |s: &Snapshot| s.details.iter().map(|d| d.layer).collect::<Vec<_>>();
    assert_eq!(layers(&before), [0, 1]);
    assert_eq!((before.details[0].weights.len(), before.details[0].biases.len()), (150, 6));
    assert_eq!(before.details[1].running_mean, [0.0; 6]);
    assert!(before.details[0].gradients.counts.is_empty(), "there are no gradients before the first step");

    session.handle(Command::Step);
    let mut events = Vec::new();
    while session.busy() {
        events.extend(session.work(&SingleCore::default()));
    }
    let after = snapshot(events);
    assert_eq!(layers(&after), [0, 1]);
    let (conv, norm) = (&after.details[0], &after.details[1]);
    assert_eq!(conv.gradients.counts.iter().sum::<u32>(), 150);
    assert!(conv.running_mean.is_empty());
    assert!(norm.running_variance.iter().all(|v| *v != 1.0), "a step updates the running estimates");
    // The output is that of the definition of batch norm, with the numbers in the detail.
    let [plain, normal, _] = [0, 1, 2].map(|i| &after.activations[i].values);
    for (at, (x, y)) in plain.iter().zip(normal).enumerate() {
        let c = at / (28 * 28);
        let expected = (x - norm.running_mean[c]) / (norm.running_variance[c] + 1e-5).sqrt();
        let expected = expected * norm.weights[c] + norm.biases[c];
        assert!((y - expected).abs() < 1e-4, "{y} {expected}");
    }
}
