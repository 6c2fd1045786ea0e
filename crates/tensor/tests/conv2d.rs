//! Convolution kernels against plain loops in double precision, over many shapes.

use tensor::activation::{self, Activation};
use tensor::conv2d::direct;
use tensor::conv2d::{Conv2d, Convolution, Pooled, Scratch};
use tensor::pool::{self, Pool2d};
use tensor::{BLOCK, Budget, Lanes, Shape, ZERO};
use wasm_bindgen_test::wasm_bindgen_test;

/// A small generator of reproducible numbers: the same cases natively and in WebAssembly.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % n
    }

    fn floats(&mut self, n: usize) -> Vec<f32> {
        (0..n).map(|_| self.below(2001) as f32 / 1000.0 - 1.0).collect()
    }

    fn lanes(&mut self, n: usize) -> Vec<Lanes> {
        let mut lanes = vec![ZERO; n];
        bytemuck::cast_slice_mut(&mut lanes).copy_from_slice(&self.floats(n * BLOCK));
        lanes
    }
}

fn at(buffer: &[Lanes], index: usize, lane: usize) -> f64 {
    f64::from(buffer[index][lane / 4].to_array()[lane % 4])
}

fn assert_close(what: &str, got: f64, expected: f64) {
    assert!((got - expected).abs() <= 2e-5 * (1.0 + expected.abs()), "{what}: {got}, should be {expected}");
}

/// Every (output, input, weight) of a geometry that are multiplied.
fn products(g: &Conv2d) -> impl Iterator<Item = (usize, usize, usize)> + '_ {
    let (out, [rows, columns], c) = (g.output(), g.kernel_size, g.input.channels);
    let taps = rows * columns;
    (0..out.len() * c * taps).map(move |i| {
        let (o, tap) = (i / (c * taps), i % (c * taps));
        let (map, y, x) = (o / out.plane(), o % out.plane() / out.width, o % out.width);
        let (channel, ky, kx) = (tap / taps, tap % taps / columns, tap % columns);
        let row = channel * g.input.height + y * g.stride + ky;
        (o, row * g.input.width + x * g.stride + kx, map * c * taps + tap)
    })
}

/// The output, and the gradients of the unpadded input, the weights and the biases.
struct Results {
    y: Vec<Lanes>,
    dx: Vec<Lanes>,
    dw: Vec<f32>,
    db: Vec<f32>,
}

struct Inputs {
    x: Vec<Lanes>,
    dy: Vec<Lanes>,
    weight: Vec<f32>,
    bias: Vec<f32>,
}

fn room(g: &Conv2d, padding: usize) -> Results {
    let inner = g.input.channels * (g.input.height - 2 * padding) * (g.input.width - 2 * padding);
    Results {
        y: vec![ZERO; g.output().len()],
        dx: vec![ZERO; inner],
        dw: vec![0.0; g.weights()],
        db: vec![0.0; g.out_channels],
    }
}

/// By direct convolution.
fn by_direct(g: &Conv2d, padding: usize, inputs: &Inputs) -> Results {
    let Inputs { x, dy, weight, bias } = inputs;
    let mut results = room(g, padding);
    let mut packed = vec![0.0; g.weights()];
    direct::pack_forward(g, weight, &mut packed);
    let budget = &mut Budget::default();
    direct::forward(g, (x, None), &packed, bias, &mut results.y, budget);
    budget.begin();
    direct::pack_backward(g, weight, &mut packed);
    direct::input_gradient(g, padding, dy, &packed, &mut results.dx, budget);
    budget.begin();
    let mut sums = vec![direct::TapSums::default(); g.kernel_size[0]];
    direct::weight_gradient(g, (x, None), dy, &mut sums, &mut results.dw, budget);
    direct::bias_gradient(dy, &mut results.db);
    results
}

/// By the algorithm that [`Convolution`] chooses.
fn by_layer(g: &Conv2d, padding: usize, inputs: &Inputs) -> Results {
    let Inputs { x, dy, weight, bias } = inputs;
    let mut results = room(g, padding);
    let Results { y, dx, dw, db } = &mut results;
    let mut convolution = Convolution::new(*g, padding, None);
    let mut scratch = Scratch::default();
    scratch.reserve(&convolution);
    convolution.load(weight, true);
    convolution.forward(x, (weight, bias), y, &mut scratch);
    convolution.backward(weight, x, dy, Some(dx), (dw, db), &mut scratch);
    results
}

