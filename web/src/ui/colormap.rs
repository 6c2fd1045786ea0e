//! Colour maps: the colours of activations and of weights, the same everywhere.

/// The colour of an activation, 0 to 1: from dark to light, with evenly rising lightness (after matplotlib's magma).
pub(crate) fn activation(value: f32) -> [u8; 3] {
    const STOPS: [[f32; 3]; 6] = [
        [8.0, 8.0, 24.0],
        [60.0, 20.0, 105.0],
        [140.0, 41.0, 129.0],
        [222.0, 73.0, 104.0],
        [254.0, 159.0, 109.0],
        [252.0, 253.0, 191.0],
    ];
    blend(&STOPS, value)
}

/// The colour of a weight, -1 to 1: from blue through near-white to orange, which colour-blind people can tell apart, too.
pub(crate) fn weight(value: f32) -> [u8; 3] {
    const STOPS: [[f32; 3]; 5] = [
        [10.0, 70.0, 140.0],
        [110.0, 170.0, 215.0],
        [247.0, 246.0, 242.0],
        [240.0, 165.0, 90.0],
        [170.0, 75.0, 0.0],
    ];
    blend(&STOPS, (value + 1.0) / 2.0)
}

/// Whether black is read better on a colour than white: by its relative luminance (WCAG 2.2), where both have the same contrast
/// at 0.179.
pub(crate) fn is_light(color: [u8; 3]) -> bool {
    let linear = |level: u8| {
        let level = f32::from(level) / 255.0;
        if level <= 0.04045 { level / 12.92 } else { ((level + 0.055) / 1.055).powf(2.4) }
    };
    let [red, green, blue] = color.map(linear);
    0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179
}

fn blend(stops: &[[f32; 3]], value: f32) -> [u8; 3] {
    let last = stops.len() - 1;
    // `max` drops NaN, the value of a diverged network, in favour of 0.
    #[allow(clippy::manual_clamp, reason = "clamp would let NaN through")]
    let at = value.max(0.0).min(1.0) * last as f32;
    let low = (at as usize).min(last - 1);
    std::array::from_fn(|c| (stops[low][c] + (stops[low + 1][c] - stops[low][c]) * (at - low as f32)) as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colour_maps_begin_and_end_with_their_stops() {
        assert_eq!(activation(0.0), [8, 8, 24]);
        assert_eq!(activation(1.0), [252, 253, 191]);
        assert_eq!(activation(f32::NAN), [8, 8, 24]);
        assert_eq!(weight(0.0), [247, 246, 242]);
        assert_eq!(weight(9.0), [170, 75, 0]);
    }

    #[test]
    fn black_stands_on_light_colours_and_white_on_dark_ones() {
        assert!(is_light(weight(0.0)) && is_light(activation(1.0)) && is_light([118, 118, 118]));
        assert!(!is_light(weight(-1.0)) && !is_light(activation(0.0)) && !is_light([117, 117, 117]));
    }

    #[test]
    fn larger_activations_are_lighter() {
        let lightness = |v: f32| activation(v).map(u32::from).iter().sum::<u32>();
        assert!((0..20).all(|i| lightness(i as f32 / 20.0) < lightness((i + 1) as f32 / 20.0)));
    }
}
