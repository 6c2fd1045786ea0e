//! A convolutional or linear layer with an algorithm chosen for each pass, and its weights packed for that.
//!
//! | file | algorithm |
//! |---|---|
//! | `direct.rs` | the sum as it is defined, forward and backward |
//! | `winograd.rs` | forward and backward with fewer multiplications, for kernels of five columns |
//! | `max_pooled.rs` | backward, if max pooling follows, from the gradient of each window's argmax |
//! | [`linear.rs`](crate::linear) | a linear layer, whose sparse inputs cost nothing |

pub mod direct;
mod extent;
mod geometry;
mod max_pooled;
mod winograd;

pub use extent::Extent;
pub use geometry::Conv2d;
pub use max_pooled::Pooled;

use crate::memory::grow;
use crate::pool::Pool2d;
use crate::{BLOCK, Budget, Lanes, ZERO, linear};
use direct::TapSums;
use max_pooled::MaxPoolBackward;
use std::ops::Range;
use winograd::POINTS;

/// A convolution, the algorithms that compute it, and its packed weights.
///
/// ```
/// use tensor::conv2d::{Conv2d, Convolution, Scratch};
/// use tensor::{Shape, ZERO};
/// use wide::f32x4;
///
/// // One 2x2 kernel on images of 3x3 pixels, sixteen at a time; all pixels are 1.
/// let geometry = Conv2d { input: Shape::maps(1, 3, 3), out_channels: 1, kernel_size: [2, 2], stride: 1 };
/// let mut convolution = Convolution::new(geometry, 0, None);
/// let mut scratch = Scratch::default();
/// scratch.reserve(&convolution);
///
/// let (weight, bias) = ([1.0, 2.0, 3.0, 4.0], [0.5]);
/// convolution.load(&weight, false);
/// let x = vec![[f32x4::splat(1.0); 4]; geometry.input.len()];
/// let mut y = vec![ZERO; geometry.output().len()];
/// convolution.forward(&x, (&weight, &bias), &mut y, &mut scratch);
/// assert_eq!(y, [[f32x4::splat(10.5); 4]; 4]);
/// ```
#[derive(Clone, Debug)]
pub struct Convolution {
    geometry: Conv2d,
    padding: usize,
    algorithm: Algorithm,
    /// The backward pass, if it starts from the gradient of the max-pooled output.
    max_pool: Option<MaxPoolBackward>,
    /// Weights packed for the forward pass and, where the gradient of the input is needed, for the backward
    /// pass.
    forward: Vec<f32>,
    backward: Vec<f32>,
    /// The weights at Winograd's points.
    at_points: Vec<f32>,
}

/// The algorithm of the forward pass, and of the backward pass if that does not start from max pooling.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Algorithm {
    /// The sum as it is defined.
    Direct,
    /// The same on images of one pixel, where inputs that are zero are skipped.
    Linear,
    /// Fewer multiplications.
    Winograd,
}

impl Algorithm {
    /// The fastest for a geometry.
    const fn of(geometry: &Conv2d) -> Self {
        if geometry.input.is_vector() {
            Self::Linear
        } else if winograd::suits(geometry) {
            Self::Winograd
        } else {
            Self::Direct
        }
    }

    /// Length of the packed weights.
    const fn packed(self, geometry: &Conv2d) -> usize {
        match self {
            Self::Linear => 0,
            Self::Winograd => POINTS * winograd::at_point(geometry).weights(),
            Self::Direct => geometry.weights(),
        }
    }
}

/// Scratch memory, shared by all convolutions of a network.
#[derive(Clone, Debug, Default)]
pub struct Scratch {
    inputs: Vec<Lanes>,
    outputs: Vec<Lanes>,
    sums: Vec<TapSums>,
    extent: Vec<Range<usize>>,
    weights: Vec<f32>,
    zeros: Vec<f32>,
    sparse: linear::Sparse,
    max_pool: max_pooled::Memory,
    /// How much the next passes may do, and what is done of the one under way.
    pub budget: Budget,
}

/// Sizes of the parts of [`Scratch`], in items.
#[derive(Clone, Copy, Debug, Default)]
pub struct ScratchSize {
    inputs: usize,
    outputs: usize,
    sums: usize,
    extent: usize,
    weights: usize,
    zeros: usize,
    sparse: linear::SparseSize,
    max_pool: max_pooled::MemorySize,
}

