//! The settings in which two setups differ, and the values that a setting can be compared with.

use super::setting::{Kind, Scale, Setting};
use super::setup::Setup;
use super::table::SETTINGS;
use crate::ui::format::{count, grouped, parse_number, shortest};

/// The changes of settings that turn one setup into another, with their new values as links carry them. Tricks such as
/// dropout are settings of their own; only if they do not describe the layers, the layers themselves are among the changes.
pub(crate) fn changes(from: &Setup, to: &Setup) -> Vec<(&'static Setting, String)> {
    let path = |with_layers: bool| {
        let (mut reached, mut changes) = (from.clone(), Vec::new());
        for setting in SETTINGS.iter().filter(|s| with_layers || !matches!(s.kind, Kind::Layers)) {
            let text = setting.text(to).filter(|text| setting.text(&reached).as_ref() != Some(text));
            let mut next = reached.clone();
            let Some(text) = text.filter(|text| setting.set_text(&mut next, text).is_ok()) else { continue };
            // The layers include the settings that change nothing else.
            let only_layers = next.preset == reached.preset && next.training == reached.training;
            if !with_layers || !only_layers || matches!(setting.kind, Kind::Layers) {
                changes.push((setting, text));
                reached = next;
            }
        }
        (reached, changes)
    };
    let (reached, changes) = path(false);
    if reached == *to { changes } else { path(true).1 }
}

/// One setting that differs.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Difference {
    /// Its name.
    pub(crate) name: &'static str,
    /// Its value in words.
    pub(crate) value: String,
    /// Its value in the other setup, in words, where it has one.
    pub(crate) other: Option<String>,
}

/// Where `setup` differs from `other`. A value that another setting brings (the learning rate of an optimiser) is no
/// difference of its own.
pub(crate) fn differences(setup: &Setup, other: &Setup) -> Vec<Difference> {
    let difference = |(setting, text): (&'static Setting, String)| {
        let size = |setup: &Setup| count(setup.network.parameters(), "parameter");
        let (value, other) = match setting.kind {
            Kind::Layers => (size(setup), Some(size(other))),
            _ => (words(setting, &text), setting.text(other).map(|text| words(setting, &text))),
        };
        Difference { name: setting.name, value, other }
    };
    changes(other, setup).into_iter().map(difference).collect()
}

/// A value of a setting in words.
pub(crate) fn words(setting: &Setting, text: &str) -> String {
    match &setting.kind {
        Kind::Choice(choice) => {
            let name = choice.options.iter().find(|(id, _)| *id == text).map(|(_, name)| *name);
            // The name of “LeCun: by inputs” is “LeCun”.
            name.map_or(text, |name| name.split(':').next().unwrap_or(name)).to_owned()
        }
        Kind::Number(scale, _) => match (scale, parse_number(text)) {
            (_, Some(0.0)) if setting.has_off() => "off".to_owned(),
            (Scale::Slider { unit, .. }, _) => format!("{text}{unit}"),
            (Scale::Menu(_), Some(value)) => grouped(value),
            _ => text.to_owned(),
        },
        Kind::Switch(_) | Kind::Layers => text.to_owned(),
    }
}

impl Setting {
    /// The value that turns a trick on or off; `None` for a setting that has no off.
    pub(crate) fn toggled(&self, setup: &Setup) -> Option<String> {
        let text = self.text(setup)?;
        match self.kind {
            Kind::Switch(_) => Some(if text == "on" { "off" } else { "on" }.to_owned()),
            _ if self.has_off() && self.is_on(setup) => Some("0".to_owned()),
            _ => self.typical.map(shortest),
        }
    }

    /// The same where images are few: what is switched on is as strong as its effect needs it.
    pub(crate) fn toggled_where_it_matters(&self, setup: &Setup) -> Option<String> {
        let strong = self.strong.filter(|_| !self.is_on(setup)).map(shortest);
        strong.or_else(|| self.toggled(setup))
    }

