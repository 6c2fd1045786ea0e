//! The CPU and the GPU agree: each kernel for many shapes, and whole trainings with every option on.

use nn::mnist;
use nn::preset::Preset;
use nn::random::pcg4d;
use nn::spec::LayerSpec::{self, *};
use nn::spec::{Augmentation, Initializer, NetworkSpec, Optimizer, Penalty, Schedule, TrainingSpec};
use nn::train::Training;

use crate::common::{Pair, assert_steps_agree, error, gpu, gpu_test, in_browser_or};

fn spec() -> TrainingSpec {
    TrainingSpec {
        seed: 3,
        batch_size: 21,
        learning_rate: 0.01,
        optimizer: Optimizer::SGD,
        initializer: Initializer::LeCun,
        subset: Some(64),
        ..TrainingSpec::default()
    }
}

/// Takes two steps on both. The loss agrees within 1e-4 relative; gradients, parameters and running estimates agree within 1e-4 of the
/// largest value of their tensor in the first step, and within 1e-3 in the second, which starts from rounded weights.
async fn assert_agrees(gpu: &gpu::Gpu, name: &str, layers: Vec<LayerSpec>, spec: &TrainingSpec) {
    let network = NetworkSpec { input: mnist::IMAGE, layers };
    if let Err(e) = network.summary() {
        panic!("{name} is not a network: {e}");
    }
    let mut pair = Pair::new(gpu, &network, spec).await;
    for (step, tolerance) in [1e-4, 1e-3].into_iter().enumerate() {
        let (expected, on_gpu) = pair.step().await;
        let name = format!("{name}, step {step}");
        let loss_error = (on_gpu.score.loss - expected.loss).abs() / expected.loss;
        assert!(loss_error < 1e-4, "{name}: the loss is {:?}, on the CPU {expected:?}", on_gpu.score);
        assert!(
            on_gpu.score.correct.abs_diff(expected.correct) <= 1,
            "{name}: {:?}, {expected:?}",
            on_gpu.score
        );
        let plan = pair.cpu.network.plan();
        for p in &plan.parameters {
            // The gradient of a bias before a normalisation is rounding alone, so the largest gradient of its layer is the scale.
            let of_layer = plan.parameters.iter().filter(|other| other.layer == p.layer);
            let scale =
                of_layer.flat_map(|p| &pair.cpu.gradients()[p.range()]).fold(1e-6f32, |m, g| m.max(g.abs()));
            let (got, expected) = (&on_gpu.gradients[p.range()], &pair.cpu.gradients()[p.range()]);
            let worst = got.iter().zip(expected).fold(0.0f32, |m, (a, b)| m.max((a - b).abs())) / scale;
            assert!(worst < tolerance, "{name}: the gradient of {} differs by {worst:e}", p.name);
            let worst = error(&on_gpu.state.parameters[p.range()], &pair.cpu.network.parameters[p.range()]);
            assert!(worst < tolerance, "{name}: {} differs by {worst:e}", p.name);
        }
        let worst = error(&on_gpu.state.running, &pair.cpu.network.running);
        assert!(worst < tolerance, "{name}: the running estimates differ by {worst:e}");
    }
}

/// Appends a linear layer with ten classes.
fn classified(mut layers: Vec<LayerSpec>) -> Vec<LayerSpec> {
    layers.extend([Flatten, Linear { out_features: 10 }]);
    layers
}

const POOL: LayerSpec = MaxPool2d { kernel_size: 2, stride: 2 };

async fn convolutions() {
    let gpu = gpu().await;
    let mut random = 0;
    let mut below = move |n: u32| {
        random += 1;
        pcg4d([random, 1, 2, 3])[0] % n
    };
    for i in 0..in_browser_or(5, 16) {
        let kernel_size = 1 + below(7) as usize;
        let stride = 1 + below(3) as usize;
        let padding = below(kernel_size.min(3) as u32) as usize;
        // Only the second convolution has a gradient of its input.
        let second = 1 + below(7) as usize;
        let mut layers = vec![
            AvgPool2d { kernel_size: 2, stride: 2 },
            Conv2d { out_channels: 1 + below(7) as usize, kernel_size, stride, padding },
            [Relu, Tanh, Sigmoid, LeakyRelu { negative_slope: 0.1 }][below(4) as usize],
            Conv2d {
                out_channels: 1 + below(9) as usize,
                kernel_size: second,
                stride: 1 + below(3) as usize,
                padding: second / 2,
            },
            Relu,
        ];
        if i % 2 == 0 {
            layers.insert(3, MaxPool2d { kernel_size: 2, stride: 1 + below(2) as usize });
        }
        let name = format!("{layers:?}");
        assert_agrees(&gpu, &name, classified(layers), &spec()).await;
    }
}

