//! What the tests against PyTorch share.

/// Panics unless the values agree within 1e-5 of the largest one expected.
pub(crate) fn assert_close(what: &str, got: &[f32], expected: &[f32]) {
    assert_close_on_scale(what, got, expected, 1e-6);
}

/// The same, but of `scale` if that is larger.
pub(crate) fn assert_close_on_scale(what: &str, got: &[f32], expected: &[f32], scale: f32) {
    assert_eq!(got.len(), expected.len(), "{what}: length");
    let scale = expected.iter().fold(scale, |m, v| m.max(v.abs()));
    for (i, (got, expected)) in got.iter().zip(expected).enumerate() {
        let error = (got - expected).abs() / scale;
        assert!(error <= 1e-5, "{what}[{i}]: {got} where PyTorch has {expected}: {error:e} relative");
    }
}
