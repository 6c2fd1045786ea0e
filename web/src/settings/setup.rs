//! What the settings set.

use nn::preset::Preset;
use nn::spec::{NetworkSpec, TrainingSpec};

/// A network and how it is trained.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Setup {
    /// The preset that was chosen last; [`Setup::is_preset`] tells whether everything is still as it has it.
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
    /// A preset with the training that suits it.
    pub(crate) fn of(preset: Preset) -> Self {
        Self { preset, network: preset.network(), training: preset.training() }
    }

    /// Whether everything is as the preset has it, except for the seed, the number of images and when training stops, which presets
    /// leave as they are.
    pub(crate) fn is_preset(&self) -> bool {
        let TrainingSpec { seed, subset, stop, .. } = self.training;
        let own = TrainingSpec { seed, subset, stop, ..self.preset.training() };
        self.network == self.preset.network() && self.training == own
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Setting;

    #[test]
    fn a_preset_with_other_settings_is_custom() {
        let preset = Setting::find("preset").unwrap();
        for (id, text, shown) in [
            ("seed", "7", "mlp30"),
            ("images", "1000", "mlp30"),
            ("stop", "epoch", "mlp30"),
            ("lr", "0.02", "custom"),
            ("schedule", "cosine", "custom"),
            ("l2", "0.0001", "custom"),
            ("rotation", "10", "custom"),
            ("batch", "16", "custom"),
            ("dropout", "on", "custom"),
        ] {
            let mut setup = Setup::of(Preset::Mlp30);
            assert_eq!(preset.shown_text(&setup).as_deref(), Some("mlp30"));
            Setting::find(id).unwrap().set_text(&mut setup, text).unwrap();
            assert_eq!(preset.shown_text(&setup).as_deref(), Some(shown), "{id}");
            assert_eq!(preset.text(&setup).as_deref(), Some("mlp30"), "{id}: links keep it");
        }
    }
}
