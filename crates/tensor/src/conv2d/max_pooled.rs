//! The gradients of a convolution whose maps are max-pooled, by the outputs that won.
//!
//! Of each window of the pooling one output, the winner, has a gradient; where ReLU follows, many windows have none at all. So at
//! least three of four terms of the definition's sums are zero, but other ones in each sample. Here samples therefore
//! lie one after the other, `[row][column][channel]`, so that a row of a kernel is one stretch of numbers: vectors go along it,
//! and of each winner the gradient is broadcast. A sum leaves out only terms that are zero.
//!
//! For LeNet-5's second convolution both gradients, pooling's way back among them, take 9.4 µs a sample, where Winograd's way took
//! 13.7 and pooling's more; a training step on one core went from 2.45 to 1.91 ms (Chromium 156, Zen 5, six rounds in turns).

mod tiles;

use super::direct::{Conv2d, reached};
use crate::pool::{self, Pool2d};
use crate::{BLOCK, Lanes};
use tiles::{Entry, Found, Row, add_products, vector};
use wide::f32x4;

/// Numbers behind the last one of a sample: a tile of 40 reads on there, and samples that are a power of two apart would fall into the same
/// few sets of the cache.
const BEHIND: usize = 48;

/// What pooling made of the output of a convolution, and the gradient of that: see [`Convolution::backward_pooled`](super::Convolution::backward_pooled).
#[derive(Clone, Copy, Debug)]
pub struct Pooled<'a> {
    /// The output of the convolution.
    pub y: &'a [Lanes],
    /// The largest of each window; what [`crate::activation::Activation::Relu`] made zero may be zero.
    pub pooled: &'a [Lanes],
    /// The gradient of that: zero where ReLU made a zero.
    pub gradient: &'a [Lanes],
}

/// A convolution and the pooling of its maps.
#[derive(Clone, Debug)]
pub(crate) struct Winners {
    conv: Conv2d,
    pool: Pool2d,
    /// Where each value of the padded input, `[row][column][channel]`, lies in `[channel][row][column]`.
    order: Vec<u32>,
    /// The same in the unpadded one, if it is no padding.
    inner: Vec<Option<u32>>,
    /// For every output of a window, how far what it is multiplied with is from that of the window's first one: in a sample, plus
    /// `1 << 16` times how far back it is in packed weights.
    steps: Vec<u32>,
}

/// What is worked with.
#[derive(Clone, Debug, Default)]
pub(crate) struct Memory {
    /// `[sample][row][column][channel]`.
    x: Vec<f32>,
    dx: Vec<f32>,
    /// `[sample][map][row][column]` of the pooled maps: the gradient, and the step to the output it goes to, in its bits.
    gradients: Vec<f32>,
    steps: Vec<f32>,
    entries: Vec<Entry>,
    /// For each row of a sample, which of its numbers are not zero, if there are at most 64; and the windows that see some.
    ink: Vec<u64>,
    windows: Vec<Window>,
    /// `[map][kernel row][column][channel]`, rows filled up to whole tiles.
    dw: Vec<f32>,
}

/// A window of the pooling, and where the first number that it sees lies in a sample.
#[derive(Clone, Copy, Debug, Default)]
struct Window {
    number: u32,
    at: u32,
}

impl Memory {
    /// Makes room for a convolution.
    pub(crate) fn reserve(&mut self, winners: &Winners) {
        fn grow<T: Clone + Default>(memory: &mut Vec<T>, len: usize) {
            memory.resize(memory.len().max(len), T::default());
        }
        let Winners { conv, .. } = winners;
        grow(&mut self.x, BLOCK * winners.sample());
        grow(&mut self.dx, BLOCK * winners.sample());
        grow(&mut self.gradients, BLOCK * winners.pooled());
        grow(&mut self.steps, BLOCK * winners.pooled());
        grow(&mut self.entries, winners.pool.output().plane().max(conv.out_channels));
        grow(&mut self.ink, conv.input.height);
        grow(&mut self.windows, winners.pool.output().plane());
        grow(&mut self.dw, winners.sums());
    }
}

