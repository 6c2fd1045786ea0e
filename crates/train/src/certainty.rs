//! `cargo xtask train certainty`: how well the certainty of an answer tells digits from drawings that are none, measured with several
//! networks.

use std::f64::consts::TAU;
use std::fs;
use std::path::Path;

use anyhow::{Context, Error, Result};
use data::DataSet;
use data::mnist::PIXELS;
use data::sketch::Sketch;
use nn::network::Network;
use nn::preset::Preset;
use nn::random::{pcg4d, permutation};
use nn::spec::TrainingSpec;
use trainer::messages::Tested;

use crate::options::all_cores;
use crate::run;

/// Seeds of each network that is trained here.
const SEEDS: u32 = 3;
/// Images that a network reads at once.
const BLOCK: usize = 16;
/// Drawings of each kind.
const DRAWINGS: u32 = 2_000;
/// The pad of the page and its pen.
const SIDE: usize = 420;
const PEN: f64 = SIDE as f64 / 12.7;

/// Random numbers of a drawing.
struct Random {
    drawing: u32,
    count: u32,
}

impl Random {
    /// A number from 0 to below 1.
    fn next(&mut self) -> f64 {
        self.count += 1;
        f64::from(pcg4d([self.drawing, self.count, 0, 0])[0]) / (f64::from(u32::MAX) + 1.0)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() * n as f64) as usize
    }

    /// A place on the pad, in pixels, at least a tenth of its side from its edge.
    fn place(&mut self) -> (f64, f64) {
        let mut along = || (0.1 + 0.8 * self.next()) * SIDE as f64;
        (along(), along())
    }
}

/// One to three strokes, each a smooth curve (of Catmull and Rom) through three to ten places.
fn scribble(drawing: u32) -> Option<[u8; PIXELS]> {
    let mut random = Random { drawing, count: 0 };
    let mut sketch = Sketch::new(SIDE, PEN);
    for _ in 0..1 + random.below(3) {
        let count = 3 + random.below(8);
        let places: Vec<(f64, f64)> = (0..count).map(|_| random.place()).collect();
        let mut last = places[0];
        for at in 0..count - 1 {
            let near = [at.saturating_sub(1), at, at + 1, (at + 2).min(count - 1)].map(|at| places[at]);
            for step in 1..=8 {
                let t = f64::from(step) / 8.0;
                let to = (spline(near.map(|(x, _)| x), t), spline(near.map(|(_, y)| y), t));
                sketch.line(last, to);
                last = to;
            }
        }
    }
    sketch.to_mnist()
}

/// The value between the second and the third of four numbers.
fn spline([a, b, c, d]: [f64; 4], t: f64) -> f64 {
    0.5 * (2.0 * b
        + (c - a) * t
        + (2.0 * a - 5.0 * b + 4.0 * c - d) * t * t
        + (3.0 * b - a - 3.0 * c + d) * t * t * t)
}

/// One to three dots.
fn dots(drawing: u32) -> Option<[u8; PIXELS]> {
    let mut random = Random { drawing, count: 0 };
    let mut sketch = Sketch::new(SIDE, PEN);
    for _ in 0..1 + random.below(3) {
        let place = random.place();
        sketch.line(place, place);
    }
    sketch.to_mnist()
}

/// A triangle, a square or another polygon of up to eight corners, turned by chance.
fn polygon(drawing: u32) -> Option<[u8; PIXELS]> {
    let mut random = Random { drawing, count: 0 };
    let mut sketch = Sketch::new(SIDE, PEN);
    let (corners, turn) = (3 + random.below(6), random.next());
    let corner = |at: usize| {
        let angle = TAU * (at as f64 / corners as f64 + turn);
        ((0.5 + 0.35 * angle.cos()) * SIDE as f64, (0.5 + 0.35 * angle.sin()) * SIDE as f64)
    };
    for at in 0..corners {
        sketch.line(corner(at), corner(at + 1));
    }
    sketch.to_mnist()
}

