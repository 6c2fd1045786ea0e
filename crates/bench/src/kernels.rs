//! The speed of each kernel of LeNet-5, as a share of the machine's peak of multiply-adds.
//!
//! The peak is measured in the same way and in the same rounds, so that a busy or throttled machine changes the shares
//! little.

use serde::Serialize;
use tensor::conv2d::{Conv2d, Convolution, Pooled, Scratch};
use tensor::{BLOCK, Lanes, Shape, ZERO, activation, pool};
use wide::f32x4;

/// Least time for which a kernel is measured in each round, in milliseconds.
const ROUND_MS: f64 = 20.0;

/// The speed of one kernel.
#[derive(Clone, Debug, Serialize)]
pub struct KernelTiming {
    /// Layer and kernel.
    pub name: String,
    /// Multiply-adds for one sample, as the definition counts them; 0 for kernels that do hardly any.
    pub multiply_adds: usize,
    /// Microseconds for one sample, median of the rounds.
    pub microseconds: f64,
    /// Multiply-adds per time as a share of the peak, from 0 to 1, median of the rounds.
    pub share: f64,
}

/// The speed of all kernels.
#[derive(Clone, Debug, Serialize)]
pub struct KernelTable {
    /// The machine's peak in multiply-adds a nanosecond, median of the rounds.
    pub peak: f64,
    /// One row for each kernel.
    pub rows: Vec<KernelTiming>,
}

/// A kernel with its operands.
struct Benchmark {
    name: String,
    multiply_adds: usize,
    /// Runs the kernel once, on one block of samples.
    run: Box<dyn FnMut()>,
}