impl Winners {
    /// If the gradients are to be found this way: every output of the convolution is in one window of the pooling.
    pub(crate) fn new(conv: Conv2d, padding: usize, pool: Pool2d) -> Option<Self> {
        if conv.stride != 1 || pool.kernel_size < 2 || !pool.is_partition() || pool.input != conv.output() {
            return None;
        }
        let Conv2d { input, .. } = conv;
        let (height, width) = (input.height - 2 * padding, input.width - 2 * padding);
        let pixels = (0..input.plane()).flat_map(|pixel| (0..input.channels).map(move |c| (c, pixel)));
        let order = pixels.clone().map(|(channel, pixel)| (channel * input.plane() + pixel) as u32);
        let inner = pixels.map(|(channel, pixel)| {
            let row = (pixel / input.width).checked_sub(padding).filter(|row| *row < height)?;
            let column = (pixel % input.width).checked_sub(padding).filter(|column| *column < width)?;
            Some(((channel * height + row) * width + column) as u32)
        });
        let mut winners =
            Self { conv, pool, order: order.collect(), inner: inner.collect(), steps: Vec::new() };
        for output in 0..pool.kernel_size * pool.kernel_size {
            let (row, column) = (output / pool.kernel_size, output % pool.kernel_size);
            let step = |line| u16::try_from(row * line + column * input.channels).ok().map(u32::from);
            winners.steps.push(step(winners.line())? | step(winners.packed_row())? << 16);
        }
        Some(winners)
    }

    /// Numbers in a row of a sample.
    const fn line(&self) -> usize {
        self.conv.input.width * self.conv.input.channels
    }

    /// Numbers from one sample to the next.
    const fn sample(&self) -> usize {
        self.conv.input.len() + BEHIND
    }

    /// The same of pooled maps.
    const fn pooled(&self) -> usize {
        self.pool.output().len().next_multiple_of(4)
    }

    fn kernel_row(&self) -> Row {
        let numbers = self.conv.kernel_size[1] * self.conv.input.channels;
        Row::new(numbers)
    }

    /// Numbers in the sums for the weights' gradient.
    fn sums(&self) -> usize {
        self.conv.out_channels * self.conv.kernel_size[0] * self.kernel_row().len()
    }

    /// A row of a patch: of the inputs that the outputs of a window see.
    fn patch_row(&self) -> Row {
        let numbers = (self.conv.kernel_size[1] + self.pool.kernel_size - 1) * self.conv.input.channels;
        Row::new(numbers)
    }

    /// Rows of a patch.
    const fn patch_rows(&self) -> usize {
        self.conv.kernel_size[0] + self.pool.kernel_size - 1
    }

    /// Packed weights in a row, and in a map: around the kernel there are as many zeros as make every output of a window's kernel a
    /// part of the same patch.
    fn packed_row(&self) -> usize {
        (self.pool.kernel_size - 1) * self.conv.input.channels + self.patch_row().len()
    }

    fn packed_map(&self) -> usize {
        (self.conv.kernel_size[0] + 2 * (self.pool.kernel_size - 1)) * self.packed_row()
    }

    /// Where the first weight of a packed map lies.
    fn packed_first(&self) -> usize {
        (self.pool.kernel_size - 1) * (self.packed_row() + self.conv.input.channels)
    }

    /// Numbers that weights are packed into.
    pub(crate) fn packed(&self) -> usize {
        self.conv.out_channels * self.packed_map()
    }

    /// Weights `[map][channel][row][column]` in the order in which the gradient of the input reads them. What lies around them in
    /// `packed` must be zero already.
    pub(crate) fn pack(&self, weight: &[f32], packed: &mut [f32]) {
        let (channels, [rows, columns]) = (self.conv.input.channels, self.conv.kernel_size);
        assert!(weight.len() == self.conv.weights() && packed.len() == self.packed());
        let kernels = weight.chunks_exact(channels * rows * columns);
        for (kernels, packed) in kernels.zip(packed.chunks_exact_mut(self.packed_map())) {
            for (i, row) in kernels.chunks_exact(columns).enumerate() {
                let (channel, y) = (i / rows, i % rows);
                let packed = &mut packed[self.packed_first() + y * self.packed_row() + channel..];
                packed.iter_mut().step_by(channels).zip(row).for_each(|(packed, weight)| *packed = *weight);
            }
        }
    }

