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
        match self.exponentials.get(class) {
            Some(&e) if 0.0 < e && e < 0.0005 => format!("{e:.0e}"),
            Some(&e) if e.is_finite() => format!("{e:.3}"),
            _ => NOT_FINITE.to_owned(),
        }
    }

    /// The sum of the exponentials as text.
    pub(crate) fn sum_text(&self) -> String {
        if self.sum.is_finite() { format!("{:.3}", self.sum) } else { NOT_FINITE.to_owned() }
    }

    /// The probability of a class; NaN if there is no such class.
    pub(crate) fn probability(&self, class: usize) -> f32 {
        self.exponentials.get(class).map_or(f32::NAN, |e| e / self.sum)
    }
}

/// The softmax of a class in words, as two equations; none if there is no such class.
pub(crate) fn softmax_in_words(logits: &[f32], class: usize) -> Option<String> {
    let terms = SoftmaxTerms::of(logits)?;
    let exponential = terms.exponential(class);
    let share = percent(terms.probability(class), 1);
    let equals = if share.starts_with('<') { "" } else { "= " };
    Some(format!(
        "softmax: e^({} − {}) = {exponential}; {exponential} / {} (the sum of all {}) {equals}{share}",
        format_number(*logits.get(class)?),
        format_number(logits[argmax(logits)?]),
        terms.sum_text(),
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
        assert_eq!(softmax_in_words(&[], 0), None);
        let words = softmax_in_words(&[1.0, f32::NAN], 0).unwrap();
        assert!(!words.contains("NaN") && words.contains("not finite"), "{words}");
    }
}
