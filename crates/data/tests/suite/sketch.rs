//! Drawings on the pad, and the images that the network gets of them.

use data::drawing::to_mnist;
use data::ink::{Area, Ink};
use data::mnist::{PIXELS, SIDE};
use data::sketch::Sketch;
use wasm_bindgen_test::wasm_bindgen_test;

const PAD: usize = 420;
const PEN: f64 = 33.0;

fn image(first: usize) -> [u8; PIXELS] {
    std::array::from_fn(|at| (at * 7 + first) as u8)
}

/// A zigzag of a seven and a stroke through it.
fn seven(scale: f64) -> Vec<[(f64, f64); 2]> {
    let lines = [[(0.0, 0.0), (160.0, 0.0)], [(160.0, 0.0), (60.0, 260.0)], [(40.0, 130.0), (140.0, 130.0)]];
    lines.map(|line| line.map(|(x, y)| (60.0 + x * scale, 60.0 + y * scale))).to_vec()
}

fn sketch(lines: &[[(f64, f64); 2]]) -> Sketch {
    let mut sketch = Sketch::new(PAD, PEN);
    for [from, to] in lines {
        sketch.line(*from, *to);
    }
    sketch
}

#[wasm_bindgen_test(unsupported = test)]
fn a_line_is_as_wide_as_the_pen_with_round_ends() {
    let mut ink = Ink::new(100);
    let area = ink.line((30.0, 50.0), (70.0, 50.0), 10.0);
    assert_eq!(area, Area { rows: 44..56, columns: 24..76 });
    let level = |x: usize, y: usize| ink.levels()[y * 100 + x];
    assert_eq!([level(50, 50), level(50, 45), level(50, 54)], [255; 3]);
    assert_eq!([level(50, 44), level(50, 55), level(25, 46)], [0; 3]);
    assert!(level(26, 50) == 255 && level(24, 50) == 0, "half a pen beyond the end");
    let total: f64 = ink.levels().iter().map(|&level| f64::from(level) / 255.0).sum();
    let exact = 40.0 * 10.0 + std::f64::consts::PI * 25.0;
    assert!((total / exact - 1.0).abs() < 0.01, "{total} pixels of ink, not {exact}");
}

#[wasm_bindgen_test(unsupported = test)]
fn the_same_lines_give_the_same_ink_in_any_order_and_in_any_pieces() {
    let lines = seven(1.0);
    let mut halves: Vec<_> = lines
        .iter()
        .flat_map(|[from, to]| {
            let middle = ((from.0 + to.0) / 2.0, (from.1 + to.1) / 2.0);
            [[*from, middle], [middle, *to]]
        })
        .collect();
    halves.reverse();
    let far = |(a, b): (&u8, &u8)| a.abs_diff(*b) > 1;
    let (whole, pieces) = (sketch(&lines), sketch(&halves));
    assert!(!whole.ink().levels().iter().zip(pieces.ink().levels()).any(far));
}

#[wasm_bindgen_test(unsupported = test)]
fn lines_beyond_the_paper_are_cut_off_and_nonsense_draws_nothing() {
    let mut ink = Ink::new(20);
    assert!(ink.line((-50.0, -50.0), (-40.0, 60.0), 8.0).is_empty());
    for wrong in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        assert!(ink.line((wrong, 1.0), (5.0, 5.0), 8.0).is_empty());
        assert!(ink.line((1.0, 1.0), (5.0, 5.0), wrong).is_empty());
    }
    assert!(ink.levels().iter().all(|&level| level == 0));
    ink.line((-1e9, 10.0), (1e9, 10.0), 4.0);
    ink.fill(&Area { rows: 15..90, columns: 15..90 }, 9);
    assert_eq!((ink.levels()[10 * 20], ink.levels()[399], ink.levels()[0]), (255, 9, 0));
}

#[wasm_bindgen_test(unsupported = test)]
fn a_large_drawing_reaches_the_network_as_it_is_drawn() {
    let mut large = sketch(&seven(1.0));
    assert_eq!(large.to_mnist(), to_mnist(large.ink().levels(), PAD, PAD));
}

#[wasm_bindgen_test(unsupported = test)]
fn a_small_drawing_reaches_the_network_like_a_large_one() {
    let ink = |image: &[u8; PIXELS]| image.iter().map(|&level| f64::from(level)).sum::<f64>();
    let large = sketch(&seven(1.0)).to_mnist().unwrap();
    for scale in [0.6, 0.4, 0.2, 0.12] {
        let mut small = sketch(&seven(scale));
        let scaled = small.to_mnist().unwrap();
        let share = ink(&scaled) / ink(&large);
        assert!((0.8..1.7).contains(&share), "at {scale}, {share} of the ink");
        assert_eq!(small.to_mnist(), Some(scaled), "asked again");
    }
    let blob = to_mnist(sketch(&seven(0.2)).ink().levels(), PAD, PAD).unwrap();
    assert!(ink(&blob) > 2.0 * ink(&large), "what the pad's pen makes of it");
}

#[wasm_bindgen_test(unsupported = test)]
fn the_image_of_a_drawing_does_not_depend_on_when_it_was_asked_for() {
    for scale in [1.0, 0.5, 0.2] {
        let lines = seven(scale);
        let mut asked_often = Sketch::new(PAD, PEN);
        for [from, to] in &lines {
            asked_often.line(*from, *to);
            let _ = asked_often.to_mnist();
        }
        assert_eq!(asked_often.to_mnist(), sketch(&lines).to_mnist(), "at {scale}");
        asked_often.clear();
        assert_eq!(asked_often.to_mnist(), None);
        for [from, to] in seven(0.3) {
            asked_often.line(from, to);
        }
        assert_eq!(asked_often.to_mnist(), sketch(&seven(0.3)).to_mnist(), "after a clear");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn a_dot_reaches_the_network_as_a_disc() {
    let dot = sketch(&[[(100.0, 100.0); 2]]).to_mnist().unwrap();
    let ink: f64 = dot.iter().map(|&level| f64::from(level) / 255.0).sum();
    let disc = std::f64::consts::PI * 100.0;
    assert!((ink / disc - 1.0).abs() < 0.15, "{ink} pixels of ink, of a disc {disc}");
}

#[wasm_bindgen_test(unsupported = test)]
fn an_image_reaches_the_network_as_it_is_and_stays_where_it_is_when_drawn_on() {
    let mut sketch = Sketch::new(PAD, PEN);
    sketch.line((9.0, 9.0), (50.0, 50.0));
    sketch.place(&image(3));
    assert_eq!(sketch.to_mnist(), Some(image(3)));
    // The blocks of the paper have the levels of the image.
    let block = PAD / SIDE;
    for at in [0, 30, 400, PIXELS - 1] {
        let (row, column) = (at / SIDE * block + block / 2, at % SIDE * block + block / 2);
        assert_eq!(sketch.ink().levels()[row * PAD + column], image(3)[at]);
    }
    sketch.line((210.0, 210.0), (210.0, 210.0));
    let drawn = sketch.to_mnist().unwrap();
    assert!(drawn[14 * SIDE + 14] > 220 && image(3)[14 * SIDE + 14] < 220);
    let changed: Vec<_> = (0..PIXELS).filter(|&at| drawn[at] != image(3)[at]).collect();
    assert!(
        changed.iter().all(|at| (12..16).contains(&(at / SIDE)) && (12..16).contains(&(at % SIDE))),
        "{changed:?}"
    );
}
