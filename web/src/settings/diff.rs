//! How two setups differ, named as people name it, and what a setting can be compared with.

use super::{Kind, SETTINGS, Scale, Setting, Setup, grouped, number, show};
use crate::header::thousands;

/// A trick that is off when its number is 0, and at what it is worth trying (as in docs/accuracy.md and the shipped checkpoint).
const TYPICAL: [(&str, &str); 9] = [
    ("l1", "0.00001"),
    ("l2", "0.0001"),
    ("smoothing", "0.1"),
    ("rotation", "10"),
    ("shift", "2"),
    ("zoom", "0.1"),
    ("shear", "0.1"),
    ("elastic", "1"),
    ("crop", "2"),
];

/// The settings that lead from one setup to another, with their new values as links carry them. Tricks are told by their
/// names where that says it all, and as layers where it does not.
pub(crate) fn steps(from: &Setup, to: &Setup) -> Vec<(&'static Setting, String)> {
    let lead = |with_layers: bool| {
        let (mut reached, mut parts) = (from.clone(), Vec::new());
        for setting in SETTINGS.iter().filter(|s| with_layers || !matches!(s.kind, Kind::Layers)) {
            let text = setting.text(to).filter(|text| setting.text(&reached).as_ref() != Some(text));
            let mut next = reached.clone();
            let Some(text) = text.filter(|text| setting.put(&mut next, text).is_ok()) else { continue };
            // What changes the layers alone goes without saying where these are told.
            let of_layers = next.preset == reached.preset && next.training == reached.training;
            if !with_layers || !of_layers || matches!(setting.kind, Kind::Layers) {
                parts.push((setting, text));
                reached = next;
            }
        }
        (reached, parts)
    };
    let (reached, parts) = lead(false);
    if reached == *to { parts } else { lead(true).1 }
}

/// One setting that differs.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Difference {
    /// Its name.
    pub(crate) name: &'static str,
    /// Its value in words.
    pub(crate) value: String,
    /// The same in the setup that it is compared with, where it has one.
    pub(crate) other: Option<String>,
}

/// Where `setup` differs from `other`. What the change of one setting brings with it (the optimiser its learning rate) is
/// not told.
pub(crate) fn differences(setup: &Setup, other: &Setup) -> Vec<Difference> {
    let told = |(setting, text): (&'static Setting, String)| {
        let size = |setup: &Setup| format!("{} parameters", thousands(setup.network.parameters()));
        let (value, other) = match setting.kind {
            Kind::Layers => (size(setup), Some(size(other))),
            _ => (words(setting, &text), setting.text(other).map(|text| words(setting, &text))),
        };
        Difference { name: setting.name, value, other }
    };
    steps(other, setup).into_iter().map(told).collect()
}

/// A value as people read it.
pub(crate) fn words(setting: &Setting, text: &str) -> String {
    match &setting.kind {
        Kind::Choice { options, .. } => {
            let name = options.iter().find(|(id, _)| *id == text).map(|(_, name)| *name);
            // What goes together is no name: “LeCun: by inputs”.
            name.map_or(text, |name| name.split(':').next().unwrap_or(name)).to_owned()
        }
        Kind::Number { scale, .. } => match (scale, number(text)) {
            (_, Some(0.0)) if setting.has_off() => "off".to_owned(),
            (Scale::Even { unit, .. }, _) => format!("{text}{unit}"),
            (Scale::Rungs(_), Some(value)) => grouped(value),
            _ => text.to_owned(),
        },
        Kind::Switch { .. } | Kind::Layers => text.to_owned(),
    }
}

impl Setting {
    /// Whether its value 0 means that it is off.
    fn has_off(&self) -> bool {
        TYPICAL.iter().any(|(id, _)| *id == self.id)
    }

    /// The value that switches it, if it is something that is on or off: off, or on at a typical strength.
    pub(crate) fn switched(&self, setup: &Setup) -> Option<String> {
        let text = self.text(setup)?;
        let typical = TYPICAL.iter().find(|(id, _)| *id == self.id).map(|(_, on)| *on);
        match (&self.kind, typical) {
            (Kind::Switch { .. }, _) => Some(if text == "on" { "off" } else { "on" }.to_owned()),
            (_, Some(_)) if self.is_on(setup) => Some("0".to_owned()),
            (_, on) => on.map(str::to_owned),
        }
    }

