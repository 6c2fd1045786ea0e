//! Whole trainings on a GPU: they repeat themselves, continue those of the CPU, and cost no more than they should.

use gpu::{Completion, Traffic};
use nn::mnist;
use nn::network::Network;
use nn::preset::Preset;
use nn::spec::LayerSpec::{Flatten, Linear, Relu};
use nn::spec::{Augmentation, NetworkSpec, Optimizer, Penalty, TrainingSpec};
use nn::train::Training;

use crate::common::{Pair, blobs, distance, gpu, gpu_test, in_browser_or, wait};

fn everything() -> TrainingSpec {
    TrainingSpec {
        batch_size: 24,
        optimizer: Optimizer::ADAM_W,
        penalty: Penalty { l1: 1e-5, l2: 1e-3, biases: true },
        label_smoothing: 0.1,
        label_noise: 0.2,
        augmentation: Augmentation { rotation: 10.0, elastic: 1.0, crop: 1, ..Augmentation::default() },
        subset: Some(64),
        ..TrainingSpec::default()
    }
}

/// A run repeats itself to the last bit, whether its steps are submitted one by one or together.
async fn repeats_itself() {
    let gpu = gpu().await;
    let mut ends = Vec::new();
    for at_once in [1, 1, 4] {
        let mut pair = Pair::new(&gpu, &Preset::LeNetTricks.network(), &everything()).await;
        let spec = pair.cpu.spec().clone();
        let mut scores = Vec::new();
        let mut last = None;
        for _ in 0..12 / at_once {
            let batches: Vec<_> = (0..at_once).map(|_| pair.next_batch()).collect();
            pair.gpu.train(&spec, &batches, true, ());
            let (more, saved) = pair.saved_steps().await;
            scores.extend(more);
            last = Some(saved.state);
        }
        let last = last.unwrap();
        let bits: Vec<u32> = last.parameters.iter().chain(&last.running).map(|v| v.to_bits()).collect();
        assert_eq!((last.steps, last.optimizer.steps, scores.len()), (12, 12, 12));
        ends.push((bits, scores));
    }
    assert!(ends[0] == ends[1], "a run repeats itself");
    assert!(ends[0] == ends[2], "larger submissions change nothing");
}

/// Weights, optimiser state and running estimates survive the way from the CPU to the GPU and back.
async fn moves_between_devices() {
    let gpu = gpu().await;
    let mut alone = Training::new(Preset::LeNetTricks.network(), everything()).unwrap();
    let mut pair = Pair::with(&gpu, alone.clone()).await;
    for _ in 0..5 {
        pair.step().await;
    }
    let (_, on_gpu) = pair.step().await;
    // The seventh step on the CPU, from the GPU's state and in a training that never left the CPU.
    alone.restore(&on_gpu.state);
    let mut continued = Pair::with(&gpu, alone).await;
    continued.seek(pair.cursor());
    let (expected, got) = (pair.cpu_step(), continued.cpu_step());
    assert!((expected.loss - got.loss).abs() < 1e-3 * expected.loss, "{expected:?}, {got:?}");
    assert_eq!(continued.cpu.steps(), 7);
}

/// The score on the test set is the same as on the CPU.
async fn evaluates() {
    let gpu = gpu().await;
    for preset in [Preset::LeNet5, Preset::LeNetTricks, Preset::LeNet1998] {
        let spec = TrainingSpec { subset: Some(700), ..everything() };
        let mut pair = Pair::new(&gpu, &preset.network(), &spec).await;
        let mut state = None;
        for _ in 0..3 {
            state = Some(pair.step().await.1.state);
        }
        pair.gpu.evaluate(700, 2, ());
        let evaluated = loop {
            wait(&pair.gpu).await;
            if let Some(Completion::Evaluation { score, .. }) = pair.gpu.poll_completions().pop() {
                break score;
            }
        };
        let (mut network, state, images): (Network, _, _) =
            (pair.cpu.network.clone(), state.unwrap(), blobs(700));
        network.parameters = state.parameters;
        network.running = state.running;
        network.prepare();
        let (mut loss, mut correct) = (0.0, 0usize);
        for (i, labels) in images.labels.chunks(16).enumerate() {
            network.infer((i * 16..i * 16 + labels.len()).map(|i| images.image(i)));
            let score = network.score(labels);
            loss += score.loss;
            correct += score.correct;
        }
        assert!((evaluated.loss - loss).abs() < 1e-4 * loss, "{preset:?}: {evaluated:?}, not {loss}");
        assert!(evaluated.correct.abs_diff(correct) <= 1, "{preset:?}: {evaluated:?}, not {correct}");
    }
}

