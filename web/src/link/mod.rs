//! The page's state as the fragment of its address: only what differs from the preset, and how the page is shown.
//!
//! `#v=1&preset=mlp30&lr=0.01&hide=layers,seed&theme=dark`

pub(crate) mod address;
pub(crate) mod parts;

use crate::link::parts::Scene;
use crate::settings::presentation::Presentation;
use crate::settings::{Setting, Setup, codec};

/// The page's whole state, as links carry it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Linked {
    pub(crate) setup: Setup,
    pub(crate) presentation: Presentation,
    pub(crate) scene: Scene,
}

/// The fragment of a state, with its `#`; empty for the first state.
pub(crate) fn write(Linked { setup, presentation, scene }: &Linked) -> String {
    let mut parts = codec::parts(setup);
    parts.extend(presentation.write());
    parts.extend(parts::write(scene));
    codec::fragment(&parts)
}

/// Reads the state of a fragment.
///
/// # Errors
/// A sentence, if the fragment is not one of this page.
pub(crate) fn read(fragment: &str) -> Result<Linked, String> {
    let mut linked = Linked::default();
    let fragment = codec::decode(fragment)?;
    let mut settings = Vec::new();
    for part in codec::split(&fragment) {
        let (key, value) = part?;
        if let Some(setting) = Setting::find(key) {
            settings.push((setting, value));
            continue;
        }
        let read = linked.presentation.read(key, value);
        let read = read.or_else(|| parts::read(&mut linked.scene, key, value));
        read.ok_or_else(|| codec::unknown(key, value))??;
    }
    linked.setup = codec::apply(&settings)?;
    parts::check(&linked.scene, &linked.setup.network)?;
    Ok(linked)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::link::parts::Open;
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
        assert!(read(&"&".repeat(codec::MAX_LENGTH + 1)).is_err());
    }

    /// Settings put one after another, as a person would.
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
