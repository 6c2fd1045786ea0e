//! How much of a layer's output another image changes.

/// A value has changed if it differs by more than this share of the largest.
const LEAST: f32 = 0.1;

/// The share of `values` that differ from `reference` by more than a tenth of the reference's largest magnitude, 0 to 1; 0 of
/// none; NaN if a number is not finite.
///
/// # Panics
/// If the lengths differ.
#[must_use]
pub fn changed_share(values: &[f32], reference: &[f32]) -> f32 {
    assert_eq!(values.len(), reference.len(), "both are outputs of one layer");
    if !values.iter().chain(reference).all(|value| value.is_finite()) {
        return f32::NAN;
    }
    let least = LEAST * reference.iter().fold(0.0, |most: f32, value| most.max(value.abs()));
    let changed =
        values.iter().zip(reference).filter(|(value, before)| (*value - *before).abs() > least).count();
    changed as f32 / values.len().max(1) as f32
}

#[cfg(test)]
mod tests {
    use super::changed_share;

    #[test]
    fn small_differences_are_none() {
        let reference = [10.0, -2.0, 0.0, 0.0];
        assert_eq!(changed_share(&reference, &reference), 0.0);
        assert_eq!(changed_share(&[9.1, -2.9, 0.9, 1.1], &reference), 0.25);
        assert_eq!(changed_share(&[-10.0, 2.0, 5.0, 1.5], &reference), 1.0);
        assert_eq!(changed_share(&[0.0; 4], &[0.0; 4]), 0.0, "nothing differs from nothing");
        assert_eq!(changed_share(&[], &[]), 0.0);
        assert!(changed_share(&[f32::NAN, 1.0], &[1.0, 1.0]).is_nan());
    }
}
