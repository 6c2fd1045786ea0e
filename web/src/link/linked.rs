//! The state that a link carries, and its text: the settings, how the page is shown, and the parts of the features.

use crate::charts::link::{self as charts, ChartsLink};
use crate::controls::link::{self as controls, ControlsLink};
use crate::explore::link::{self as explore, ExploreLink};
use crate::network::link::{self as network, NetworkLink};
use crate::pad::link::{self as pad, PadLink};
use crate::settings::presentation::Presentation;
use crate::settings::{Setting, Setup, codec};
use crate::ui::link_part;

/// The state that a link carries.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Linked {
    pub(crate) setup: Setup,
    pub(crate) presentation: Presentation,
    pub(crate) network: NetworkLink,
    pub(crate) pad: PadLink,
    pub(crate) explore: ExploreLink,
    pub(crate) charts: ChartsLink,
    pub(crate) controls: ControlsLink,
}

impl Linked {
    /// Reads the value of a key that is no setting; none if there is no such key.
    fn read(&mut self, key: &str, value: &str) -> Option<Result<(), String>> {
        (self.presentation.read(key, value))
            .or_else(|| link_part::read(network::PARTS, &mut self.network, key, value))
            .or_else(|| link_part::read(pad::PARTS, &mut self.pad, key, value))
            .or_else(|| link_part::read(explore::PARTS, &mut self.explore, key, value))
            .or_else(|| link_part::read(charts::PARTS, &mut self.charts, key, value))
            .or_else(|| link_part::read(controls::PARTS, &mut self.controls, key, value))
    }
}

/// The fragment of a state, with its `#`; empty for the default state.
pub(crate) fn write(linked: &Linked) -> String {
    let mut parts = codec::parts(&linked.setup);
    parts.extend(linked.presentation.write());
    parts.extend(link_part::write(network::PARTS, &linked.network));
    parts.extend(link_part::write(pad::PARTS, &linked.pad));
    parts.extend(link_part::write(explore::PARTS, &linked.explore));
    parts.extend(link_part::write(charts::PARTS, &linked.charts));
    parts.extend(link_part::write(controls::PARTS, &linked.controls));
    codec::fragment(&parts)
}

