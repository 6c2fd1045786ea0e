//! Digits drawn on the pad in several handwritings and sizes, classified by the checkpoint that the page ships.

use data::sketch::Sketch;
use nn::network::Network;

/// The pad and its pen, as the page has them.
const SIDE: usize = 420;
const PEN: f64 = SIDE as f64 / 12.7;
/// The pad on a screen of 1440 pixels: a mouse is somewhere in this grid.
const SCREEN: f64 = 250.0;

type Point = (f64, f64);
type Strokes = Vec<Vec<Point>>;

/// A piece of an ellipse, from one angle to another. Angle 0 is on the right, 90 at the bottom.
fn arc(x: f64, y: f64, rx: f64, ry: f64, from: f64, to: f64) -> Vec<Point> {
    let at = |i: u32| {
        let angle = (from + (to - from) * f64::from(i) / 24.0).to_radians();
        (x + rx * angle.cos(), y + ry * angle.sin())
    };
    (0..=24).map(at).collect()
}

/// Two handwritings, in which no digit but 0 is written the same way.
fn digits(hand: usize) -> [Strokes; 10] {
    let join = |parts: &[&[Point]]| parts.concat();
    if hand == 0 {
        [
            vec![arc(0.5, 0.5, 0.22, 0.32, -90.0, 270.0)],
            vec![vec![(0.53, 0.18), (0.47, 0.82)]],
            vec![join(&[&arc(0.48, 0.36, 0.2, 0.18, -170.0, 30.0), &[(0.27, 0.82), (0.75, 0.82)]])],
            vec![join(&[
                &arc(0.47, 0.34, 0.19, 0.16, -150.0, 90.0),
                &arc(0.47, 0.66, 0.21, 0.17, -90.0, 150.0),
            ])],
            vec![vec![(0.35, 0.2), (0.28, 0.56), (0.74, 0.56)], vec![(0.62, 0.3), (0.6, 0.84)]],
            vec![join(&[
                &[(0.7, 0.2), (0.36, 0.2), (0.33, 0.46)],
                &arc(0.48, 0.63, 0.2, 0.19, -140.0, 150.0),
            ])],
            vec![join(&[
                &[(0.62, 0.18), (0.45, 0.34), (0.34, 0.52)],
                &arc(0.48, 0.67, 0.17, 0.15, 180.0, -180.0),
            ])],
            vec![vec![(0.25, 0.22), (0.75, 0.22), (0.42, 0.82)]],
            vec![join(&[
                &arc(0.5, 0.34, 0.16, 0.16, 90.0, 450.0),
                &arc(0.5, 0.67, 0.19, 0.17, -90.0, 270.0),
            ])],
            vec![join(&[&arc(0.52, 0.35, 0.17, 0.16, -10.0, -370.0), &[(0.64, 0.82)]])],
        ]
    } else {
        let eight = (0..=40).map(|i| {
            let angle = f64::from(i) / 40.0 * std::f64::consts::TAU;
            (0.5 + 0.2 * (2.0 * angle).sin(), 0.5 - 0.32 * angle.cos())
        });
        [
            vec![arc(0.5, 0.5, 0.17, 0.33, -60.0, 320.0)],
            vec![vec![(0.4, 0.34), (0.53, 0.18), (0.53, 0.82)]],
            vec![join(&[
                &arc(0.48, 0.35, 0.18, 0.17, -200.0, 50.0),
                &[(0.28, 0.8), (0.45, 0.76), (0.76, 0.84)],
            ])],
            vec![join(&[
                &[(0.28, 0.2), (0.7, 0.2), (0.46, 0.44)],
                &arc(0.46, 0.63, 0.22, 0.2, -90.0, 160.0),
            ])],
            vec![vec![(0.6, 0.84), (0.6, 0.18), (0.25, 0.6), (0.76, 0.6)]],
            vec![
                join(&[&[(0.36, 0.22), (0.34, 0.47)], &arc(0.46, 0.64, 0.21, 0.19, -120.0, 140.0)]),
                vec![(0.36, 0.21), (0.7, 0.19)],
            ],
            vec![join(&[
                &arc(0.6, 0.52, 0.28, 0.34, -100.0, -190.0),
                &arc(0.49, 0.66, 0.17, 0.16, 180.0, -200.0),
            ])],
            vec![vec![(0.27, 0.2), (0.73, 0.21), (0.45, 0.84)], vec![(0.4, 0.52), (0.68, 0.5)]],
            vec![eight.collect()],
            vec![join(&[
                &arc(0.51, 0.36, 0.17, 0.17, -20.0, -360.0),
                &[(0.66, 0.62), (0.56, 0.8), (0.36, 0.8)],
            ])],
        ]
    }
}

