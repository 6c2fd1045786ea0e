//! Every setting of the page, declared once: from this table come the controls, the link and what the trainer is told.

pub(crate) mod codec;
pub(crate) mod diff;
pub(crate) mod layers;
pub(crate) mod presentation;
mod table;
mod tricks;

use nn::preset::Preset;
use nn::spec::{NetworkSpec, TrainingSpec};

use crate::header::thousands;

pub(crate) use table::SETTINGS;

/// What is trained and how.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Setup {
    /// The ready-made network it began as; [`Setup::is_preset`] says whether it still is one.
    pub(crate) preset: Preset,
    pub(crate) network: NetworkSpec,
    pub(crate) training: TrainingSpec,
}

impl Default for Setup {
    fn default() -> Self {
        Self::of(Preset::LeNet5)
    }
}

impl Setup {
    /// A preset, trained as it is best trained.
    pub(crate) fn of(preset: Preset) -> Self {
        Self { preset, network: preset.network(), training: preset.training() }
    }

    /// Whether the layers are those of the preset.
    pub(crate) fn is_preset(&self) -> bool {
        self.network == self.preset.network()
    }
}

/// Where a control stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Group {
    Network,
    Layers,
    Training,
    Tricks,
    Augmentation,
}

impl Group {
    pub(crate) const ALL: [Self; 5] =
        [Self::Network, Self::Layers, Self::Training, Self::Tricks, Self::Augmentation];

    /// The heading.
    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Network => "Network",
            Self::Layers => "Layers",
            Self::Training => "Training",
            Self::Tricks => "Tricks",
            Self::Augmentation => "Augmentation",
        }
    }

    /// The name by which a link hides it.
    pub(crate) const fn id(self) -> &'static str {
        match self {
            Self::Network => "network",
            Self::Layers => "layers",
            Self::Training => "training",
            Self::Tricks => "tricks",
            Self::Augmentation => "augmentation",
        }
    }
}

/// One thing that can be set.
pub(crate) struct Setting {
    /// Its name in links.
    pub(crate) id: &'static str,
    /// Its name for people.
    pub(crate) name: &'static str,
    pub(crate) group: Group,
    /// What it does, and what to look for.
    pub(crate) help: &'static str,
    pub(crate) kind: Kind,
}

/// What values a setting has, and where they stand. `get` gives nothing where the setting has no meaning: momentum
/// without gradient descent.
pub(crate) enum Kind {
    /// One of several, each with its name in links and its name for people.
    Choice {
        options: &'static [(&'static str, &'static str)],
        get: fn(&Setup) -> Option<&'static str>,
        set: fn(&mut Setup, &str),
    },
    Number {
        scale: Scale,
        get: fn(&Setup) -> Option<f64>,
        set: fn(&mut Setup, f64),
    },
    Switch {
        get: fn(&Setup) -> Option<bool>,
        set: fn(&mut Setup, bool),
    },
    /// The stack of layers.
    Layers,
}

