//! How the table declares a setting: `setting(group, id, name)`, then its values and where they lie in the setup, then its help.

use super::setting::{Choice, Field, Group, Kind, Scale, Setting, Width};
use super::setup::Setup;

/// A setting without values.
pub(super) struct Declaration {
    group: Group,
    id: &'static str,
    name: &'static str,
}

/// Begins a declaration.
pub(super) const fn setting(group: Group, id: &'static str, name: &'static str) -> Declaration {
    Declaration { group, id, name }
}

impl Declaration {
    /// One of several values, from a menu.
    pub(super) const fn choice(self, choice: Choice) -> Setting {
        self.finish(Kind::Choice(choice), Width::Full)
    }

    /// A number from a list in ascending order.
    pub(super) const fn menu(self, values: &'static [f64], field: Field<f64>) -> Setting {
        self.finish(Kind::Number(Scale::Menu(values), field), Width::Half)
    }

    /// A number between `min` and `max`, followed by its unit.
    pub(super) const fn slider(
        self,
        (min, max): (f64, f64),
        step: f64,
        unit: &'static str,
        field: Field<f64>,
    ) -> Setting {
        self.finish(Kind::Number(Scale::Slider { min, max, step, unit }, field), Width::Full)
    }

    /// A whole number that is typed.
    pub(super) const fn integer(self, (min, max): (f64, f64), field: Field<f64>) -> Setting {
        self.finish(Kind::Number(Scale::Integer { min, max }, field), Width::Half)
    }

    /// On or off.
    pub(super) const fn switch(self, field: Field<bool>) -> Setting {
        self.finish(Kind::Switch(field), Width::Full)
    }

    /// The layers of the network.
    pub(super) const fn layers(self) -> Setting {
        self.finish(Kind::Layers, Width::Full)
    }

    const fn finish(self, kind: Kind, width: Width) -> Setting {
        let Self { group, id, name } = self;
        Setting { id, name, group, help: "", kind, width, typical: None, strong: None, is_custom: |_| false }
    }
}

impl Setting {
    /// What it does, and what to look for.
    pub(super) const fn help(self, help: &'static str) -> Self {
        Self { help, ..self }
    }

    /// Two controls in a row.
    pub(super) const fn half(self) -> Self {
        Self { width: Width::Half, ..self }
    }

    /// Three controls in a row.
    pub(super) const fn third(self) -> Self {
        Self { width: Width::Third, ..self }
    }

    /// It is off at 0; this value is worth trying (as in docs/accuracy.md and the shipped checkpoint).
    pub(super) const fn typical(self, value: f64) -> Self {
        Self { typical: Some(value), ..self }
    }

    /// The value at which its effect is seen with few images (an L2 penalty of 0.01 on 1,000 of them: 93.0 to 94.3 %).
    pub(super) const fn strong(self, value: f64) -> Self {
        Self { strong: Some(value), ..self }
    }

    /// Its control shows “Custom” where this holds.
    pub(super) const fn custom_if(self, is_custom: fn(&Setup) -> bool) -> Self {
        Self { is_custom, ..self }
    }
}

/// The number at a path of the setup, as in `field!(training.augmentation.rotation)`.
macro_rules! field {
    ($($path:ident).+) => {
        Field { get: |s| Some(s.$($path).+ as f64), set: |s, value| s.$($path).+ = value as _ }
    };
}

/// A number that only some variants of the enum at a path have, as in
/// `field_of_variant!(training.schedule, Schedule::Step { factor, .. } => factor)`.
macro_rules! field_of_variant {
    ($($path:ident).+, $pattern:pat => $number:ident) => {
        Field {
            get: |s| match &s.$($path).+ {
                $pattern => Some(f64::from(*$number)),
                _ => None,
            },
            set: |s, value| {
                if let $pattern = &mut s.$($path).+ {
                    *$number = value as f32;
                }
            },
        }
    };
}

/// A choice among the variants of the enum at a path of the setup: their ids, their names, and what is set. The fields of a
/// variant do not matter.
macro_rules! variants {
    ($($path:ident).+, [$(($id:literal, $name:literal, $variant:expr)),+ $(,)?]) => {
        Choice {
            options: &[$(($id, $name)),+],
            field: Field {
                get: |s| {
                    let now = std::mem::discriminant(&s.$($path).+);
                    let is_now = |(_, variant): &(_, _)| std::mem::discriminant(variant) == now;
                    [$(($id, $variant)),+].into_iter().find(is_now).map(|(id, _)| id)
                },
                set: |s, id| {
                    let mut all = [$(($id, $variant)),+].into_iter();
                    if let Some((_, variant)) = all.find(|(known, _)| *known == id) {
                        s.$($path).+ = variant;
                    }
                },
            },
        }
    };
}

pub(super) use {field, field_of_variant, variants};
