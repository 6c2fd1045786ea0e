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
