//! Checkpoints and runs from untrusted sources: any bytes are either refused with one sentence, after allocating
//! in proportion to their number, or make a network or a run that works.

use interchange::{RunFile, RunView, read_checkpoint, read_run, write_checkpoint, write_run};
use nn::network::Network;
use nn::spec::LayerSpec::*;
use nn::spec::{Initializer, NetworkSpec, Shape, TrainingSpec};
use nn::train::Training;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

struct Counting;

thread_local! {
    /// Bytes that this thread has ever allocated.
    static ALLOCATED: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: all calls are passed on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATED.set(ALLOCATED.get() + layout.size());
        // SAFETY: as above.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Bytes that may be allocated for each byte of a file that is refused. JSON becomes a description, and that
/// a plan.
const FOR_EACH_BYTE: usize = 100;
/// Bytes that may be allocated besides, for messages and small maps.
const FOR_ANY_FILE: usize = 4_000;

/// A network with every kind of layer.
fn network() -> NetworkSpec {
    let layers = vec![
        Conv2d { out_channels: 3, kernel_size: 3, stride: 1, padding: 1 },
        BatchNorm,
        Elu { alpha: 1.0 },
        MaxPool2d { kernel_size: 2, stride: 2 },
        Conv2d { out_channels: 2, kernel_size: 2, stride: 1, padding: 0 },
        LeakyRelu { negative_slope: 0.5 },
        Subsample2d { kernel_size: 3, stride: 2 },
        AvgPool2d { kernel_size: 1, stride: 1 },
        Flatten,
        Linear { out_features: 5 },
        BatchNorm,
        Sigmoid,
        Dropout { p: 0.5 },
        Linear { out_features: 4 },
        Tanh,
    ];
    NetworkSpec { input: Shape::maps(1, 8, 8), layers }
}

fn checkpoint() -> Vec<u8> {
    let network = Network::new(network(), Initializer::He, 1).expect("its layers fit");
    write_checkpoint(&network).expect("it can be written")
}

fn run() -> Vec<u8> {
    let training = Training::new(network(), TrainingSpec::default()).expect("its layers fit");
    let gradients = vec![0.5; training.network.parameters.len()];
    let view = RunView { steps: 7, gradients: &gradients, ..RunView::from(&training) };
    write_run(view, &[("place", "{\"cursor\":{\"images_seen\":448}}".into())]).expect("it can be written")
}

/// The header and the tensors' bytes.
fn parts(file: &[u8]) -> (&str, &[u8]) {
    let (length, rest) = file.split_first_chunk().expect("it begins with the header's length");
    let (header, data) = rest.split_at(u64::from_le_bytes(*length) as usize);
    (std::str::from_utf8(header).expect("the header is JSON"), data)
}

fn file(header: &str, data: &[u8]) -> Vec<u8> {
    [&(header.len() as u64).to_le_bytes(), header.as_bytes(), data].concat()
}

/// What `read` makes of the bytes, or its sentence.
fn outcome<T>(
    bytes: &[u8],
    read: impl Fn(&[u8]) -> Result<T, String>,
) -> Result<Result<T, String>, TestCaseError> {
    let before = ALLOCATED.get();
    let outcome = read(bytes);
    let allocated = ALLOCATED.get() - before;
    if let Err(message) = &outcome {
        prop_assert!(
            allocated <= FOR_EACH_BYTE * bytes.len() + FOR_ANY_FILE,
            "{} bytes: {}",
            allocated,
            message
        );
        let well_formed = message.starts_with(char::is_uppercase) && message.ends_with('.');
        prop_assert!(well_formed && !message.contains(char::is_control), "{:?}", message);
    }
    Ok(outcome)
}

/// Checks a file of a run. Returns the sentence, if the bytes are refused.
fn check_run(bytes: &[u8]) -> Result<Option<String>, TestCaseError> {
    let RunFile { network, training, state, gradients, .. } = match outcome(bytes, read_run)? {
        Err(message) => return Ok(Some(message)),
        Ok(run) => run,
    };
    prop_assert!(state.parameters.iter().chain(&state.running).chain(&gradients).all(|v| v.is_finite()));
    prop_assert!(gradients.is_empty() || gradients.len() == state.parameters.len());
    let lengths = [&state.optimizer.first, &state.optimizer.second].map(Vec::len);
    prop_assert_eq!(lengths, [state.parameters.len(); 2]);
    let mut restored = Training::new(network, training).expect("the network was checked");
    prop_assert!(restored.restore(&state));
    Ok(None)
}

/// Checks a checkpoint. Returns the sentence, if the bytes are refused.
fn check(bytes: &[u8]) -> Result<Option<String>, TestCaseError> {
    match outcome(bytes, read_checkpoint)? {
        Err(message) => Ok(Some(message)),
        Ok(mut network) => {
            prop_assert!(network.parameters.iter().chain(&network.running).all(|v| v.is_finite()));
            network.prepare();
            network.infer([[255; 64].as_slice()].into_iter());
            prop_assert!(!network.probabilities().is_empty());
            prop_assert!(write_checkpoint(&network).is_ok());
            Ok(None)
        }
    }
}

/// Numbers at which sizes overflow or are invalid.
fn number() -> impl Strategy<Value = String> {
    let sizes =
        [0, 1, 2, 3, 1 << 16, 1 << 20, 1 << 31, (1 << 32) - 1, 1 << 32, 1 << 63, u64::MAX - 1, u64::MAX];
    prop_oneof![
        3 => select(sizes.to_vec()).prop_map(|size| size.to_string()),
        1 => select(vec!["-1", "0.25", "1e40", "1e999", "18446744073709551616", "null", "[[", "\"a\\nb\""])
            .prop_map(str::to_owned),
    ]
}

/// Replaces some of the numbers of `text`.
fn with_numbers(text: &str, changes: &[(Index, String)]) -> String {
    let mut text = text.to_owned();
    for (which, number) in changes {
        let starts: Vec<usize> = text
            .char_indices()
            .filter(|&(at, c)| {
                c.is_ascii_digit() && !text[..at].ends_with(|c: char| c.is_ascii_alphanumeric())
            })
            .map(|(at, _)| at)
            .collect();
        if starts.is_empty() {
            break;
        }
        let start = starts[which.index(starts.len())];
        let end =
            text[start..].find(|c: char| !c.is_ascii_digit()).map_or(text.len(), |length| start + length);
        text.replace_range(start..end, number);
    }
    text
}

#[test]
fn the_undamaged_run_is_read() {
    assert_eq!(check_run(&run()).unwrap(), None);
}

#[test]
fn the_undamaged_file_is_read() {
    let good = checkpoint();
    assert_eq!(check(&good).unwrap(), None);
    let (header, data) = parts(&good);
    assert_eq!(file(header, data), good);
}

#[test]
fn a_network_larger_than_its_file_is_refused_before_it_is_allocated() {
    for network in [
        r#"{"input":{"channels":4000,"height":1,"width":1},"layers":[{"dense":{"units":4000}}]}"#,
        r#"{"input":{"channels":1,"height":500,"width":500},"layers":["relu","flatten",{"dense":{"units":9}}]}"#,
        r#"{"input":{"channels":4294967296,"height":4294967296,"width":1},"layers":["flatten"]}"#,
        r#"{"input":{"channels":1,"height":0,"width":0},"layers":["flatten"]}"#,
    ] {
        let description = network.replace('"', "\\\"");
        let header = format!(r#"{{"__metadata__":{{"lenet_playground.network":"{description}"}}}}"#);
        assert!(check(&file(&header, &[])).unwrap().is_some(), "{network}");
    }
}

#[test]
fn nan_infinity_and_negative_variances_are_refused() {
    let good = checkpoint();
    let length = good.len();
    let (header, data) = parts(&good);
    let begin = length - data.len();
    let name = |bytes: [u8; 2], at: usize| {
        let mut bad = good.clone();
        bad[begin + at..][..2].copy_from_slice(&bytes);
        check(&bad).unwrap()
    };
    for not_finite in [[0x00, 0x7c], [0x00, 0xfc], [0x00, 0x7e]] {
        for at in (0..data.len()).step_by(2) {
            let message = name(not_finite, at).expect("it is refused");
            assert!(message.ends_with("holds a number that is not finite."), "{message}");
        }
    }
    let variances = header.match_indices("running_var").count();
    let minus_one = [0x00, 0xbc];
    let refused = (0..data.len()).step_by(2).filter_map(|at| name(minus_one, at));
    assert_eq!((variances, refused.inspect(|m| assert!(m.contains("variance"), "{m}")).count()), (2, 3 + 5));
}

proptest! {
    #[test]
    fn arbitrary_bytes(bytes in prop::collection::vec(any::<u8>(), 0..300), length in 0u64..300) {
        check(&bytes)?;
        // With a plausible length of the header, so that more of the file is parsed.
        check(&[&length.to_le_bytes(), bytes.as_slice()].concat())?;
        check_run(&bytes)?;
        check_run(&[&length.to_le_bytes(), bytes.as_slice()].concat())?;
    }

    #[test]
    fn truncated_runs_are_refused(at in any::<Index>()) {
        let good = run();
        prop_assert!(check_run(&good[..at.index(good.len())])?.is_some());
    }

    #[test]
    fn damaged_runs(damage in prop::collection::vec((any::<Index>(), any::<u8>()), 1..6), in_header: bool) {
        let mut bytes = run();
        let end = if in_header { 8 + parts(&bytes).0.len() } else { bytes.len() };
        for (at, value) in damage {
            bytes[at.index(end)] = value;
        }
        check_run(&bytes)?;
    }

    #[test]
    fn headers_of_runs_with_wrong_sizes(
        changes in prop::collection::vec((any::<Index>(), number()), 1..4),
        cut in any::<Index>(),
    ) {
        let good = run();
        let (header, data) = parts(&good);
        let header = with_numbers(header, &changes);
        check_run(&file(&header, data))?;
        check_run(&file(&header, &data[..cut.index(data.len())]))?;
    }

    #[test]
    fn truncated_files_are_refused(at in any::<Index>()) {
        let good = checkpoint();
        prop_assert!(check(&good[..at.index(good.len())])?.is_some());
    }

    #[test]
    fn damaged_bytes(damage in prop::collection::vec((any::<Index>(), any::<u8>()), 1..6)) {
        let mut bytes = checkpoint();
        for (at, value) in damage {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        check(&bytes)?;
    }

    #[test]
    fn headers_with_wrong_sizes(changes in prop::collection::vec((any::<Index>(), number()), 1..4), cut in any::<Index>()) {
        let good = checkpoint();
        let (header, data) = parts(&good);
        let header = with_numbers(header, &changes);
        check(&file(&header, data))?;
        check(&file(&header, &data[..cut.index(data.len())]))?;
    }
}
