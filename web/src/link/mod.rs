//! The page's state as the fragment of its address: only what differs from the preset, and how the page is shown.
//!
//! `#v=1&preset=mlp30&lr=0.01&hide=layers,seed&theme=dark`

pub(crate) mod address;
pub(crate) mod parts;

use crate::link::parts::Scene;
use crate::settings::{Group, SETTINGS, Setting, Setup, diff, layers, shortened};

/// Links of another version are not understood.
const VERSION: &str = "1";
/// A stack of forty layers has about 400 characters.
const LONGEST: usize = 4000;

/// The page's whole state, as links carry it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Linked {
    pub(crate) setup: Setup,
    pub(crate) presentation: Presentation,
    pub(crate) scene: Scene,
}

/// How the page is shown; nothing that is learned depends on it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Presentation {
    /// Settings and groups of them that are not shown.
    pub(crate) hide: Vec<&'static str>,
    pub(crate) theme: Theme,
    /// Large type, for a projector.
    pub(crate) large: bool,
    /// Keys do nothing of their own.
    pub(crate) no_keys: bool,
}

/// Whose colours are used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Theme {
    /// As the system has it.
    #[default]
    Auto,
    Light,
    Dark,
}

/// `#` and what tells this state from the page's first one; nothing for that one.
pub(crate) fn write(Linked { setup, presentation: show, scene }: &Linked) -> String {
    let settings = diff::steps(&Setup::default(), setup).into_iter();
    let mut parts: Vec<_> = settings.map(|(setting, value)| (setting.id, value)).collect();
    if !show.hide.is_empty() {
        parts.push(("hide", show.hide.join(",")));
    }
    match show.theme {
        Theme::Auto => {}
        Theme::Light => parts.push(("theme", "light".into())),
        Theme::Dark => parts.push(("theme", "dark".into())),
    }
    if show.large {
        parts.push(("present", "1".into()));
    }
    if show.no_keys {
        parts.push(("keys", "0".into()));
    }
    parts.extend(parts::write(scene));
    if parts.is_empty() {
        return String::new();
    }
    let parts: Vec<_> = parts.iter().map(|(key, value)| format!("&{key}={value}")).collect();
    format!("#v={VERSION}{}", parts.concat())
}

/// The state that a fragment tells.
///
/// # Errors
/// A sentence, if it is no such fragment.
pub(crate) fn read(fragment: &str) -> Result<Linked, String> {
    let mut linked = Linked::default();
    let Linked { setup, presentation: show, scene } = &mut linked;
    let fragment = fragment.strip_prefix('#').unwrap_or(fragment);
    if fragment.is_empty() {
        return Ok(linked);
    }
    if fragment.len() > LONGEST {
        return Err("it is too long.".into());
    }
    let fragment = decoded(fragment).ok_or("it is garbled.")?;
    let mut settings = Vec::new();
    for part in fragment.split('&').filter(|part| !part.is_empty()) {
        let unknown = || format!("“{}” is not known here.", shortened(part));
        let (key, value) = part.split_once('=').ok_or_else(unknown)?;
        match (key, value) {
            ("v", VERSION) => {}
            ("v", _) => return Err("another version of this page made it.".into()),
            ("hide", list) => {
                for id in list.split(',').filter(|id| !id.is_empty()) {
                    let id = hideable(id)
                        .ok_or_else(|| format!("nothing to hide is called “{}”.", shortened(id)))?;
                    if !show.hide.contains(&id) {
                        show.hide.push(id);
                    }
                }
            }
            ("theme", "light") => show.theme = Theme::Light,
            ("theme", "dark") => show.theme = Theme::Dark,
            ("theme", "auto") => show.theme = Theme::Auto,
            ("present", "0" | "1") => show.large = value == "1",
            ("keys", "0" | "1") => show.no_keys = value == "0",
            _ => match (Setting::find(key), parts::read(scene, key, value)) {
                (Some(setting), _) => settings.push((setting, value)),
                (None, taken) => taken.ok_or_else(unknown)??,
            },
        }
    }
    // In the order of the table, whatever that of the link: one setting may bring others with it.
    for setting in &SETTINGS {
        for (_, value) in settings.iter().filter(|(other, _)| other.id == setting.id) {
            setting.put(setup, value)?;
        }
    }
    layers::check(&setup.network).map_err(|e| e.message)?;
    parts::check(scene, &setup.network)?;
    Ok(linked)
}

/// What can be hidden has the name of a setting, of a group of them, or of all.
fn hideable(id: &str) -> Option<&'static str> {
    let groups = Group::ALL.into_iter().map(Group::id);
    SETTINGS.iter().map(|setting| setting.id).chain(groups).chain(["settings"]).find(|known| *known == id)
}

