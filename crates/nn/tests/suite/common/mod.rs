//! What the tests against PyTorch share.

/// Panics unless each value agrees with PyTorch's within 1e-5 of itself and `floor`: the rounding error of a
/// sum whose terms cancel, beside which a value next to 0 has few digits.
pub(crate) fn assert_close(what: &str, got: &[f32], expected: &[f32], floor: f32) {
    assert_eq!(got.len(), expected.len(), "{what}: length");
    for (i, (got, expected)) in got.iter().zip(expected).enumerate() {
        let error = (got - expected).abs();
        // NaN is not at most anything.
        assert!(
            error <= 1e-5 * expected.abs() + floor,
            "{what}[{i}]: {got:e} where PyTorch has {expected:e}: off by {error:e}"
        );
    }
}