impl ScratchSize {
    /// What a convolution needs.
    pub fn of(geometry: Conv2d, pool: Option<Pool2d>) -> Self {
        let g = &geometry;
        let max_pool = pool.and_then(|pool| MaxPoolBackward::without_tables(geometry, pool));
        let size = Self {
            sums: g.kernel_size[0],
            max_pool: max_pool.as_ref().map(MaxPoolBackward::memory_size).unwrap_or_default(),
            ..Self::default()
        };
        match Algorithm::of(g) {
            Algorithm::Direct => Self { extent: g.input.channels * g.input.height, ..size },
            Algorithm::Linear => {
                Self { sparse: linear::SparseSize::of(g.input.len(), g.out_channels), ..size }
            }
            Algorithm::Winograd => {
                let at_point = winograd::at_point(g);
                Self {
                    inputs: POINTS * at_point.input.len(),
                    outputs: POINTS * at_point.output().len(),
                    weights: POINTS * at_point.weights(),
                    zeros: g.out_channels,
                    ..size
                }
            }
        }
    }

    /// What is enough for both.
    #[must_use]
    pub fn max(self, other: Self) -> Self {
        Self {
            inputs: self.inputs.max(other.inputs),
            outputs: self.outputs.max(other.outputs),
            sums: self.sums.max(other.sums),
            extent: self.extent.max(other.extent),
            weights: self.weights.max(other.weights),
            zeros: self.zeros.max(other.zeros),
            sparse: self.sparse.max(other.sparse),
            max_pool: self.max_pool.max(other.max_pool),
        }
    }

    /// Bytes of all parts.
    pub fn bytes(&self) -> u64 {
        let lanes = size_of::<Lanes>() * (self.inputs + self.outputs);
        let tables = size_of::<TapSums>() * self.sums + size_of::<Range<usize>>() * self.extent;
        (lanes + tables + 4 * (self.weights + self.zeros)) as u64
            + self.sparse.bytes()
            + self.max_pool.bytes()
    }
}

impl Scratch {
    /// Allocates memory for a convolution.
    pub fn reserve(&mut self, convolution: &Convolution) {
        let pool = convolution.max_pool.as_ref().map(MaxPoolBackward::pool);
        self.reserve_size(&ScratchSize::of(convolution.geometry, pool));
    }

    /// Allocates memory of these sizes.
    pub fn reserve_size(&mut self, size: &ScratchSize) {
        grow(&mut self.inputs, size.inputs, ZERO);
        grow(&mut self.outputs, size.outputs, ZERO);
        grow(&mut self.sums, size.sums, TapSums::default());
        grow(&mut self.extent, size.extent, 0..0);
        grow(&mut self.weights, size.weights, 0.0);
        grow(&mut self.zeros, size.zeros, 0.0);
        self.sparse.reserve(&size.sparse);
        self.max_pool.reserve(&size.max_pool);
    }
}

impl Convolution {
    /// Chooses the algorithms for a geometry, whose input is padded by `padding` on each side. `pool` is the
    /// max pooling that follows, if any.
    pub fn new(geometry: Conv2d, padding: usize, pool: Option<Pool2d>) -> Self {
        let algorithm = Algorithm::of(&geometry);
        let packed = algorithm.packed(&geometry);
        let max_pool = pool.and_then(|pool| MaxPoolBackward::new(geometry, padding, pool));
        Self {
            geometry,
            padding,
            algorithm,
            forward: vec![0.0; packed],
            backward: vec![0.0; max_pool.as_ref().map_or(packed, MaxPoolBackward::packed)],
            max_pool,
            at_points: vec![0.0; if algorithm == Algorithm::Winograd { packed } else { 0 }],
        }
    }

    /// Bytes that [`Convolution::new`] allocates.
    pub fn bytes(geometry: Conv2d, pool: Option<Pool2d>) -> u64 {
        let algorithm = Algorithm::of(&geometry);
        let packed = algorithm.packed(&geometry);
        let max_pool = pool.and_then(|pool| MaxPoolBackward::without_tables(geometry, pool));
        let at_points = if algorithm == Algorithm::Winograd { packed } else { 0 };
        let backward = max_pool.as_ref().map_or(packed, MaxPoolBackward::packed);
        let tables = max_pool.as_ref().map_or(0, MaxPoolBackward::table_bytes);
        (4 * (packed + backward + at_points) + tables) as u64
    }