fn check(g: &Conv2d, padding: usize, random: &mut Random) {
    let (out, name) = (g.output(), format!("{g:?}, padding {padding}"));
    let mut inputs = Inputs {
        x: random.lanes(g.input.len()),
        dy: random.lanes(out.len()),
        weight: random.floats(g.weights()),
        bias: random.floats(g.out_channels),
    };
    // Kernels skip zeros: single samples, whole pixels, and borders.
    let how = random.below(4);
    for x in inputs.x.iter_mut().filter(|_| how > 0) {
        let lanes: &mut [f32] = bytemuck::cast_slice_mut(x);
        lanes.iter_mut().for_each(|value| *value *= random.below(2) as f32);
        if random.below(4) < how {
            *x = ZERO;
        }
    }
    // The border of a padded input is zero.
    let Shape { channels, height, width } = g.input;
    let inside = |at: usize, size: usize| (padding..size - padding).contains(&at);
    for (i, x) in inputs.x.iter_mut().enumerate() {
        if !inside(i / width % height, height) || !inside(i % width, width) {
            *x = ZERO;
        }
    }
    let inner = Shape::maps(channels, height - 2 * padding, width - 2 * padding);
    let both = [by_direct(g, padding, &inputs), by_layer(g, padding, &inputs)];
    let mut expected_dw = vec![0.0; g.weights()];
    for lane in 0..BLOCK {
        let mut expected_y: Vec<f64> =
            (0..out.len()).map(|o| f64::from(inputs.bias[o / out.plane()])).collect();
        let mut expected_dx = vec![0.0; g.input.len()];
        for (o, i, w) in products(g) {
            expected_y[o] += at(&inputs.x, i, lane) * f64::from(inputs.weight[w]);
            expected_dx[i] += at(&inputs.dy, o, lane) * f64::from(inputs.weight[w]);
            expected_dw[w] += at(&inputs.dy, o, lane) * at(&inputs.x, i, lane);
        }
        for Results { y, dx, .. } in &both {
            for (o, expected) in expected_y.iter().enumerate() {
                assert_close(&format!("{name}: y[{o}] of sample {lane}"), at(y, o, lane), *expected);
            }
            for i in 0..inner.len() {
                let (channel, row, column) =
                    (i / inner.plane(), i % inner.plane() / inner.width, i % inner.width);
                let padded = (channel * height + row + padding) * width + column + padding;
                assert_close(
                    &format!("{name}: dx[{i}] of sample {lane}"),
                    at(dx, i, lane),
                    expected_dx[padded],
                );
            }
        }
    }
    for Results { dw, db, .. } in &both {
        for (w, expected) in expected_dw.iter().enumerate() {
            assert_close(&format!("{name}: dw[{w}]"), f64::from(dw[w]), *expected);
        }
        for (map, db) in db.iter().enumerate() {
            let pixels = map * out.plane()..(map + 1) * out.plane();
            let all = pixels.flat_map(|o| (0..BLOCK).map(move |lane| (o, lane)));
            let expected = all.map(|(o, lane)| at(&inputs.dy, o, lane)).sum();
            assert_close(&format!("{name}: db[{map}]"), f64::from(*db), expected);
        }
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn direct_convolution_is_the_sum_of_its_definition() {
    let mut random = Random(1);
    for _ in 0..60 {
        let kernel_size = [1 + random.below(7), 1 + random.below(7)];
        let padding = random.below(kernel_size[0].min(kernel_size[1]).min(3));
        let size = |kernel: usize, random: &mut Random| kernel.max(2 * padding + 1) + random.below(5);
        let (height, width) = (size(kernel_size[0], &mut random), size(kernel_size[1], &mut random));
        let input = Shape::maps(1 + random.below(8), height, width);
        let g =
            Conv2d { input, out_channels: 1 + random.below(13), kernel_size, stride: 1 + random.below(3) };
        check(&g, padding, &mut random);
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn winograd_convolution_is_the_same_sum() {
    let mut random = Random(3);
    for _ in 0..20 {
        let padding = random.below(3);
        let input = Shape::maps(4 + random.below(5), 5 + random.below(6), 5 + random.below(6));
        let g = Conv2d {
            input,
            out_channels: 4 + random.below(6),
            kernel_size: [1 + random.below(5), 5],
            stride: 1,
        };
        check(&g, padding.min((g.kernel_size[0] - 1) / 2), &mut random);
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn a_linear_layer_is_a_convolution_of_one_pixel() {
    let mut random = Random(2);
    for _ in 0..20 {
        let g = Conv2d {
            input: Shape::vector(1 + random.below(40)),
            out_channels: 1 + random.below(20),
            kernel_size: [1, 1],
            stride: 1,
        };
        check(&g, 0, &mut random);
    }
}

/// The gradients of a max-pooled convolution, computed from the gradient of the pooled output, are those of
/// the two backward passes one after the other.
fn check_pooled(g: &Conv2d, padding: usize, windows: Pool2d, random: &mut Random) {
    let name = format!("{g:?}, padding {padding}, {windows:?}");
    // Sometimes few values, so that windows have several largest outputs.
    let coarse = random.below(2) == 0;
    let value = |value: f32| if coarse { value.round() } else { value };
    let weight: Vec<f32> = random.floats(g.weights()).into_iter().map(value).collect();
    let bias: Vec<f32> = random.floats(g.out_channels).into_iter().map(value).collect();
    let mut x = vec![ZERO; g.input.len()];
    let inner = Shape { height: g.input.height - 2 * padding, width: g.input.width - 2 * padding, ..g.input };
    let mut inside = random.lanes(inner.len());
    bytemuck::cast_slice_mut::<_, f32>(&mut inside).iter_mut().for_each(|x| *x = value(*x));
    // Borders of zeros, wider in some samples than in others, are skipped.
    for (i, x) in inside.iter_mut().enumerate() {
        let (row, column) = (i / inner.width % inner.height, i % inner.width);
        let from_edge = row.min(inner.height - 1 - row).min(column);
        let lanes: &mut [f32] = bytemuck::cast_slice_mut(x);
        lanes.iter_mut().enumerate().filter(|(lane, _)| from_edge < lane % 4).for_each(|(_, x)| *x = 0.0);
    }
    direct::pad(inner, padding, &inside, &mut x);

    let mut layer = Convolution::new(*g, padding, Some(windows));
    assert!(layer.is_pooled(), "{name}");
    let mut scratch = Scratch::default();
    scratch.reserve(&layer);
    layer.load(&weight, true);
    let mut y = vec![ZERO; g.output().len()];
    layer.forward(&x, (&weight, &bias), &mut y, &mut scratch);
    let mut pooled = vec![ZERO; windows.output().len()];
    pool::max_forward(&windows, &y, &mut pooled);
    let mut gradient = random.lanes(pooled.len());
    if random.below(2) == 0 {
        activation::forward(Activation::Relu, &mut pooled);
        activation::backward(Activation::Relu, &pooled, &mut gradient);
    }
    let mut dy = vec![ZERO; y.len()];
    pool::max_backward(&windows, &y, &pooled, &gradient, &mut dy);
    let inputs = Inputs { x, dy, weight, bias };
    let expected = by_direct(g, padding, &inputs);

    // Repeated, since scratch memory is reused.
    for with_dx in [false, true, true] {
        let mut results = room(g, padding);
        let output = Pooled { y: &y, pooled: &pooled, gradient: &gradient };
        let (dx, own) = (&mut results.dx, (results.dw.as_mut_slice(), results.db.as_mut_slice()));
        layer.backward_pooled(&inputs.x, output, with_dx.then_some(dx), own, &mut scratch);
        let both = [(&results.dw, &expected.dw, "dw"), (&results.db, &expected.db, "db")].into_iter();
        for (got, expected, what) in both {
            for (i, (got, expected)) in got.iter().zip(expected).enumerate() {
                assert_close(&format!("{name}: {what}[{i}]"), f64::from(*got), f64::from(*expected));
            }
        }
        for i in (0..inner.len()).filter(|_| with_dx) {
            for lane in 0..BLOCK {
                let (got, expected) = (at(&results.dx, i, lane), at(&expected.dx, i, lane));
                assert_close(&format!("{name}: dx[{i}] of sample {lane}"), got, expected);
            }
        }
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn gradients_of_a_pooled_convolution_are_those_of_pooling_and_convolution() {
    let mut random = Random(4);
    for _ in 0..80 {
        let kernel_size = [1 + random.below(6), 1 + random.below(6)];
        let padding = random.below(kernel_size[0].min(kernel_size[1]).min(3));
        let pool = 2 + random.below(2);
        let [height, width] = kernel_size.map(|kernel| pool * (1 + random.below(3)) + kernel - 1);
        if height.min(width) <= 2 * padding {
            continue;
        }
        let input = Shape::maps(1 + random.below(20), height, width);
        let g = Conv2d { input, out_channels: 1 + random.below(9), kernel_size, stride: 1 };
        check_pooled(&g, padding, Pool2d { input: g.output(), kernel_size: pool, stride: pool }, &mut random);
    }
}

#[test]
fn pooling_with_gaps_or_overlaps_has_a_backward_pass_of_its_own() {
    let g = Conv2d { input: Shape::maps(2, 9, 9), out_channels: 3, kernel_size: [3, 3], stride: 1 };
    let takes = |kernel_size, stride| {
        let windows = Pool2d { input: g.output(), kernel_size, stride };
        Convolution::new(g, 0, Some(windows)).is_pooled()
    };
    assert!(!takes(2, 2) && !takes(3, 2) && !takes(3, 1) && takes(7, 7));
}

#[wasm_bindgen_test(unsupported = test)]
fn passes_in_slices_give_the_same_bits() {
    let mut random = Random(5);
    let geometry =
        |input, out_channels, kernel| Conv2d { input, out_channels, kernel_size: [kernel; 2], stride: 1 };
    let cases = [
        (geometry(Shape::maps(3, 10, 10), 7, 3), None),
        (geometry(Shape::maps(5, 12, 12), 6, 5), None),
        (geometry(Shape::vector(40), 9, 1), None),
        (geometry(Shape::maps(3, 10, 10), 5, 3), Some(2)),
    ];
    for (g, pool) in cases {
        let windows = pool.map(|size| Pool2d { input: g.output(), kernel_size: size, stride: size });
        let mut layer = Convolution::new(g, 0, windows);
        assert_eq!(layer.is_pooled(), pool.is_some());
        let (weight, bias) = (random.floats(g.weights()), random.floats(g.out_channels));
        let (x, dy) = (random.lanes(g.input.len()), random.lanes(g.output().len()));
        let gradient = random.lanes(windows.map_or(0, |windows| windows.output().len()));
        layer.load(&weight, true);
        let run = |work: Option<i64>| {
            let (mut scratch, mut results, mut slices) = (Scratch::default(), room(&g, 0), 0);
            scratch.reserve(&layer);
            let mut until_done = |pass: &mut dyn FnMut(&mut Scratch) -> bool| loop {
                scratch.budget.refill(work.unwrap_or(Budget::UNLIMITED));
                slices += 1;
                if pass(&mut scratch) {
                    break;
                }
            };
            let Results { y, dx, dw, db } = &mut results;
            until_done(&mut |scratch| layer.forward(&x, (&weight, &bias), y, scratch));
            if let Some(windows) = windows {
                let mut pooled = vec![ZERO; windows.output().len()];
                pool::max_forward(&windows, y, &mut pooled);
                until_done(&mut |scratch| {
                    let output = Pooled { y, pooled: &pooled, gradient: &gradient };
                    layer.backward_pooled(&x, output, Some(&mut *dx), (&mut *dw, &mut *db), scratch)
                });
            } else {
                until_done(&mut |scratch| {
                    layer.backward(&weight, &x, &dy, Some(&mut *dx), (&mut *dw, &mut *db), scratch)
                });
            }
            (slices, results.y, results.dx, results.dw, results.db)
        };
        let (_, y, dx, dw, db) = run(None);
        for work in [1, 5_000, 100_000] {
            let (slices, y_again, dx_again, dw_again, db_again) = run(Some(work));
            assert!(slices > 2 || work > 1, "{g:?} takes one slice each");
            assert!(
                y_again == y && dx_again == dx && dw_again == dw && db_again == db,
                "{g:?} in slices of {work}"
            );
        }
    }
}