async fn shuffled_pixels() {
    let gpu = gpu().await;
    let convolution = Conv2d { out_channels: 6, kernel_size: 5, stride: 1, padding: 2 };
    for first in [vec![convolution, Relu, POOL], vec![POOL, Tanh], vec![BatchNorm], vec![]] {
        let layers = [&[Permute { seed: 3 }][..], &first].concat();
        let name = format!("{layers:?}");
        assert_agrees(&gpu, &name, classified(layers), &spec()).await;
    }
}

async fn pooling() {
    let gpu = gpu().await;
    for (kernel_size, stride) in
        [(2, 2), (3, 2), (2, 1), (3, 3), (2, 3)].into_iter().take(in_browser_or(2, 5))
    {
        for pool in [
            MaxPool2d { kernel_size, stride },
            AvgPool2d { kernel_size, stride },
            Subsample2d { kernel_size, stride },
        ] {
            let layers =
                vec![Conv2d { out_channels: 5, kernel_size: 4, stride: 1, padding: 1 }, Tanh, pool, Tanh];
            assert_agrees(&gpu, &format!("{pool:?}"), classified(layers), &spec()).await;
        }
    }
    // The convolution's kernel pools before the activation, which must not change the result.
    let layers =
        vec![Conv2d { out_channels: 5, kernel_size: 3, stride: 1, padding: 1 }, Elu { alpha: 0.5 }, POOL];
    assert_agrees(&gpu, "ELU, then pooling", classified(layers), &spec()).await;
    // Pooling as the first layer, and several in a row.
    assert_agrees(
        &gpu,
        "pools",
        classified(vec![POOL, MaxPool2d { kernel_size: 3, stride: 1 }, POOL]),
        &spec(),
    )
    .await;
}

async fn linear_and_activations() {
    let gpu = gpu().await;
    for activation in [Relu, LeakyRelu { negative_slope: 0.2 }, Elu { alpha: 1.5 }, Sigmoid, Tanh] {
        for out_features in [3, 1, 30].into_iter().take(in_browser_or(1, 3)) {
            let layers = vec![
                Flatten,
                Linear { out_features },
                activation,
                Linear { out_features: 9 },
                activation,
                activation,
            ];
            assert_agrees(&gpu, &format!("{activation:?} {out_features}"), classified(layers), &spec()).await;
        }
    }
    assert_agrees(&gpu, "one layer", vec![Flatten, Linear { out_features: 10 }], &spec()).await;
    assert_agrees(&gpu, "activated logits", vec![Flatten, Linear { out_features: 10 }, Tanh], &spec()).await;
    let last = vec![Flatten, Linear { out_features: 12 }, Relu, Linear { out_features: 10 }, BatchNorm];
    assert_agrees(&gpu, "normalised logits", last, &spec()).await;
    for batch_size in [1, 4, 5, 63, 64] {
        let spec = TrainingSpec { batch_size, ..spec() };
        assert_agrees(
            &gpu,
            "batch sizes",
            vec![Flatten, Linear { out_features: 20 }, Relu, Linear { out_features: 10 }],
            &spec,
        )
        .await;
    }
}

async fn normalisation_and_dropout() {
    let gpu = gpu().await;
    let conv = |out_channels| Conv2d { out_channels, kernel_size: 3, stride: 1, padding: 1 };
    for layers in [
        vec![conv(5), BatchNorm, Relu, POOL, conv(6), BatchNorm, Tanh],
        vec![BatchNorm, conv(4), Relu, BatchNorm, POOL],
        vec![conv(4), BatchNorm, POOL, Relu, Dropout { p: 0.3 }],
        vec![conv(4), Relu, Dropout { p: 0.5 }, POOL, Dropout { p: 0.2 }, Dropout { p: 0.1 }],
        vec![
            Flatten,
            Linear { out_features: 40 },
            Sigmoid,
            Dropout { p: 0.4 },
            Linear { out_features: 20 },
            Dropout { p: 0.2 },
            Tanh,
        ],
    ] {
        let name = format!("{layers:?}");
        assert_agrees(&gpu, &name, classified(layers), &spec()).await;
    }
}

