//! The terms of softmax, and its arithmetic in words.

use crate::network::explanation::argmax;
use crate::ui::format::{format_number, percent};

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

    /// The exponential of a class as text: three decimals, or a power of ten where these would be 0.
    pub(crate) fn exponential(&self, class: usize) -> String {
        match self.exponentials[class] {
            e if 0.0 < e && e < 0.0005 => format!("{e:.0e}"),
            e => format!("{e:.3}"),
        }
    }

    /// The probability of a class.
    pub(crate) fn probability(&self, class: usize) -> f32 {
        self.exponentials[class] / self.sum
    }
}

/// The softmax of a class in words; none if there is no such class.
pub(crate) fn softmax_in_words(logits: &[f32], class: usize) -> Option<String> {
    let terms = SoftmaxTerms::of(logits)?;
    let all: Vec<String> = (0..logits.len()).map(|class| terms.exponential(class)).collect();
    Some(format!(
        "softmax: e^({} − {}) = {} / ({}) = {}",
        format_number(*logits.get(class)?),
        format_number(logits[argmax(logits)?]),
        all[class],
        all.join(" + "),
        percent(terms.probability(class), 1)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn softmax_is_written_with_its_exponentials() {
        let words = softmax_in_words(&[0.0, 2.0], 0).unwrap();
        assert_eq!(words, "softmax: e^(0 − 2.00) = 0.135 / (0.135 + 1.000) = 11.9 %");
        let words = softmax_in_words(&[0.0, 20.0], 0).unwrap();
        assert_eq!(words, "softmax: e^(0 − 20.00) = 2e-9 / (2e-9 + 1.000) = 0.0 %");
        assert_eq!(softmax_in_words(&[], 0), None);
    }
}
