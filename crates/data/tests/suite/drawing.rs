//! Normalisation of drawings to images like those of MNIST.

use data::drawing::to_mnist;
use data::mnist::{PIXELS, SIDE};
use wasm_bindgen_test::wasm_bindgen_test;

/// A canvas with discs of ink along straight strokes.
fn draw(width: usize, height: usize, radius: f64, points: &[(f64, f64)]) -> Vec<u8> {
    let mut gray = vec![0; width * height];
    for ends in points.windows(2) {
        let ((x0, y0), (x1, y1)) = (ends[0], ends[1]);
        for (at, level) in gray.iter_mut().enumerate() {
            let (x, y) = ((at % width) as f64, (at / width) as f64);
            let (dx, dy) = (x1 - x0, y1 - y0);
            let along = (((x - x0) * dx + (y - y0) * dy) / (dx * dx + dy * dy).max(1e-9)).clamp(0.0, 1.0);
            let distance = (x - x0 - along * dx).hypot(y - y0 - along * dy);
            *level = (*level).max(((radius + 0.5 - distance) * 255.0).clamp(0.0, 255.0) as u8);
        }
    }
    gray
}

fn seven(width: usize, height: usize, scale: f64, dx: f64, dy: f64) -> Vec<u8> {
    let points = [(0.0, 0.0), (40.0, 0.0), (15.0, 60.0)].map(|(x, y)| (dx + x * scale, dy + y * scale));
    draw(width, height, 4.0 * scale, &points)
}

fn centre_of_mass(image: &[u8; PIXELS]) -> (f64, f64) {
    let mass: f64 = image.iter().map(|&level| f64::from(level)).sum();
    let moment = |along: fn(usize) -> usize| {
        image.iter().enumerate().map(|(at, &level)| along(at) as f64 * f64::from(level)).sum::<f64>() / mass
    };
    (moment(|at| at % SIDE), moment(|at| at / SIDE))
}

/// Columns and rows from the first to the last ink, as (start, end).
fn extents(image: &[u8; PIXELS]) -> [(usize, usize); 2] {
    [|at| at % SIDE, |at: usize| at / SIDE].map(|along: fn(usize) -> usize| {
        let inked = || (0..PIXELS).filter(|&at| image[at] > 0).map(along);
        (inked().min().unwrap(), inked().max().unwrap() + 1)
    })
}

fn check_normalised(image: &[u8; PIXELS]) -> Result<(), String> {
    let (x, y) = centre_of_mass(image);
    for (centre, (start, end)) in [x, y].into_iter().zip(extents(image)) {
        let centred = (centre - 14.0).abs() <= 0.5 + 1e-9;
        let at_the_edge = start == 0 || end == SIDE;
        if end - start > 20 || !(centred || at_the_edge) {
            return Err(format!("centre of mass {centre}, ink from {start} to {end}"));
        }
    }
    Ok(())
}

#[wasm_bindgen_test(unsupported = test)]
fn a_seven_fills_twenty_rows_around_its_centre_of_mass() {
    let image = to_mnist(&seven(280, 280, 2.0, 50.0, 60.0), 280, 280).unwrap();
    check_normalised(&image).unwrap();
    let [(left, right), (top, bottom)] = extents(&image);
    assert_eq!(bottom - top, 20);
    // 48 x 68 drawn: the aspect is kept.
    assert!((14..=15).contains(&(right - left)), "{left}..{right}");
    assert!(image.iter().filter(|&&level| level > 200).count() > 30, "the strokes are dark");
    assert!(image.iter().any(|level| (40..200).contains(level)), "the edges are soft");
}

#[wasm_bindgen_test(unsupported = test)]
fn the_position_of_a_drawing_does_not_matter() {
    let here = to_mnist(&seven(200, 150, 1.0, 20.0, 30.0), 200, 150);
    let there = to_mnist(&seven(300, 260, 1.0, 133.0, 171.0), 300, 260);
    assert!(here.is_some());
    assert_eq!(here, there);
}