    /// Whether the backward pass is [`Convolution::backward_pooled`], from the gradient of the pooled output,
    /// and not [`Convolution::backward`].
    pub const fn is_pooled(&self) -> bool {
        self.max_pool.is_some()
    }

    /// Packs the weights, `[out_channel][in_channel][row][column]`. Without `backward`, a backward pass must
    /// not compute the gradient of the input: it would use older weights.
    ///
    /// # Panics
    /// If the number of weights is not that of the geometry.
    pub fn load(&mut self, weight: &[f32], backward: bool) {
        let Self { geometry, algorithm, max_pool, forward, backward: packed_backward, at_points, .. } = self;
        if let Some(max_pool) = max_pool.as_ref().filter(|_| backward) {
            max_pool.pack(weight, packed_backward);
        }
        let backward = backward && max_pool.is_none();
        let mut pack = |g: &Conv2d, weight: &[f32], at: usize| {
            direct::pack_forward(g, weight, &mut forward[at..at + weight.len()]);
            if backward {
                direct::pack_backward(g, weight, &mut packed_backward[at..at + weight.len()]);
            }
        };
        match algorithm {
            Algorithm::Direct => return pack(geometry, weight, 0),
            Algorithm::Linear => return,
            Algorithm::Winograd => {}
        }
        winograd::transform_weights(weight, at_points);
        let at_point = winograd::at_point(geometry);
        for (i, weight) in at_points.chunks_exact(at_point.weights()).enumerate() {
            pack(&at_point, weight, i * weight.len());
        }
    }

    /// `y[out] = bias[out] + sum over (in, row, column) of weight * x`, for a padded `x`,
    /// `[in_channel][row][column]`; `y` is `[out_channel][row][column]`. The weights must be those that were
    /// [loaded](Self::load). Returns false if the budget of `scratch` is spent before all is done: then it is to
    /// be called again, before anything else uses `scratch`.
    ///
    /// # Panics
    /// If a length is not that of the geometry, or `scratch` was not [reserved](Scratch::reserve) for this
    /// convolution.
    pub fn forward(
        &self,
        x: &[Lanes],
        (weight, bias): (&[f32], &[f32]),
        y: &mut [Lanes],
        scratch: &mut Scratch,
    ) -> bool {
        let g = &self.geometry;
        let Scratch { inputs, outputs, zeros, extent, sparse, budget, .. } = scratch;
        let is_done = match self.algorithm {
            Algorithm::Direct => {
                budget.run(BLOCK * x.len(), || extent::find_extent(x, g.input.width, extent))
                    && direct::forward(g, (x, Some(extent)), &self.forward, bias, y, budget)
            }
            Algorithm::Linear => {
                budget.run(BLOCK * weight.len(), || linear::forward(x, weight, bias, y, sparse))
            }
            Algorithm::Winograd => {
                let at_point = winograd::at_point(g);
                let (input, output) = (at_point.input.len(), at_point.output().len());
                let (inputs, outputs) = (&mut inputs[..POINTS * input], &mut outputs[..POINTS * output]);
                let zeros = &zeros[..g.out_channels];
                budget.run(BLOCK * inputs.len(), || winograd::transform_input(g, x, inputs))
                    && self.forward.chunks_exact(at_point.weights()).enumerate().all(|(point, weight)| {
                        let x = &inputs[point * input..][..input];
                        let y = &mut outputs[point * output..][..output];
                        direct::forward(&at_point, (x, None), weight, zeros, y, budget)
                    })
                    && budget.run(BLOCK * outputs.len(), || winograd::transform_output(g, outputs, bias, y))
            }
        };
        end_of_pass(is_done, budget)
    }