/// A step sends one uniform and reads back loss and hits; for LeNet it is twelve dispatches.
async fn costs_what_it_should() {
    let gpu = gpu().await;
    for (preset, dispatches) in [(Preset::LeNet5, 12), (Preset::LeNetTricks, 40), (Preset::Mlp30, 6)] {
        let spec = TrainingSpec { subset: Some(64), batch_size: 16, ..TrainingSpec::default() };
        let mut pair = Pair::new(&gpu, &preset.network(), &spec).await;
        let batches: Vec<_> = (0..8).map(|_| pair.next_batch()).collect();
        pair.gpu.train(&spec, &batches, false, ());
        wait(&pair.gpu).await;
        let completions = pair.gpu.poll_completions();
        assert!(matches!(&completions[..], [Completion::Steps { scores, .. }] if scores.len() == 8));
        let expected = Traffic {
            steps: 8,
            dispatches: 8 * dispatches,
            submissions: 1,
            written: 8 * 256,
            read: 8 * 8,
            maps: 1,
        };
        assert_eq!(pair.gpu.traffic(), expected, "{preset:?}");
    }
}

/// Ten thousand steps, in a browser two thousand, need no more staging buffers than the first few.
async fn needs_no_more_memory() {
    let gpu = gpu().await;
    let network = NetworkSpec {
        input: mnist::IMAGE,
        layers: vec![Flatten, Linear { out_features: 8 }, Relu, Linear { out_features: 10 }],
    };
    let spec = TrainingSpec { subset: Some(64), batch_size: 4, ..TrainingSpec::default() };
    let mut pair = Pair::new(&gpu, &network, &spec).await;
    let (mut early, mut losses) = (0, Vec::new());
    for round in 0..in_browser_or(2_000, 10_000) / 50 {
        let batches: Vec<_> = (0..50).map(|_| pair.next_batch()).collect();
        pair.gpu.train(&spec, &batches, round % 5 == 0, ());
        while !pair.gpu.has_capacity() {
            wait(&pair.gpu).await;
            for completion in pair.gpu.poll_completions() {
                if let Completion::Steps { scores, .. } = completion {
                    losses.extend(scores.iter().map(|s| s.loss / 4.0));
                }
            }
        }
        if round == 10 {
            early = pair.gpu.staging_buffers();
        }
    }
    assert_eq!(pair.gpu.staging_buffers(), early);
    assert!((1..=4).contains(&early), "{early} staging buffers");
    let (first, last) = (losses[..50].iter().sum::<f64>(), losses[losses.len() - 50..].iter().sum::<f64>());
    assert!(last < 0.2 * first, "the loss falls: from {first} to {last}");
}

/// The trainer of a lost device reports the loss, and the training continues on another device.
async fn is_lost_and_found() {
    let gpu = gpu().await;
    let mut pair = Pair::new(&gpu, &Preset::LeNet5.network(), &everything()).await;
    let (_, on_gpu) = pair.step().await;
    let spec = pair.cpu.spec().clone();
    let batch = pair.next_batch();
    pair.gpu.train(&spec, &[batch], false, ());
    pair.gpu.gpu().destroy();
    let mut lost = false;
    // Some minutes: the browser reports the loss when it comes to it.
    for _ in 0..60_000 {
        pair.gpu.gpu().poll(false);
        lost = pair.gpu.poll_completions().contains(&Completion::DeviceLost) || pair.gpu.gpu().is_lost();
        if lost {
            break;
        }
        crate::common::pause().await;
    }
    assert!(lost && !pair.gpu.has_capacity());
    let other = crate::common::gpu().await;
    let mut cpu = pair.cpu.clone();
    cpu.restore(&on_gpu.state);
    let mut again = Pair::with(&other, cpu).await;
    let (expected, got) = again.step().await;
    assert!((expected.loss - got.score.loss).abs() < 1e-4 * expected.loss);
    assert!(distance(&got.state.parameters, &again.cpu.network.parameters) < 1e-4);
}

gpu_test!(a_run_repeats_itself, repeats_itself());
gpu_test!(training_moves_between_cpu_and_gpu, moves_between_devices());
gpu_test!(an_evaluation_agrees_with_the_cpu, evaluates());
gpu_test!(a_step_costs_what_it_should, costs_what_it_should());
gpu_test!(thousands_of_steps_need_no_more_memory, needs_no_more_memory());
gpu_test!(a_lost_device_is_replaced, is_lost_and_found());