/// How a number is chosen.
pub(crate) enum Scale {
    /// From a list, smallest first. A link may carry what lies between.
    Rungs(&'static [f64]),
    /// Evenly, with a unit behind the number; 0 is off.
    Even { least: f64, most: f64, step: f64, unit: &'static str },
    /// By typing a whole number.
    Typed { least: f64, most: f64 },
}

impl Scale {
    /// Smallest and largest value.
    pub(crate) fn range(&self) -> (f64, f64) {
        match *self {
            Self::Rungs(rungs) => (rungs[0], rungs[rungs.len() - 1]),
            Self::Even { least, most, .. } | Self::Typed { least, most } => (least, most),
        }
    }
}

impl Setting {
    /// The setting with this name in links.
    pub(crate) fn find(id: &str) -> Option<&'static Self> {
        SETTINGS.iter().find(|setting| setting.id == id)
    }

    /// The value as links and controls carry it; nothing where it has no meaning.
    pub(crate) fn text(&self, setup: &Setup) -> Option<String> {
        match self.kind {
            Kind::Choice { get, .. } => get(setup).map(str::to_owned),
            Kind::Number { get, .. } => get(setup).map(show),
            Kind::Switch { get, .. } => get(setup).map(|on| if on { "on" } else { "off" }.to_owned()),
            Kind::Layers => Some(layers::write(&setup.network.layers)),
        }
    }

    /// Sets the value.
    ///
    /// # Errors
    /// A sentence, if it has no such value; it is as it was then.
    pub(crate) fn put(&self, setup: &mut Setup, text: &str) -> Result<(), String> {
        // What is on stays as it is; a preset that is chosen once more brings back what was edited.
        if matches!(self.kind, Kind::Switch { .. }) && self.text(setup).as_deref() == Some(text) {
            return Ok(());
        }
        let mut next = setup.clone();
        let wanted = match &self.kind {
            Kind::Choice { options, set, .. } => {
                if !options.iter().any(|(id, _)| *id == text) {
                    return Err(format!("{} cannot be “{}”.", self.name, shortened(text)));
                }
                set(&mut next, text);
                text.to_owned()
            }
            Kind::Number { scale, set, .. } => {
                let (least, most) = scale.range();
                let value = number(text).filter(|v| (least..=most).contains(v));
                let (least, most) = (show(least), show(most));
                let value =
                    value.ok_or_else(|| format!("{} must be between {least} and {most}.", self.name))?;
                set(&mut next, value);
                show(value)
            }
            Kind::Switch { set, .. } => {
                if text != "on" && text != "off" {
                    return Err(format!("{} is either on or off.", self.name));
                }
                set(&mut next, text == "on");
                text.to_owned()
            }
            Kind::Layers => {
                next.network.layers = layers::read(text)?;
                layers::write(&next.network.layers)
            }
        };
        if self.text(&next) != Some(wanted) {
            return Err(format!("{} cannot be “{}” here.", self.name, shortened(text)));
        }
        *setup = next;
        Ok(())
    }

    /// Whether it is a trick that is switched on.
    pub(crate) fn is_on(&self, setup: &Setup) -> bool {
        match self.kind {
            Kind::Switch { get, .. } => get(setup) == Some(true),
            // A share that goes with a switch cannot be off.
            Kind::Number { ref scale, get, .. } => {
                scale.range().0 == 0.0 && get(setup).is_some_and(|value| value > 0.0)
            }
            Kind::Choice { .. } | Kind::Layers => false,
        }
    }
}

/// The number in a text, if there is nothing else in it.
pub(crate) fn number(text: &str) -> Option<f64> {
    text.trim().parse().ok().filter(|value: &f64| value.is_finite())
}

/// A number as text, no longer than the trainer's precision asks for: numbers are compared by it.
pub(crate) fn show(value: f64) -> String {
    if value.fract() == 0.0 { value.to_string() } else { (value as f32).to_string() }
}

/// A positive number as people read it.
pub(crate) fn grouped(value: f64) -> String {
    match value {
        1000.0.. => thousands(value as usize),
        0.0001.. | 0.0 => show(value),
        _ => format!("{value:e}"),
    }
}

/// The beginning of what came from outside: a sentence repeats no more of it.
pub(crate) fn shortened(text: &str) -> String {
    let mut short: String = text.chars().filter(|c| !c.is_control()).take(30).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_once() {
        for (i, setting) in SETTINGS.iter().enumerate() {
            assert!(setting.help.ends_with('.'), "{}", setting.id);
            for other in &SETTINGS[i + 1..] {
                assert!(setting.id != other.id && setting.name != other.name, "{}", setting.id);
            }
        }
    }

    #[test]
    fn what_is_refused_changes_nothing() {
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
                setting.put(&mut setup, text).is_err_and(|sentence| sentence.ends_with('.')),
                "{id}={text}"
            );
            assert_eq!(setup, Setup::default());
        }
    }

    #[test]
    fn numbers_are_short_and_exact() {
        for (text, shown) in
            [("0.10", "0.1"), ("64", "64"), ("4294967295", "4294967295"), ("1e-8", "0.00000001")]
        {
            assert_eq!(number(text).map(show).as_deref(), Some(shown));
        }
        assert!(["", "inf", "1,5", "0x10", "1 2"].iter().all(|text| number(text).is_none()));
    }
}