    /// Computes the gradients of the weights, the biases and, if `dx` is given, the unpadded input, from the
    /// gradient of the output and the weights that were [loaded](Self::load). Each gradient has the layout of
    /// its values; `dw` and `db` are sums over the sixteen samples. Returns false as [`Convolution::forward`].
    ///
    /// # Panics
    /// As [`Convolution::forward`], or if it [is pooled](Self::is_pooled).
    pub fn backward(
        &self,
        weight: &[f32],
        x: &[Lanes],
        dy: &[Lanes],
        dx: Option<&mut [Lanes]>,
        (dw, db): (&mut [f32], &mut [f32]),
        scratch: &mut Scratch,
    ) -> bool {
        assert!(!self.is_pooled(), "weights are packed for `backward_pooled`");
        let g = &self.geometry;
        let is_done = scratch.budget.run(BLOCK * dy.len(), || direct::bias_gradient(dy, db))
            && match self.algorithm {
                Algorithm::Direct => {
                    let Scratch { extent, sums, budget, .. } = scratch;
                    budget.run(BLOCK * x.len(), || extent::find_extent(x, g.input.width, extent))
                        && direct::weight_gradient(g, (x, Some(extent)), dy, sums, dw, budget)
                        && self.direct_input_gradient(&self.backward, dy, dx, budget)
                }
                Algorithm::Linear => {
                    let Scratch { sparse, budget, .. } = scratch;
                    budget.run(BLOCK * weight.len(), || linear::weight_gradient(x, dy, dw, sparse))
                        // Weights of a 1x1 kernel are not packed.
                        && self.direct_input_gradient(weight, dy, dx, budget)
                }
                Algorithm::Winograd => self.backward_at_points(x, dy, dx, dw, scratch),
            };
        end_of_pass(is_done, &mut scratch.budget)
    }

    fn direct_input_gradient(
        &self,
        weight: &[f32],
        dy: &[Lanes],
        dx: Option<&mut [Lanes]>,
        budget: &mut Budget,
    ) -> bool {
        dx.is_none_or(|dx| direct::input_gradient(&self.geometry, self.padding, dy, weight, dx, budget))
    }

    /// Computes the same gradients from the gradient of the max-pooled output, if the convolution [is
    /// pooled](Self::is_pooled). Outputs that are not the argmax of their window have no gradient.
    ///
    /// # Panics
    /// As [`Convolution::forward`], or if it is not pooled.
    pub fn backward_pooled(
        &self,
        x: &[Lanes],
        output: Pooled<'_>,
        dx: Option<&mut [Lanes]>,
        (dw, db): (&mut [f32], &mut [f32]),
        scratch: &mut Scratch,
    ) -> bool {
        let max_pool = self.max_pool.as_ref().expect("max pooling follows");
        let Scratch { max_pool: memory, budget, .. } = scratch;
        let dx = dx.map(|dx| (dx, self.backward.as_slice()));
        let cost = BLOCK * output.gradient.len();
        let is_done = budget.run(cost, || direct::bias_gradient(output.gradient, db))
            && max_pool.backward(x, output, dx, dw, memory, budget);
        end_of_pass(is_done, budget)
    }

    fn backward_at_points(
        &self,
        x: &[Lanes],
        dy: &[Lanes],
        dx: Option<&mut [Lanes]>,
        dw: &mut [f32],
        scratch: &mut Scratch,
    ) -> bool {
        let g = &self.geometry;
        let at_point = winograd::at_point(g);
        let (inputs, outputs) = (POINTS * at_point.input.len(), POINTS * at_point.output().len());
        let Scratch { inputs: x_points, outputs: dy_points, sums, weights, budget, .. } = scratch;
        let (x_points, dy_points) = (&mut x_points[..inputs], &mut dy_points[..outputs]);
        let dw_points = &mut weights[..POINTS * at_point.weights()];
        let (input, output) = (at_point.input.len(), at_point.output().len());
        let is_done = budget.run(BLOCK * inputs, || winograd::transform_input(g, x, x_points))
            && budget.run(BLOCK * outputs, || winograd::transform_output_gradient(g, dy, dy_points))
            && dw_points.chunks_exact_mut(at_point.weights()).enumerate().all(|(point, dw)| {
                let (x, dy) = (&x_points[point * input..][..input], &dy_points[point * output..][..output]);
                direct::weight_gradient(&at_point, (x, None), dy, sums, dw, budget)
            })
            && budget.run(dw_points.len(), || winograd::transform_weight_gradient(dw_points, dw));
        let Some(dx) = dx.filter(|_| is_done) else { return is_done };
        self.backward.chunks_exact(at_point.weights()).enumerate().all(|(point, weight)| {
            let (dx, dy) = (&mut x_points[point * input..][..input], &dy_points[point * output..][..output]);
            direct::input_gradient(&at_point, 0, dy, weight, dx, budget)
        }) && budget.run(BLOCK * inputs, || winograd::transform_input_gradient(g, self.padding, x_points, dx))
    }
}

/// Returns whether a pass is done; if so, the next kernel begins.
fn end_of_pass(is_done: bool, budget: &mut Budget) -> bool {
    if is_done {
        budget.begin();
    }
    is_done
}
