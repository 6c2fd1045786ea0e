//! What a snapshot holds besides the shown image as the network reads it: thinned networks, and a batch.

use nn::cpu::Units;
use nn::inspect::saliency::SaliencyPass;
use nn::network::Network;
use nn::preset::Preset;
use nn::spec::{LayerSpec, TrainingSpec};
use trainer::Session;
use trainer::messages::{BATCH_IMAGES, Command, Event, MASKS, Occlusion, SaliencyOf, Snapshot, Watch};

use crate::common::{SingleCore, calculator_digit, digits};

/// LeNet-5 with batch normalisation and dropout after 20 steps, with a digit on the pad.
fn session(tests: usize) -> Session {
    let mut session = Session::default();
    session.add_train(&digits(5_000, 0)).unwrap();
    session.add_test(&digits(tests, 7)).unwrap();
    session.handle(Command::Configure {
        network: Preset::LeNetTricks.network(),
        training: TrainingSpec::default(),
    });
    session.handle(Command::Show { image: calculator_digit(3, 99).to_vec(), reference: Some(vec![0; 784]) });
    for _ in 0..20 {
        session.handle(Command::Step);
        while session.busy() {
            session.work(&SingleCore::default());
        }
    }
    session
}

fn watched(session: &mut Session, watch: Watch) -> Snapshot {
    let mut events = session.handle(Command::Watch(watch));
    while session.busy() {
        events.extend(session.work(&SingleCore::default()));
    }
    let mut snapshots = events.into_iter().filter_map(|event| match event {
        Event::Snapshot(snapshot) => Some(snapshot),
        _ => None,
    });
    snapshots.next_back().expect("a snapshot is sent")
}

fn dropouts() -> Vec<usize> {
    let layers = Preset::LeNetTricks.network().layers;
    (0..layers.len()).filter(|at| matches!(layers[*at], LayerSpec::Dropout { .. })).collect()
}

fn logits(snapshot: &Snapshot) -> &[f32] {
    let last = Preset::LeNetTricks.network().layers.len() - 1;
    &snapshot.activations.iter().find(|of| of.layer == last).expect("the logits are watched").values
}

#[test]
fn thinned_networks_answer_beside_the_whole_one() {
    let mut session = session(64);
    let last = Preset::LeNetTricks.network().layers.len() - 1;
    let activations = vec![dropouts()[0], last];
    let watch = |units, masks| Watch { activations: activations.clone(), units, masks, ..Watch::default() };
    let plain = watched(&mut session, watch(Units::All, None));
    assert_eq!((plain.units, &plain.masks), (Units::All, &None));
    assert_eq!(plain.changed.len(), 2);

    let all = watched(&mut session, watch(Units::All, Some(4)));
    let masks = all.masks.clone().expect("masks are watched");
    assert_eq!(all.activations, plain.activations, "the image is shown as before");
    assert_eq!(masks.all, logits(&plain));
    assert_eq!(masks.thinned.len(), MASKS as usize);

    // Each of them is what the page shows if it shows that one, and drops its own units.
    for sample in [0, 15, 16, 19] {
        let units = Units::Kept { seed: 4, sample };
        let thin = watched(&mut session, watch(units, Some(4)));
        assert_eq!((thin.units, logits(&thin)), (units, &masks.thinned[sample as usize][..]));
        assert_eq!(thin.masks.as_ref(), Some(&masks), "they do not depend on the one that is shown");
        assert!(thin.changed.is_empty());
        let LayerSpec::Dropout { p } = Preset::LeNetTricks.network().layers[dropouts()[0]] else {
            unreachable!()
        };
        let (kept, whole) = (&thin.activations[0].values, &plain.activations[0].values);
        let dropped = nn::random::dropped_units(4, (0, sample), dropouts()[0] as u32, p, kept.len());
        for (at, dropped) in dropped.into_iter().enumerate() {
            let expected = if dropped { 0.0 } else { whole[at] / (1.0 - p) };
            assert!((kept[at] - expected).abs() < 1e-5, "unit {at}: {} and {expected}", kept[at]);
        }
    }
    let scaled = watched(&mut session, watch(Units::AllScaled, None));
    assert_eq!(logits(&scaled), masks.all_scaled);
    let again = watched(&mut session, watch(Units::All, None));
    assert_eq!(again, plain, "nothing of it stays");
}

#[test]
fn a_batch_is_normalised_channel_by_channel() {
    let mut session = session(100);
    let network = Preset::LeNetTricks.network();
    let norm = network.layers.iter().position(|layer| *layer == LayerSpec::BatchNorm).unwrap();
    // A layer that is none, and one that is not there, have no batch.
    let watch = Watch { batches: vec![norm, norm - 1, 99], ..Watch::default() };
    let snapshot = watched(&mut session, watch);
    let [batch] = &snapshot.batches[..] else { panic!("{:?}", snapshot.batches) };
    assert_eq!((batch.layer, batch.channels.len()), (norm, 6));
    let mut network = session.network().clone();
    network.prepare();
    let mut values = vec![Vec::new(); 6];
    for image in 0..BATCH_IMAGES {
        network.infer(std::iter::once(digits(100, 7).image(image)));
        for (channel, plane) in network.output(norm - 1).unwrap().chunks(28 * 28).enumerate() {
            values[channel].extend_from_slice(plane);
        }
    }
    for (channel, values) in batch.channels.iter().zip(values) {
        let n = values.len() as f32;
        let mean = values.iter().sum::<f32>() / n;
        let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f32>() / n;
        assert!((channel.mean - mean).abs() < 1e-3, "{} and {mean}", channel.mean);
        assert!((channel.variance / variance - 1.0).abs() < 1e-3, "{} and {variance}", channel.variance);
        let count = |counts: &[u32]| counts.iter().sum::<u32>() as usize;
        assert_eq!(
            (count(&channel.before.counts), count(&channel.after.counts)),
            (values.len(), values.len())
        );
    }
}

