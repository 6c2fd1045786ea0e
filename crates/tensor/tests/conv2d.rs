//! Convolution kernels against their definition, written as plain loops in double precision, over many shapes.

use tensor::conv2d::{self, Conv2d};
use tensor::{BLOCK, Lanes, Shape, ZERO, dense};
use wasm_bindgen_test::wasm_bindgen_test;

/// A small reproducible source of numbers: the same cases natively and in wasm.
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

/// Every (output, input, weight) that meet, for one geometry.
fn meetings(g: &Conv2d) -> impl Iterator<Item = (usize, usize, usize)> + '_ {
    let (out, k, c) = (g.output(), g.kernel, g.input.channels);
    (0..out.len() * c * k * k).map(move |i| {
        let (o, tap) = (i / (c * k * k), i % (c * k * k));
        let (map, y, x) = (o / out.plane(), o % out.plane() / out.width, o % out.width);
        let (channel, ky, kx) = (tap / (k * k), tap % (k * k) / k, tap % k);
        let row = channel * g.input.height + y * g.stride + ky;
        (o, row * g.input.width + x * g.stride + kx, map * c * k * k + tap)
    })
}

fn check(g: &Conv2d, padding: usize, random: &mut Random) {
    let (out, name) = (g.output(), format!("{g:?}, padding {padding}"));
    let (x, dy) = (random.lanes(g.input.len()), random.lanes(out.len()));
    let (weight, bias) = (random.floats(g.weights()), random.floats(g.maps));
    let mut packed = vec![0.0; g.weights()];

    let mut y = vec![ZERO; out.len()];
    conv2d::pack_forward(g, &weight, &mut packed);
    conv2d::forward(g, &x, &packed, &bias, &mut y);

    let inner = Shape { height: g.input.height - 2 * padding, width: g.input.width - 2 * padding, ..g.input };
    let mut dx = vec![ZERO; inner.len()];
    conv2d::pack_backward(g, &weight, &mut packed);
    conv2d::input_gradient(g, padding, &dy, &packed, &mut dx);

    let (mut dw, mut db) = (vec![0.0; g.weights()], vec![0.0; g.maps]);
    conv2d::weight_gradient(g, &x, &dy, &mut dw, &mut db);
    if g.input.is_vector() {
        let mut xt = vec![0.0; BLOCK * dense::transposed_stride(x.len())];
        dense::transpose(&x, &mut xt);
        let mut dense_dw = vec![0.0; g.weights()];
        dense::weight_gradient(x.len(), &xt, &dy, &mut dense_dw);
        dw.iter().zip(&dense_dw).for_each(|(a, b)| assert_close(&name, f64::from(*b), f64::from(*a)));
    }

    let mut expected_dw = vec![0.0; g.weights()];
    for lane in 0..BLOCK {
        let mut expected_y: Vec<f64> = (0..out.len()).map(|o| f64::from(bias[o / out.plane()])).collect();
        let mut expected_dx = vec![0.0; g.input.len()];
        for (o, i, w) in meetings(g) {
            expected_y[o] += at(&x, i, lane) * f64::from(weight[w]);
            expected_dx[i] += at(&dy, o, lane) * f64::from(weight[w]);
            expected_dw[w] += at(&dy, o, lane) * at(&x, i, lane);
        }
        for (o, expected) in expected_y.iter().enumerate() {
            assert_close(&format!("{name}: y[{o}] of sample {lane}"), at(&y, o, lane), *expected);
        }
        for i in 0..inner.len() {
            let (channel, row, column) =
                (i / inner.plane(), i % inner.plane() / inner.width, i % inner.width);
            let padded = (channel * g.input.height + row + padding) * g.input.width + column + padding;
            assert_close(&format!("{name}: dx[{i}] of sample {lane}"), at(&dx, i, lane), expected_dx[padded]);
        }
    }
    for (w, expected) in expected_dw.iter().enumerate() {
        assert_close(&format!("{name}: dw[{w}]"), f64::from(dw[w]), *expected);
    }
    for (map, db) in db.iter().enumerate() {
        let pixels = map * out.plane()..(map + 1) * out.plane();
        let expected =
            pixels.flat_map(|o| (0..BLOCK).map(move |lane| (o, lane))).map(|(o, lane)| at(&dy, o, lane));
        assert_close(&format!("{name}: db[{map}]"), f64::from(*db), expected.sum());
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn kernels_do_what_convolution_is() {
    let mut random = Random(1);
    for _ in 0..60 {
        let kernel = 1 + random.below(7);
        let padding = random.below(kernel.min(3));
        let size = |random: &mut Random| kernel.max(2 * padding + 1) + random.below(5);
        let input = Shape::maps(1 + random.below(8), size(&mut random), size(&mut random));
        let g = Conv2d { input, maps: 1 + random.below(13), kernel, stride: 1 + random.below(3) };
        check(&g, padding, &mut random);
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn a_dense_layer_is_a_convolution_of_one_pixel() {
    let mut random = Random(2);
    for _ in 0..20 {
        let g = Conv2d {
            input: Shape::vector(1 + random.below(40)),
            maps: 1 + random.below(20),
            kernel: 1,
            stride: 1,
        };
        check(&g, 0, &mut random);
    }
}