    /// The gradient of the weights and, if `dx` is given with `packed` weights, of the unpadded input.
    pub(crate) fn backward(
        &self,
        x: &[Lanes],
        output: Pooled<'_>,
        dx: Option<(&mut [Lanes], &[f32])>,
        dw: &mut [f32],
        memory: &mut Memory,
    ) {
        assert!(x.len() == self.conv.input.len() && dw.len() == self.conv.weights());
        self.take_samples(x, &mut memory.x);
        self.find_winners(output, memory);
        memory.dw[..self.sums()].fill(0.0);
        for sample in 0..BLOCK {
            self.add_weight_gradient(sample, memory);
        }
        self.give_weight_gradient(&memory.dw, dw);
        if let Some((dx, packed)) = dx {
            assert!(packed.len() == self.packed());
            memory.dx[..BLOCK * self.sample()].fill(0.0);
            for sample in 0..BLOCK {
                self.add_input_gradient(sample, packed, memory);
            }
            self.give_input_gradient(&memory.dx, dx);
        }
    }

    /// Puts samples one after the other.
    fn take_samples(&self, x: &[Lanes], samples: &mut [f32]) {
        let stride = self.sample();
        for (i, order) in self.order.chunks(4).enumerate() {
            let lanes: [&Lanes; 4] = std::array::from_fn(|j| &x[order[j.min(order.len() - 1)] as usize]);
            write_samples(lanes, samples, stride, 4 * i);
        }
    }

    /// Puts the gradients of the pooled maps, and where they go, one sample after the other.
    fn find_winners(&self, output: Pooled<'_>, memory: &mut Memory) {
        let Memory { gradients, steps, .. } = memory;
        let (stride, last) = (self.pooled(), self.pool.output().len() - 1);
        let mut four = [[crate::ZERO; 4]; 2];
        assert!(output.gradient.len() == last + 1);
        pool::max_winners(&self.pool, &self.steps, (output.y, output.pooled), |at, step| {
            (four[0][at % 4], four[1][at % 4]) = (output.gradient[at], *step);
            if at % 4 == 3 || at == last {
                write_samples(four[0].each_ref(), gradients, stride, at & !3);
                write_samples(four[1].each_ref(), steps, stride, at & !3);
            }
        });
    }

    /// Finds the windows that see something of a sample, whose border may be empty: in each row of windows, from the first to the last
    /// one. Gives their number.
    fn find_windows(&self, x: &[f32], ink: &mut [u64], windows: &mut [Window]) -> usize {
        let (line, channels) = (self.line(), self.conv.input.channels);
        let (pool, pooled) = (self.pool.kernel_size, self.pool.output());
        for (row, ink) in x.chunks_exact(line).zip(ink.iter_mut()).filter(|_| line <= 64) {
            let (fours, rest) = row.as_chunks::<4>();
            let mut last = [0.0; 4];
            last[..rest.len()].copy_from_slice(rest);
            *ink = fours.iter().chain([&last]).rev().fold(0, |ink, four| {
                ink << 4 | u64::from(f32x4::from(*four).simd_ne(f32x4::ZERO).to_bitmask())
            });
        }
        let (patch, mut found) = (self.conv.kernel_size[1] + pool - 1, 0);
        for y in 0..pooled.height {
            let seen = if line <= 64 {
                let ink = ink[y * pool..][..self.patch_rows()].iter().fold(0, |all, row| all | row);
                let (first, behind) = (ink.trailing_zeros(), 64 - ink.leading_zeros());
                first as usize / channels..(behind as usize).div_ceil(channels)
            } else {
                0..self.conv.input.width
            };
            for x in reached(&seen, patch, pool, pooled.width) {
                let (number, at) = (y * pooled.width + x, pool * (y * line + x * channels));
                windows[found] = Window { number: number as u32, at: at as u32 };
                found += 1;
            }
        }
        found
    }