#[wasm_bindgen_test(unsupported = test)]
fn the_size_of_a_drawing_hardly_matters() {
    let large = to_mnist(&seven(400, 400, 4.0, 80.0, 80.0), 400, 400).unwrap();
    for scale in [0.5, 1.0, 2.0, 3.0] {
        let image = to_mnist(&seven(300, 300, scale, 40.0, 40.0), 300, 300).unwrap();
        let apart: f64 = large.iter().zip(&image).map(|(&a, &b)| f64::from(a.abs_diff(b))).sum();
        let ink: f64 = large.iter().map(|&level| f64::from(level)).sum();
        assert!(apart / ink < 0.2, "scale {scale}: {apart} of {ink}");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn an_image_enlarged_by_a_whole_number_stays_the_same() {
    let small = seven(90, 90, 1.0, 20.0, 12.0);
    let large: Vec<u8> = (0..270 * 270).map(|at| small[at / 270 / 3 * 90 + at % 270 / 3]).collect();
    assert_eq!(to_mnist(&small, 90, 90), to_mnist(&large, 270, 270));
}

#[wasm_bindgen_test(unsupported = test)]
fn twenty_pixels_of_ink_are_only_moved() {
    let mut gray = vec![0; PIXELS];
    for y in 3..23 {
        for x in 1..13 {
            gray[y * SIDE + x] = 40 + (x * y % 200) as u8;
        }
    }
    let image = to_mnist(&gray, SIDE, SIDE).unwrap();
    let [(left, right), (top, bottom)] = extents(&image);
    assert_eq!((right - left, bottom - top), (12, 20));
    for y in 0..20 {
        for x in 0..12 {
            assert_eq!(image[(top + y) * SIDE + left + x], gray[(3 + y) * SIDE + 1 + x]);
        }
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn a_dot_is_a_square_in_the_middle() {
    for (width, height, at) in [(1, 1, 0), (100, 100, 0), (100, 100, 9999), (7, 300, 1000)] {
        let mut gray = vec![0; width * height];
        gray[at] = 255;
        let image = to_mnist(&gray, width, height).unwrap();
        assert_eq!(extents(&image), [(5, 25); 2]);
        assert_eq!(image.iter().filter(|&&level| level == 255).count(), 400);
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn a_hairline_is_kept() {
    let mut gray = vec![0; 280 * 280];
    (20..260).for_each(|y| gray[y * 280 + 77] = 255);
    let image = to_mnist(&gray, 280, 280).unwrap();
    check_normalised(&image).unwrap();
    assert_eq!(extents(&image)[1], (5, 25));
}

#[wasm_bindgen_test(unsupported = test)]
fn a_drawing_without_ink_has_no_image() {
    assert_eq!(to_mnist(&[0; 400], 20, 20), None);
    assert_eq!(to_mnist(&[5; 400], 20, 20), None);
}

#[wasm_bindgen_test(unsupported = test)]
fn a_drawing_of_another_size_than_announced_has_no_image() {
    let ink = [255; 12];
    for (width, height) in
        [(0, 0), (0, 12), (12, 0), (3, 3), (4, 4), (usize::MAX, 2), (usize::MAX, usize::MAX)]
    {
        assert_eq!(to_mnist(&ink, width, height), None);
    }
    assert_eq!(to_mnist(&[], 0, 0), None);
    assert!(to_mnist(&ink, 3, 4).is_some());
}

/// Random drawings, natively only.
#[cfg(not(target_family = "wasm"))]
mod random {
    use super::*;
    use proptest::prelude::*;

    fn strokes() -> impl Strategy<Value = Vec<(f64, f64)>> {
        prop::collection::vec((0.0..60.0f64, 0.0..60.0f64), 2..8)
    }

    proptest! {
        #[test]
        fn strokes_are_normalised_wherever_they_lie(
            strokes in strokes(), radius in 1.0..8.0f64, dx in 0usize..40, dy in 0usize..40
        ) {
            let at = |dx: usize, dy: usize| {
                let points: Vec<_> =
                    strokes.iter().map(|&(x, y)| (10.0 + x + dx as f64, 10.0 + y + dy as f64)).collect();
                to_mnist(&draw(120, 120, radius, &points), 120, 120).unwrap()
            };
            let image = at(0, 0);
            check_normalised(&image).map_err(TestCaseError::fail)?;
            let moved = at(dx, dy);
            // The strokes themselves are rounded differently elsewhere, and that may decide a pixel's shift.
            let whole = image.iter().zip(&moved).all(|(&a, &b)| a.abs_diff(b) <= 2);
            let near = |(a, b): (f64, f64), (c, d): (f64, f64)| (a - c).abs() <= 1.1 && (b - d).abs() <= 1.1;
            prop_assert!(whole || near(centre_of_mass(&image), centre_of_mass(&moved)));
        }

        #[test]
        fn noise_never_panics(
            (width, height, gray) in (0usize..70, 0usize..70).prop_flat_map(|(width, height)| (
                Just(width), Just(height), prop::collection::vec(any::<u8>(), width * height)
            )),
            off in 0usize..3,
        ) {
            let _ = to_mnist(&gray, width, height + off);
            if let Some(image) = to_mnist(&gray, width, height) {
                check_normalised(&image).map_err(TestCaseError::fail)?;
            }
        }
    }
}
