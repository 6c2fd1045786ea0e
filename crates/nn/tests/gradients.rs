//! Gradients against finite differences: along a random direction in each parameter tensor, the loss must change as
//! the gradient says.

use nn::cpu::Cpu;
use nn::plan::Plan;
use nn::random::{Stream, normal};
use nn::spec::LayerSpec::{self, Conv2d, Dense, Flatten, MaxPool2d, Relu};
use nn::spec::{NetworkSpec, Shape};
use tensor::BLOCK;
use wasm_bindgen_test::wasm_bindgen_test;

const SAMPLES: usize = 11;

fn loss(cpu: &mut Cpu, parameters: &[f32], seed: u32) -> f64 {
    cpu.load_parameters(parameters, true);
    for (at, lanes) in cpu.input().iter_mut().enumerate() {
        *lanes = std::array::from_fn(|lane| normal(seed, Stream::Shuffle, 0, (at * BLOCK + lane) as u32));
    }
    cpu.forward();
    let classes = cpu.plan().logits().shape.len();
    let labels: Vec<u8> = (0..SAMPLES).map(|i| (i % classes) as u8).collect();
    cpu.cross_entropy(&labels, SAMPLES).loss / SAMPLES as f64
}

fn check(name: &str, input: Shape, layers: Vec<LayerSpec>) {
    let plan = Plan::new(&NetworkSpec { input, layers }).unwrap();
    let mut cpu = Cpu::new(plan.clone());
    for seed in 1..4 {
        let random = |stream, step: usize, n: usize| -> Vec<f32> {
            (0..n).map(|i| normal(seed, stream, step as u32, i as u32)).collect()
        };
        let mut parameters: Vec<f32> = random(Stream::Weights, 0, plan.parameter_count());
        for p in &plan.parameters {
            let scale = if p.fan_in > 0 { (1.0 / p.fan_in as f32).sqrt() } else { 0.1 };
            parameters[p.range()].iter_mut().for_each(|v| *v *= scale);
        }
        loss(&mut cpu, &parameters, seed);
        let mut gradients = vec![0.0; parameters.len()];
        cpu.backward(&mut gradients);
        for (index, p) in plan.parameters.iter().enumerate() {
            let direction = random(Stream::Shuffle, index + 1, p.range().len());
            let length = direction.iter().map(|d| d * d).sum::<f32>().sqrt();
            let slope: f64 =
                gradients[p.range()].iter().zip(&direction).map(|(g, d)| f64::from(g * d / length)).sum();
            let norm = gradients[p.range()].iter().map(|g| f64::from(g * g)).sum::<f64>().sqrt();
            // Small enough that few units cross a kink, large enough to stand out of f32's rounding.
            let step = 2e-3;
            let mut at = |sign: f32| {
                let mut moved = parameters.clone();
                for (value, d) in moved[p.range()].iter_mut().zip(&direction) {
                    *value += sign * step * d / length;
                }
                loss(&mut cpu, &moved, seed)
            };
            let difference = (at(1.0) - at(-1.0)) / (2.0 * f64::from(step));
            let error = (difference - slope).abs();
            assert!(
                error <= 0.02 * norm + 5e-4,
                "{name}, {} (seed {seed}): the loss rises by {difference:.5}, the gradient says {slope:.5} of {norm:.5}",
                p.name
            );
            assert!(norm > 1e-4, "{name}, {}: no gradient arrives", p.name);
        }
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn dense_layers() {
    check("dense", Shape::vector(13), vec![Dense { units: 7 }, Relu, Dense { units: 5 }]);
}

#[wasm_bindgen_test(unsupported = test)]
fn convolution_and_pooling() {
    for (stride, padding) in [(1, 0), (1, 2), (2, 1)] {
        let layers = vec![
            Conv2d { maps: 3, kernel: 3, stride, padding },
            Relu,
            MaxPool2d { kernel: 2, stride: 1 },
            Conv2d { maps: 7, kernel: 2, stride, padding: padding.min(1) },
            Relu,
            Flatten,
            Dense { units: 4 },
        ];
        check(&format!("stride {stride}, padding {padding}"), Shape::maps(2, 9, 8), layers);
    }
}
