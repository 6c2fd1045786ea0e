//! Runs a plan on one core, one block of sixteen samples at a time.

use crate::plan::{Buffer, Op, Plan};
use tensor::softmax::{self, Score};
use tensor::{BLOCK, Lanes, ZERO, conv2d, dense, pool, relu};

/// Memory and order of work for one plan. Nothing is allocated after [`Cpu::new`].
#[derive(Clone, Debug)]
pub struct Cpu {
    plan: Plan,
    values: Vec<Lanes>,
    gradients: Vec<Lanes>,
    /// Weights in the orders the kernels read them, at the offsets of the flat vector.
    packed_forward: Vec<f32>,
    packed_backward: Vec<f32>,
    biases: Vec<f32>,
    /// A dense layer's input, samples outermost.
    transposed: Vec<f32>,
}

impl Cpu {
    /// Makes room for `plan`.
    pub fn new(plan: Plan) -> Self {
        let parameters = plan.parameter_count();
        let widest = plan.ops.iter().map(|op| match op {
            Op::Conv2d { input, .. } if input.shape.is_vector() => {
                dense::transposed_stride(input.shape.len())
            }
            _ => 0,
        });
        let transposed = vec![0.0; BLOCK * widest.max().unwrap_or(0)];
        Self {
            values: vec![ZERO; plan.arena],
            gradients: vec![ZERO; plan.arena],
            packed_forward: vec![0.0; parameters],
            packed_backward: vec![0.0; parameters],
            biases: vec![0.0; parameters],
            transposed,
            plan,
        }
    }

    /// The plan it runs.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Takes the weights that the next passes use. `backward` passes need their own order of them.
    pub fn load_parameters(&mut self, parameters: &[f32], backward: bool) {
        for op in &self.plan.ops {
            if let Op::Conv2d { geometry, source, weight, bias, .. } = op {
                conv2d::pack_forward(
                    geometry,
                    &parameters[weight.clone()],
                    &mut self.packed_forward[weight.clone()],
                );
                if backward && source.is_some() {
                    let packed = &mut self.packed_backward[weight.clone()];
                    conv2d::pack_backward(geometry, &parameters[weight.clone()], packed);
                }
                self.biases[bias.clone()].copy_from_slice(&parameters[bias.clone()]);
            }
        }
    }

    /// The input of the block, `[channel][row][column][sample]`, to be filled before [`Cpu::forward`].
    pub fn input(&mut self) -> &mut [[f32; BLOCK]] {
        let range = self.plan.input.range();
        bytemuck::cast_slice_mut(&mut self.values[range])
    }

    /// The values of a buffer after [`Cpu::forward`].
    pub fn values(&self, buffer: Buffer) -> &[Lanes] {
        &self.values[buffer.range()]
    }

    /// The gradient of a buffer after [`Cpu::backward`].
    pub fn gradient(&mut self, buffer: Buffer) -> &mut [Lanes] {
        &mut self.gradients[buffer.range()]
    }

    /// Sets the gradient of the logits to that of the mean cross-entropy over a batch of `batch` samples,
    /// of which this block holds `labels.len()`, and says how these did.
    pub fn cross_entropy(&mut self, labels: &[u8], batch: usize) -> Score {
        let range = self.plan.logits().range();
        let logits = &self.values[range.clone()];
        softmax::gradient(logits, labels, batch, &mut self.gradients[range]);
        softmax::score(logits, labels)
    }

    /// Input to logits.
    pub fn forward(&mut self) {
        for op in &self.plan.ops {
            match op {
                Op::Pad { input, output, padding } => {
                    let (x, y) = split(&mut self.values, *input, *output);
                    conv2d::pad(input.shape, *padding, x, y);
                }
                Op::Conv2d { geometry, input, output, weight, bias, .. } => {
                    let (x, y) = split(&mut self.values, *input, *output);
                    let weight = &self.packed_forward[weight.clone()];
                    conv2d::forward(geometry, x, weight, &self.biases[bias.clone()], y);
                }
                Op::MaxPool2d { geometry, input, output } => {
                    let (x, y) = split(&mut self.values, *input, *output);
                    pool::max_forward(geometry, x, y);
                }
                Op::Relu { input, output } => {
                    let (x, y) = split(&mut self.values, *input, *output);
                    relu::forward(x, y);
                }
            }
        }
    }

    /// Gradient of the logits to the gradients of all parameters, in the order of the flat vector.
    pub fn backward(&mut self, parameter_gradients: &mut [f32]) {
        for op in self.plan.ops.iter().rev() {
            match op {
                // Convolution sends its gradient straight to what was padded.
                Op::Pad { .. } => {}
                Op::Conv2d { geometry, padding, source, input, output, weight, bias } => {
                    let x = &self.values[input.range()];
                    let dy = &self.gradients[output.range()];
                    let (dw, db) = parameter_gradients[weight.start..bias.end].split_at_mut(weight.len());
                    if input.shape.is_vector() {
                        dense::transpose(x, &mut self.transposed);
                        dense::weight_gradient(x.len(), &self.transposed, dy, dw);
                        for (db, dy) in db.iter_mut().zip(dy) {
                            *db = conv2d::bias_gradient(std::slice::from_ref(dy));
                        }
                    } else {
                        conv2d::weight_gradient(geometry, x, dy, dw, db);
                    }
                    if let Some(source) = source {
                        let (dx, dy) = split(&mut self.gradients, *source, *output);
                        let packed = &self.packed_backward[weight.clone()];
                        conv2d::input_gradient(geometry, *padding, dy, packed, dx);
                    }
                }
                Op::MaxPool2d { geometry, input, output } => {
                    let (dx, dy) = split(&mut self.gradients, *input, *output);
                    let (x, y) = (&self.values[input.range()], &self.values[output.range()]);
                    pool::max_backward(geometry, x, y, dy, dx);
                }
                Op::Relu { input, output } => {
                    let (dx, dy) = split(&mut self.gradients, *input, *output);
                    relu::backward(&self.values[output.range()], dy, dx);
                }
            }
        }
    }
}

/// The input's and the output's stretch of an arena: a plan puts outputs behind inputs.
fn split(arena: &mut [Lanes], input: Buffer, output: Buffer) -> (&mut [Lanes], &mut [Lanes]) {
    let (before, after) = arena.split_at_mut(output.offset);
    (&mut before[input.range()], &mut after[..output.shape.len()])
}