/// Measures all kernels in turn, `rounds` times. `now` is a clock in milliseconds.
pub fn measure(rounds: usize, now: &dyn Fn() -> f64) -> KernelTable {
    let mut benchmarks = lenet_benchmarks();
    let mut times = vec![Vec::new(); benchmarks.len()];
    let mut shares = vec![Vec::new(); benchmarks.len()];
    let mut peaks = Vec::new();
    for _ in 0..rounds {
        for (i, benchmark) in benchmarks.iter_mut().enumerate() {
            // Once more beside each kernel, because the clock of a machine changes within seconds.
            let peak = peak(now);
            let ns = 1e6 * time(now, &mut benchmark.run);
            peaks.push(peak);
            times[i].push(ns / 1000.0 / BLOCK as f64);
            shares[i].push((benchmark.multiply_adds * BLOCK) as f64 / ns / peak);
        }
    }
    let rows =
        benchmarks.iter().zip(times.iter_mut().zip(&mut shares)).map(|(benchmark, (times, shares))| {
            KernelTiming {
                name: benchmark.name.clone(),
                multiply_adds: benchmark.multiply_adds,
                microseconds: median(times),
                share: median(shares),
            }
        });
    KernelTable { rows: rows.collect(), peak: median(&mut peaks) }
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Milliseconds of one run. Never inlined: V8 optimises a function from its next call on, so measured code must not become
/// part of a function that is called once.
#[inline(never)]
fn time(now: &dyn Fn() -> f64, run: &mut dyn FnMut()) -> f64 {
    run();
    let (start, mut runs) = (now(), 0);
    loop {
        (0..8).for_each(|_| run());
        runs += 8;
        let ms = now() - start;
        if ms >= ROUND_MS {
            return ms / f64::from(runs);
        }
    }
}

/// The machine's peak, in multiply-adds a nanosecond with all numbers in registers. It is the best for 8, 10 and 12 independent
/// sums, which must hide the latency of both operations and fit the registers (V8 offers 15 on x86). `now` is a clock in
/// milliseconds.
pub fn peak(now: &dyn Fn() -> f64) -> f64 {
    /// Each sum is a variable of its own, because an array would lie in memory.
    macro_rules! chains {
        ($($sum:ident)*) => {{
            const STEPS: usize = 10_000;
            let start = f32x4::splat(std::hint::black_box(1.0));
            let (factor, addend) = (start * f32x4::splat(0.5), start * f32x4::splat(0.25));
            let ms = time(now, &mut || {
                $(let mut $sum = start;)*
                for _ in 0..STEPS {
                    $($sum = $sum * factor + addend;)*
                }
                std::hint::black_box([$($sum),*]);
            });
            (STEPS * 4 * [$(stringify!($sum)),*].len()) as f64 / (1e6 * ms)
        }};
    }
    [chains!(a b c d e f g h), chains!(a b c d e f g h i j), chains!(a b c d e f g h i j k l)]
        .into_iter()
        .fold(0.0, f64::max)
}

fn numbers(count: usize) -> Vec<f32> {
    (0..count).map(|i| ((i * 37 + 11) % 101) as f32 / 101.0 - 0.5).collect()
}

fn lanes(count: usize) -> Vec<Lanes> {
    let values = numbers(count);
    values.iter().map(|v| std::array::from_fn(|q| f32x4::splat(*v + q as f32 * 0.01))).collect()
}

fn lenet_benchmarks() -> Vec<Benchmark> {
    let conv1 = Conv2d { input: Shape::maps(1, 32, 32), out_channels: 6, kernel_size: [5, 5], stride: 1 };
    let conv2 = Conv2d { input: Shape::maps(6, 14, 14), out_channels: 16, kernel_size: [5, 5], stride: 1 };
    let linear = |in_features, out_features| Conv2d {
        input: Shape::vector(in_features),
        out_channels: out_features,
        kernel_size: [1, 1],
        stride: 1,
    };
    let layers =
        [("conv1", conv1, 2), ("conv2", conv2, 0), ("fc1", linear(400, 120), 0), ("fc2", linear(120, 84), 0)];
    let mut all: Vec<Benchmark> =
        layers.into_iter().flat_map(|(name, g, padding)| convolution(name, g, padding)).collect();
    all.extend(pooled("conv1", conv1, 2));
    all.extend(pooled("conv2", conv2, 0));
    all.extend(pooling("pool1", pool::Pool2d { input: Shape::maps(6, 28, 28), kernel_size: 2, stride: 2 }));
    let mut x = lanes(6 * 28 * 28);
    all.push(Benchmark {
        name: "ReLU after conv1".into(),
        multiply_adds: 0,
        run: Box::new(move || activation::forward(activation::Activation::Relu, &mut x)),
    });
    all
}

/// A convolution and its weights.
type Layer = (Convolution, Vec<f32>);
/// A pass of a layer, given its scratch memory, its input and the gradient of its output.
type LayerPass = dyn FnMut(&Layer, &mut Scratch, &[Lanes], &[Lanes]);

/// The forward and backward passes of a convolution or a linear layer.
fn convolution(name: &str, g: Conv2d, padding: usize) -> Vec<Benchmark> {
    let multiply_adds = g.weights() * g.output().plane();
    let mut benchmarks = vec![];
    let weight = numbers(g.weights());
    let (mut layer, mut scratch) = (Convolution::new(g, padding, None), Scratch::default());
    layer.load(&weight, true);
    scratch.reserve(&layer);
    let inner = Shape { height: g.input.height - 2 * padding, width: g.input.width - 2 * padding, ..g.input };
    let (x, dy, bias) = (lanes(g.input.len()), lanes(g.output().len()), numbers(g.out_channels));
    let mut add = |what: &str, times: usize, mut run: Box<LayerPass>| {
        let layer = (layer.clone(), weight.clone());
        let (mut scratch, x, dy) = (scratch.clone(), x.clone(), dy.clone());
        benchmarks.push(Benchmark {
            name: format!("{name} {what}"),
            multiply_adds: times * multiply_adds,
            run: Box::new(move || run(&layer, &mut scratch, &x, &dy)),
        });
    };
    let (mut y, mut dx) = (vec![ZERO; g.output().len()], vec![ZERO; inner.len()]);
    let (mut dw, mut db) = (weight.clone(), bias.clone());
    let (mut dw_again, mut db_again) = (dw.clone(), db.clone());
    add(
        "forward",
        1,
        Box::new(move |(layer, weight), scratch, x, _| {
            layer.forward(x, (weight, &bias), &mut y, scratch);
        }),
    );
    add(
        "weight gradient",
        1,
        Box::new(move |(layer, weight), scratch, x, dy| {
            layer.backward(weight, x, dy, None, (&mut dw, &mut db), scratch);
        }),
    );
    add(
        "both gradients",
        2,
        Box::new(move |(layer, weight), scratch, x, dy| {
            layer.backward(weight, x, dy, Some(&mut dx), (&mut dw_again, &mut db_again), scratch);
        }),
    );
    benchmarks
}

/// The backward pass of a convolution that 2x2 max pooling and ReLU follow.
fn pooled(name: &str, g: Conv2d, padding: usize) -> Vec<Benchmark> {
    let windows = pool::Pool2d { input: g.output(), kernel_size: 2, stride: 2 };
    let multiply_adds = g.weights() * g.output().plane();
    let (weight, bias) = (numbers(g.weights()), numbers(g.out_channels));
    let (mut layer, mut scratch) = (Convolution::new(g, padding, Some(windows)), Scratch::default());
    layer.load(&weight, true);
    scratch.reserve(&layer);
    let (x, mut y) = (lanes(g.input.len()), lanes(g.output().len()));
    layer.forward(&x, (&weight, &bias), &mut y, &mut scratch);
    let (mut pooled, mut gradient) = (lanes(windows.output().len()), lanes(windows.output().len()));
    pool::max_forward(&windows, &y, &mut pooled);
    activation::forward(activation::Activation::Relu, &mut pooled);
    activation::backward(activation::Activation::Relu, &pooled, &mut gradient);
    let inner = Shape { height: g.input.height - 2 * padding, width: g.input.width - 2 * padding, ..g.input };
    let kernel = |what: &str, times: usize| {
        let (layer, mut scratch, x, y) = (layer.clone(), scratch.clone(), x.clone(), y.clone());
        let (pooled, gradient) = (pooled.clone(), gradient.clone());
        let (mut dx, mut dw, mut db) = (vec![ZERO; inner.len()], weight.clone(), bias.clone());
        Benchmark {
            name: format!("{name} pooled, {what}"),
            multiply_adds: times * multiply_adds,
            run: Box::new(move || {
                let output = Pooled { y: &y, pooled: &pooled, gradient: &gradient };
                let dx = (times > 1).then_some(dx.as_mut_slice());
                layer.backward_pooled(&x, output, dx, (&mut dw, &mut db), &mut scratch);
            }),
        }
    };
    vec![kernel("weight gradient", 1), kernel("both gradients", 2)]
}

fn pooling(name: &str, g: pool::Pool2d) -> Vec<Benchmark> {
    let (x, dy) = (lanes(g.input.len()), lanes(g.output().len()));
    let (mut y, mut dx) = (dy.clone(), x.clone());
    pool::max_forward(&g, &x, &mut y);
    let (x_again, mut y_again) = (x.clone(), y.clone());
    let kernel = |what: &str, run: Box<dyn FnMut()>| Benchmark {
        name: format!("{name} {what}"),
        multiply_adds: 0,
        run,
    };
    vec![
        kernel("forward", Box::new(move || pool::max_forward(&g, &x_again, &mut y_again))),
        kernel("backward", Box::new(move || pool::max_backward(&g, &x, &y, &dy, &mut dx))),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kernel_runs_and_its_multiply_adds_are_counted() {
        // A clock that advances by 10 ms each time it is read.
        let clock = std::cell::Cell::new(0.0);
        let table = measure(1, &|| clock.replace(clock.get() + 10.0));
        let count = |name: &str| table.rows.iter().find(|row| row.name == name).map(|row| row.multiply_adds);
        assert_eq!(count("conv1 forward"), Some(117_600));
        assert_eq!(count("conv2 both gradients"), Some(480_000));
        assert!(table.peak > 0.0 && table.rows.iter().all(|row| row.microseconds > 0.0));
    }
}