async fn options() {
    let gpu = gpu().await;
    let layers = || vec![Flatten, Linear { out_features: 24 }, Relu, Linear { out_features: 10 }];
    for optimizer in [Optimizer::MOMENTUM, Optimizer::NESTEROV, Optimizer::ADAM, Optimizer::ADAM_W] {
        for biases in [true, false].into_iter().take(in_browser_or(1, 2)) {
            let penalty = Penalty { l1: 1e-3, l2: 1e-2, biases };
            let spec = TrainingSpec {
                optimizer,
                penalty,
                label_smoothing: 0.1,
                label_noise: 0.3,
                schedule: Schedule::OneCycle { epochs: 1.0 },
                ..spec()
            };
            assert_agrees(&gpu, &format!("{optimizer:?} {penalty:?}"), layers(), &spec).await;
        }
    }
    let off = Augmentation::default();
    for augmentation in [
        Augmentation { rotation: 30.0, ..off },
        Augmentation { shift: 3.0, ..off },
        Augmentation { zoom: 0.3, ..off },
        Augmentation { shear: 0.3, ..off },
        Augmentation { elastic: 3.0, ..off },
        Augmentation { crop: 3, ..off },
        Augmentation { rotation: 15.0, shift: 2.0, zoom: 0.2, shear: 0.1, elastic: 2.0, crop: 2 },
    ] {
        let spec = TrainingSpec { augmentation, ..spec() };
        assert_agrees(&gpu, &format!("{augmentation:?}"), layers(), &spec).await;
    }
}

/// Twenty steps of every preset, with dropout, batch normalisation, augmentation and Adam on. In a browser, of the
/// three LeNets.
async fn twenty_steps() {
    let gpu = gpu().await;
    for preset in Preset::ALL.into_iter().take(in_browser_or(3, Preset::ALL.len())) {
        let spec = TrainingSpec {
            batch_size: 24,
            optimizer: Optimizer::ADAM,
            learning_rate: 0.001,
            augmentation: Augmentation {
                rotation: 10.0,
                shift: 1.0,
                elastic: 1.0,
                ..Augmentation::default()
            },
            ..spec()
        };
        assert_steps_agree(&gpu, preset, &spec, 20).await;
    }
}

/// The norm of the difference, divided by the norm of `expected`, however small that is.
fn relative(got: &[f32], expected: &[f32]) -> f64 {
    let norm = |values: &mut dyn Iterator<Item = f64>| values.map(|v| v * v).sum::<f64>().sqrt();
    let off =
        norm(&mut got.iter().zip(expected).map(|(got, expected)| f64::from(*got) - f64::from(*expected)));
    off / norm(&mut expected.iter().copied().map(f64::from))
}

/// Signals and gradients that vanish layer by layer keep their digits.
async fn vanishing_signals() {
    let gpu = gpu().await;
    for activation in [Tanh, Elu { alpha: 1.0 }] {
        let hidden = [Linear { out_features: 30 }, activation].repeat(8);
        let layers = [&[Flatten][..], &hidden, &[Linear { out_features: 10 }]].concat();
        let spec = TrainingSpec { initializer: Initializer::Normal { std: 0.01 }, ..spec() };
        let cpu = Training::new(NetworkSpec { input: mnist::IMAGE, layers }, spec).unwrap();
        let mut pair = Pair::with(&gpu, cpu).await;
        let (_, on_gpu) = pair.step().await;
        for p in &pair.cpu.network.plan().parameters {
            let error = relative(&on_gpu.gradients[p.range()], &pair.cpu.gradients()[p.range()]);
            assert!(error < 1e-4, "{activation:?}: the gradient of {} differs by {error:e}", p.name);
        }
    }
}

/// The variance of values far from zero, of which a difference of large numbers would leave little.
async fn moments_far_from_zero() {
    let gpu = gpu().await;
    let layers = classified(vec![Flatten, Linear { out_features: 20 }, BatchNorm, Relu]);
    let mut cpu = Training::new(NetworkSpec { input: mnist::IMAGE, layers }, spec()).unwrap();
    let bias = cpu.network.plan().parameters.iter().find(|p| p.name == "fc1.bias").unwrap().range();
    cpu.network.parameters[bias].fill(200.0);
    let mut pair = Pair::with(&gpu, cpu).await;
    let (_, on_gpu) = pair.step().await;
    let worst = on_gpu.state.running.iter().zip(&pair.cpu.network.running).map(|(a, b)| ((a - b) / b).abs());
    let worst = worst.fold(0.0f32, f32::max);
    assert!(worst < 1e-4, "the running estimates differ by {worst:e}");
}

gpu_test!(vanishing_signals_agree, vanishing_signals());
gpu_test!(moments_far_from_zero_agree, moments_far_from_zero());
gpu_test!(convolutions_agree, convolutions());
gpu_test!(shuffled_pixels_agree, shuffled_pixels());
gpu_test!(pooling_agrees, pooling());
gpu_test!(linear_layers_and_activations_agree, linear_and_activations());
gpu_test!(normalisation_and_dropout_agree, normalisation_and_dropout());
gpu_test!(options_agree, options());
gpu_test!(twenty_steps_agree, twenty_steps());
