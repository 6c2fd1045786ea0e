//! Layers, loss and optimizers against PyTorch. `tests/golden/make.py` wrote the values, in double precision.

use std::collections::BTreeMap;

use nn::cpu::{Cpu, Memory, Mode, Units};
use nn::plan::{Op, Plan};
use nn::spec::{LayerSpec, NetworkSpec, Optimizer, Penalty, Shape};
use nn::train::optimizer::{OptimizerState, penalize};
use serde::Deserialize;
use tensor::conv2d::direct;
use tensor::{BLOCK, Lanes, ZERO, pool};
use wasm_bindgen_test::wasm_bindgen_test;

use crate::common::assert_close;

#[derive(Deserialize)]
struct Case {
    name: String,
    /// The error that values may have beside their relative error.
    floor: f32,
    label_smoothing: f32,
    network: NetworkSpec,
    parameters: BTreeMap<String, Vec<f32>>,
    input: Vec<f32>,
    batch: usize,
    labels: Option<Vec<u8>>,
    output_gradient: Option<Vec<f32>>,
    output: Vec<f32>,
    loss: Option<f32>,
    input_gradient: Vec<f32>,
    gradients: BTreeMap<String, Vec<f32>>,
}

/// `[sample][value]` of a batch to the lanes of one block.
fn to_block(values: &[f32], size: usize, first: usize, block: &mut [[f32; BLOCK]]) {
    for (at, lanes) in block.iter_mut().enumerate() {
        *lanes = std::array::from_fn(|lane| values.get((first + lane) * size + at).copied().unwrap_or(0.0));
    }
}

fn from_block(block: &[Lanes], used: usize) -> Vec<f32> {
    (0..used).flat_map(|lane| block.iter().map(move |v| v[lane / 4].to_array()[lane % 4])).collect()
}

/// The gradient of the network's input. Training does not need it, so a first convolution does not compute
/// it; here its kernel is called directly. If it is pooled, its backward pass skips the gradient of its
/// output, so pooling's kernel is called, too.
fn gradient_of_input(plan: &Plan, memory: &mut Memory, parameters: &[f32]) -> Vec<Lanes> {
    let first = plan.ops.iter().enumerate().find_map(|(at, op)| match op {
        Op::Conv2d { geometry, padding, source: None, output, weight, .. } => {
            Some((geometry, *padding, *output, weight, plan.pooling(at)))
        }
        _ => None,
    });
    let Some((geometry, padding, output, weight, pooling)) = first else {
        return memory.gradient(plan.input).to_vec();
    };
    let mut packed = vec![0.0; weight.len()];
    direct::pack_backward(geometry, &parameters[weight.clone()], &mut packed);
    let mut dx = vec![ZERO; plan.input.shape.len()];
    if let Some((windows, pooled)) = pooling {
        let dy = memory.gradient(pooled).to_vec();
        let mut unpooled = vec![ZERO; output.shape.len()];
        pool::max_backward(&windows, memory.values(output), memory.values(pooled), &dy, &mut unpooled);
        memory.gradient(output).copy_from_slice(&unpooled);
    }
    let budget = &mut tensor::Budget::default();
    direct::input_gradient(geometry, padding, memory.gradient(output), &packed, &mut dx, budget);
    dx
}

fn check(case: &Case) {
    let plan = Plan::new(&case.network).unwrap_or_else(|e| panic!("{}: {e}", case.name));
    let mut parameters = vec![0.0; plan.parameter_count()];
    for p in &plan.parameters {
        parameters[p.range()].copy_from_slice(&case.parameters[&p.name]);
    }
    let mut cpu = Cpu::new(plan.clone());
    let mode = Mode::Training { seed: 0, step: 0 };
    cpu.load(&parameters, &[], true);
    let mut memory = Memory::new(&plan);
    let (size, classes) = (plan.input.shape.len(), plan.logits().shape.len());
    let (mut output, mut loss, mut input_gradient) = (Vec::new(), 0.0, Vec::new());
    let mut sums = vec![0.0; parameters.len()];
    for first in (0..case.batch).step_by(BLOCK) {
        let used = BLOCK.min(case.batch - first);
        cpu.start(&mut memory, first, used, |lane, sample| {
            sample.copy_from_slice(&case.input[(first + lane) * size..][..size]);
        });
        cpu.forward(0, &mut memory, &parameters, mode, &mut []);
        output.extend(from_block(memory.values(plan.logits()), used));
        if let Some(labels) = &case.labels {
            loss += memory
                .cross_entropy(&plan, &labels[first..first + used], case.label_smoothing, case.batch)
                .loss;
        } else if let Some(gradient) = &case.output_gradient {
            let mut block = vec![ZERO; classes];
            to_block(gradient, classes, first, bytemuck::cast_slice_mut(&mut block));
            memory.gradient(plan.logits()).copy_from_slice(&block);
        }
        let mut gradients = vec![0.0; parameters.len()];
        cpu.backward(0, &mut memory, &parameters, mode, &mut [], &mut gradients);
        input_gradient.extend(from_block(&gradient_of_input(&plan, &mut memory, &parameters), used));
        sums.iter_mut().zip(&gradients).for_each(|(sum, g)| *sum += g);
    }
    let close = |what: &str, got: &[f32], expected: &[f32]| {
        assert_close(&format!("{}: {what}", case.name), got, expected, case.floor);
    };
    close("output", &output, &case.output);
    if let Some(expected) = case.loss {
        close("loss", &[(loss / case.batch as f64) as f32], &[expected]);
    }
    for p in &plan.parameters {
        close(&format!("gradient of {}", p.name), &sums[p.range()], &case.gradients[&p.name]);
    }
    close("gradient of the input", &input_gradient, &case.input_gradient);
}