/// Without percent signs, which some programs put into links.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, behind @ ..] = rest {
        if *first == b'%' {
            let digits = std::str::from_utf8(behind.get(..2)?).ok()?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = &behind[2..];
        } else {
            bytes.push(*first);
            rest = behind;
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link::parts::Open;
    use crate::network::stages;
    use crate::settings::Kind;
    use nn::preset::Preset;
    use proptest::prelude::*;

    fn link(fragment: &str) -> String {
        write(&read(fragment).unwrap())
    }

    fn of(preset: Preset) -> Linked {
        Linked { setup: Setup::of(preset), ..Linked::default() }
    }

    #[test]
    fn the_first_state_needs_no_link_and_presets_a_short_one() {
        assert_eq!(write(&Linked::default()), "");
        for preset in Preset::ALL {
            let link = write(&of(preset));
            assert!(link.len() < 40, "{link}");
            assert_eq!(read(&link), Ok(of(preset)));
        }
    }

    #[test]
    fn only_differences_are_told() {
        assert_eq!(link("#v=1&preset=lenet5&lr=0.003&dropout=on"), "#v=1&dropout=on");
        assert_eq!(link("optimiser=sgd"), "#v=1&optimiser=sgd");
        assert_eq!(link("lr=0.5&optimiser=sgd"), "#v=1&optimiser=sgd&lr=0.5");
        assert_eq!(
            link("layers=f%2Cd10&theme=dark&hide=seed,tricks,seed"),
            "#v=1&layers=f,d10&hide=seed,tricks&theme=dark"
        );
        assert_eq!(link("#v=1&present=1&keys=0"), "#v=1&present=1&keys=0");
        // What is open is that of the network told, wherever in the link it stands.
        assert_eq!(link("open=S2&present=1&layers=c4,m2,f,d10"), "#v=1&layers=c4,m2,f,d10&present=1&open=S2");
    }

    #[test]
    fn what_is_not_understood_is_told() {
        for wrong in [
            "#top",
            "#v=2",
            "#lr",
            "#lr=",
            "#lr=fast",
            "#lrr=1",
            "#layers=d10",
            "#layers=",
            "#theme=pink",
            "#hide=page",
            "#present=yes",
            "#%",
            "#%zz",
            "#%ff",
            "#momentum=0.5",
            "#preset=custom",
            "#seed=1.5",
            "#open=C3&preset=mlp30",
            "#panel=settings",
        ] {
            assert!(read(wrong).is_err_and(|sentence| sentence.ends_with('.')), "{wrong}");
        }
        assert!(read(&"&".repeat(LONGEST + 1)).is_err());
    }

    /// Settings put one after another, as a person would.
    fn setups() -> impl Strategy<Value = Setup> {
        let preset = (0..Preset::ALL.len()).prop_map(|i| Setup::of(Preset::ALL[i]));
        let changes = prop::collection::vec((0..SETTINGS.len(), 0.0..1.0f64), 0..12);
        (preset, changes).prop_map(|(mut setup, changes)| {
            for (which, share) in changes {
                let setting = &SETTINGS[which];
                let text = match &setting.kind {
                    Kind::Choice { options, .. } => {
                        options[(share * options.len() as f64) as usize].0.to_owned()
                    }
                    Kind::Switch { .. } => if share < 0.5 { "on" } else { "off" }.to_owned(),
                    Kind::Number { scale, .. } => {
                        let (least, most) = scale.range();
                        let value = least + share * (most - least);
                        if share < 0.5 { value.round() } else { value }.to_string()
                    }
                    Kind::Layers => "c6p2,b,l0.2,a2,f,d20,t,o0.25,d10".to_owned(),
                };
                // What has no meaning here is refused.
                let _ = setting.put(&mut setup, &text);
            }
            setup
        })
    }

    proptest! {
        #[test]
        fn every_state_comes_back(setup in setups(), theme in 0..3, large: bool, no_keys: bool, hidden in 0..SETTINGS.len(), stage: prop::sample::Index, log: bool) {
            let theme = [Theme::Auto, Theme::Light, Theme::Dark][theme as usize];
            let hide = [SETTINGS[hidden].id, "tricks"][..hidden % 3].to_vec();
            let presentation = Presentation { hide, theme, large, no_keys };
            let stages = stages::of(&setup.network);
            let open = (!stages.is_empty()).then(|| Open::Stage(stage.get(&stages).name.clone()));
            let linked = Linked { setup, presentation, scene: Scene { open, log, ..Scene::default() } };
            prop_assert_eq!(read(&write(&linked)), Ok(linked));
        }

        #[test]
        fn garbage_gives_a_sentence(text in "\\PC*") {
            prop_assert!(read(&text).map_or_else(|sentence| sentence.ends_with('.'), |_| true));
        }

        #[test]
        fn near_garbage_gives_a_sentence_or_a_network_that_fits(
            parts in prop::collection::vec((0..SETTINGS.len(), "[-a-z0-9.,e%]{0,12}"), 0..6)
        ) {
            let fragment: Vec<_> = parts.iter().map(|(i, value)| format!("{}={value}", SETTINGS[*i].id)).collect();
            match read(&fragment.join("&")) {
                Ok(linked) => prop_assert!(layers::check(&linked.setup.network).is_ok()),
                Err(sentence) => prop_assert!(sentence.ends_with('.')),
            }
        }
    }
}
