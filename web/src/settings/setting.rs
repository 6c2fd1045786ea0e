//! What a setting is, and how its value is read and set.

use super::layers;
use super::setup::Setup;
use crate::ui::format::{excerpt, listed, parse_number, shortest};

/// The heading under which a control stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Group {
    Network,
    Layers,
    Training,
    Tricks,
    Data,
    Augmentation,
}

impl Group {
    pub(crate) const ALL: [Self; 6] =
        [Self::Network, Self::Layers, Self::Training, Self::Tricks, Self::Data, Self::Augmentation];

    /// Its text.
    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Network => "Network",
            Self::Layers => "Layers",
            Self::Training => "Training",
            Self::Tricks => "Tricks",
            Self::Data => "Data",
            Self::Augmentation => "Augmentation",
        }
    }

    /// Its name in links.
    pub(crate) const fn id(self) -> &'static str {
        match self {
            Self::Network => "network",
            Self::Layers => "layers",
            Self::Training => "training",
            Self::Tricks => "tricks",
            Self::Data => "data",
            Self::Augmentation => "augmentation",
        }
    }
}

/// One setting: declared in the table, and shown, linked and compared from there.
pub(crate) struct Setting {
    /// Its name in links.
    pub(crate) id: &'static str,
    /// Its name on the page.
    pub(crate) name: &'static str,
    pub(crate) group: Group,
    /// What it does, and what to look for.
    pub(crate) help: &'static str,
    pub(crate) kind: Kind,
    /// Width of its control.
    pub(crate) width: Width,
    /// A number for which 0 means off: the value it is switched on at.
    pub(super) typical: Option<f64>,
    /// The value at which its effect is seen with few images, if it is another one.
    pub(super) strong: Option<f64>,
    /// Whether its control shows “Custom”, although links keep its value.
    pub(super) is_custom: fn(&Setup) -> bool,
}

/// Width of a control in its group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Width {
    Full,
    Half,
    Third,
}

/// The values of a setting, and where they lie.
pub(crate) enum Kind {
    Choice(Choice),
    Number(Scale, Field<f64>),
    Switch(Field<bool>),
    /// The layers of the network.
    Layers,
}

/// One of several values.
pub(crate) struct Choice {
    /// Ids in links, and names on the page.
    pub(crate) options: &'static [(&'static str, &'static str)],
    /// The id.
    pub(super) field: Field<&'static str>,
}

/// Where a value lies in the setup.
pub(crate) struct Field<T> {
    /// The value; `None` where it has no meaning, as momentum with Adam.
    pub(super) get: fn(&Setup) -> Option<T>,
    pub(super) set: fn(&mut Setup, T),
}

/// How a number is chosen. Links may carry any number of the range.
pub(crate) enum Scale {
    /// From a list in ascending order.
    Menu(&'static [f64]),
    /// By a slider.
    Slider { min: f64, max: f64, step: f64, unit: &'static str },
    /// By typing a whole number.
    Integer { min: f64, max: f64 },
}

impl Scale {
    /// Smallest and largest value.
    pub(crate) fn range(&self) -> (f64, f64) {
        match *self {
            Self::Menu(values) => (values[0], values[values.len() - 1]),
            Self::Slider { min, max, .. } | Self::Integer { min, max } => (min, max),
        }
    }
}

impl Setting {
    /// The value as links and controls carry it; `None` where it has no meaning.
    pub(crate) fn text(&self, setup: &Setup) -> Option<String> {
        match &self.kind {
            Kind::Choice(choice) => (choice.field.get)(setup).map(str::to_owned),
            Kind::Number(_, field) => (field.get)(setup).map(shortest),
            Kind::Switch(field) => (field.get)(setup).map(|on| if on { "on" } else { "off" }.to_owned()),
            Kind::Layers => Some(layers::write(&setup.network.layers)),
        }
    }

    /// The value as its control shows it: as [`Setting::text`], or `custom`.
    pub(crate) fn shown_text(&self, setup: &Setup) -> Option<String> {
        if (self.is_custom)(setup) { Some("custom".to_owned()) } else { self.text(setup) }
    }

    /// Sets the value.
    ///
    /// # Errors
    /// A sentence, if the setting does not have this value; the setup is unchanged then.
    pub(crate) fn set_text(&self, setup: &mut Setup, text: &str) -> Result<(), String> {
        // A switch that is on already changes nothing; a preset that is chosen again undoes all edits.
        if matches!(self.kind, Kind::Switch(_)) && self.text(setup).as_deref() == Some(text) {
            return Ok(());
        }
        let mut next = setup.clone();
        let expected = match &self.kind {
            Kind::Choice(Choice { options, field }) => {
                let option = options.iter().find(|(id, _)| *id == text);
                let (id, _) =
                    option.ok_or_else(|| format!("{} cannot be “{}”.", self.name, excerpt(text)))?;
                (field.set)(&mut next, id);
                text.to_owned()
            }
            Kind::Number(scale, field) => {
                let (min, max) = scale.range();
                let value =
                    parse_number(text).filter(|value| (min..=max).contains(value)).ok_or_else(|| {
                        format!("{} must be between {} and {}.", self.name, shortest(min), shortest(max))
                    })?;
                (field.set)(&mut next, value);
                shortest(value)
            }
            Kind::Switch(field) => {
                if text != "on" && text != "off" {
                    return Err(format!("{} is either on or off.", self.name));
                }
                (field.set)(&mut next, text == "on");
                text.to_owned()
            }
            Kind::Layers => {
                next.network.layers = layers::read(text)?;
                layers::write(&next.network.layers)
            }
        };
        if self.text(&next) != Some(expected) {
            return Err(format!("{} cannot be “{}” here.", self.name, excerpt(text)));
        }
        *setup = next;
        Ok(())
    }

    /// What helps where `text` cannot be its value in this setup: a clause without a full stop.
    pub(crate) fn refusal(&self, setup: &Setup, text: &str) -> String {
        let number =
            |(min, max): (f64, f64)| parse_number(text).is_some_and(|value| (min..=max).contains(&value));
        let (exists, usage) = match &self.kind {
            Kind::Choice(Choice { options, .. }) => {
                let ids: Vec<_> = options.iter().map(|(id, _)| *id).collect();
                (ids.contains(&text), format!("use {}", listed(&ids, "or")))
            }
            Kind::Number(scale, _) => {
                let (min, max) = scale.range();
                let kind = if matches!(scale, Scale::Integer { .. }) { "whole number" } else { "number" };
                (number((min, max)), format!("use a {kind} from {} to {}", shortest(min), shortest(max)))
            }
            Kind::Switch(_) => (["on", "off"].contains(&text), "use on or off".to_owned()),
            Kind::Layers => {
                return layers::read(text).err().unwrap_or_else(|| "these layers do not fit".to_owned());
            }
        };
        if exists && self.text(setup).is_none() {
            "has no effect with these settings".to_owned()
        } else {
            usage
        }
    }

    /// Whether 0 means that it is off.
    pub(crate) fn has_off(&self) -> bool {
        self.typical.is_some()
    }

    /// Whether it is a trick: switched on or off.
    pub(crate) fn is_trick(&self) -> bool {
        matches!(self.kind, Kind::Switch(_)) || self.has_off()
    }

    /// Whether it is a trick that is on.
    pub(crate) fn is_on(&self, setup: &Setup) -> bool {
        match &self.kind {
            Kind::Switch(field) => (field.get)(setup) == Some(true),
            Kind::Number(_, field) => self.has_off() && (field.get)(setup).is_some_and(|value| value > 0.0),
            Kind::Choice(_) | Kind::Layers => false,
        }
    }
}
