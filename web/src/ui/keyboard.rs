//! Names of keys that hold on all keyboard layouts.

use web_sys::KeyboardEvent;

/// The key of an event as shortcuts name it: a lower-case character, or a name such as `ArrowRight`.
pub(crate) fn key_name(ev: &KeyboardEvent) -> String {
    name(&ev.key(), &ev.code(), ev.shift_key())
}

/// `key` is what the layout gives, `code` the key's place on a US keyboard. Where letters are Latin, the letter counts; where
/// they are Greek, Cyrillic or others, the place does.
fn name(key: &str, code: &str, shift: bool) -> String {
    let mut characters = key.chars();
    match (characters.next(), characters.next()) {
        (Some(character), None) if is_latin(character) => character.to_lowercase().collect(),
        (Some(_), None) => by_place(code, shift),
        // The input method of a language waits for more.
        (_, Some(_)) if matches!(key, "Process" | "Unidentified") => by_place(code, shift),
        _ => key.to_owned(),
    }
}

fn is_latin(character: char) -> bool {
    matches!(character, '\u{20}'..='\u{7e}' | '\u{c0}'..='\u{24f}' | '\u{1e00}'..='\u{1eff}')
}

fn by_place(code: &str, shift: bool) -> String {
    match code {
        "Space" => " ".to_owned(),
        "Slash" if shift => "?".to_owned(),
        "Comma" => ",".to_owned(),
        "Period" => ".".to_owned(),
        _ => code.strip_prefix("Key").unwrap_or(code).to_ascii_lowercase(),
    }
}

#[cfg(test)]
mod tests {
    use super::name;

    #[test]
    fn the_letter_counts_where_letters_are_latin() {
        for (layout, key, code, expected) in [
            ("US", "r", "KeyR", "r"),
            ("Caps Lock", "R", "KeyR", "r"),
            ("AZERTY, beside L", "m", "Semicolon", "m"),
            ("AZERTY, at the place of M", ",", "KeyM", ","),
            ("AZERTY, at the place of Q", "a", "KeyQ", "a"),
            ("QWERTZ, at the place of Y", "z", "KeyY", "z"),
            ("Dvorak, at the place of D", "e", "KeyD", "e"),
            ("Dvorak, at the place of E", ".", "KeyE", "."),
            ("Turkish F, at the place of E", "ğ", "KeyE", "ğ"),
            ("BÉPO, at the place of W", "É", "KeyW", "é"),
            ("AZERTY", "?", "KeyM", "?"),
            ("US", " ", "Space", " "),
        ] {
            assert_eq!(name(key, code, false), expected, "{layout}: {key}");
        }
    }

    #[test]
    fn the_place_counts_where_letters_are_not_latin() {
        for (layout, key, code, shift, expected) in [
            ("Russian", "к", "KeyR", false, "r"),
            ("Russian, Caps Lock", "К", "KeyR", false, "r"),
            ("Russian, a character of US keyboards", ".", "Slash", false, "."),
            ("Greek", "ρ", "KeyR", false, "r"),
            ("Hebrew", "ר", "KeyR", false, "r"),
            ("Arabic", "ق", "KeyR", false, "r"),
            ("Arabic", "؟", "Slash", true, "?"),
            ("Korean", "ㄱ", "KeyR", false, "r"),
            ("Japanese, full width", "ｒ", "KeyR", false, "r"),
            ("Chinese input method", "Process", "KeyR", false, "r"),
            ("BÉPO, a space that does not break", "\u{a0}", "Space", true, " "),
            ("a browser without places", "к", "", false, ""),
        ] {
            assert_eq!(name(key, code, shift), expected, "{layout}: {key}");
        }
    }

    #[test]
    fn keys_without_a_character_keep_their_names() {
        for key in ["ArrowRight", "Escape", "Delete", "Dead", "F1"] {
            assert_eq!(name(key, "Numpad6", false), key);
        }
    }
}
