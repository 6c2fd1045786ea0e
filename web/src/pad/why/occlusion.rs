//! Evidence by occlusion: how much less, or more, likely a digit is when a part of the drawing is covered.

use data::mnist::{PIXELS, SIDE};
use trainer::messages::Occlusion;

use crate::pad::why::evidence::{Evidence, square};
use crate::ui::format::percent;

/// What covering parts of an image does to the probability of a digit.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct OcclusionMap {
    /// For each pixel the mean of what covering it does: the logarithm of how many times less likely the digit is then.
    pixels: Vec<f32>,
    /// Where covering changes the digit's probability most; none if it changes it nowhere so much that it reads differently.
    strongest: Option<(usize, usize)>,
    /// The probability when nothing is covered, and when that place is.
    probabilities: (f32, f32),
}

/// Evidence of less than a twentieth is drawn pale: it is next to nothing.
const LEAST: f32 = 0.05;

impl OcclusionMap {
    /// The evidence for a class; none if a number is not finite.
    pub(super) fn of(occlusion: &Occlusion, class: usize) -> Option<Self> {
        let whole = log_probability(&occlusion.whole, class)?;
        let covered: Option<Vec<f32>> =
            occlusion.covered.iter().map(|logits| log_probability(logits, class)).collect();
        let covered = covered?;
        let (mut sums, mut counts) = (vec![0.0; PIXELS], vec![0.0; PIXELS]);
        let mut strongest: Option<(f32, (usize, usize))> = None;
        for ((row, column), covered) in Occlusion::places().zip(covered) {
            for y in row..row + Occlusion::SIDE {
                for at in y * SIDE + column..y * SIDE + column + Occlusion::SIDE {
                    sums[at] += whole - covered;
                    counts[at] += 1.0;
                }
            }
            let change = |log: f32| (log.exp() - whole.exp()).abs();
            if change(covered) > strongest.map_or(0.0, |(log, _)| change(log)) {
                strongest = Some((covered, (row, column)));
            }
        }
        let pixels = sums.iter().zip(&counts).map(|(sum, count)| sum / f32::max(*count, 1.0)).collect();
        let probabilities = (whole.exp(), strongest.map_or(whole, |(log, _)| log).exp());
        let strongest = strongest.map(|(_, place)| place).filter(|_| {
            let (whole, covered) = probabilities;
            percent(whole, 1) != percent(covered, 1)
        });
        Some(Self { pixels, strongest, probabilities })
    }

    /// What the panel shows of it.
    pub(super) fn evidence(&self, class: usize) -> Evidence {
        let frame = self.strongest.map(|place| {
            let (row, column) = place;
            square(row..row + Occlusion::SIDE, column..column + Occlusion::SIDE)
        });
        Evidence {
            values: self.pixels.clone(),
            least: LEAST,
            frames: [frame.unwrap_or_default(), String::new()],
            words: self.words(class),
        }
    }

    fn words(&self, class: usize) -> String {
        let (whole, covered) = self.probabilities;
        let verb = if covered < whole { "falls" } else { "rises" };
        let [whole, covered] = [whole, covered].map(|probability| percent(probability, 1));
        match self.strongest {
            Some((row, column)) => format!(
                "Without what is in the frame (rows {} to {}, columns {} to {}), {class} {verb} from {whole} to {covered}.",
                row + 1,
                row + Occlusion::SIDE,
                column + 1,
                column + Occlusion::SIDE
            ),
            None => format!("Whichever part is covered, {class} stays at {whole}."),
        }
    }
}

/// The logarithm of a class's softmax; none if a logit is not a finite number.
fn log_probability(logits: &[f32], class: usize) -> Option<f32> {
    let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum: f32 = logits.iter().map(|logit| (logit - largest).exp()).sum();
    let log = logits.get(class)? - largest - sum.ln();
    log.is_finite().then_some(log)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Logits of ten classes, of which the first has this one.
    fn logits(first: f32) -> Vec<f32> {
        (0..10).map(|class| if class == 0 { first } else { 0.0 }).collect()
    }

    #[test]
    fn evidence_lies_where_covering_makes_the_digit_less_likely() {
        let places: Vec<(usize, usize)> = Occlusion::places().collect();
        let covered = places.iter().map(|place| logits(if *place == (9, 12) { 1.0 } else { 4.0 })).collect();
        let evidence = OcclusionMap::of(&Occlusion { whole: logits(4.0), covered }, 0).unwrap();
        assert_eq!(evidence.strongest, Some((9, 12)));
        let [whole, least] = [4.0, 1.0f32].map(|logit| logit.exp() / (logit.exp() + 9.0));
        assert!(
            (evidence.probabilities.0 - whole).abs() < 1e-5
                && (evidence.probabilities.1 - least).abs() < 1e-5
        );
        let at = |row: usize, column: usize| evidence.pixels[row * SIDE + column];
        assert!(at(12, 15) > 0.1 && at(0, 0) == 0.0 && at(8, 15) == 0.0 && at(9, 19) == 0.0);
        assert_eq!(
            evidence.words(0),
            "Without what is in the frame (rows 10 to 16, columns 13 to 19), 0 falls from 85.8 % to 23.2 %."
        );
        // For the others it is evidence against them.
        let other =
            OcclusionMap::of(&Occlusion { whole: logits(4.0), covered: vec![logits(1.0); 64] }, 3).unwrap();
        assert!(other.pixels.iter().all(|value| *value < 0.0), "each pixel is covered by some place");
        assert_eq!(
            other.words(3),
            "Without what is in the frame (rows 1 to 7, columns 1 to 7), 3 rises from 1.6 % to 8.5 %."
        );
        let same =
            OcclusionMap::of(&Occlusion { whole: logits(4.0), covered: vec![logits(4.0); 64] }, 3).unwrap();
        assert_eq!(
            (same.strongest, same.words(3)),
            (None, "Whichever part is covered, 3 stays at 1.6 %.".to_owned())
        );
    }

    #[test]
    fn the_frame_is_where_the_probability_changes_most_not_its_logarithm() {
        // A place that makes an unlikely digit all but impossible, and one that makes it likely.
        let logit = |at| match at {
            5 => logits(-16.0),
            40 => logits(1.0),
            _ => logits(-5.0),
        };
        let evidence =
            OcclusionMap::of(&Occlusion { whole: logits(-5.0), covered: (0..64).map(logit).collect() }, 0);
        let evidence = evidence.unwrap();
        assert_eq!(evidence.strongest, Occlusion::places().nth(40));
        assert!(evidence.words(0).ends_with("0 rises from 0.1 % to 23.2 %."), "{}", evidence.words(0));
    }

    #[test]
    fn a_diverged_network_has_no_evidence() {
        let occlusion = Occlusion { whole: logits(f32::NAN), covered: vec![logits(1.0); 64] };
        assert_eq!(OcclusionMap::of(&occlusion, 0), None);
        assert_eq!(OcclusionMap::of(&Occlusion::default(), 0), None);
    }
}
