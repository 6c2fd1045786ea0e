//! The gradients of a convolution whose output is max-pooled, computed from the gradient of the pooled output
//! alone.
//!
//! In each window of the pooling only one output, the argmax, has a gradient; if a ReLU follows, many windows
//! have none at all. So at least three quarters of the terms of the direct sum are zero, at different places
//! in each sample. This kernel therefore stores samples one after another, channels last
//! (`[row][column][channel]`), so that a row of the kernel is contiguous: vectors run along it, and the
//! gradient of each argmax is broadcast. Only terms that are zero are skipped.
//!
//! Both gradients of LeNet-5's second convolution, with the backward pass of the pooling, take 9.4 µs a
//! sample; by Winograd's algorithm they took 13.7, without the pooling. A training step on one core went from
//! 2.45 to 1.91 ms (Chromium 156, Zen 5, six rounds, interleaved).

mod tiles;

use crate::conv2d::extent::reached;
use crate::conv2d::geometry::Conv2d;
use crate::memory::grow;
use crate::pool::{self, Pool2d};
use crate::{BLOCK, Budget, Lanes};
use tiles::{NonZero, NonZeros, Row, add_products, vector};
use wide::f32x4;

/// Unused numbers after each sample: a tile of 40 numbers may read beyond the sample's end, and samples at
/// distances of a power of two would compete for a few sets of the cache.
const GAP: usize = 48;

/// The output of a convolution, its max pooling, and the gradient of that: the argument of
/// [`Convolution::backward_pooled`](super::Convolution::backward_pooled).
#[derive(Clone, Copy, Debug)]
pub struct Pooled<'a> {
    /// The output of the convolution, `[out_channel][row][column]`.
    pub y: &'a [Lanes],
    /// The largest value of each window, before or after a [ReLU](crate::activation::Activation::Relu).
    pub pooled: &'a [Lanes],
    /// The gradient of `pooled` before the ReLU: zero where the ReLU's output is zero.
    pub gradient: &'a [Lanes],
}

/// The backward pass of a convolution and the max pooling of its output.
#[derive(Clone, Debug)]
pub(crate) struct MaxPoolBackward {
    conv: Conv2d,
    pool: Pool2d,
    /// For each value of the padded input in the order `[row][column][channel]`, its index in
    /// `[channel][row][column]`.
    order: Vec<u32>,
    /// The same for the unpadded input; `None` for padding.
    inner: Vec<Option<u32>>,
    /// For every output of a window, two distances from the window's first output: the low 16 bits say how
    /// many numbers later its inputs begin in a sample, the high 16 bits how many numbers earlier its weights
    /// begin in the packed weights.
    steps: Vec<u32>,
}

/// Scratch memory, shared by all layers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Memory {
    /// The padded input and its gradient, `[sample][row][column][in_channel]`.
    x: Vec<f32>,
    dx: Vec<f32>,
    /// The gradient of the pooled output, and in the bits of a float the step of each argmax:
    /// `[sample][out_channel][row][column]`.
    gradients: Vec<f32>,
    steps: Vec<f32>,
    entries: Vec<NonZero>,
    /// For each row of a sample of at most 64 numbers, a bit for each one that is not zero; and the windows
    /// that overlap such numbers.
    bits: Vec<u64>,
    windows: Vec<Window>,
    /// The gradient of the weights, `[out_channel][row][column][in_channel]`, rows extended to whole tiles.
    dw: Vec<f32>,
}

/// A window of the pooling, and the index in a sample of the first number that it depends on.
#[derive(Clone, Copy, Debug, Default)]
struct Window {
    number: u32,
    at: u32,
}

/// Sizes of the parts of [`Memory`], in items.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct MemorySize {
    samples: usize,
    pooled: usize,
    entries: usize,
    bits: usize,
    windows: usize,
    dw: usize,
}

impl MemorySize {
    /// What is enough for both.
    pub(crate) fn max(self, other: Self) -> Self {
        Self {
            samples: self.samples.max(other.samples),
            pooled: self.pooled.max(other.pooled),
            entries: self.entries.max(other.entries),
            bits: self.bits.max(other.bits),
            windows: self.windows.max(other.windows),
            dw: self.dw.max(other.dw),
        }
    }

    /// Bytes of all parts.
    pub(crate) fn bytes(&self) -> u64 {
        let numbers = 2 * self.samples + 2 * self.pooled + self.dw;
        let tables = size_of::<NonZero>() * self.entries + 8 * self.bits + size_of::<Window>() * self.windows;
        (4 * numbers + tables) as u64
    }
}

