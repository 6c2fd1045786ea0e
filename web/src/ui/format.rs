//! Numbers and foreign text as the page writes them.

/// A whole number with commas between thousands.
pub(crate) fn thousands(n: usize) -> String {
    let digits = n.to_string();
    let groups: Vec<_> = digits.as_bytes().rchunks(3).rev().map(|g| String::from_utf8_lossy(g)).collect();
    groups.join(",")
}

/// What stands in place of a number that is not finite, as they come where training diverges.
pub(crate) const NOT_FINITE: &str = "not finite";

/// A number of things: `1 step`, `2 steps`, `61,706 steps`.
pub(crate) fn count(n: usize, thing: &str) -> String {
    format!("{} {thing}{}", thousands(n), if n == 1 { "" } else { "s" })
}

/// A rate, such as images a second: a whole number unless it is small.
pub(crate) fn rate(value: f32) -> String {
    match value {
        value if !value.is_finite() => NOT_FINITE.to_owned(),
        ..9.95 => format!("{:.1}", value.max(0.0)),
        value => thousands(value.round() as usize),
    }
}

/// How long something took.
pub(crate) fn duration(seconds: f64) -> String {
    if !seconds.is_finite() {
        return NOT_FINITE.to_owned();
    }
    // Rounded first: 59.96 s are a minute.
    match (10.0 * seconds.max(0.0)).round() / 10.0 {
        short if short < 60.0 => format!("{short:.1} s"),
        long => {
            let minutes = (long.round() / 60.0).floor();
            let (hours, seconds) = ((minutes / 60.0).floor(), long.round() - 60.0 * minutes);
            if hours > 0.0 {
                format!("{hours} h {:02} min", minutes - 60.0 * hours)
            } else {
                format!("{minutes} min {seconds:02} s")
            }
        }
    }
}

/// Epochs that were trained, with two decimals. Only a whole epoch is one: 0.998 is 0.99.
pub(crate) fn epochs(epochs: f64) -> String {
    format!("{:.2}", (100.0 * epochs + 1e-6).floor() / 100.0)
}

/// A length in epochs, as it was chosen: `1 epoch`, `0.25 epochs`.
pub(crate) fn epochs_in_words(epochs: f64) -> String {
    if epochs == 1.0 {
        "1 epoch".to_owned()
    } else {
        format!("{} epochs", shortest((100.0 * epochs).round() / 100.0))
    }
}

/// A text with a capital at its start.
pub(crate) fn capitalized(text: &str) -> String {
    let mut rest = text.chars();
    rest.next().map_or_else(String::new, |first| first.to_uppercase().chain(rest).collect())
}

/// A name within a sentence: `batch normalisation`, but `L1 penalty`.
pub(crate) fn uncapitalized(name: &str) -> String {
    let mut rest = name.chars();
    let first_word = name.split(' ').next().unwrap_or_default();
    let is_word = first_word.len() > 1 && first_word.chars().skip(1).all(char::is_lowercase);
    match rest.next() {
        Some(first) if is_word => first.to_lowercase().chain(rest).collect(),
        _ => name.to_owned(),
    }
}

