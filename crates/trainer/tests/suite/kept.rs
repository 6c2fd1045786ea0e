//! A session outlives its page: the file of a run, brought back in another session at any step, trains on bit by bit, and no
//! command throws a trained network away.

use interchange::read_run;
use nn::preset::Preset;
use nn::random::pcg4d;
use nn::spec::{LayerSpec, Schedule, TrainingSpec};
use trainer::Session;
use trainer::messages::{Command, Event, Kept, RunConfig, Watch};
use trainer::parallel::transport::Transport;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::common::{LocalGroup, all_options, digits};

/// A network with every kind of layer, and all options.
fn everything() -> RunConfig {
    let training =
        TrainingSpec { schedule: Schedule::OneCycle { epochs: 3.0 }, subset: Some(4_990), ..all_options() };
    RunConfig { network: Preset::LeNetTricks.network(), training }
}

fn configure(RunConfig { network, training }: RunConfig) -> Command {
    Command::Configure { network, training }
}

fn session(cores: u32) -> (Session, LocalGroup) {
    let mut session = Session::default();
    session.add_train(&digits(5_000, 0)).unwrap();
    session.set_workers(cores as usize - 1);
    (session, LocalGroup::new(cores))
}

fn steps(session: &mut Session, group: &LocalGroup, steps: u64) {
    for _ in 0..steps {
        session.handle(Command::Step);
        group.work(session);
    }
}

/// FNV-1a over the bits of all weights and running estimates.
fn hash(session: &Session) -> u64 {
    let network = session.network();
    let bytes = network.parameters.iter().chain(&network.running).flat_map(|w| w.to_bits().to_le_bytes());
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}

fn kept(events: &[Event]) -> Kept {
    let kept = events.iter().find_map(|event| if let Event::Kept(kept) = event { Some(kept) } else { None });
    (**kept.expect("a run is offered")).clone()
}

fn last_step(events: &[Event]) -> Option<u64> {
    events
        .iter()
        .rev()
        .find_map(|event| if let Event::Progress(progress) = event { Some(progress.step) } else { None })
}

/// The run that can be restored, by the last event about it.
fn replaced(events: &[Event]) -> Option<Kept> {
    let last =
        events.iter().rev().find_map(|event| if let Event::Replaced(run) = event { Some(run) } else { None });
    last.expect("an event about replaced runs").as_deref().cloned()
}

/// A page that opens later: the file is offered to a new session, which resumes.
fn reopen(file: &[u8], replaced: &[Vec<u8>], cores: u32) -> (Session, LocalGroup) {
    let (mut next, group) = session(cores);
    next.offer(file, replaced, &[]).unwrap();
    next.handle(Command::Resume);
    (next, group)
}