impl Memory {
    /// Allocates memory of these sizes.
    pub(crate) fn reserve(&mut self, size: &MemorySize) {
        grow(&mut self.x, size.samples, 0.0);
        grow(&mut self.dx, size.samples, 0.0);
        grow(&mut self.gradients, size.pooled, 0.0);
        grow(&mut self.steps, size.pooled, 0.0);
        grow(&mut self.entries, size.entries, NonZero::default());
        grow(&mut self.bits, size.bits, 0);
        grow(&mut self.windows, size.windows, Window::default());
        grow(&mut self.dw, size.dw, 0.0);
    }
}

impl MaxPoolBackward {
    /// Returns `None` where this algorithm does not apply: it needs stride 1, and every output of the
    /// convolution in exactly one window of the pooling.
    pub(crate) fn new(conv: Conv2d, padding: usize, pool: Pool2d) -> Option<Self> {
        let mut backward = Self::without_tables(conv, pool)?;
        let Conv2d { input, .. } = conv;
        let (height, width) = (input.height - 2 * padding, input.width - 2 * padding);
        let pixels = (0..input.plane()).flat_map(|pixel| (0..input.channels).map(move |c| (c, pixel)));
        let order = pixels.clone().map(|(channel, pixel)| (channel * input.plane() + pixel) as u32);
        let inner = pixels.map(|(channel, pixel)| {
            let row = (pixel / input.width).checked_sub(padding).filter(|row| *row < height)?;
            let column = (pixel % input.width).checked_sub(padding).filter(|column| *column < width)?;
            Some(((channel * height + row) * width + column) as u32)
        });
        (backward.order, backward.inner) = (order.collect(), inner.collect());
        for output in 0..pool.kernel_size * pool.kernel_size {
            let (row, column) = (output / pool.kernel_size, output % pool.kernel_size);
            let step = |line| u16::try_from(row * line + column * input.channels).ok().map(u32::from);
            backward.steps.push(step(backward.line())? | step(backward.packed_row())? << 16);
        }
        Some(backward)
    }

    /// The same without its tables: only its sizes are known.
    pub(crate) fn without_tables(conv: Conv2d, pool: Pool2d) -> Option<Self> {
        let applies =
            conv.stride == 1 && pool.kernel_size >= 2 && pool.is_partition() && pool.input == conv.output();
        applies.then(|| Self { conv, pool, order: Vec::new(), inner: Vec::new(), steps: Vec::new() })
    }

    /// The pooling.
    pub(crate) fn pool(&self) -> Pool2d {
        self.pool
    }

    /// Bytes of the tables.
    pub(crate) fn table_bytes(&self) -> usize {
        let steps = self.pool.kernel_size * self.pool.kernel_size;
        self.conv.input.len() * (4 + size_of::<Option<u32>>()) + 4 * steps
    }

    /// What a layer needs of [`Memory`].
    pub(crate) fn memory_size(&self) -> MemorySize {
        let plane = self.pool.output().plane();
        MemorySize {
            samples: BLOCK * self.sample(),
            pooled: BLOCK * self.pooled(),
            entries: plane.max(self.conv.out_channels),
            bits: self.conv.input.height,
            windows: plane,
            dw: self.sums(),
        }
    }

    /// Numbers in a row of a sample.
    const fn line(&self) -> usize {
        self.conv.input.width * self.conv.input.channels
    }

    /// Distance from one sample to the next.
    const fn sample(&self) -> usize {
        self.conv.input.len() + GAP
    }

    /// Distance from one sample to the next in the pooled output.
    const fn pooled(&self) -> usize {
        self.pool.output().len().next_multiple_of(4)
    }

    fn kernel_row(&self) -> Row {
        let numbers = self.conv.kernel_size[1] * self.conv.input.channels;
        Row::new(numbers)
    }

    /// Length of [`Memory::dw`].
    fn sums(&self) -> usize {
        self.conv.out_channels * self.conv.kernel_size[0] * self.kernel_row().len()
    }

    /// A row of a patch: of the inputs that the outputs of a window depend on.
    fn patch_row(&self) -> Row {
        let numbers = (self.conv.kernel_size[1] + self.pool.kernel_size - 1) * self.conv.input.channels;
        Row::new(numbers)
    }

    /// Rows of a patch.
    const fn patch_rows(&self) -> usize {
        self.conv.kernel_size[0] + self.pool.kernel_size - 1
    }

    /// Packed weights in a row. Zeros around the kernel extend it so that the kernel of every output of a
    /// window covers the whole patch.
    fn packed_row(&self) -> usize {
        (self.pool.kernel_size - 1) * self.conv.input.channels + self.patch_row().len()
    }

    /// Packed weights of an output channel.
    fn packed_channel(&self) -> usize {
        (self.conv.kernel_size[0] + 2 * (self.pool.kernel_size - 1)) * self.packed_row()
    }

    /// Index of the first weight among the packed weights of an output channel.
    fn packed_first(&self) -> usize {
        (self.pool.kernel_size - 1) * (self.packed_row() + self.conv.input.channels)
    }