    /// Other values that it can be compared with, as links carry them: those that it really takes here.
    pub(crate) fn others(&self, setup: &Setup) -> Vec<String> {
        let Some(now) = self.text(setup) else { return Vec::new() };
        let candidates: Vec<String> = match &self.kind {
            Kind::Choice { options, .. } => options.iter().map(|(id, _)| (*id).to_owned()).collect(),
            Kind::Number { scale: Scale::Rungs(rungs), .. } => rungs.iter().map(|v| show(*v)).collect(),
            Kind::Number { scale: Scale::Even { least, most, step, .. }, .. } => {
                // Sixths of the way, on the slider's steps.
                let at = |i: i32| ((most - least) / step * f64::from(i) / 6.0).round() * step + least;
                let even = (0..=6).map(|i| show(at(i)));
                even.chain(self.switched(setup)).collect()
            }
            Kind::Number { scale: Scale::Typed { .. }, .. } => {
                let seed = number(&now).unwrap_or(0.0);
                (1..=4).map(|i| show(seed + f64::from(i))).collect()
            }
            Kind::Switch { .. } => vec!["on".to_owned(), "off".to_owned()],
            Kind::Layers => Vec::new(),
        };
        let mut others: Vec<String> = Vec::new();
        for text in candidates {
            if text != now && !others.contains(&text) && self.put(&mut setup.clone(), &text).is_ok() {
                others.push(text);
            }
        }
        if !matches!(self.kind, Kind::Choice { .. } | Kind::Switch { .. }) {
            others.sort_by(|a, b| number(a).partial_cmp(&number(b)).unwrap_or(std::cmp::Ordering::Equal));
        }
        others
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nn::preset::Preset;

    fn changed(changes: &[(&str, &str)]) -> Setup {
        let mut setup = Setup::default();
        for (id, text) in changes {
            Setting::find(id).unwrap().put(&mut setup, text).unwrap();
        }
        setup
    }

    fn told(setup: &Setup, other: &Setup) -> Vec<String> {
        let all = differences(setup, other).into_iter();
        all.map(|d| format!("{} {} ({})", d.name, d.value, d.other.unwrap_or_default())).collect()
    }

    #[test]
    fn differences_are_named_both_ways() {
        let (plain, dropout) = (Setup::default(), changed(&[("dropout", "on"), ("rotation", "15")]));
        assert_eq!(told(&dropout, &plain), ["Dropout on (off)", "Rotation 15° (off)"]);
        assert_eq!(told(&plain, &dropout), ["Dropout off (on)", "Rotation off (15°)"]);
        assert!(differences(&plain, &plain).is_empty());
        assert_eq!(
            told(&changed(&[("images", "1000"), ("initialiser", "lecun")]), &plain),
            ["Training images 1,000 (60,000)", "Initialiser LeCun (He)"]
        );
    }

    #[test]
    fn what_a_setting_brings_with_it_is_not_told() {
        let sgd = changed(&[("optimiser", "sgd")]);
        assert_eq!(told(&sgd, &Setup::default()), ["Optimiser SGD (Adam)"]);
        let slow = changed(&[("optimiser", "sgd"), ("lr", "0.01")]);
        assert_eq!(told(&slow, &Setup::default()), ["Optimiser SGD (Adam)", "Learning rate 0.01 (0.003)"]);
        assert_eq!(told(&slow, &sgd), ["Learning rate 0.01 (0.1)"]);
        assert_eq!(told(&Setup::of(Preset::Mlp30), &Setup::default())[0], "Preset MLP 784-30-10 (LeNet-5)");
    }

    #[test]
    fn other_layers_are_told_as_such() {
        let edited = changed(&[("layers", "c4,r,f,d10")]);
        assert_eq!(told(&edited, &Setup::default()), ["Layers 23,154 parameters (61,706 parameters)"]);
    }

    #[test]
    fn every_trick_can_be_switched_there_and_back() {
        let plain = Setup::default();
        let tricks: Vec<_> = SETTINGS.iter().filter(|s| s.switched(&plain).is_some()).collect();
        assert_eq!(tricks.len(), 11);
        for setting in tricks {
            let mut with = plain.clone();
            setting.put(&mut with, &setting.switched(&plain).unwrap()).unwrap();
            assert!(setting.is_on(&with) && differences(&with, &plain).len() == 1, "{}", setting.id);
            let mut without = with.clone();
            setting.put(&mut without, &setting.switched(&with).unwrap()).unwrap();
            assert_eq!(without, plain, "{}", setting.id);
        }
    }

    #[test]
    fn others_are_values_that_it_takes_and_does_not_have() {
        let setup = changed(&[("dropout", "on")]);
        for setting in &SETTINGS {
            let others = setting.others(&setup);
            assert!(setting.text(&setup).is_none_or(|now| !others.contains(&now)), "{}", setting.id);
            for other in others {
                let mut next = setup.clone();
                setting.put(&mut next, &other).unwrap();
                assert!(!differences(&next, &setup).is_empty(), "{}={other}", setting.id);
            }
        }
        let others = |id| Setting::find(id).unwrap().others(&setup);
        assert_eq!(others("seed"), ["2", "3", "4", "5"]);
        assert_eq!(others("dropout"), ["off"]);
        assert!(
            others("rotation").contains(&"10".to_owned()) && !others("rotation").contains(&"0".to_owned())
        );
        assert!(others("layers").is_empty() && others("momentum").is_empty());
    }
}