/// How a hand writes the shapes: moves a point, given its place along the stroke.
type Style = fn(Point, f64) -> Point;

const HANDS: [(&str, usize, Style); 6] = [
    ("upright", 0, |at, _| at),
    ("other shapes", 1, |at, _| at),
    ("slanted", 0, |(x, y), _| (x + 0.25 * (0.5 - y), y)),
    ("narrow", 1, |(x, y), _| (0.5 + 0.7 * (x - 0.5), y)),
    ("wide, turned", 1, |(x, y), _| {
        (0.5 + 1.15 * (x - 0.5) + 0.1 * (y - 0.5), 0.5 + 0.9 * (y - 0.5) - 0.1 * (x - 0.5))
    }),
    ("shaky", 0, |(x, y), at| (x + 0.012 * (2.1 * at).sin(), y + 0.012 * (1.7 * at).cos())),
];

/// Draws strokes of the unit square on the pad, as a mouse would, `size` of the pad high.
fn draw(strokes: &Strokes, style: Style, size: f64) -> Sketch {
    let mut sketch = Sketch::new(SIDE, PEN);
    let mut along = 0.0;
    for stroke in strokes {
        let mut last = None;
        for ends in stroke.windows(2) {
            for i in 0..=8 {
                let share = f64::from(i) / 8.0;
                along += 0.25;
                let point = (
                    ends[0].0 + share * (ends[1].0 - ends[0].0),
                    ends[0].1 + share * (ends[1].1 - ends[0].1),
                );
                let (x, y) = style(point, along);
                let on_screen =
                    |at: f64| (((at - 0.5) * size + 0.45) * SCREEN).round() / SCREEN * SIDE as f64;
                let to = (on_screen(x), on_screen(y));
                sketch.line(last.unwrap_or(to), to);
                last = Some(to);
            }
        }
    }
    sketch
}

fn classify(network: &mut Network, image: &[u8; 784]) -> usize {
    network.infer(std::iter::once(image.as_slice()));
    network.predictions().next().flatten().map_or(10, |(class, _)| class)
}

#[test]
fn nine_of_ten_digits_are_read_in_any_handwriting_from_a_full_pad_to_a_fifth_of_it() {
    let mut network =
        interchange::read_checkpoint(include_bytes!("../../../../web/assets/lenet5.safetensors")).unwrap();
    network.prepare();
    let mut table = String::new();
    let mut worst = 10;
    for (name, shapes, style) in HANDS {
        table += &format!("{name:14}");
        for size in [1.0, 1.0 / 2.0, 1.0 / 3.0, 1.0 / 5.0, 1.0 / 8.0] {
            let read = digits(shapes).into_iter().enumerate().map(|(digit, strokes)| {
                let image = draw(&strokes, style, size).to_mnist().unwrap();
                (digit, classify(&mut network, &image))
            });
            let wrong: Vec<_> = read.filter(|(digit, class)| digit != class).collect();
            table += &format!(" {:>2}/10 {wrong:?}", 10 - wrong.len());
            if size >= 1.0 / 5.0 {
                worst = worst.min(10 - wrong.len());
            }
        }
        table += "\n";
    }
    println!(
        "handwriting, at 1, 1/2, 1/3, 1/5 and 1/8 of the pad; misread digits as (digit, read as)\n{table}"
    );
    assert!(worst >= 9, "\n{table}");
}
