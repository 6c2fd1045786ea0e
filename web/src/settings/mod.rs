//! The settings of the page. Each is declared once, in the table: the controls, the links, the comparisons and the trainer's
//! specifications follow from there.

pub(crate) mod codec;
mod declare;
pub(crate) mod diff;
mod fields;
pub(crate) mod fold;
pub(crate) mod layers;
pub(crate) mod presentation;
mod setting;
mod setup;
pub(crate) mod store;
mod table;
mod tricks;

pub(crate) use setting::{Group, Kind, Scale, Setting, Width};
pub(crate) use setup::Setup;
pub(crate) use table::SETTINGS;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_and_names_are_unique() {
        for (i, setting) in SETTINGS.iter().enumerate() {
            assert!(setting.help.ends_with('.'), "{}", setting.id);
            for other in &SETTINGS[i + 1..] {
                assert!(setting.id != other.id && setting.name != other.name, "{}", setting.id);
            }
        }
    }

    #[test]
    fn a_refused_value_changes_nothing() {
        let mut setup = Setup::default();
        for (id, text) in [
            ("lr", "nan"),
            ("lr", "-1"),
            ("batch", "16.5"),
            ("seed", "4294967296"),
            ("momentum", "0.5"),
            ("optimiser", "lion"),
            ("dropout", "maybe"),
            ("layers", "d10,x"),
        ] {
            let setting = Setting::find(id).unwrap();
            assert!(
                setting.set_text(&mut setup, text).is_err_and(|sentence| sentence.ends_with('.')),
                "{id}={text}"
            );
            assert_eq!(setup, Setup::default());
        }
    }
}
