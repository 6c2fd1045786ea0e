//! Numbers and foreign text as the page writes them.

/// A whole number with commas between thousands.
pub(crate) fn thousands(n: usize) -> String {
    let digits = n.to_string();
    let groups: Vec<_> = digits.as_bytes().rchunks(3).rev().map(|g| String::from_utf8_lossy(g)).collect();
    groups.join(",")
}

/// Parses a finite number.
pub(crate) fn parse_number(text: &str) -> Option<f64> {
    text.trim().parse().ok().filter(|value: &f64| value.is_finite())
}

/// The shortest text of a number that tells it from all other `f32`s; whole numbers are exact. Settings are compared by it.
pub(crate) fn shortest(value: f64) -> String {
    if value.fract() == 0.0 { value.to_string() } else { (value as f32).to_string() }
}

/// A positive number with commas between thousands, or as a power of ten.
pub(crate) fn grouped(value: f64) -> String {
    match value {
        1000.0.. => thousands(value as usize),
        0.0001.. | 0.0 => shortest(value),
        _ => format!("{value:e}"),
    }
}

/// A number to read: two decimals, or three significant digits or fewer where it is small. The minus sign is typographic.
pub(crate) fn format_number(value: f32) -> String {
    let size = value.abs();
    let text = match size {
        0.0 => return "0".into(),
        size if size < 0.0005 => format!("{size:.0e}"),
        size if size < 0.095 => format!("{size:.3}"),
        size if size < 99.5 => format!("{size:.2}"),
        _ => format!("{size:.0}"),
    };
    if value < 0.0 { format!("−{text}") } else { text }
}

/// A share, 0 to 1, in per cent.
pub(crate) fn percent(share: f32, decimals: usize) -> String {
    format!("{:.decimals$} %", 100.0 * share)
}

/// The decimals that tell two numbers apart whose difference is `step`.
pub(crate) fn decimals(step: f64) -> usize {
    (-(step.log10() + 1e-9).floor()).clamp(0.0, 9.0) as usize
}

/// The first 30 characters of foreign text, to be quoted in a sentence.
pub(crate) fn excerpt(text: &str) -> String {
    let mut excerpt: String = text.chars().filter(|c| !c.is_control()).take(30).collect();
    if excerpt.len() < text.len() {
        excerpt.push('…');
    }
    excerpt
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_to_read_are_short() {
        let texts = [0.0, 0.25, -12.345, 0.0123, 1234.5, -0.00001].map(format_number);
        assert_eq!(texts, ["0", "0.25", "−12.35", "0.012", "1234", "−1e-5"]);
    }

    #[test]
    fn shares_are_in_per_cent() {
        assert_eq!(
            [(0.9949, 2), (0.5, 0)].map(|(share, decimals)| percent(share, decimals)),
            ["99.49 %", "50 %"]
        );
    }

    #[test]
    fn decimals_tell_neighbours_apart() {
        assert_eq!([1.0, 20.0, 0.5, 0.1, 0.05, 0.01, 0.002].map(decimals), [0, 0, 1, 1, 2, 2, 3]);
    }

    #[test]
    fn thousands_are_grouped() {
        assert_eq!(
            [0, 999, 1000, 61706, 1_234_567].map(thousands),
            ["0", "999", "1,000", "61,706", "1,234,567"]
        );
    }

    #[test]
    fn numbers_are_short_and_exact() {
        for (text, shown) in
            [("0.10", "0.1"), ("64", "64"), ("4294967295", "4294967295"), ("1e-8", "0.00000001")]
        {
            assert_eq!(parse_number(text).map(shortest).as_deref(), Some(shown));
        }
        assert!(["", "inf", "1,5", "0x10", "1 2"].iter().all(|text| parse_number(text).is_none()));
    }
}