/// The gradient of the input from the plan that computes it, in inference mode: none of these networks reads otherwise in training.
fn check_input_gradient(case: &Case) {
    let plan = Plan::for_input_gradient(&case.network).unwrap_or_else(|e| panic!("{}: {e}", case.name));
    let mut parameters = vec![0.0; plan.parameter_count()];
    for p in &plan.parameters {
        parameters[p.range()].copy_from_slice(&case.parameters[&p.name]);
    }
    let (mut cpu, mut memory) = (Cpu::new(plan.clone()), Memory::new(&plan));
    cpu.load(&parameters, &[], true);
    let (size, classes) = (plan.input.shape.len(), plan.logits().shape.len());
    let mut found = Vec::new();
    for first in (0..case.batch).step_by(BLOCK) {
        let used = BLOCK.min(case.batch - first);
        cpu.start(&mut memory, first, used, |lane, sample| {
            sample.copy_from_slice(&case.input[(first + lane) * size..][..size]);
        });
        cpu.infer(&mut memory, &parameters, Units::All);
        match (&case.labels, &case.output_gradient) {
            (Some(labels), _) => {
                let labels = &labels[first..first + used];
                memory.cross_entropy(&plan, labels, case.label_smoothing, case.batch);
            }
            (None, Some(gradient)) => {
                let mut block = vec![ZERO; classes];
                to_block(gradient, classes, first, bytemuck::cast_slice_mut(&mut block));
                memory.gradient(plan.logits()).copy_from_slice(&block);
            }
            (None, None) => panic!("{}: nothing goes backward", case.name),
        }
        let mut gradients = vec![0.0; parameters.len()];
        cpu.backward(0, &mut memory, &parameters, Mode::Inference(Units::All), &mut [], &mut gradients);
        found.extend(from_block(memory.gradient(plan.input), used));
    }
    assert_close(&format!("{}: gradient of the input", case.name), &found, &case.input_gradient, case.floor);
}

#[wasm_bindgen_test(unsupported = test)]
fn the_gradient_of_the_input_agrees_with_pytorch() {
    let cases: Vec<Case> =
        serde_json::from_str(include_str!("../../../../tests/golden/layers.json")).unwrap();
    assert!(cases.len() > 10);
    cases.iter().for_each(check_input_gradient);
}

#[wasm_bindgen_test(unsupported = test)]
fn layers_agree_with_pytorch() {
    let cases: Vec<Case> =
        serde_json::from_str(include_str!("../../../../tests/golden/layers.json")).unwrap();
    assert!(cases.len() > 10);
    cases.iter().for_each(check);
}

#[derive(Deserialize)]
struct OptimizerCase {
    name: String,
    /// The rule of each step.
    optimizers: Vec<Optimizer>,
    /// The learning rate of each step.
    rates: Vec<f32>,
    weight_decay: f32,
    parameters: Vec<f32>,
    gradients: Vec<Vec<f32>>,
    after: Vec<Vec<f32>>,
}

#[wasm_bindgen_test(unsupported = test)]
fn optimizers_agree_with_pytorch() {
    let cases: Vec<OptimizerCase> =
        serde_json::from_str(include_str!("../../../../tests/golden/optimizers.json")).unwrap();
    assert!(cases.len() >= 11);
    for case in cases {
        let mut parameters = case.parameters.clone();
        let mut state = OptimizerState::new(parameters.len());
        // A network with this many parameters, since penalties depend on its plan.
        let dense = NetworkSpec {
            input: Shape::vector(parameters.len() - 1),
            layers: vec![LayerSpec::Linear { out_features: 1 }],
        };
        let plan = Plan::new(&dense).unwrap();
        let penalty = Penalty { l1: 0.0, l2: case.weight_decay, biases: true };
        assert!(case.gradients.len() == case.rates.len() && case.rates.len() == case.optimizers.len());
        for (step, (gradients, after)) in case.gradients.iter().zip(&case.after).enumerate() {
            let (mut gradients, rate, rule) = (gradients.clone(), case.rates[step], case.optimizers[step]);
            penalize(&plan, penalty, rule, rate, &mut parameters, &mut gradients);
            state.step(rule, rate, &mut parameters, &gradients);
            assert_close(&format!("{} after step {}", case.name, step + 1), &parameters, after, 1e-7);
        }
    }
}