/// Several words as one phrase: `a, b and c` with the conjunction `and`.
pub(crate) fn listed(words: &[&str], conjunction: &str) -> String {
    match words {
        [first @ .., last] if !first.is_empty() => format!("{} {conjunction} {last}", first.join(", ")),
        _ => words.concat(),
    }
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

/// A number to read: two decimals, or three significant digits or fewer where it is small or very large. The minus sign is
/// typographic.
pub(crate) fn format_number(value: f32) -> String {
    let size = value.abs();
    let text = match size {
        0.0 => return "0".into(),
        size if !size.is_finite() => return NOT_FINITE.into(),
        size if size >= 999_999.5 => format!("{size:.2e}"),
        size if size < 0.0005 => format!("{size:.0e}"),
        size if size < 0.095 => format!("{size:.3}"),
        size if size < 99.5 => format!("{size:.2}"),
        _ => format!("{size:.0}"),
    };
    if value < 0.0 { format!("−{text}") } else { text }
}

/// A number for a small cell: two decimals, or fewer where it is large.
pub(crate) fn format_short(value: f32) -> String {
    let size = value.abs();
    let text = match size {
        0.0 => return "0".into(),
        size if !size.is_finite() => return NOT_FINITE.into(),
        size if size < 9.995 => format!("{size:.2}"),
        size if size < 99.95 => format!("{size:.1}"),
        _ => format!("{size:.0}"),
    };
    if value < 0.0 { format!("−{text}") } else { text }
}

/// A number with three significant digits, as in 0.00126, or as in 1.26e-6 where it is very small.
pub(crate) fn three_digits(value: f32) -> String {
    let size = value.abs();
    if size == 0.0 || !size.is_finite() || (1e-5..1000.0).contains(&size) {
        let decimals = if size > 0.0 { (2 - size.log10().floor() as i32).max(0) as usize } else { 0 };
        format!("{value:.decimals$}")
    } else {
        format!("{value:.2e}")
    }
}

/// A share, 0 to 1, in per cent. Only all of it is 100 %, and only nothing 0 %: 0.99996 with two decimals is 99.99 %, and a share
/// too small for its decimals is less than the last of them.
pub(crate) fn percent(share: impl Into<f64>, decimals: usize) -> String {
    let share = share.into();
    if !share.is_finite() {
        return NOT_FINITE.to_owned();
    }
    let last = 0.1f64.powi(decimals as i32);
    let half = last / 2.0;
    match 100.0 * share {
        0.0 => format!("{:.decimals$} %", 0.0),
        least if least > 0.0 && least < half => format!("< {last:.decimals$} %"),
        most if most < 100.0 && most >= 100.0 - half => format!("{:.decimals$} %", 100.0 - last),
        percent => format!("{percent:.decimals$} %"),
    }
}

/// The CSS transform of a bar that shows a share; no bar for a share that is not finite.
pub(crate) fn bar(share: f32) -> String {
    format!("scaleX({:.4})", if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.0 })
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
    fn numbers_of_cells_are_short() {
        let written = [0.0, -0.314, 0.0671, -0.001, 9.999, 99.96, -1234.0, f32::NAN].map(format_short);
        assert_eq!(written, ["0", "−0.31", "0.07", "−0.00", "10.0", "100", "−1234", NOT_FINITE]);
    }

    #[test]
    fn numbers_to_read_are_short() {
        let texts = [0.0, 0.25, -12.345, 0.0123, 1234.5, -0.00001].map(format_number);
        assert_eq!(texts, ["0", "0.25", "−12.35", "0.012", "1234", "−1e-5"]);
        let texts = [2e19, -999_999.0, f32::MAX, f32::NAN, f32::NEG_INFINITY].map(format_number);
        assert_eq!(texts, ["2.00e19", "−999999", "3.40e38", NOT_FINITE, NOT_FINITE]);
    }

    #[test]
    fn three_digits_tell_numbers_of_all_sizes_apart() {
        let texts = [0.003, 0.001_263, 0.1, 2.5, 123.0, 9.5e-5, 1.2e-7, 0.0, f32::INFINITY].map(three_digits);
        assert_eq!(texts, ["0.00300", "0.00126", "0.100", "2.50", "123", "0.0000950", "1.20e-7", "0", "inf"]);
    }

    #[test]
    fn words_are_listed_with_a_conjunction_before_the_last() {
        let texts = [&["a", "b", "c"][..], &["a", "b"], &["a"], &[]].map(|words| listed(words, "and"));
        assert_eq!(texts, ["a, b and c", "a and b", "a", ""]);
    }

    #[test]
    fn one_thing_is_singular() {
        assert_eq!(
            [0, 1, 2, 61_706].map(|n| count(n, "step")),
            ["0 steps", "1 step", "2 steps", "61,706 steps"]
        );
    }

    #[test]
    fn rates_are_whole_unless_they_are_small() {
        let texts = [0.0, 0.44, 9.94, 9.96, 20_500.6, f32::NAN, f32::INFINITY].map(rate);
        assert_eq!(texts, ["0.0", "0.4", "9.9", "10", "20,501", NOT_FINITE, NOT_FINITE]);
    }

    #[test]
    fn times_have_the_units_they_need() {
        let texts = [0.0, 5.849, 59.96, 61.4, 599.7, 3_599.6, 7_261.0, f64::NAN].map(duration);
        let expected = [
            "0.0 s",
            "5.8 s",
            "1 min 00 s",
            "1 min 01 s",
            "10 min 00 s",
            "1 h 00 min",
            "2 h 01 min",
            NOT_FINITE,
        ];
        assert_eq!(texts, expected);
    }

    #[test]
    fn only_a_whole_epoch_is_one() {
        assert_eq!(
            [0.0, 0.998, 1.0, 0.29, 2.0 / 3.0 * 1.5, 12.3456].map(epochs),
            ["0.00", "0.99", "1.00", "0.29", "1.00", "12.34"]
        );
    }

    #[test]
    fn names_that_begin_with_a_sign_keep_their_capital() {
        let names = ["Batch normalisation", "L1 penalty", "ReLU", "SGD", "Zoom", "X", ""].map(uncapitalized);
        assert_eq!(names, ["batch normalisation", "L1 penalty", "ReLU", "SGD", "zoom", "X", ""]);
    }

    #[test]
    fn a_text_of_any_language_or_none_gets_a_capital() {
        assert_eq!(["custom", "", "élu", "0.3"].map(capitalized), ["Custom", "", "Élu", "0.3"]);
    }

    #[test]
    fn shares_are_in_per_cent() {
        let texts =
            [(0.9949, 2), (0.5, 0), (1.0, 2), (0.0, 1)].map(|(share, decimals)| percent(share, decimals));
        assert_eq!(texts, ["99.49 %", "50 %", "100.00 %", "0.0 %"]);
    }

    #[test]
    fn only_all_is_100_per_cent_and_only_nothing_is_0() {
        let texts =
            [(0.99995, 2), (0.9999999, 1), (0.996, 0), (0.99994, 2), (0.00004, 2), (1e-9, 1), (0.0005, 1)]
                .map(|(share, decimals)| percent(share, decimals));
        assert_eq!(texts, ["99.99 %", "99.9 %", "99 %", "99.99 %", "< 0.01 %", "< 0.1 %", "0.1 %"]);
        assert_eq!([f32::NAN, f32::INFINITY].map(|share| percent(share, 1)), [NOT_FINITE; 2]);
    }

    #[test]
    fn bars_show_shares_and_nothing_where_there_is_no_number() {
        let bars = [0.0, 0.5, 1.0, 1.5, f32::NAN, f32::INFINITY].map(bar);
        assert_eq!(
            bars,
            ["0.0000", "0.5000", "1.0000", "1.0000", "0.0000", "0.0000"].map(|n| format!("scaleX({n})"))
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
