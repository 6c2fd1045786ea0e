//! A convolutional or dense layer ready to run: its weights in the order that its kernels read them.

pub mod direct;
mod max_pooled;
mod winograd;

pub use direct::Conv2d;
pub use max_pooled::Pooled;

use crate::pool::Pool2d;
use crate::{Lanes, ZERO, linear};
use direct::TapSums;
use max_pooled::Winners;
use std::ops::Range;
use winograd::POINTS;

/// A convolution and the way it is done.
#[derive(Clone, Debug)]
pub struct Convolution {
    geometry: Conv2d,
    padding: usize,
    way: Way,
    /// The way back of one whose maps are max-pooled.
    winners: Option<Winners>,
    /// Packed for [`Convolution::forward`] and, as far as the input's gradient is wanted, for the way back.
    forward: Vec<f32>,
    backward: Vec<f32>,
    /// The weights at Winograd's points.
    at_points: Vec<f32>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Way {
    /// By the definition.
    Direct,
    /// By the definition, on maps of one pixel: without what is zero.
    Dense,
    /// By fewer multiplications.
    Winograd,
}

/// Memory that convolutions work in, one after the other.
#[derive(Clone, Debug, Default)]
pub struct Scratch {
    inputs: Vec<Lanes>,
    outputs: Vec<Lanes>,
    sums: Vec<TapSums>,
    extent: Vec<Range<usize>>,
    weights: Vec<f32>,
    zeros: Vec<f32>,
    sparse: linear::Sparse,
    winners: max_pooled::Memory,
}

impl Scratch {
    /// Makes room for a convolution.
    pub fn reserve(&mut self, convolution: &Convolution) {
        fn grow<T: Clone>(memory: &mut Vec<T>, len: usize, value: T) {
            memory.resize(memory.len().max(len), value);
        }
        let g = &convolution.geometry;
        grow(&mut self.sums, g.kernel_size[0], TapSums::default());
        if let Some(winners) = &convolution.winners {
            self.winners.reserve(winners);
        }
        match convolution.way {
            Way::Direct => grow(&mut self.extent, g.input.channels * g.input.height, 0..0),
            Way::Dense => self.sparse.reserve(g.input.len(), g.out_channels),
            Way::Winograd => {
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
    /// The geometry's input is padded by `padding` on each side. `pool`: its maps are max-pooled next.
    pub fn new(geometry: Conv2d, padding: usize, pool: Option<Pool2d>) -> Self {
        let way = match () {
            () if geometry.input.is_vector() => Way::Dense,
            () if winograd::suits(&geometry) => Way::Winograd,
            () => Way::Direct,
        };
        let packed = match way {
            Way::Dense => 0,
            Way::Winograd => POINTS * winograd::at_point(&geometry).weights(),
            _ => geometry.weights(),
        };
        let winners = pool.and_then(|pool| Winners::new(geometry, padding, pool));
        Self {
            geometry,
            padding,
            way,
            forward: vec![0.0; packed],
            backward: vec![0.0; winners.as_ref().map_or(packed, Winners::packed)],
            winners,
            at_points: vec![0.0; if way == Way::Winograd { packed } else { 0 }],
        }
    }

    /// Whether gradients are found by [`Convolution::backward_pooled`], from that of the pooled maps, rather than by
    /// [`Convolution::backward`].
    pub const fn is_pooled(&self) -> bool {
        self.winners.is_some()
    }

    /// Takes the weights, `[map][channel][row][column]`. Without `backward`, [`Convolution::backward`] must not be asked for
    /// the gradient of the input: it would be that of older weights.
    ///
    /// # Panics
    /// If their number is not that of the geometry.
    pub fn load(&mut self, weight: &[f32], backward: bool) {
        let Self { geometry, way, winners, forward, backward: packed_backward, at_points, .. } = self;
        if let Some(winners) = winners.as_ref().filter(|_| backward) {
            winners.pack(weight, packed_backward);
        }
        let backward = backward && winners.is_none();
        let mut pack = |g: &Conv2d, weight: &[f32], at: usize| {
            direct::pack_forward(g, weight, &mut forward[at..at + weight.len()]);
            if backward {
                direct::pack_backward(g, weight, &mut packed_backward[at..at + weight.len()]);
            }
        };
        match way {
            Way::Direct => return pack(geometry, weight, 0),
            Way::Dense => return,
            Way::Winograd => {}
        }
        winograd::transform_weights(weight, at_points);
        let at_point = winograd::at_point(geometry);
        for (i, weight) in at_points.chunks_exact(at_point.weights()).enumerate() {
            pack(&at_point, weight, i * weight.len());
        }
    }

    /// `y[map] = bias[map] + sum over (channel, row, column) of weight * x`, for a padded `x`, `[channel][row][column]`; `y` is
    /// `[map][row][column]`. The weights are those that were [loaded](Self::load).
    ///
    /// # Panics
    /// If a length is not what the geometry says, or `scratch` was not [reserved](Scratch::reserve) for this convolution.
    pub fn forward(
        &self,
        x: &[Lanes],
        (weight, bias): (&[f32], &[f32]),
        y: &mut [Lanes],
        scratch: &mut Scratch,
    ) {
        let g = &self.geometry;
        match self.way {
            Way::Direct => {
                direct::find_extent(x, g.input.width, &mut scratch.extent);
                return direct::forward(g, (x, Some(&scratch.extent)), &self.forward, bias, y);
            }
            Way::Dense => return linear::forward(x, weight, bias, y, &mut scratch.sparse),
            Way::Winograd => {}
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

    /// With the weights that were [loaded](Self::load), the gradients of weights, biases and, if `dx` is given, of the unpadded input,
    /// from that of the output. Each is laid out as what it is the gradient of, and `dw` and `db` are sums over the sixteen samples.
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
        assert!(!self.is_pooled(), "weights are packed for the other way back");
        let g = &self.geometry;
        direct::bias_gradient(dy, db);
        match self.way {
            Way::Direct => {
                let Scratch { extent, sums, .. } = scratch;
                direct::find_extent(x, g.input.width, extent);
                direct::weight_gradient(g, (x, Some(extent)), dy, sums, dw);
            }
            Way::Dense => linear::weight_gradient(x, dy, dw, &mut scratch.sparse),
            Way::Winograd => return self.backward_at_points(x, dy, dx, dw, scratch),
        }
        if let Some(dx) = dx {
            // A kernel of one tap is read as it lies.
            let weight = if self.way == Way::Dense { weight } else { &self.backward };
            direct::input_gradient(g, self.padding, dy, weight, dx);
        }
    }

    /// The same from what max pooling made of the output and the gradient of that, if it [is pooled](Self::is_pooled). What is not
    /// the largest of its window has no gradient.
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
        let winners = self.winners.as_ref().expect("its maps are pooled");
        direct::bias_gradient(output.gradient, db);
        let dx = dx.map(|dx| (dx, self.backward.as_slice()));
        winners.backward(x, output, dx, dw, &mut scratch.winners);
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
