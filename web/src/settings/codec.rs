//! Settings as text, for links and for the runs that the browser stores: `#v=1&preset=mlp30&lr=0.01`. Only what differs from
//! the first setup is written, in the order of the table.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

use super::setting::Setting;
use super::setup::Setup;
use super::table::SETTINGS;
use super::{diff, layers};
use crate::ui::format::excerpt;

/// Version of the format; text of another version is refused.
const VERSION: &str = "1";
/// Longest text that is read, in bytes; the layers of a network with forty of them take about 400.
pub(crate) const MAX_LENGTH: usize = 4000;

/// A setup as text; empty for the first setup.
pub(crate) fn write(setup: &Setup) -> String {
    fragment(&parts(setup))
}

/// Reads a text of [`write`].
///
/// # Errors
/// A sentence, if the text holds no settings, or layers that do not fit.
pub(crate) fn read(text: &str) -> Result<Setup, String> {
    let text = decode(text)?;
    let mut settings = Vec::new();
    for part in split(&text) {
        let (key, value) = part?;
        settings.push((Setting::find(key).ok_or_else(|| unknown(key, value))?, value));
    }
    apply(&settings)
}

/// The settings in which a setup differs from the first one, as keys and values.
pub(crate) fn parts(setup: &Setup) -> Vec<(&'static str, String)> {
    let changes = diff::changes(&Setup::default(), setup).into_iter();
    changes.map(|(setting, value)| (setting.id, value)).collect()
}

/// Keys and values as one fragment of an address; empty if there are none.
pub(crate) fn fragment(parts: &[(&str, String)]) -> String {
    if parts.is_empty() {
        return String::new();
    }
    let parts: Vec<_> = parts.iter().map(|(key, value)| format!("&{key}={value}")).collect();
    format!("#v={VERSION}{}", parts.concat())
}

/// A fragment without `#` and without percent-encoding, which some programs add to links.
///
/// # Errors
/// A sentence, if the fragment is too long or no UTF-8.
pub(crate) fn decode(fragment: &str) -> Result<Cow<'_, str>, String> {
    let fragment = fragment.strip_prefix('#').unwrap_or(fragment);
    if fragment.len() > MAX_LENGTH {
        return Err("it is too long.".into());
    }
    percent_decode_str(fragment).decode_utf8().map_err(|_| "it is garbled.".into())
}

/// Keys and values of a decoded fragment, without the version.
///
/// # Errors
/// A sentence for a part without a value, and for another version.
pub(crate) fn split(text: &str) -> impl Iterator<Item = Result<(&str, &str), String>> {
    text.split('&').filter(|part| !part.is_empty()).filter_map(|part| match part.split_once('=') {
        Some(("v", VERSION)) => None,
        Some(("v", _)) => Some(Err("another version of this page made it.".into())),
        Some(pair) => Some(Ok(pair)),
        None => Some(Err(format!("“{}” is not known here.", excerpt(part)))),
    })
}

/// The sentence about a part that nothing reads.
pub(crate) fn unknown(key: &str, value: &str) -> String {
    format!("“{}” is not known here.", excerpt(&format!("{key}={value}")))
}

/// The first setup with these settings. They are set in the order of the table, since one setting may change those below it.
///
/// # Errors
/// A sentence, if a setting does not have such a value or the layers do not fit.
pub(crate) fn apply(settings: &[(&Setting, &str)]) -> Result<Setup, String> {
    let mut setup = Setup::default();
    for setting in &SETTINGS {
        for (_, value) in settings.iter().filter(|(other, _)| other.id == setting.id) {
            setting.set_text(&mut setup, value)?;
        }
    }
    layers::check(&setup.network, setup.training.batch_size).map_err(|e| e.message)?;
    Ok(setup)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_short_and_is_read_back() {
        assert_eq!(write(&Setup::default()), "");
        let text = "#v=1&preset=mlp30&lr=0.02&dropout=on";
        assert_eq!(write(&read(text).unwrap()), text);
        assert_eq!(read("layers=f%2Cd10"), read("layers=f,d10"));
    }

    #[test]
    fn text_that_holds_no_settings_gives_a_sentence() {
        for wrong in ["#v=2", "#lr", "#lr=fast", "#lrr=1", "#theme=dark", "#layers=d10", "#%", "#%zz", "#%ff"]
        {
            assert!(read(wrong).is_err_and(|sentence| sentence.ends_with('.')), "{wrong}");
        }
        assert!(read(&"&".repeat(MAX_LENGTH + 1)).is_err());
    }
}