    /// Length of the packed weights.
    pub(crate) fn packed(&self) -> usize {
        self.conv.out_channels * self.packed_channel()
    }

    /// Packs weights `[out_channel][in_channel][row][column]` in the order in which the gradient of the input
    /// reads them. The zeros around them in `packed` must be there already.
    pub(crate) fn pack(&self, weight: &[f32], packed: &mut [f32]) {
        let (channels, [rows, columns]) = (self.conv.input.channels, self.conv.kernel_size);
        assert!(weight.len() == self.conv.weights() && packed.len() == self.packed());
        let kernels = weight.chunks_exact(channels * rows * columns);
        for (kernels, packed) in kernels.zip(packed.chunks_exact_mut(self.packed_channel())) {
            for (i, row) in kernels.chunks_exact(columns).enumerate() {
                let (channel, y) = (i / rows, i % rows);
                let packed = &mut packed[self.packed_first() + y * self.packed_row() + channel..];
                packed.iter_mut().step_by(channels).zip(row).for_each(|(packed, weight)| *packed = *weight);
            }
        }
    }

    /// Computes the gradient of the weights and, if `dx` is given with packed weights, of the unpadded input.
    /// Returns false if the budget is spent before all is done.
    pub(crate) fn backward(
        &self,
        x: &[Lanes],
        output: Pooled<'_>,
        dx: Option<(&mut [Lanes], &[f32])>,
        dw: &mut [f32],
        memory: &mut Memory,
        budget: &mut Budget,
    ) -> bool {
        assert!(x.len() == self.conv.input.len() && dw.len() == self.conv.weights());
        let is_done = budget.run(BLOCK * (x.len() + output.y.len()), || {
            self.load_samples(x, &mut memory.x);
            self.find_argmax(output, memory);
            memory.dw[..self.sums()].fill(0.0);
        });
        // Of each window, one output has a gradient.
        let cost = self.conv.weights().saturating_mul(self.pool.output().plane());
        if !is_done || !(0..BLOCK).all(|s| budget.run(cost, || self.add_weight_gradient(s, memory))) {
            return false;
        }
        let Some((dx, packed)) = dx else {
            return budget.run(dw.len(), || self.store_weight_gradient(&memory.dw, dw));
        };
        assert!(packed.len() == self.packed());
        budget.run(dw.len(), || {
            self.store_weight_gradient(&memory.dw, dw);
            memory.dx[..BLOCK * self.sample()].fill(0.0);
        }) && (0..BLOCK).all(|s| budget.run(cost, || self.add_input_gradient(s, packed, memory)))
            && budget.run(BLOCK * dx.len(), || self.store_input_gradient(&memory.dx, dx))
    }

    /// Transposes the input to `[sample][row][column][in_channel]`.
    fn load_samples(&self, x: &[Lanes], samples: &mut [f32]) {
        let stride = self.sample();
        for (i, order) in self.order.chunks(4).enumerate() {
            let lanes: [&Lanes; 4] = std::array::from_fn(|j| &x[order[j.min(order.len() - 1)] as usize]);
            write_samples(lanes, samples, stride, 4 * i);
        }
    }

    /// Transposes the gradient of the pooled output, and the step of each argmax, to
    /// `[sample][out_channel][row][column]`.
    fn find_argmax(&self, output: Pooled<'_>, memory: &mut Memory) {
        let Memory { gradients, steps, .. } = memory;
        let (stride, last) = (self.pooled(), self.pool.output().len() - 1);
        let mut four = [[crate::ZERO; 4]; 2];
        assert!(output.gradient.len() == last + 1);
        pool::max_indices(&self.pool, &self.steps, (output.y, output.pooled), |at, step| {
            (four[0][at % 4], four[1][at % 4]) = (output.gradient[at], *step);
            if at % 4 == 3 || at == last {
                write_samples(four[0].each_ref(), gradients, stride, at & !3);
                write_samples(four[1].each_ref(), steps, stride, at & !3);
            }
        });
    }

    /// Finds the windows that depend on numbers of a sample that are not zero: in each row of windows, from
    /// the first to the last one. Returns their number.
    fn find_windows(&self, x: &[f32], bits: &mut [u64], windows: &mut [Window]) -> usize {
        let (line, channels) = (self.line(), self.conv.input.channels);
        let (pool, pooled) = (self.pool.kernel_size, self.pool.output());
        for (row, bits) in x.chunks_exact(line).zip(bits.iter_mut()).filter(|_| line <= 64) {
            let (fours, rest) = row.as_chunks::<4>();
            let mut last = [0.0; 4];
            last[..rest.len()].copy_from_slice(rest);
            *bits = fours.iter().chain([&last]).rev().fold(0, |bits, four| {
                bits << 4 | u64::from(f32x4::from(*four).simd_ne(f32x4::ZERO).to_bitmask())
            });
        }
        let (patch, mut found) = (self.conv.kernel_size[1] + pool - 1, 0);
        for y in 0..pooled.height {
            let overlapping = if line <= 64 {
                let bits = bits[y * pool..][..self.patch_rows()].iter().fold(0, |all, row| all | row);
                let (first, end) = (bits.trailing_zeros(), 64 - bits.leading_zeros());
                first as usize / channels..(end as usize).div_ceil(channels)
            } else {
                0..self.conv.input.width
            };
            for x in reached(&overlapping, patch, pool, pooled.width) {
                let (number, at) = (y * pooled.width + x, pool * (y * line + x * channels));
                windows[found] = Window { number: number as u32, at: at as u32 };
                found += 1;
            }
        }
        found
    }