    fn add_weight_gradient(&self, sample: usize, memory: &mut Memory) {
        let Memory { x, gradients, steps, entries, ink, windows, dw, .. } = memory;
        let x = &x[sample * self.sample()..][..self.sample()];
        let (line, row, rows) = (self.line(), self.kernel_row(), self.conv.kernel_size[0]);
        let plane = self.pool.output().plane();
        let seen = self.find_windows(x, &mut ink[..self.conv.input.height], windows);
        for map in 0..self.conv.out_channels {
            let from = sample * self.pooled() + map * plane;
            let (gradients, steps) = (&gradients[from..][..plane], &steps[from..][..plane]);
            let mut found = Found::new(&mut entries[..plane]);
            for window in &windows[..seen] {
                let number = window.number as usize;
                found.push(gradients[number], window.at + (steps[number].to_bits() & 0xffff));
            }
            let dw = &mut dw[map * rows * row.len()..][..rows * row.len()];
            add_products(found.entries(), (x, line), (row, rows), (dw, row.len()));
        }
    }

    fn add_input_gradient(&self, sample: usize, packed: &[f32], memory: &mut Memory) {
        let Memory { dx, gradients, steps, entries, .. } = memory;
        let dx = &mut dx[sample * self.sample()..][..self.sample()];
        let pooled = &self.pool.output();
        let (line, row, channels) = (self.line(), self.patch_row(), self.conv.input.channels);
        let (packed_row, packed_map) = (self.packed_row(), self.packed_map());
        let from = sample * self.pooled();
        let (gradients, steps) = (&gradients[from..][..pooled.len()], &steps[from..][..pooled.len()]);
        for window in 0..pooled.plane() {
            let mut found = Found::new(&mut entries[..self.conv.out_channels]);
            let mut first = self.packed_first() as u32;
            for (gradients, steps) in
                gradients.chunks_exact(pooled.plane()).zip(steps.chunks_exact(pooled.plane()))
            {
                let (gradient, step) = (&gradients[window], &steps[window]);
                found.push(*gradient, first - (step.to_bits() >> 16));
                first += packed_map as u32;
            }
            let (y, x) = (window / pooled.width, window % pooled.width);
            let corner = self.pool.kernel_size * (y * line + x * channels);
            let dx = (&mut dx[corner..], line);
            add_products(found.entries(), (packed, packed_row), (row, self.patch_rows()), dx);
        }
    }

    fn give_weight_gradient(&self, sums: &[f32], dw: &mut [f32]) {
        let (channels, [rows, columns]) = (self.conv.input.channels, self.conv.kernel_size);
        let row = self.kernel_row().len();
        for (i, dw) in dw.chunks_exact_mut(columns).enumerate() {
            let (map, channel, y) = (i / (channels * rows), i / rows % channels, i % rows);
            let sums = &sums[(map * rows + y) * row + channel..];
            dw.iter_mut().zip(sums.iter().step_by(channels)).for_each(|(dw, sum)| *dw = *sum);
        }
    }

    fn give_input_gradient(&self, samples: &[f32], dx: &mut [Lanes]) {
        let stride = self.sample();
        for (i, inner) in self.inner.chunks(4).enumerate() {
            for quarter in 0..4 {
                let four = std::array::from_fn(|j| vector(&samples[(4 * quarter + j) * stride + 4 * i..]));
                for (inner, lanes) in inner.iter().zip(f32x4::transpose(four)) {
                    if let Some(inner) = inner {
                        dx[*inner as usize][quarter] = lanes;
                    }
                }
            }
        }
    }
}

/// Four values of every sample to place `at` of the samples, which are `stride` apart.
fn write_samples(lanes: [&Lanes; 4], samples: &mut [f32], stride: usize, at: usize) {
    for quarter in 0..4 {
        let columns = f32x4::transpose(lanes.map(|lanes| lanes[quarter]));
        for (i, column) in columns.into_iter().enumerate() {
            samples[(4 * quarter + i) * stride + at..][..4].copy_from_slice(&column.to_array());
        }
    }
}