    /// Other values that the setting can have in this setup, as links carry them.
    pub(crate) fn alternatives(&self, setup: &Setup) -> Vec<String> {
        let Some(now) = self.text(setup) else { return Vec::new() };
        let candidates: Vec<String> = match &self.kind {
            Kind::Choice(choice) => choice.options.iter().map(|(id, _)| (*id).to_owned()).collect(),
            Kind::Number(Scale::Menu(values), _) => values.iter().map(|value| shortest(*value)).collect(),
            Kind::Number(Scale::Slider { min, max, step, .. }, _) => {
                // Sixths of the range, rounded to the slider's steps.
                let sixth = |i: i32| ((max - min) / step * f64::from(i) / 6.0).round() * step + min;
                (0..=6).map(|i| shortest(sixth(i))).chain(self.toggled(setup)).collect()
            }
            Kind::Number(Scale::Integer { .. }, _) => {
                let value = parse_number(&now).unwrap_or(0.0);
                (1..=4).map(|i| shortest(value + f64::from(i))).collect()
            }
            Kind::Switch(_) => vec!["on".to_owned(), "off".to_owned()],
            Kind::Layers => Vec::new(),
        };
        let mut alternatives: Vec<String> = Vec::new();
        for text in candidates {
            let is_new = text != now && !alternatives.contains(&text);
            if is_new && self.set_text(&mut setup.clone(), &text).is_ok() {
                alternatives.push(text);
            }
        }
        if matches!(self.kind, Kind::Number(..)) {
            alternatives.sort_by(|a, b| {
                parse_number(a).partial_cmp(&parse_number(b)).unwrap_or(std::cmp::Ordering::Equal)
            });
        }
        alternatives
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nn::preset::Preset;

    fn changed(changes: &[(&str, &str)]) -> Setup {
        let mut setup = Setup::default();
        for (id, text) in changes {
            Setting::find(id).unwrap().set_text(&mut setup, text).unwrap();
        }
        setup
    }

    fn sentences(setup: &Setup, other: &Setup) -> Vec<String> {
        let all = differences(setup, other).into_iter();
        all.map(|d| format!("{} {} ({})", d.name, d.value, d.other.unwrap_or_default())).collect()
    }

    #[test]
    fn differences_are_named_in_both_directions() {
        let (plain, dropout) = (Setup::default(), changed(&[("dropout", "on"), ("rotation", "15")]));
        assert_eq!(sentences(&dropout, &plain), ["Dropout on (off)", "Rotation 15° (off)"]);
        assert_eq!(sentences(&plain, &dropout), ["Dropout off (on)", "Rotation off (15°)"]);
        assert!(differences(&plain, &plain).is_empty());
        assert_eq!(
            sentences(&changed(&[("images", "1000"), ("initialiser", "lecun")]), &plain),
            ["Training images 1,000 (60,000)", "Initialiser LeCun (He)"]
        );
    }

    #[test]
    fn a_value_brought_by_another_setting_is_no_difference() {
        let sgd = changed(&[("optimiser", "sgd")]);
        assert_eq!(sentences(&sgd, &Setup::default()), ["Optimiser SGD (Adam)"]);
        let slow = changed(&[("optimiser", "sgd"), ("lr", "0.01")]);
        assert_eq!(
            sentences(&slow, &Setup::default()),
            ["Optimiser SGD (Adam)", "Learning rate 0.01 (0.003)"]
        );
        assert_eq!(sentences(&slow, &sgd), ["Learning rate 0.01 (0.1)"]);
        assert_eq!(
            sentences(&Setup::of(Preset::Mlp30), &Setup::default())[0],
            "Preset MLP 784-30-10 (LeNet-5)"
        );
    }

    #[test]
    fn edited_layers_are_one_difference() {
        let edited = changed(&[("layers", "c4,r,f,d10")]);
        assert_eq!(sentences(&edited, &Setup::default()), ["Layers 23,154 parameters (61,706 parameters)"]);
    }

    #[test]
    fn every_trick_can_be_toggled_on_and_off() {
        let plain = Setup::default();
        let tricks: Vec<_> = SETTINGS.iter().filter(|s| s.toggled(&plain).is_some()).collect();
        assert_eq!(tricks.len(), 13);
        for setting in tricks {
            let mut with = plain.clone();
            setting.set_text(&mut with, &setting.toggled(&plain).unwrap()).unwrap();
            assert!(setting.is_on(&with) && differences(&with, &plain).len() == 1, "{}", setting.id);
            let mut without = with.clone();
            setting.set_text(&mut without, &setting.toggled(&with).unwrap()).unwrap();
            assert_eq!(without, plain, "{}", setting.id);
        }
    }

    #[test]
    fn alternatives_are_valid_and_differ_from_the_value() {
        let setup = changed(&[("dropout", "on")]);
        for setting in &SETTINGS {
            let alternatives = setting.alternatives(&setup);
            assert!(setting.text(&setup).is_none_or(|now| !alternatives.contains(&now)), "{}", setting.id);
            for text in alternatives {
                let mut next = setup.clone();
                setting.set_text(&mut next, &text).unwrap();
                assert!(!differences(&next, &setup).is_empty(), "{}={text}", setting.id);
            }
        }
        let alternatives = |id| Setting::find(id).unwrap().alternatives(&setup);
        assert_eq!(alternatives("seed"), ["2", "3", "4", "5"]);
        assert_eq!(alternatives("dropout"), ["off"]);
        assert!(
            alternatives("rotation").contains(&"10".to_owned())
                && !alternatives("rotation").contains(&"0".to_owned())
        );
        assert!(alternatives("layers").is_empty() && alternatives("momentum").is_empty());
    }
}