    /// Adds the contribution of a sample to [`Memory::dw`].
    fn add_weight_gradient(&self, sample: usize, memory: &mut Memory) {
        let Memory { x, gradients, steps, entries, bits, windows, dw, .. } = memory;
        let x = &x[sample * self.sample()..][..self.sample()];
        let (line, row, rows) = (self.line(), self.kernel_row(), self.conv.kernel_size[0]);
        let plane = self.pool.output().plane();
        let overlapping = self.find_windows(x, &mut bits[..self.conv.input.height], windows);
        for map in 0..self.conv.out_channels {
            let from = sample * self.pooled() + map * plane;
            let (gradients, steps) = (&gradients[from..][..plane], &steps[from..][..plane]);
            let mut non_zeros = NonZeros::new(&mut entries[..plane]);
            for window in &windows[..overlapping] {
                let number = window.number as usize;
                non_zeros.push(gradients[number], window.at + (steps[number].to_bits() & 0xffff));
            }
            let dw = &mut dw[map * rows * row.len()..][..rows * row.len()];
            add_products(non_zeros.entries(), (x, line), (row, rows), (dw, row.len()));
        }
    }

    /// Adds up the gradient of a sample's input in [`Memory::dx`]: each window sends its gradients to its
    /// patch.
    fn add_input_gradient(&self, sample: usize, packed: &[f32], memory: &mut Memory) {
        let Memory { dx, gradients, steps, entries, .. } = memory;
        let dx = &mut dx[sample * self.sample()..][..self.sample()];
        let pooled = &self.pool.output();
        let (line, row, channels) = (self.line(), self.patch_row(), self.conv.input.channels);
        let (packed_row, packed_channel) = (self.packed_row(), self.packed_channel());
        let from = sample * self.pooled();
        let (gradients, steps) = (&gradients[from..][..pooled.len()], &steps[from..][..pooled.len()]);
        for window in 0..pooled.plane() {
            let mut non_zeros = NonZeros::new(&mut entries[..self.conv.out_channels]);
            let mut first = self.packed_first() as u32;
            for (gradients, steps) in
                gradients.chunks_exact(pooled.plane()).zip(steps.chunks_exact(pooled.plane()))
            {
                let (gradient, step) = (&gradients[window], &steps[window]);
                non_zeros.push(*gradient, first - (step.to_bits() >> 16));
                first += packed_channel as u32;
            }
            let (y, x) = (window / pooled.width, window % pooled.width);
            let corner = self.pool.kernel_size * (y * line + x * channels);
            let dx = (&mut dx[corner..], line);
            add_products(non_zeros.entries(), (packed, packed_row), (row, self.patch_rows()), dx);
        }
    }

    /// Transposes [`Memory::dw`] to `[out_channel][in_channel][row][column]`.
    fn store_weight_gradient(&self, sums: &[f32], dw: &mut [f32]) {
        let (channels, [rows, columns]) = (self.conv.input.channels, self.conv.kernel_size);
        let row = self.kernel_row().len();
        for (i, dw) in dw.chunks_exact_mut(columns).enumerate() {
            let (map, channel, y) = (i / (channels * rows), i / rows % channels, i % rows);
            let sums = &sums[(map * rows + y) * row + channel..];
            dw.iter_mut().zip(sums.iter().step_by(channels)).for_each(|(dw, sum)| *dw = *sum);
        }
    }

    /// Transposes [`Memory::dx`] to blocks, without the padding.
    fn store_input_gradient(&self, samples: &[f32], dx: &mut [Lanes]) {
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

/// Writes four values of every sample from index `at` on; samples are `stride` numbers apart.
fn write_samples(lanes: [&Lanes; 4], samples: &mut [f32], stride: usize, at: usize) {
    for quarter in 0..4 {
        let columns = f32x4::transpose(lanes.map(|lanes| lanes[quarter]));
        for (i, column) in columns.into_iter().enumerate() {
            samples[(4 * quarter + i) * stride + at..][..4].copy_from_slice(&column.to_array());
        }
    }
}