/// The logits of a network for images, `[image][28][28]` bytes.
fn logits(network: &mut Network, images: &[u8]) -> Vec<Vec<f32>> {
    let mut logits = Vec::new();
    for block in images.chunks(BLOCK * PIXELS) {
        network.infer(block.chunks_exact(PIXELS));
        logits.extend((0..block.len() / PIXELS).map(|image| network.logits_of(image)));
    }
    logits
}

/// The measures that are compared: the largest probability (Hendrycks and Gimpel 2017), the largest logit, and the logarithm of the
/// sum of all exponentials, which is less the energy (Liu et al. 2020).
fn measures(logits: &[f32]) -> [f64; 3] {
    let largest = f64::from(logits.iter().copied().fold(f32::NEG_INFINITY, f32::max));
    let sum: f64 = logits.iter().map(|logit| (f64::from(*logit) - largest).exp()).sum();
    [1.0 / sum, largest, largest + sum.ln()]
}

/// The probability that a digit has more of a measure than another drawing: the area under the curve of true against false positives.
fn auroc(digits: &[f64], others: &[f64]) -> f64 {
    let mut digits = digits.to_vec();
    digits.sort_unstable_by(f64::total_cmp);
    let wins = |other: &f64| {
        let (below, to) =
            (digits.partition_point(|digit| digit < other), digits.partition_point(|digit| digit <= other));
        (digits.len() - to) as f64 + (to - below) as f64 / 2.0
    };
    others.iter().map(wins).sum::<f64>() / (digits.len() * others.len()) as f64
}

/// The value that [`Tested::CERTAIN`] per cent of the images reach.
fn certainty(values: &[f64]) -> f64 {
    let mut values = values.to_vec();
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() * (100 - Tested::CERTAIN) / 100]
}

/// Figures of a network: its accuracy, the threshold of every second test image, the shares below it of the others and of
/// each kind of drawing, and for each measure the area under the curve for scribbles.
fn figures(network: &mut Network, test: &DataSet, kinds: &[Vec<u8>]) -> Vec<f64> {
    network.prepare();
    let of_digits = logits(network, &test.images);
    let hits = of_digits.iter().zip(&test.labels).filter(|(logits, label)| {
        let label = usize::from(**label);
        logits.iter().all(|logit| *logit <= logits[label])
    });
    let accuracy = hits.count() as f64 / test.len() as f64;
    let of_digits: Vec<[f64; 3]> = of_digits.iter().map(|logits| measures(logits)).collect();
    let of_kinds: Vec<Vec<[f64; 3]>> = kinds
        .iter()
        .map(|images| logits(network, images).iter().map(|logits| measures(logits)).collect())
        .collect();
    let column =
        |rows: &[[f64; 3]], measure: usize| rows.iter().map(|row| row[measure]).collect::<Vec<f64>>();
    // Not the first half and the second: MNIST's are by different writers.
    let every_second = |first: usize| of_digits.iter().skip(first).step_by(2).copied().collect::<Vec<_>>();
    let [known, other] = [0, 1].map(every_second);
    let threshold = certainty(&column(&known, 0));
    let below =
        |rows: &[[f64; 3]]| rows.iter().filter(|row| row[0] < threshold).count() as f64 / rows.len() as f64;
    let mut figures = vec![accuracy, threshold, below(&other)];
    figures.extend(of_kinds.iter().map(|rows| below(rows)));
    figures.extend((0..3).map(|measure| auroc(&column(&other, measure), &column(&of_kinds[0], measure))));
    figures
}

