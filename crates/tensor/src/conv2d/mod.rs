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

use crate::pool::Pool2d;
use crate::{Lanes, ZERO, linear};
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
}

impl Scratch {
    /// Allocates memory for a convolution.
    pub fn reserve(&mut self, convolution: &Convolution) {
        fn grow<T: Clone>(memory: &mut Vec<T>, len: usize, value: T) {
            memory.resize(memory.len().max(len), value);
        }
        let g = &convolution.geometry;
        grow(&mut self.sums, g.kernel_size[0], TapSums::default());
        if let Some(max_pool) = &convolution.max_pool {
            self.max_pool.reserve(max_pool);
        }
        match convolution.algorithm {
            Algorithm::Direct => grow(&mut self.extent, g.input.channels * g.input.height, 0..0),
            Algorithm::Linear => self.sparse.reserve(g.input.len(), g.out_channels),
            Algorithm::Winograd => {
                let at_point = winograd::at_point(g);
                grow(&mut self.inputs, POINTS * at_point.input.len(), ZERO);
                grow(&mut self.outputs, POINTS * at_point.output().len(), ZERO);
                grow(&mut self.weights, POINTS * at_point.weights(), 0.0);
                grow(&mut self.zeros, g.out_channels, 0.0);
            }
        }
    }
}

impl Convolution {
    /// Chooses the algorithms for a geometry, whose input is padded by `padding` on each side. `pool` is the
    /// max pooling that follows, if any.
    pub fn new(geometry: Conv2d, padding: usize, pool: Option<Pool2d>) -> Self {
        let algorithm = match () {
            () if geometry.input.is_vector() => Algorithm::Linear,
            () if winograd::suits(&geometry) => Algorithm::Winograd,
            () => Algorithm::Direct,
        };
        let packed = match algorithm {
            Algorithm::Linear => 0,
            Algorithm::Winograd => POINTS * winograd::at_point(&geometry).weights(),
            _ => geometry.weights(),
        };
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
    /// [loaded](Self::load).
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
    ) {
        let g = &self.geometry;
        match self.algorithm {
            Algorithm::Direct => {
                extent::find_extent(x, g.input.width, &mut scratch.extent);
                return direct::forward(g, (x, Some(&scratch.extent)), &self.forward, bias, y);
            }
            Algorithm::Linear => return linear::forward(x, weight, bias, y, &mut scratch.sparse),
            Algorithm::Winograd => {}
        }
        let at_point = winograd::at_point(g);
        let (input, output) = (at_point.input.len(), at_point.output().len());
        let Scratch { inputs, outputs, zeros, .. } = scratch;
        let (inputs, outputs) = (&mut inputs[..POINTS * input], &mut outputs[..POINTS * output]);
        winograd::transform_input(g, x, inputs);
        for (point, weight) in self.forward.chunks_exact(at_point.weights()).enumerate() {
            let (x, y) = (&inputs[point * input..][..input], &mut outputs[point * output..][..output]);
            direct::forward(&at_point, (x, None), weight, &zeros[..g.out_channels], y);
        }
        winograd::transform_output(g, outputs, bias, y);
    }

    /// Computes the gradients of the weights, the biases and, if `dx` is given, the unpadded input, from the
    /// gradient of the output and the weights that were [loaded](Self::load). Each gradient has the layout of
    /// its values; `dw` and `db` are sums over the sixteen samples.
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
    ) {
        assert!(!self.is_pooled(), "weights are packed for `backward_pooled`");
        let g = &self.geometry;
        direct::bias_gradient(dy, db);
        match self.algorithm {
            Algorithm::Direct => {
                let Scratch { extent, sums, .. } = scratch;
                extent::find_extent(x, g.input.width, extent);
                direct::weight_gradient(g, (x, Some(extent)), dy, sums, dw);
            }
            Algorithm::Linear => linear::weight_gradient(x, dy, dw, &mut scratch.sparse),
            Algorithm::Winograd => return self.backward_at_points(x, dy, dx, dw, scratch),
        }
        if let Some(dx) = dx {
            // Weights of a 1x1 kernel are not packed.
            let weight = if self.algorithm == Algorithm::Linear { weight } else { &self.backward };
            direct::input_gradient(g, self.padding, dy, weight, dx);
        }
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
    ) {
        let max_pool = self.max_pool.as_ref().expect("max pooling follows");
        direct::bias_gradient(output.gradient, db);
        let dx = dx.map(|dx| (dx, self.backward.as_slice()));
        max_pool.backward(x, output, dx, dw, &mut scratch.max_pool);
    }

    fn backward_at_points(
        &self,
        x: &[Lanes],
        dy: &[Lanes],
        dx: Option<&mut [Lanes]>,
        dw: &mut [f32],
        scratch: &mut Scratch,
    ) {
        let g = &self.geometry;
        let at_point = winograd::at_point(g);
        let (inputs, outputs) = (POINTS * at_point.input.len(), POINTS * at_point.output().len());
        let Scratch { inputs: x_points, outputs: dy_points, sums, weights, .. } = scratch;
        let (x_points, dy_points) = (&mut x_points[..inputs], &mut dy_points[..outputs]);
        let dw_points = &mut weights[..POINTS * at_point.weights()];
        winograd::transform_input(g, x, x_points);
        winograd::transform_output_gradient(g, dy, dy_points);
        let (input, output) = (at_point.input.len(), at_point.output().len());
        for (point, dw) in dw_points.chunks_exact_mut(at_point.weights()).enumerate() {
            let (x, dy) = (&x_points[point * input..][..input], &dy_points[point * output..][..output]);
            direct::weight_gradient(&at_point, (x, None), dy, sums, dw);
        }
        winograd::transform_weight_gradient(dw_points, dw);
        let Some(dx) = dx else { return };
        for (point, weight) in self.backward.chunks_exact(at_point.weights()).enumerate() {
            let (dx, dy) = (&mut x_points[point * input..][..input], &dy_points[point * output..][..output]);
            direct::input_gradient(&at_point, 0, dy, weight, dx);
        }
        winograd::transform_input_gradient(g, self.padding, x_points, dx);
    }
}
