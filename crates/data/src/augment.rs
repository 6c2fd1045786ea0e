//! Data augmentation: random distortions of training images, so that a network sees no image twice.
//!
//! Every distortion is a function of (seed, epoch, image): the same on every machine, in any order, on any
//! core.

use nn::mnist::{PIXELS, SIDE};
use nn::random::{Stream, symmetric};
use nn::spec::Augmentation;
use tensor::math::sin_cos;

/// Pixels between two knots of the elastic distortion's spline.
const KNOT: f32 = 7.0;
/// Knots across, and down: all that have an influence on the image.
const KNOTS: usize = 7;

/// Distorts `image` (grey levels, `[row][column]`) and writes it to `out` as pixels in [0, 1]. `index` is the
/// number of the image in its data set.
///
/// Every pixel of the result is the bilinear interpolation of the image at the place that the inverse mapping
/// gives; outside the image all pixels are 0. The affine mapping is about the centre, (13.5, 13.5); the
/// elastic one adds a cubic B-spline through random knots, a smooth field like that of Simard et al. 2003,
/// "Best Practices for Convolutional Neural Networks".
///
/// # Panics
/// If an image does not have 28x28 pixels.
pub fn augment(spec: &Augmentation, seed: u32, epoch: u32, index: u32, image: &[u8], out: &mut [f32]) {
    assert!(image.len() == PIXELS && out.len() == PIXELS, "images have 28x28 pixels");
    let draw = |which: u32| symmetric(seed, Stream::Augment, epoch, index * 32 + which);
    let [rotation, shift_x, shift_y, zoom] = draw(0);
    let [shear, crop_x, crop_y, _] = draw(1);
    let angle = (rotation * spec.rotation).to_radians();
    let (sin, cos) = sin_cos(angle);
    let scale = 1.0 / (1.0 + zoom * spec.zoom.clamp(0.0, 0.9));
    let shear = shear * spec.shear;
    // Whole steps from -crop to crop, all equally likely.
    let whole = |r: f32| {
        let steps = 2.0 * spec.crop as f32 + 1.0;
        ((r + 1.0) * 0.5 * steps).floor().min(steps - 1.0) - spec.crop as f32
    };
    let (move_x, move_y) = (shift_x * spec.shift + whole(crop_x), shift_y * spec.shift + whole(crop_y));
    let mut knots = [[[0.0f32; KNOTS]; KNOTS]; 2];
    if spec.elastic != 0.0 {
        for (i, knot) in knots.as_flattened_mut().as_flattened_mut().chunks_mut(4).enumerate() {
            let random = draw(2 + i as u32);
            knot.iter_mut().zip(random).for_each(|(knot, random)| *knot = random * spec.elastic);
        }
    }
    let middle = (SIDE as f32 - 1.0) / 2.0;
    for row in 0..SIDE {
        let sheet = [blend_rows(&knots[0], row), blend_rows(&knots[1], row)];
        let v = row as f32 - middle - move_y;
        for column in 0..SIDE {
            let u = column as f32 - middle - move_x;
            let (weights, first) = spline(column);
            let bend = |sheet: &[f32; KNOTS]| (0..4).map(|k| weights[k] * sheet[first + k]).sum::<f32>();
            let x = scale * (cos * u + sin * v) + shear * v + middle + bend(&sheet[0]);
            let y = scale * (cos * v - sin * u) + middle + bend(&sheet[1]);
            out[row * SIDE + column] = read(image, x, y);
        }
    }
}

/// The weights of the four knots around a row or column in a uniform cubic B-spline, and the index of the
/// first knot.
fn spline(at: usize) -> ([f32; 4], usize) {
    let place = at as f32 / KNOT;
    let first = place as usize;
    let t = place - first as f32;
    let (t2, t3, s) = (t * t, t * t * t, 1.0 - t);
    let weights = [s * s * s, 3.0 * t3 - 6.0 * t2 + 4.0, -3.0 * t3 + 3.0 * t2 + 3.0 * t + 1.0, t3];
    (weights.map(|w| w / 6.0), first)
}

/// The spline in one row of the image, as a spline of the column alone.
fn blend_rows(knots: &[[f32; KNOTS]; KNOTS], row: usize) -> [f32; KNOTS] {
    let (weights, first) = spline(row);
    std::array::from_fn(|column| (0..4).map(|k| weights[k] * knots[first + k][column]).sum())
}