#[test]
fn a_batch_comes_with_its_images() {
    let mut session = session(BATCH_IMAGES - 1);
    let watch = Watch { batches: vec![1], ..Watch::default() };
    assert!(watched(&mut session, watch).batches.is_empty());
    session.add_test(&digits(1, 30)).unwrap();
    let mut events = Vec::new();
    while session.busy() {
        events.extend(session.work(&SingleCore::default()));
    }
    let comes =
        events.iter().any(|event| matches!(event, Event::Snapshot(snapshot) if snapshot.batches.len() == 1));
    assert!(comes, "{events:?}");
}

#[test]
fn each_part_of_the_image_is_covered_in_turn() {
    let mut session = session(10);
    let watch = Watch { occlusion: true, ..Watch::default() };
    let occlusion = watched(&mut session, watch.clone()).occlusion.expect("it is watched");
    let places: Vec<(usize, usize)> = Occlusion::places().collect();
    assert_eq!((places.len(), places[1], places[63]), (64, (0, 3), (21, 21)));
    assert_eq!(occlusion.covered.len(), 64);
    let mut network = session.network().clone();
    network.prepare();
    let mut logits = |image: [u8; 784]| {
        network.infer(std::iter::once(image.as_slice()));
        network.logits_of(0)
    };
    let image = calculator_digit(3, 99);
    assert_eq!(occlusion.whole, logits(image));
    for at in [0, 27, 63] {
        let ((top, left), mut covered) = (places[at], image);
        for (pixel, value) in covered.iter_mut().enumerate() {
            if (top..top + 7).contains(&(pixel / 28)) && (left..left + 7).contains(&(pixel % 28)) {
                *value = 0;
            }
        }
        assert_eq!(occlusion.covered[at], logits(covered), "{:?}", places[at]);
    }
    let masked = Watch { units: Units::AllScaled, ..watch.clone() };
    assert_eq!(watched(&mut session, masked).occlusion, None);
    // A network without dropout has no masks.
    session
        .handle(Command::Configure { network: Preset::LeNet5.network(), training: TrainingSpec::default() });
    let plain = watched(&mut session, Watch { units: Units::Kept { seed: 1, sample: 0 }, ..watch });
    assert_eq!((plain.units, plain.occlusion.is_some()), (Units::All, true));
}

/// The saliency map of an image, one image at a time.
fn saliency(network: &Network, image: &[u8], units: Units, class: usize) -> Vec<f32> {
    let mut network = network.clone();
    network.prepare();
    network.begin_inference(std::iter::once(image), units);
    network.limit_work(i64::MAX);
    assert!(network.continue_inference());
    SaliencyPass::new(&mut network, class).and_then(|mut pass| pass.advance(&mut network)).expect("no limit")
}

#[test]
fn the_saliency_map_is_that_of_the_class_the_units_and_the_image_on_screen() {
    let mut session = session(10);
    let network = session.network().clone();
    let (image, last) = (calculator_digit(3, 99), Preset::LeNetTricks.network().layers.len() - 1);
    let watch = |units, of| Watch { activations: vec![last], units, saliency: Some(of), ..Watch::default() };
    let plain = watched(&mut session, Watch { saliency: None, ..watch(Units::All, SaliencyOf::Answer) });
    assert_eq!(plain.saliency, None);
    for units in [Units::All, Units::AllScaled, Units::Kept { seed: 4, sample: 7 }] {
        for (of, class) in [(SaliencyOf::Answer, None), (SaliencyOf::Class(8), Some(8))] {
            let snapshot = watched(&mut session, watch(units, of));
            let answer =
                (0..10).max_by(|a, b| logits(&snapshot)[*a].total_cmp(&logits(&snapshot)[*b])).unwrap();
            let map = snapshot.saliency.as_ref().expect("it is watched");
            let class = class.unwrap_or(answer);
            assert_eq!((usize::from(map.class), map.logit), (class, logits(&snapshot)[class]));
            assert_eq!(map.gradient, saliency(&network, &image, units, class), "{units:?} {of:?}");
            if units == Units::All {
                let without = Snapshot { saliency: None, ..snapshot };
                assert_eq!(without, plain, "the backward pass changes nothing else");
            }
        }
    }
    assert_eq!(watched(&mut session, watch(Units::All, SaliencyOf::Class(10))).saliency, None);
    // It follows training.
    session.handle(Command::Step);
    while session.busy() {
        session.work(&SingleCore::default());
    }
    let after =
        watched(&mut session, watch(Units::All, SaliencyOf::Class(8))).saliency.expect("it is watched");
    assert_ne!(after.gradient, saliency(&network, &image, Units::All, 8));
    assert_eq!(after.gradient, saliency(session.network(), &image, Units::All, 8));
}
