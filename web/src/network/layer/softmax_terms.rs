//! The terms of softmax, and its arithmetic in words.

use crate::network::explanation::argmax;
use crate::ui::format::{NOT_FINITE, format_number, percent};

/// Softmax as the network computes it: the largest logit is subtracted first, so that no exponential overflows.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct SoftmaxTerms {
    pub(crate) logits: Vec<f32>,
    pub(crate) exponentials: Vec<f32>,
    pub(crate) sum: f32,
}

impl SoftmaxTerms {
    /// The terms of these logits; none if there are no logits.
    pub(crate) fn of(logits: &[f32]) -> Option<Self> {
        let largest = logits[argmax(logits)?];
        let exponentials: Vec<f32> = logits.iter().map(|logit| (logit - largest).exp()).collect();
        Some(Self { logits: logits.to_vec(), sum: exponentials.iter().sum(), exponentials })
    }

    /// The logit of a class; NaN if there is no such class.
    pub(crate) fn logit(&self, class: usize) -> f32 {
        self.logits.get(class).copied().unwrap_or(f32::NAN)
    }

    /// The exponential of a class as text: three decimals, or a power of ten where these would be 0.
    pub(crate) fn exponential(&self, class: usize) -> String {
        self.exponentials.get(class).map_or_else(|| NOT_FINITE.to_owned(), |e| exponential_text(*e, DECIMALS))
    }

    /// The sum of the exponentials as text: three decimals, or more where it would read 1 and is not.
    pub(crate) fn sum_text(&self) -> String {
        let reads_one = |decimals: &usize| rounded(self.sum, *decimals) == 1.0 && self.sum > 1.0;
        sum_text(self.sum, (DECIMALS..MAX_DECIMALS).find(|d| !reads_one(d)).unwrap_or(MAX_DECIMALS))
    }

    /// The probability of a class; NaN if there is no such class.
    pub(crate) fn probability(&self, class: usize) -> f32 {
        self.exponentials.get(class).map_or(f32::NAN, |e| e / self.sum)
    }
}

/// Decimals of exponentials and their sum, where these are enough, and at most.
const DECIMALS: usize = 3;
const MAX_DECIMALS: usize = 7;

fn exponential_text(e: f32, decimals: usize) -> String {
    if 0.0 < e && e < 0.0005 { format!("{e:.0e}") } else { sum_text(e, decimals) }
}

fn sum_text(sum: f32, decimals: usize) -> String {
    if sum.is_finite() { format!("{sum:.decimals$}") } else { NOT_FINITE.to_owned() }
}

/// A number as its text with so many decimals reads.
fn rounded(value: f32, decimals: usize) -> f64 {
    let scale = 10f64.powi(decimals as i32);
    (f64::from(value) * scale).round() / scale
}

/// The decimals of the share of a class in per cent: more than one where it is nearly all and would read 99.9 %.
fn share_decimals(share: f32) -> usize {
    let rest = 100.0 * (1.0 - f64::from(share));
    (1..MAX_DECIMALS).find(|decimals| rest <= 0.0 || rest > 0.5 / 10f64.powi(*decimals as i32)).unwrap_or(1)
}

/// The softmax of a class in words, as two equations; none if there is no such class. They have so many decimals that they hold for
/// the numbers as they are written.
pub(crate) fn softmax_in_words(logits: &[f32], class: usize) -> Option<String> {
    let terms = SoftmaxTerms::of(logits)?;
    let (probability, e) = (terms.probability(class), *terms.exponentials.get(class)?);
    let share_decimals = share_decimals(probability);
    let share = percent(probability, share_decimals);
    let holds = |decimals: &usize| {
        let sum = rounded(terms.sum, *decimals);
        // The exponential is written as a power of ten, and the share as less than 0.1 %.
        let is_small = 0.0 < e && e < 0.0005;
        let is_share = is_small || percent(rounded(e, *decimals) / sum, share_decimals) == share;
        is_share && (sum != 1.0 || terms.sum <= 1.0)
    };
    let decimals = (DECIMALS..MAX_DECIMALS).find(holds).unwrap_or(MAX_DECIMALS);
    let exponential = exponential_text(e, decimals);
    let equals = if share.starts_with('<') { "" } else { "= " };
    Some(format!(
        "softmax: e^({} − {}) = {exponential}; {exponential} / {} (the sum of all {}) {equals}{share}",
        format_number(*logits.get(class)?),
        format_number(logits[argmax(logits)?]),
        sum_text(terms.sum, decimals),
        logits.len(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn softmax_is_written_with_its_exponentials() {
        let words = softmax_in_words(&[0.0, 2.0], 0).unwrap();
        assert_eq!(words, "softmax: e^(0 − 2.00) = 0.135; 0.135 / 1.135 (the sum of all 2) = 11.9 %");
        let words = softmax_in_words(&[0.0, 20.0], 0).unwrap();
        assert_eq!(words, "softmax: e^(0 − 20.00) = 2e-9; 2e-9 / 1.000 (the sum of all 2) < 0.1 %");
        let words = softmax_in_words(&[8.517, 0.0], 0).unwrap();
        assert_eq!(words, "softmax: e^(8.52 − 8.52) = 1.0000; 1.0000 / 1.0002 (the sum of all 2) = 99.98 %");
        assert_eq!(SoftmaxTerms::of(&[8.517, 0.0]).unwrap().sum_text(), "1.0002");
        assert_eq!(softmax_in_words(&[], 0), None);
        let words = softmax_in_words(&[1.0, f32::NAN], 0).unwrap();
        assert!(!words.contains("NaN") && words.contains("not finite"), "{words}");
    }

    #[test]
    fn every_equation_holds_as_it_is_written() {
        for step in 0..400 {
            let logits = [0.04 * step as f32, 0.0, -1.3];
            for class in 0..2 {
                let words = softmax_in_words(&logits, class).unwrap();
                let division = words.split("; ").nth(1).unwrap();
                let Some((terms, share)) = division.split_once(" = ") else {
                    assert!(division.ends_with("< 0.1 %"), "{words}");
                    continue;
                };
                let (e, sum) = terms.split_once(" / ").unwrap();
                let (e, sum): (f64, f64) =
                    (e.parse().unwrap(), sum.split(' ').next().unwrap().parse().unwrap());
                let decimals = share.trim_end_matches(" %").split_once('.').unwrap().1.len() as i32;
                let written: f64 = share.trim_end_matches(" %").parse().unwrap();
                let off = (100.0 * e / sum - written).abs();
                assert!(off <= 0.500_001 / 10f64.powi(decimals), "{words}");
                assert_eq!(sum == 1.0, written == 100.0, "{words}");
            }
        }
    }
}
