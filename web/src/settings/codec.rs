//! Settings as text, for links and for the runs that the browser stores: `#v=1&preset=mlp30&lr=0.01`. Only what differs from
//! the first setup is written, in the order of the table.

use percent_encoding::percent_decode_str;

use super::diff;
use super::layers;
use super::setting::Setting;
use super::setup::Setup;
use super::table::SETTINGS;

/// Version of the format.
pub(crate) const VERSION: &str = "1";
/// Longest stored text that is read, in bytes; the layers of a network with forty of them take about 400.
const MAX_LENGTH: usize = 4000;

/// A setup as text; empty for the first setup.
pub(crate) fn write(setup: &Setup) -> String {
    fragment(&parts(setup))
}

/// Reads a text of [`write`]; none for any other text.
pub(crate) fn read(text: &str) -> Option<Setup> {
    let text = text.strip_prefix('#').unwrap_or(text);
    let text = (text.len() <= MAX_LENGTH).then(|| percent_decode_str(text).decode_utf8().ok())??;
    let parts = text.split('&').filter(|part| !part.is_empty()).map(|part| part.split_once('='));
    let parts: Vec<_> = parts.collect::<Option<_>>()?;
    let mut settings = Vec::new();
    for (key, value) in parts {
        match (key, value) {
            ("v", VERSION) => {}
            _ => settings.push((Setting::find(key)?, value)),
        }
    }
    let (setup, refused) = apply(&settings);
    refused.is_empty().then_some(setup)
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

/// The first setup with these settings, as far as they fit together, and the indices of the values that were refused, each with
/// what helps.
pub(crate) fn apply(values: &[(&'static Setting, &str)]) -> (Setup, Vec<(usize, String)>) {
    // Layers that take much memory may fit with the batch size that stands below them: whether all fits is asked first at the end.
    let (setup, refused) = set_all(values, |_| Ok(()));
    if fits(&setup).is_ok() { (setup, refused) } else { set_all(values, fits) }
}

/// Sets values in the order of the table, since one setting may change those below it. A value after which `fits` says what is wrong is
/// refused, too.
fn set_all(
    values: &[(&'static Setting, &str)],
    fits: impl Fn(&Setup) -> Result<(), String>,
) -> (Setup, Vec<(usize, String)>) {
    let (mut setup, mut refused) = (Setup::default(), Vec::new());
    for setting in &SETTINGS {
        for (at, (_, value)) in values.iter().enumerate().filter(|(_, (other, _))| other.id == setting.id) {
            let mut next = setup.clone();
            let done = setting.set_text(&mut next, value).map_err(|_| setting.refusal(&setup, value));
            match done.and_then(|()| fits(&next)) {
                Ok(()) => setup = next,
                Err(why) => refused.push((at, why.trim_end_matches('.').to_owned())),
            }
        }
    }
    refused.sort_by_key(|(at, _)| *at);
    (setup, refused)
}

/// What is wrong, if the layers do not fit together or exceed the memory with this batch size.
fn fits(setup: &Setup) -> Result<(), String> {
    layers::check(&setup.network, setup.training.batch_size).map(drop).map_err(|e| e.message)
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
    fn text_that_holds_no_settings_gives_none() {
        for wrong in ["#v=2", "#lr", "#lr=fast", "#lrr=1", "#theme=dark", "#layers=d10", "#%", "#%zz", "#%ff"]
        {
            assert_eq!(read(wrong), None, "{wrong}");
        }
        assert_eq!(read(&"&".repeat(MAX_LENGTH + 1)), None);
    }

    #[test]
    fn values_that_fit_are_taken_although_others_are_refused() {
        let set = |parts: &[(&str, &'static str)]| {
            let values: Vec<_> =
                parts.iter().map(|(id, value)| (Setting::find(id).unwrap(), *value)).collect();
            let (setup, refused) = apply(&values);
            (write(&setup), refused.into_iter().map(|(at, _)| at).collect::<Vec<_>>())
        };
        assert_eq!(set(&[("lr", "fast"), ("batch", "16")]), ("#v=1&batch=16".to_owned(), vec![0]));
        assert_eq!(set(&[("layers", "f,d9"), ("dropout", "on")]), ("#v=1&dropout=on".to_owned(), vec![0]));
        // The optimiser stands above its momentum, wherever they stand in the link.
        assert_eq!(set(&[("momentum", "0.5"), ("optimiser", "momentum")]).1, [0; 0]);
    }
}
