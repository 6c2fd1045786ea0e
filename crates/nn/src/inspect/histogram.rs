//! Histograms of weights, gradients and activations.

use serde::{Deserialize, Serialize};

/// Counts of values in bins of equal width; 0 is the centre of the middle bin. Empty if there are no values.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Histogram {
    /// The bins cover the range from `-reach` to `reach`.
    pub reach: f32,
    /// Number of values in each bin.
    pub counts: Vec<u32>,
}

impl Histogram {
    /// Number of bins.
    pub const BINS: usize = 41;

    /// Counts finite `values` in bins that reach as far as the largest magnitude.
    pub fn of(values: &[f32]) -> Self {
        let finite = || values.iter().copied().filter(|v| v.is_finite());
        let reach = finite().fold(0.0f32, |reach, v| reach.max(v.abs()));
        Self::within(reach, values)
    }

    /// Counts finite `values` in bins up to `reach`; values beyond count in the outermost bins.
    pub fn within(reach: f32, values: &[f32]) -> Self {
        if values.is_empty() {
            return Self::default();
        }
        let mut counts = vec![0; Self::BINS];
        let bins_per_unit = if reach > 0.0 { Self::BINS as f32 / (2.0 * reach) } else { 0.0 };
        for value in values.iter().filter(|v| v.is_finite()) {
            let bin = (value * bins_per_unit + Self::BINS as f32 / 2.0) as usize;
            counts[bin.min(Self::BINS - 1)] += 1;
        }
        Self { reach, counts }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasm_bindgen_test::wasm_bindgen_test;

    #[wasm_bindgen_test(unsupported = test)]
    fn every_finite_value_is_in_its_bin() {
        let histogram = Histogram::of(&[-2.0, 0.0, 0.01, 2.0, f32::NAN, f32::INFINITY]);
        assert_eq!(histogram.reach, 2.0);
        assert_eq!(histogram.counts.len(), Histogram::BINS);
        let middle = Histogram::BINS / 2;
        let (first, last) = (histogram.counts[0], histogram.counts[Histogram::BINS - 1]);
        assert_eq!((first, histogram.counts[middle], last), (1, 2, 1));
        assert_eq!(histogram.counts.iter().sum::<u32>(), 4);
    }

    #[wasm_bindgen_test(unsupported = test)]
    fn zeros_count_in_the_middle_and_no_values_make_an_empty_histogram() {
        assert_eq!(Histogram::of(&[0.0; 3]).counts[Histogram::BINS / 2], 3);
        assert_eq!(Histogram::of(&[]), Histogram::default());
        assert_eq!(Histogram::within(1.0, &[7.0]).counts[Histogram::BINS - 1], 1);
    }
}