/// Reads the state of a fragment.
///
/// # Errors
/// A sentence, if the fragment is no link of this page.
pub(crate) fn read(fragment: &str) -> Result<Linked, String> {
    let mut linked = Linked::default();
    let fragment = codec::decode(fragment)?;
    let mut settings = Vec::new();
    for part in codec::split(&fragment) {
        let (key, value) = part?;
        match Setting::find(key) {
            Some(setting) => settings.push((setting, value)),
            None => linked.read(key, value).ok_or_else(|| codec::unknown(key, value))??,
        }
    }
    linked.setup = codec::apply(&settings)?;
    network::check(&linked.network, &linked.setup.network)?;
    Ok(linked)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::link::OpenPanel;
    use crate::network::stages;
    use crate::settings::presentation::Theme;
    use crate::settings::{Kind, SETTINGS, layers};
    use nn::preset::Preset;
    use proptest::prelude::*;

    fn link(fragment: &str) -> String {
        write(&read(fragment).unwrap())
    }

    fn of(preset: Preset) -> Linked {
        Linked { setup: Setup::of(preset), ..Linked::default() }
    }

    #[test]
    fn the_default_state_has_an_empty_link_and_presets_a_short_one() {
        assert_eq!(write(&Linked::default()), "");
        for preset in Preset::ALL {
            let link = write(&of(preset));
            assert!(link.len() < 40, "{link}");
            assert_eq!(read(&link), Ok(of(preset)));
        }
    }

    #[test]
    fn only_differences_are_written() {
        assert_eq!(link("#v=1&preset=lenet5&lr=0.003&dropout=on"), "#v=1&dropout=on");
        assert_eq!(link("optimiser=sgd"), "#v=1&optimiser=sgd");
        assert_eq!(link("lr=0.5&optimiser=sgd"), "#v=1&optimiser=sgd&lr=0.5");
        assert_eq!(
            link("layers=f%2Cd10&theme=dark&hide=seed,tricks,seed"),
            "#v=1&layers=f,d10&hide=seed,tricks&theme=dark"
        );
        assert_eq!(link("#v=1&present=1&keys=0"), "#v=1&present=1&keys=0");
        // The open stage is one of the linked network, wherever in the link its layers stand.
        assert_eq!(link("open=S2&present=1&layers=c4,m2,f,d10"), "#v=1&layers=c4,m2,f,d10&present=1&open=S2");
    }

    #[test]
    fn wrong_links_are_refused_with_a_sentence() {
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
        assert!(read(&"&".repeat(codec::MAX_LENGTH + 1)).is_err());
    }

    /// Settings changed one after another, as a person would.
    fn setups() -> impl Strategy<Value = Setup> {
        let preset = (0..Preset::ALL.len()).prop_map(|i| Setup::of(Preset::ALL[i]));
        let changes = prop::collection::vec((0..SETTINGS.len(), 0.0..1.0f64), 0..12);
        (preset, changes).prop_map(|(mut setup, changes)| {
            for (which, share) in changes {
                let setting = &SETTINGS[which];
                let text = match &setting.kind {
                    Kind::Choice(choice) => {
                        let option = share * choice.options.len() as f64;
                        choice.options[option as usize].0.to_owned()
                    }
                    Kind::Switch(_) => if share < 0.5 { "on" } else { "off" }.to_owned(),
                    Kind::Number(scale, _) => {
                        let (least, most) = scale.range();
                        let value = least + share * (most - least);
                        if share < 0.5 { value.round() } else { value }.to_string()
                    }
                    Kind::Layers => "c6p2,b,l0.2,a2,f,d20,t,o0.25,d10".to_owned(),
                };
                // A value without meaning here is refused.
                let _ = setting.set_text(&mut setup, &text);
            }
            // Without a penalty this switch has no meaning, and links do not carry it.
            let penalty = &mut setup.training.penalty;
            penalty.biases &= penalty.l1 > 0.0 || penalty.l2 > 0.0;
            setup
        })
    }

    #[test]
    fn parts_of_several_features_round_trip_together() {
        for text in [
            "#v=1&image=0&panel=mistakes",
            "#v=1&open=S2&panel=mistakes&unfolded=network,layers",
            "#v=1&open=C3&map=5&panel=mistakes&cell=4-9&curves=test&log=1&average=40&unfolded=network,training",
        ] {
            assert_eq!(link(text), text);
        }
        assert!(Linked::default().read("scroll", "1").is_none());
    }

    #[test]
    fn keys_are_unique() {
        let mut keys: Vec<_> = SETTINGS.iter().map(|setting| setting.id).collect();
        keys.extend(["v", "hide", "theme", "present", "keys"]);
        keys.extend(network::PARTS.iter().map(|part| part.key));
        keys.extend(pad::PARTS.iter().map(|part| part.key));
        keys.extend(explore::PARTS.iter().map(|part| part.key));
        keys.extend(charts::PARTS.iter().map(|part| part.key));
        keys.extend(controls::PARTS.iter().map(|part| part.key));
        for (i, key) in keys.iter().enumerate() {
            assert!(!keys[..i].contains(key), "{key}");
        }
    }

    proptest! {
        #[test]
        fn states_round_trip(setup in setups(), theme in 0..3, large: bool, no_keys: bool, hidden in 0..SETTINGS.len(), stage: prop::sample::Index, log: bool) {
            let theme = [Theme::Auto, Theme::Light, Theme::Dark][theme as usize];
            let hide = [SETTINGS[hidden].id, "tricks"][..hidden % 3].to_vec();
            let presentation = Presentation { hide, theme, large, no_keys };
            let stages = stages::of(&setup.network);
            let open = (!stages.is_empty()).then(|| OpenPanel::Stage(stage.get(&stages).name.clone()));
            let linked = Linked {
                setup,
                presentation,
                network: NetworkLink { open, ..NetworkLink::default() },
                charts: ChartsLink { log, ..ChartsLink::default() },
                ..Linked::default()
            };
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
                Ok(linked) => prop_assert!(layers::check(&linked.setup.network, linked.setup.training.batch_size).is_ok()),
                Err(sentence) => prop_assert!(sentence.ends_with('.')),
            }
        }
    }
}