#[wasm_bindgen_test(unsupported = test)]
fn a_run_that_is_killed_at_any_step_goes_on_bit_by_bit_on_any_number_of_cores() {
    let (mut whole, group) = session(1);
    whole.handle(configure(everything()));
    let mut killed_at: Vec<u64> =
        (0..2).map(|seed| 100 + u64::from(pcg4d([seed, 14, 0, 0])[0]) % 100).collect();
    // Right after the last batch of the second epoch, which is smaller than the others.
    killed_at.push(126);
    killed_at.sort_unstable();
    let mut files = Vec::new();
    for step in 0..300 {
        if killed_at.contains(&step) {
            files.push((step, whole.encode().unwrap()));
        }
        steps(&mut whole, &group, 1);
    }
    assert_eq!(files.len(), 3);
    // All that is stored, but for the time that the steps took.
    let untimed = |session: &Session| {
        let mut file = read_run(&session.encode().unwrap()).unwrap();
        let mut place: serde_json::Value = serde_json::from_str(&file.notes["place"]).unwrap();
        let ms = place.as_object_mut().unwrap().remove("train_ms").and_then(|ms| ms.as_f64());
        assert!(ms.is_some_and(|ms| ms > 0.0), "{ms:?}");
        file.notes.insert("place".into(), place.to_string());
        file
    };
    let end = untimed(&whole);
    for (index, (step, file)) in files.iter().enumerate() {
        let (mut next, group) = reopen(file, &[], 1 + index as u32 % 3);
        assert_eq!(next.network().spec(), &everything().network);
        steps(&mut next, &group, 300 - step);
        assert_eq!(hash(&next), hash(&whole), "killed at step {step}");
        assert!(untimed(&next) == end, "killed at step {step}: all that is stored is the same");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn the_time_of_training_is_that_of_its_steps_and_outlives_the_page() {
    let last_time = |events: Vec<Event>| {
        let mut times = events.into_iter().filter_map(|event| match event {
            Event::Progress(progress) => progress.train_seconds,
            _ => None,
        });
        times.next_back()
    };
    let (mut first, group) = session(1);
    let time = |session: &mut Session| last_time(session.set_workers(0)).unwrap();
    assert_eq!(time(&mut first), 0.0);
    steps(&mut first, &group, 20);
    let trained = time(&mut first);
    assert!(trained > 0.0);
    // A pause takes no time of training.
    (0..10_000).for_each(|_| _ = group.now());
    assert_eq!(time(&mut first), trained);
    first.handle(Command::Step);
    group.work(&mut first);
    let more = time(&mut first);
    assert!(more > trained && more < 2.0 * trained, "{more} s after {trained} s");

    let (mut next, group) = reopen(&first.encode().unwrap(), &[], 1);
    assert_eq!(time(&mut next), more);
    steps(&mut next, &group, 1);
    assert!(time(&mut next) > more);
    next.handle(Command::Reset);
    assert_eq!(time(&mut next), 0.0);
    next.handle(Command::Undo);
    assert!(time(&mut next) > more, "the run that was replaced has its time");
}

#[wasm_bindgen_test(unsupported = test)]
fn a_file_that_is_written_while_workers_train_is_of_the_last_whole_step() {
    let (mut quiet, alone) = session(1);
    quiet.handle(configure(everything()));
    let (mut busy, group) = session(3);
    busy.handle(configure(everything()));
    busy.handle(Command::Train);
    let mut events = Vec::new();
    while last_step(&events).is_none_or(|step| step <= 20) {
        if busy.busy() {
            events.extend(busy.work(&group));
        } else {
            let (rank, mut words) = group.deliver().expect("a worker answers");
            events.extend(busy.on_message(rank, &mut words, &group));
        }
    }
    let (mut next, alone_too) = reopen(&busy.encode().unwrap(), &[], 1);
    assert!(!next.busy(), "it comes back paused");
    let step = kept(&session(1).0.offer(&busy.encode().unwrap(), &[], &[]).unwrap()).step;
    assert!(step > 20, "{step}");
    steps(&mut quiet, &alone, step + 5);
    steps(&mut next, &alone_too, 5);
    assert_eq!(hash(&next), hash(&quiet), "stored at step {step}");
}

#[wasm_bindgen_test(unsupported = test)]
fn a_run_is_offered_with_what_the_page_kept_and_comes_back_paused() {
    let (mut first, group) = session(1);
    assert_eq!(first.kept_version(), None, "nothing is trained: there is nothing to lose");
    first.handle(configure(everything()));
    assert_eq!(first.kept_version(), None);
    steps(&mut first, &group, 3);
    let before = first.kept_version();
    first.handle(Command::KeepRecord { setup: "settings".into(), record: "curves".into() });
    assert_ne!(first.kept_version(), before, "what the page keeps is a change");

    let (mut next, _) = session(1);
    let offered = kept(&next.offer(&first.encode().unwrap(), &[], &[]).unwrap());
    assert_eq!((offered.step, offered.epoch, &offered.config), (3, 240.0 / 4_990.0, &everything()));
    assert_eq!((offered.page.setup.as_str(), offered.page.record.as_str()), ("settings", "curves"));
    let events = next.handle(Command::Resume);
    assert!(matches!(&events[..], [.., Event::Replaced(None)]), "{events:?}");
    assert!(events.contains(&Event::Restored(Box::new(offered))) && last_step(&events) == Some(3));
    assert_eq!(hash(&next), hash(&first));
    assert!(next.handle(Command::Resume).is_empty(), "a run is brought back once");
}

#[wasm_bindgen_test(unsupported = test)]
fn an_offered_run_that_is_set_aside_can_be_restored() {
    let (mut first, group) = session(1);
    first.handle(configure(everything()));
    steps(&mut first, &group, 4);
    let (mut next, group) = session(1);
    next.offer(&first.encode().unwrap(), &[], &[]).unwrap();
    assert_eq!(replaced(&next.handle(Command::SetAside)).map(|run| run.step), Some(4));
    steps(&mut next, &group, 2);
    let fresh = hash(&next);
    let events = next.handle(Command::Undo);
    assert_eq!((hash(&next), last_step(&events)), (hash(&first), Some(4)));
    assert_eq!(
        replaced(&events).map(|run| run.step),
        Some(2),
        "and the one that was trained meanwhile is kept"
    );
    next.handle(Command::Undo);
    assert_eq!(hash(&next), fresh);
}

#[wasm_bindgen_test(unsupported = test)]
fn replaced_runs_outlive_the_page_too() {
    let (mut first, group) = session(1);
    steps(&mut first, &group, 6);
    let trained = hash(&first);
    first.handle(Command::Reset);
    assert!(first.kept_version().is_some(), "the run that was reset can be lost");
    let files: Vec<_> =
        first.replaced_runs().into_iter().map(|run| first.encode_numbered(run).unwrap().unwrap()).collect();
    assert_eq!(files.len(), 1);
    let (mut next, _) = reopen(&first.encode().unwrap(), &files, 1);
    assert_eq!(last_step(&next.handle(Command::Undo)), Some(6));
    assert_eq!(hash(&next), trained);
    assert_eq!(first.encode_numbered(77), None);
}

#[wasm_bindgen_test(unsupported = test)]
fn a_reset_and_another_network_after_it_can_be_undone_whatever_happened_since() {
    let (mut session, group) = session(1);
    steps(&mut session, &group, 5);
    let trained = hash(&session);
    session.handle(Command::Reset);
    let mlp = RunConfig { network: Preset::Mlp30.network(), training: TrainingSpec::default() };
    session.handle(configure(mlp));
    steps(&mut session, &group, 1);
    let events = session.handle(Command::Undo);
    assert_eq!((hash(&session), last_step(&events)), (trained, Some(5)));
    assert_eq!(session.network().spec(), &Preset::LeNet5.network());
    // Training goes on as if nothing had happened.
    let (mut twin, alone) = self::session(1);
    steps(&mut twin, &alone, 8);
    steps(&mut session, &group, 3);
    assert_eq!(hash(&session), hash(&twin));
}

#[wasm_bindgen_test(unsupported = test)]
fn another_network_keeps_the_trained_one_but_tricks_do_not() {
    let (mut session, group) = session(1);
    steps(&mut session, &group, 40);
    let to = |preset: Preset| {
        configure(RunConfig { network: preset.network(), training: TrainingSpec::default() })
    };
    let is_replaced = |events: &[Event]| events.iter().any(|event| matches!(event, Event::Replaced(Some(_))));
    assert!(
        !is_replaced(&session.handle(to(Preset::LeNetTricks))),
        "batch normalisation and dropout come and go"
    );
    session.handle(to(Preset::LeNet5));
    let events = session.handle(to(Preset::Mlp30));
    assert_eq!(replaced(&events).map(|run| run.config.network), Some(Preset::LeNet5.network()));
    // A control that is dragged while training: networks of a few steps do not displace the trained one.
    for out_features in 20..40 {
        let mut network = Preset::Mlp30.network();
        network.layers[1] = LayerSpec::Linear { out_features };
        session.handle(configure(RunConfig { network, training: TrainingSpec::default() }));
        steps(&mut session, &group, 1);
    }
    let events = session.handle(Command::Undo);
    assert_eq!((session.network().spec(), last_step(&events)), (&Preset::LeNet5.network(), Some(40)));
}

#[wasm_bindgen_test(unsupported = test)]
fn at_most_three_replaced_runs_are_kept_and_none_once_they_are_forgotten() {
    let (mut session, group) = session(1);
    for count in 1..=5 {
        steps(&mut session, &group, count);
        session.handle(Command::Reset);
    }
    // Between them are the checkpoints with which the runs began.
    assert_eq!(session.replaced_runs(), [6, 8, 10], "numbers are not given twice");
    assert_eq!(replaced(&session.handle(Command::ForgetReplaced)), None);
    assert_eq!((session.kept_version(), session.replaced_runs()), (None, vec![]));
    assert!(session.handle(Command::Undo).is_empty());
}

fn mlp(out_features: usize) -> Command {
    let mut network = Preset::Mlp30.network();
    network.layers[1] = LayerSpec::Linear { out_features };
    configure(RunConfig { network, training: TrainingSpec { batch_size: 16, ..TrainingSpec::default() } })
}

#[wasm_bindgen_test(unsupported = test)]
fn a_run_of_some_steps_is_kept_beside_a_long_one_and_never_displaces_it() {
    let (mut session, group) = session(1);
    session.handle(mlp(30));
    steps(&mut session, &group, 300);
    session.handle(Command::Reset);
    let long = session.replaced_runs();
    assert_eq!(long.len(), 1);
    // Less than a tenth of the long run, but more than a control that is dragged takes.
    session.handle(mlp(20));
    steps(&mut session, &group, 20);
    assert_eq!(replaced(&session.handle(mlp(21))).map(|run| run.step), Some(20));
    for out_features in 22..30 {
        steps(&mut session, &group, 20);
        session.handle(mlp(out_features));
    }
    let kept = session.replaced_runs();
    assert_eq!(kept[0], long[0], "the long one and the last ones");
    assert_eq!((kept.len(), kept[2] - kept[1]), (3, 1));
}

#[wasm_bindgen_test(unsupported = test)]
fn replaced_runs_take_a_share_of_the_memory() {
    let kept = |memory| {
        let (mut session, group) = session(1);
        session.limit_memory(memory);
        for _ in 0..2 {
            steps(&mut session, &group, 1);
            session.handle(Command::Reset);
        }
        session.replaced_runs().len()
    };
    // LeNet-5 has 61,706 parameters: two runs are 2 MB, of which this is eight times as much.
    assert_eq!((kept(16_000_000), kept(15_000_000)), (2, 1));
}

#[wasm_bindgen_test(unsupported = test)]
fn the_page_is_told_once_which_run_can_be_restored_after_another_was_resumed() {
    let (mut first, group) = session(1);
    steps(&mut first, &group, 2);
    let (mut next, alone) = session(1);
    next.offer(&first.encode().unwrap(), &[], &[]).unwrap();
    steps(&mut next, &alone, 3);
    let events = next.handle(Command::Resume);
    assert_eq!(events.iter().filter(|event| matches!(event, Event::Replaced(_))).count(), 1);
    assert_eq!(replaced(&events).map(|run| run.step), Some(3));
}

/// The file with another text in its header.
fn with(file: &[u8], old: &str, new: &str) -> Vec<u8> {
    let (length, rest) = file.split_first_chunk().unwrap();
    let (header, tensors) = rest.split_at(u64::from_le_bytes(*length) as usize);
    let header = std::str::from_utf8(header).unwrap();
    assert_eq!(header.matches(old).count(), 1, "{old} in {header}");
    let header = header.replace(old, new);
    [&(header.len() as u64).to_le_bytes(), header.as_bytes(), tensors].concat()
}

#[wasm_bindgen_test(unsupported = test)]
fn numbers_of_steps_that_no_run_has_get_a_sentence() {
    let (mut first, group) = session(1);
    steps(&mut first, &group, 2);
    let file = first.encode().unwrap();
    let counts = |steps: u64, optimizer: u32| {
        let new = format!(r#"\"steps\":{steps},\"optimizer\":{optimizer}"#);
        with(&file, r#"\"steps\":2,\"optimizer\":2"#, &new)
    };
    let seen = |images: u64| {
        let new = format!(r#"\"images_seen\":{images}"#);
        with(&file, r#"\"images_seen\":128"#, &new)
    };
    let hostile =
        [counts(u64::MAX, 2), counts(2, u32::MAX), counts(129, 2), counts(1, 2), seen(1), seen(u64::MAX)];
    for file in hostile {
        let (mut next, _) = session(1);
        let sentence = next.offer(&file, &[], &[]).unwrap_err();
        assert!(sentence.ends_with("it is damaged."), "{sentence}");
        assert!(next.handle(Command::Resume).is_empty());
    }
    // The largest numbers that fit together: training goes on.
    let (mut next, group) = reopen(&counts(128, 0), &[], 1);
    steps(&mut next, &group, 1);
}

#[wasm_bindgen_test(unsupported = test)]
fn during_a_comparison_the_sessions_own_run_is_kept() {
    let (mut session, group) = session(1);
    session.handle(configure(everything()));
    steps(&mut session, &group, 7);
    let own = hash(&session);
    let runs =
        vec![everything(), RunConfig { network: Preset::Mlp30.network(), training: TrainingSpec::default() }];
    session.handle(Command::Compare { runs, epochs: 1.0 });
    (0..20).for_each(|_| drop(session.work(&group)));
    assert_ne!(hash(&session), own);
    let (next, _) = reopen(&session.encode().unwrap(), &[], 1);
    assert_eq!(hash(&next), own);
}

#[wasm_bindgen_test(unsupported = test)]
fn files_that_are_no_run_get_a_sentence_and_leave_the_session_as_it_was() {
    let (mut first, group) = session(1);
    steps(&mut first, &group, 2);
    let file = first.encode().unwrap();
    let (mut next, alone) = session(1);
    steps(&mut next, &alone, 1);
    let before = hash(&next);
    // The number of images seen becomes one that no training reaches.
    let text = String::from_utf8_lossy(&file[..file.len().min(20_000)]).into_owned();
    let seen = "images_seen\\\":128";
    let at = text.find(seen).expect("the place is in the header") + seen.len() - 3;
    let mut damaged = file.clone();
    damaged[at..at + 3].copy_from_slice(b"9e9");
    let mut wrong = vec![Vec::new(), b"{}".to_vec(), file[..file.len() - 1].to_vec(), damaged];
    wrong.push(include_bytes!("../../../../web/assets/lenet5.safetensors").to_vec());
    for bytes in wrong {
        let sentence = next.offer(&bytes, &[], &[]).unwrap_err();
        assert!(sentence.ends_with('.') && sentence.starts_with(char::is_uppercase), "{sentence}");
        assert!(next.handle(Command::Resume).is_empty());
    }
    assert_eq!(hash(&next), before);
    // A replaced run that cannot be read is left out.
    next.offer(&file, &[vec![1, 2, 3]], &[]).unwrap();
    next.handle(Command::Resume);
    assert_eq!(hash(&next), hash(&first));
}

#[wasm_bindgen_test(unsupported = test)]
fn a_run_of_other_images_goes_on_with_a_sentence() {
    let (mut first, group) = session(1);
    first.name_data("digits".into());
    steps(&mut first, &group, 2);
    for (name, says) in [("digits", false), ("clothes", true)] {
        let (mut next, _) = session(1);
        next.offer(&first.encode().unwrap(), &[], &[]).unwrap();
        next.name_data(name.into());
        let events = next.handle(Command::Resume);
        assert_eq!(events.iter().any(|event| matches!(event, Event::Note(_))), says, "{name}: {events:?}");
    }
}

/// After a reload the gradients of the last step are not known: no verdict may be spoken over zeros.
#[wasm_bindgen_test(unsupported = test)]
fn norms_of_gradients_are_brought_back_with_a_run() {
    let (mut first, group) = session(1);
    steps(&mut first, &group, 2);
    let (mut next, group) = reopen(&first.encode().unwrap(), &[], 1);
    let watch = Command::Watch(Watch { norms: true, ..Watch::default() });
    let norms = |session: &mut Session| {
        session.handle(watch.clone()).into_iter().find_map(|event| match event {
            Event::Snapshot(snapshot) => Some(snapshot.norms),
            _ => None,
        })
    };
    let before = norms(&mut first);
    assert_eq!(before.as_ref().map(Vec::len), Some(5));
    assert_eq!(norms(&mut next), before);
    next.handle(Command::Step);
    group.work(&mut next);
    assert_ne!(norms(&mut next), before);
}