/// The image at a place between pixels, by bilinear interpolation, in [0, 1].
pub(crate) fn read(image: &[u8], x: f32, y: f32) -> f32 {
    let (left, top) = (x.floor(), y.floor());
    let (right_share, lower_share) = (x - left, y - top);
    let pixel = |dx: f32, dy: f32| {
        let (x, y) = (left + dx, top + dy);
        let inside = x >= 0.0 && y >= 0.0 && x < SIDE as f32 && y < SIDE as f32;
        if inside { f32::from(image[y as usize * SIDE + x as usize]) } else { 0.0 }
    };
    let upper = pixel(0.0, 0.0) * (1.0 - right_share) + pixel(1.0, 0.0) * right_share;
    let lower = pixel(0.0, 1.0) * (1.0 - right_share) + pixel(1.0, 1.0) * right_share;
    (upper * (1.0 - lower_share) + lower * lower_share) / 255.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasm_bindgen_test::wasm_bindgen_test;

    const OFF: Augmentation =
        Augmentation { rotation: 0.0, shift: 0.0, zoom: 0.0, shear: 0.0, elastic: 0.0, crop: 0 };
    const SEED: u32 = 5;
    const EPOCH: u32 = 1;

    /// For each pixel `[row][column]` of the distorted image, the place `[x, y]` in the image that it shows:
    /// ramps of grey levels are distorted, from which bilinear reading gives back coordinates.
    fn sources(spec: &Augmentation, index: u32) -> Vec<[f64; 2]> {
        let [xs, ys] = [|at: usize| at % SIDE, |at: usize| at / SIDE].map(|coordinate| {
            let ramp: Vec<u8> = (0..PIXELS).map(|at| 9 * coordinate(at) as u8).collect();
            let mut out = vec![0.0; PIXELS];
            augment(spec, SEED, EPOCH, index, &ramp, &mut out);
            out
        });
        xs.iter().zip(&ys).map(|(x, y)| [x, y].map(|level| f64::from(*level) * 255.0 / 9.0)).collect()
    }

    /// Compares the distortion of twenty images with a mapping. `expected` gives it in double precision:
    /// `[x, y]` of the source, from the random numbers of the image and the pixel's distance from the image's
    /// centre. Both are relative to the centre.
    fn check_mapping(spec: Augmentation, expected: impl Fn(&dyn Fn(usize) -> f64, [f64; 2]) -> [f64; 2]) {
        let middle = (SIDE as f64 - 1.0) / 2.0;
        for index in 0..20 {
            let draw = |i: usize| {
                f64::from(symmetric(SEED, Stream::Augment, EPOCH, index * 32 + i as u32 / 4)[i % 4])
            };
            let (mut compared, sources) = (0, sources(&spec, index));
            for (at, source) in sources.into_iter().enumerate() {
                let pixel = [at % SIDE, at / SIDE].map(|coordinate| coordinate as f64 - middle);
                let expected = expected(&draw, pixel).map(|coordinate| coordinate + middle);
                // Beyond the border there is paper instead of a ramp.
                if expected.iter().all(|coordinate| (0.0..=SIDE as f64 - 1.0).contains(coordinate)) {
                    compared += 1;
                    let error = (source[0] - expected[0]).hypot(source[1] - expected[1]);
                    assert!(
                        error < 2e-3,
                        "{spec:?}, image {index}, pixel {at}: {source:?}, not {expected:?}"
                    );
                }
            }
            assert!(compared > PIXELS / 2, "{spec:?}: {compared} pixels were compared");
        }
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn rotation_is_in_degrees_about_the_centre() {
        check_mapping(Augmentation { rotation: 30.0, ..OFF }, |draw, [u, v]| {
            let (sin, cos) = (draw(0) * 30.0 * std::f64::consts::PI / 180.0).sin_cos();
            [cos * u + sin * v, cos * v - sin * u]
        });
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn zoom_scales_both_axes_alike() {
        check_mapping(Augmentation { zoom: 0.3, ..OFF }, |draw, place| {
            place.map(|coordinate| coordinate / (1.0 + draw(3) * 0.3))
        });
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn shear_moves_rows_in_proportion_to_their_distance_from_the_middle() {
        check_mapping(Augmentation { shear: 0.3, ..OFF }, |draw, [u, v]| [u + draw(4) * 0.3 * v, v]);
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn shift_moves_across_and_down() {
        check_mapping(Augmentation { shift: 3.0, ..OFF }, |draw, [u, v]| {
            [u - draw(1) * 3.0, v - draw(2) * 3.0]
        });
    }

    /// The cubic B-spline, centred on 0, by its two pieces (Unser 1999, "Splines: a perfect fit for signal
    /// and image processing").
    fn b_spline(t: f64) -> f64 {
        match t.abs() {
            t if t < 1.0 => 2.0 / 3.0 - t * t + t * t * t / 2.0,
            t if t < 2.0 => (2.0 - t).powi(3) / 6.0,
            _ => 0.0,
        }
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn elastic_moves_across_and_down_by_a_spline_through_random_knots() {
        check_mapping(Augmentation { elastic: 2.0, ..OFF }, |draw, place| {
            let middle = (SIDE as f64 - 1.0) / 2.0;
            // In knots, of which the second row and column lies on the image's border.
            let [x, y] = place.map(|coordinate| (coordinate + middle) / 7.0 + 1.0);
            let moved = |axis: usize| -> f64 {
                let knots = (0..7).flat_map(|row| (0..7).map(move |column| (row, column)));
                knots
                    .map(|(row, column)| {
                        let weight = b_spline(y - row as f64) * b_spline(x - column as f64);
                        weight * 2.0 * draw(8 + axis * 49 + row * 7 + column)
                    })
                    .sum()
            };
            [place[0] + moved(0), place[1] + moved(1)]
        });
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn all_distortions_together_shift_first_and_bend_last() {
        let spec = Augmentation { rotation: 15.0, shift: 1.0, zoom: 0.2, shear: 0.1, ..OFF };
        check_mapping(spec, |draw, [u, v]| {
            let (sin, cos) = (draw(0) * 15.0 * std::f64::consts::PI / 180.0).sin_cos();
            let scale = 1.0 / (1.0 + draw(3) * 0.2);
            let (u, v) = (u - draw(1), v - draw(2));
            [scale * (cos * u + sin * v) + draw(4) * 0.1 * v, scale * (cos * v - sin * u)]
        });
    }

    /// A bar of 4 x 12 pixels off the middle.
    fn bar() -> Vec<u8> {
        let inside = |at: usize| (9..13).contains(&(at % SIDE)) && (6..18).contains(&(at / SIDE));
        (0..PIXELS).map(|at| if inside(at) { 255 } else { 0 }).collect()
    }

    fn distort(spec: Augmentation, index: u32) -> Vec<f32> {
        let mut out = vec![0.0; PIXELS];
        augment(&spec, SEED, EPOCH, index, &bar(), &mut out);
        out
    }

    fn centre(image: &[f32]) -> (f32, f32) {
        let mass: f32 = image.iter().sum();
        let sum =
            |f: fn(usize) -> usize| image.iter().enumerate().map(|(at, v)| v * f(at) as f32).sum::<f32>();
        (sum(|at| at % SIDE) / mass, sum(|at| at / SIDE) / mass)
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn nothing_changes_when_all_is_off() {
        let expected: Vec<f32> = bar().iter().map(|&v| f32::from(v) / 255.0).collect();
        assert_eq!(distort(Augmentation::default(), 3), expected);
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn moves_stay_within_their_strength_and_use_it() {
        for (spec, whole) in
            [(Augmentation { shift: 3.0, ..OFF }, false), (Augmentation { crop: 3, ..OFF }, true)]
        {
            let moves: Vec<f32> = (0..200).map(|i| centre(&distort(spec, i)).0 - 10.5).collect();
            assert!(moves.iter().all(|m| m.abs() < 3.01), "{spec:?}: {moves:?}");
            assert!(moves.iter().any(|m| *m > 2.5) && moves.iter().any(|m| *m < -2.5));
            let all_whole = moves.iter().all(|m| (m - m.round()).abs() < 1e-3);
            assert_eq!(all_whole, whole, "{spec:?}");
        }
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn each_distortion_keeps_the_ink_and_changes_the_image() {
        let before = distort(OFF, 0);
        for spec in [
            Augmentation { rotation: 20.0, ..OFF },
            Augmentation { zoom: 0.2, ..OFF },
            Augmentation { shear: 0.3, ..OFF },
            Augmentation { elastic: 2.0, ..OFF },
        ] {
            let (mut different, ink) = (0, before.iter().sum::<f32>());
            for index in 0..20 {
                let after = distort(spec, index);
                let now = after.iter().sum::<f32>();
                assert!((0.55..1.6).contains(&(now / ink)), "{spec:?}: ink went from {ink} to {now}");
                different += usize::from(after != before);
            }
            assert_eq!(different, 20, "{spec:?}");
        }
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn the_same_image_is_distorted_alike_again_and_otherwise_in_another_epoch() {
        let spec = Augmentation { rotation: 10.0, elastic: 2.0, ..Augmentation::default() };
        let mut other = vec![0.0; PIXELS];
        augment(&spec, SEED, EPOCH + 1, 7, &bar(), &mut other);
        assert!(distort(spec, 7) == distort(spec, 7) && distort(spec, 7) != other);
    }
}
