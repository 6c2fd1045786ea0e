//! How the page is shown: its colours, the size of its type, which settings it hides. Training does not depend on it.

use super::setting::Group;
use super::table::SETTINGS;
use crate::ui::format::excerpt;
use crate::ui::link_part::{parse_subset, write_subset};

/// How the page is shown.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Presentation {
    /// Ids of the settings and of the groups that are hidden.
    pub(crate) hide: Vec<&'static str>,
    pub(crate) theme: Theme,
    /// Large type, for a projector.
    pub(crate) large: bool,
    /// Single keys are not shortcuts.
    pub(crate) no_keys: bool,
    /// Whether each section is open on a phone, indexed by [`Section`]; none until one is opened.
    pub(crate) sections: Option<[bool; Section::ALL.len()]>,
}

/// A section of the page that folds where the page is as narrow as a phone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Section {
    Curves,
    Runs,
    Gradients,
    BatchNorm,
    Settings,
}

impl Section {
    pub(crate) const ALL: [Self; 5] =
        [Self::Curves, Self::Runs, Self::Gradients, Self::BatchNorm, Self::Settings];

    /// The name in links.
    pub(crate) fn id(self) -> &'static str {
        match self {
            Self::Curves => "curves",
            Self::Runs => "runs",
            Self::Gradients => "gradients",
            Self::BatchNorm => "batchnorm",
            Self::Settings => "settings",
        }
    }
}

/// The colour scheme.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Theme {
    /// That of the system.
    #[default]
    Auto,
    Light,
    Dark,
}

impl Presentation {
    /// What differs from the first presentation, as keys and values of a link.
    pub(crate) fn write(&self) -> Vec<(&'static str, String)> {
        let mut parts = Vec::new();
        if !self.hide.is_empty() {
            parts.push(("hide", self.hide.join(",")));
        }
        match self.theme {
            Theme::Auto => {}
            Theme::Light => parts.push(("theme", "light".into())),
            Theme::Dark => parts.push(("theme", "dark".into())),
        }
        if self.large {
            parts.push(("present", "1".into()));
        }
        if self.no_keys {
            parts.push(("keys", "0".into()));
        }
        if let Some(sections) = self.sections {
            parts.push(("sections", write_subset(sections, Section::ALL.map(Section::id))));
        }
        parts
    }

    /// Reads one key and its value; `None` if the key is no part of a presentation.
    ///
    /// # Errors
    /// Which values the key has, or what to hide does not exist; the rest of such a list is hidden.
    pub(crate) fn read(&mut self, key: &str, value: &str) -> Option<Result<(), String>> {
        match (key, value) {
            ("hide", list) => return Some(self.read_hidden(list)),
            ("theme", "light") => self.theme = Theme::Light,
            ("theme", "dark") => self.theme = Theme::Dark,
            ("theme", "auto") => self.theme = Theme::Auto,
            ("present", "0" | "1") => self.large = value == "1",
            ("keys", "0" | "1") => self.no_keys = value == "0",
            ("sections", list) => match parse_subset(list, Section::ALL.map(Section::id)) {
                Some(sections) => self.sections = Some(sections),
                None => return Some(Err("use sections of the page, as in curves,runs".into())),
            },
            ("theme", _) => return Some(Err("use auto, light or dark".into())),
            ("present" | "keys", _) => return Some(Err("use 0 or 1".into())),
            _ => return None,
        }
        Some(Ok(()))
    }

    fn read_hidden(&mut self, list: &str) -> Result<(), String> {
        let mut unknown = Vec::new();
        for id in list.split(',').filter(|id| !id.is_empty()) {
            match hideable(id) {
                Some(id) if self.hide.contains(&id) => {}
                Some(id) => self.hide.push(id),
                None => unknown.push(id),
            }
        }
        if unknown.is_empty() { Ok(()) } else { Err(format!("{} is not known", excerpt(&unknown.join(",")))) }
    }
}

/// The id of a setting, of a group, or of all groups (`settings`).
fn hideable(id: &str) -> Option<&'static str> {
    let groups = Group::ALL.into_iter().map(Group::id);
    SETTINGS.iter().map(|setting| setting.id).chain(groups).chain(["settings"]).find(|known| *known == id)
}