/// Measures and writes the table to `out`, as Markdown.
pub(crate) fn make(out: &Path) -> Result<()> {
    let mut session = run::session()?;
    session.set_threads(all_cores());
    let test = session.test_images().clone();
    let all =
        |drawing: fn(u32) -> Option<[u8; PIXELS]>| (0..DRAWINGS).filter_map(drawing).flatten().collect();
    let shuffled = (0..DRAWINGS).flat_map(|image| {
        let pixels = test.image(test.len() / 2 + image as usize);
        permutation(image, PIXELS).into_iter().map(|at| pixels[at as usize]).collect::<Vec<u8>>()
    });
    let kinds: [Vec<u8>; 4] = [all(scribble), all(polygon), all(dots), shuffled.collect()];
    let mut text = format!("{HEAD}\n");
    let mut row = |name: &str, runs: &[Vec<f64>]| {
        let mean = |at: usize| runs.iter().map(|run| run[at]).sum::<f64>() / runs.len() as f64;
        let shares = (0..7).map(|at| format!(" {:.1} % |", 100.0 * mean(at)));
        let areas = (7..10).map(|at| format!(" {:.3} |", mean(at)));
        let line = format!("| {name} |{}\n", shares.chain(areas).collect::<String>());
        print!("{line}");
        text += &line;
    };
    let bytes = fs::read("web/assets/lenet5.safetensors").context("cannot read the page's checkpoint")?;
    let mut pretrained = interchange::read_checkpoint(&bytes).map_err(Error::msg)?;
    row("Pretrained LeNet-5", &[figures(&mut pretrained, &test, &kinds)]);
    for preset in
        [Preset::LeNet5, Preset::LeNetTricks, Preset::LeNet1998, Preset::OneConvolution, Preset::Mlp30]
    {
        let of_seed = |seed| {
            let training = TrainingSpec { seed, ..preset.training() };
            run::run(&mut session, &preset.network(), &training, 1.0, false)?;
            Ok(figures(&mut session.network().clone(), &test, &kinds))
        };
        let runs = (1..=SEEDS).map(of_seed).collect::<Result<Vec<_>>>()?;
        row(&format!("{}, one epoch", preset.title()), &runs);
    }
    fs::write(out, text).with_context(|| format!("cannot write {}", out.display()))
}

const HEAD: &str = "\
# Perhaps not a digit

Made by `cargo xtask train certainty docs/certainty.md`. A network answers with one of ten digits whatever is drawn. The page says \"Perhaps not
a digit\" where the probability of its answer is less than 98 % of the test images get: below the threshold of the network as it is, which
is found anew with each evaluation on the images of the test set, and is not known while it trains, or of a state that only a GPU has evaluated.

That is the baseline of Hendrycks and Gimpel (2017, *A Baseline for Detecting Misclassified and Out-of-Distribution Examples in Neural Networks*),
and the number that stands beside the answer. The largest logit and the energy (Liu et al. 2020, *Energy-based Out-of-distribution Detection*) are
compared with it in the last columns: the probability that a test image has more of the measure than a scribble.

Here the threshold is that of every second test image; the shares are those below it, of the other 5,000 (false alarms), and of 2,000 drawings
of each kind, drawn by seeded random numbers on the page's pad: scribbles of one to three smooth strokes, polygons of three to eight corners, one to
three dots, and test images whose pixels are shuffled, each in an order of its own. Networks that are trained here are means of seeds 1 to 3. A sign
of this kind is far from certain: a scribble that looks like a digit is read as one.

| network | accuracy | threshold | digits | scribbles | polygons | dots | shuffled | area: probability | logit | energy |
|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_measure_that_tells_all_digits_from_all_others_has_area_1() {
        assert_eq!(auroc(&[3.0, 2.0], &[1.0, 0.0, 1.5]), 1.0);
        assert_eq!(auroc(&[0.0], &[1.0]), 0.0);
        assert_eq!(auroc(&[1.0, 1.0], &[1.0]), 0.5);
        assert_eq!(auroc(&[1.0, 3.0], &[2.0, 0.0]), 0.75);
    }

    #[test]
    fn measures_are_those_of_the_papers() {
        let [probability, logit, energy] = measures(&[0.0, 2.0, 0.0]);
        let sum = 2.0 + 2.0f64.exp();
        assert!((probability - 2.0f64.exp() / sum).abs() < 1e-12 && (energy - sum.ln()).abs() < 1e-12);
        assert_eq!(logit, 2.0);
        assert_eq!(certainty(&(0..100).map(f64::from).collect::<Vec<_>>()), 2.0);
    }

    #[test]
    fn drawings_have_ink_and_differ() {
        for drawing in [scribble, polygon, dots] {
            let images: Vec<_> = (0..20).map(|number| drawing(number).expect("there is ink")).collect();
            assert!(images.windows(2).any(|pair| pair[0] != pair[1]));
        }
        assert_eq!(scribble(3), scribble(3));
    }
}
