//! Links as programs pass them on. Mail programs, chats and word processors escape, decorate and break addresses; here a fragment
//! becomes keys and values again.

use percent_encoding::percent_decode_str;

/// The longest fragment that is read, in bytes: twice percent-encoded, a link with forty layers has about 4,000.
pub(super) const MAX_LENGTH: usize = 20_000;
/// How often a fragment is decoded at most.
const MAX_ENCODINGS: usize = 6;
/// The names, without `&`, of characters as HTML escapes them: what is between `&` and `;` is no part of a link.
const ENTITIES: [&str; 11] = ["amp", "38", "038", "x26", "quot", "34", "x22", "lt", "gt", "nbsp", "apos"];

/// A part of a fragment: a key with its value, and as it is quoted in a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part {
    /// Lower case; `present` in `present=1`.
    pub(super) key: String,
    /// Lower case; none without an equals sign.
    pub(super) value: Option<String>,
    pub(super) quoted: String,
}

/// The parts of a fragment, in its order. Keys and values of links are lower case or read without regard to it, hold no spaces,
/// and begin and end with a letter or a digit, so that whatever else is there was added on the way.
pub(super) fn parts(fragment: &str) -> Vec<Part> {
    let text = clean(&decode(fragment));
    // Quoted-printable mails write = as =3D. No value begins so.
    let text = text.replace("=3D", "=").replace("=3d", "=");
    // Besides `&`: its escaped form `&amp;`, a query, and a link that was pasted behind another one.
    let parts = text.split(['&', ';', '#', '?']);
    parts
        .filter_map(part)
        .filter(|part| part.value.is_some() || !ENTITIES.contains(&part.key.as_str()))
        .collect()
}

/// A fragment without percent-encoding, however often it was encoded. Bytes that are no text are marked.
fn decode(fragment: &str) -> String {
    let mut text = fragment.to_owned();
    for _ in 0..MAX_ENCODINGS {
        let decoded = percent_decode_str(&text).decode_utf8_lossy().into_owned();
        if decoded == text {
            break;
        }
        text = decoded;
    }
    text
}

/// A text without spaces, line breaks and invisible characters, and with plain hyphens.
fn clean(text: &str) -> String {
    let is_noise = |c: char| {
        c.is_whitespace()
            || c.is_control()
            || matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}' | '\u{feff}')
    };
    let hyphen = |c| if matches!(c, '\u{2010}'..='\u{2015}' | '\u{2212}') { '-' } else { c };
    text.chars().filter(|c| !is_noise(*c)).map(hyphen).collect()
}

/// One part; none if nothing is left of it.
fn part(text: &str) -> Option<Part> {
    let is_edge = |c: char| !c.is_alphanumeric();
    let (key, value) = match text.split_once('=') {
        Some((key, value)) => (key, Some(value)),
        None => (text, None),
    };
    let key = key.trim_matches(is_edge);
    // A number may begin with its sign or its point.
    let value = value.map(|value| {
        value.trim_end_matches(is_edge).trim_start_matches(|c| is_edge(c) && !matches!(c, '-' | '.'))
    });
    if key.is_empty() && value.is_none_or(str::is_empty) {
        return None;
    }
    let quoted = value.map_or_else(|| key.to_owned(), |value| format!("{key}={value}"));
    Some(Part { key: key.to_lowercase(), value: value.map(str::to_lowercase), quoted })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Keys and values in one line.
    fn read(fragment: &str) -> String {
        let text = |part: Part| part.value.map_or(part.key.clone(), |value| format!("{}={value}", part.key));
        parts(fragment).into_iter().map(text).collect::<Vec<_>>().join("&")
    }

    #[test]
    fn what_programs_add_is_removed() {
        let plain = "v=1&preset=mlp30&lr=0.02";
        for mangled in [
            "#v=1&preset=mlp30&lr=0.02",
            "##v=1&preset=mlp30&lr=0.02",
            "#/v=1&preset=mlp30&lr=0.02",
            "#!v=1&&preset=mlp30&lr=0.02&",
            "#v=1&amp;preset=mlp30&amp;amp;lr=0.02",
            "#v=1&#38;preset=mlp30&#x26;lr=0.02",
            "#v=1;preset=mlp30;lr=0.02",
            "#v=1?preset=mlp30#lr=0.02",
            "#V=1&Preset=MLP30&LR=0.02",
            "#v=1&preset=mlp30&lr=0.02.",
            "#v=1&preset=mlp30&lr=0.02).",
            "#v=1&preset=mlp30&lr=0.02]",
            "#v=1&preset=mlp30&lr=0.02\"",
            "#v=1&preset=mlp30&lr=0.02”,",
            "#v=1&preset=mlp30&lr=0.02&quot;",
            "#v=1&preset=mlp30&lr=0.02…",
            "#v=1&preset=mlp30&lr=0.02>",
            "#v=1&preset=\"mlp30\"&lr='0.02'",
            "#v%3D1%26preset%3Dmlp30%26lr%3D0.02",
            "#%23v%3D1%26preset%3Dmlp30%26lr%3D0.02",
            "#v%253D1%2526preset%253Dmlp30%2526lr%253D0.02",
            "#v%25253D1%252526preset%25253Dmlp30%252526lr%25253D0.02",
            "#v=1&pre%0D%0Aset=mlp30&lr=0.%2002",
            "#v=1&pre\r\n  set=mlp30&lr=0.02\n",
            "#v=1&preset=mlp\u{200b}30&lr=0.02\u{feff}",
            "#v=3D1&preset=3Dmlp30&lr=3D0.02",
        ] {
            assert_eq!(read(mangled), plain, "{mangled}");
        }
    }

    #[test]
    fn what_belongs_to_a_link_stays() {
        for text in ["filter=-1,.5,0", "unfolded=", "cell=4-9", "layers=c6p2,r,m2,f,d10", "top"] {
            assert_eq!(read(text), text);
        }
        assert_eq!(
            read("preset=one–conv&filter=−1,0"),
            "preset=one-conv&filter=-1,0",
            "hyphens of word processors"
        );
        assert_eq!(parts("#Dropout=Yes&top")[0].quoted, "Dropout=Yes");
    }

    #[test]
    fn nothing_gives_no_parts() {
        for nothing in ["", "#", "#&", "#&amp;", "#=", "#.", "% 20", "#\u{200b}", "&".repeat(9).as_str()] {
            assert!(parts(nothing).iter().all(|part| part.value.is_none()), "{nothing}");
        }
        assert!(parts("#&amp;").is_empty());
    }
}
